/** Questions to whoever sits at the terminal. They are asked on STDERR: STDOUT may lead to a file. */
import type * as Clack from '@clack/prompts';
import { Cancelled, UsageError } from '../command-line/exit-codes.ts';
import { canAsk } from './output.ts';

/**
 * Whether to go on, where that can't be taken back.
 *
 * @param isSure said so with `--yes`
 * @throws UsageError where there is nobody to ask, Cancelled
 */
export async function confirm(question: string, isSure: boolean): Promise<boolean> {
  if (isSure) return true;
  if (!canAsk()) throw new UsageError(`${question} There is no terminal to confirm it on; add --yes`);
  const clack = await import('@clack/prompts');
  const streams = { input: process.stdin, output: process.stderr };
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
  // Ctrl-D: for readline the end of the input, which would leave the question open for ever.
  updateSettings({ aliases: { '\u0004': 'cancel' } });
  const answer = await ask();
  if (isCancel(answer)) throw new Cancelled();
  return answer;
}
