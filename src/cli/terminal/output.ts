/**
 * STDOUT of commands that print a result and end. The reader may close it at any time (`| head -1`). That never stops work,
 * but a command that would only print more may stop.
 */
import { visible } from '../../messages/visible.ts';
import type { Io } from '../command-line/io.ts';

/** Prints a text as it is. @returns false if the reader is gone */
export function print({ stdout }: Pick<Io, 'stdout'>, text: string): Promise<boolean> {
  return new Promise((resolve) => {
    stdout.write(text, (error) => resolve(error === null || error === undefined));
  });
}

/** Prints one JSON document, for programs: it is all of STDOUT. It is also safe on a terminal. */
export function printJson(io: Pick<Io, 'stdout'>, value: unknown): Promise<boolean> {
  const lines = JSON.stringify(value, null, 2).split('\n');
  // Control characters occur only inside strings, where an escape means the same.
  return print(io, `${lines.map(visible).join('\n')}\n`);
}

/** Whether a user can be asked: there is a terminal to read from and one to print on. */
export function canAsk({ stdin, stderr }: Io): boolean {
  return stdin.isTTY === true && stderr.isTTY === true;
}

/** Whether to color the output on this stream. See https://no-color.org: any value but an empty one. */
export function wantsColors(stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv): boolean {
  const { NO_COLOR: noColor = '', TERM: terminal } = env;
  return stream.isTTY === true && noColor === '' && terminal !== 'dumb';
}
