/** Questions to the user at the terminal. They go to STDERR, because STDOUT may be a file. */
import type * as Clack from '@clack/prompts';
import { Cancelled, UsageError } from '../command-line/exit-codes.ts';
import type { Io } from '../command-line/io.ts';
import { canAsk } from './output.ts';

/**
 * Asks for confirmation of something that can't be undone.
 *
 * @param isSure true with `--yes`: doesn't ask
 * @throws UsageError without a terminal, Cancelled
 */
export async function confirm(io: Io, question: string, isSure: boolean): Promise<boolean> {
  if (isSure) return true;
  if (!canAsk(io)) throw new UsageError(`${question} There is no terminal to ask on; to confirm, add --yes`);
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
  // Ctrl-D: readline treats it as the end of the input, and the question would stay open forever.
  updateSettings({ aliases: { '\u0004': 'cancel' } });
  const answer = await ask();
  if (isCancel(answer)) throw new Cancelled();
  return answer;
}
