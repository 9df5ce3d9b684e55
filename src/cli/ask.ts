/** Questions to whoever sits at the terminal. They are asked on STDERR: STDOUT may lead to a file. */
import type * as Clack from '@clack/prompts';
import { Cancelled, UsageError } from './exit-codes.ts';
import { canAsk } from './output.ts';

/**
 * Whether to go on, where that can't be taken back.
 *
 * @param isSure said so with `--yes`
 * @throws UsageError where there is nobody to ask, Cancelled
 */
export async function confirm(question: string, isSure: boolean): Promise<boolean> {
  if (isSure) return true;
  if (!canAsk()) throw new UsageError(`${question} There is no terminal to ask on: say --yes`);
  const clack = await import('@clack/prompts');
  const streams = { input: process.stdin, output: process.stderr };
  return await answerTo(clack, (signal) =>
    clack.confirm({ message: question, initialValue: false, signal, ...streams }),
  );
}

/**
 * Asks a question of @clack/prompts. The end of the input, as Ctrl-D makes it, would leave one open for ever.
 *
 * @throws Cancelled
 */
export async function answerTo<T>(
  { isCancel }: typeof Clack,
  ask: (signal: AbortSignal) => Promise<T | typeof Clack.CANCEL_SYMBOL>,
): Promise<T> {
  const ending = new AbortController();
  const end = (_: string | undefined, key: { readonly ctrl?: boolean; readonly name?: string }) => {
    if (key.ctrl === true && key.name === 'd') ending.abort();
  };
  process.stdin.on('keypress', end);
  try {
    const answer = await ask(ending.signal);
    if (isCancel(answer)) throw new Cancelled();
    return answer;
  } finally {
    process.stdin.off('keypress', end);
  }
}
