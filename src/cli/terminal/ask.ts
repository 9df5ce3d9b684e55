/** Questions to the person at the terminal. They go to STDERR: STDOUT may lead to a file. */
import type * as Clack from '@clack/prompts';
import { Cancelled, UsageError } from '../command-line/exit-codes.ts';
import type { Io } from '../command-line/io.ts';
import { canAsk } from './output.ts';

/**
 * Asks whether to go on with something that can't be undone.
 *
 * @param isSure `--yes` has answered it
 * @throws UsageError without a terminal, Cancelled
 */
export async function confirm(io: Io, question: string, isSure: boolean): Promise<boolean> {
  if (isSure) return true;
  if (!canAsk(io)) throw new UsageError(`${question} There is no terminal to confirm it on; add --yes`);
  const clack = await import('@clack/prompts');
  const streams = { input: io.stdin, output: io.stderr };
  return await answerTo(clack, () => clack.confirm({ message: question, initialValue: false, ...streams }));
}

/**
 * Asks a question of @clack/prompts.
 *
 * @throws Cancelled
 */
export async function answerTo<T>(
  { isCancel, updateSettings }: typeof Clack,
  ask: () => Promise<T | typeof Clack.CANCEL_SYMBOL>,
): Promise<T> {
  // Ctrl-D: readline takes it for the end of the input, and the question would stay open forever.
  updateSettings({ aliases: { '\u0004': 'cancel' } });
  const answer = await ask();
  if (isCancel(answer)) throw new Cancelled();
  return answer;
}
