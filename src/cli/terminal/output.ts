/**
 * STDOUT of commands that answer and end. Whoever reads it may go away at any moment (`| head -1`): that ends
 * nobody's work, but who has only more to print may stop.
 */
import { visible } from '../../messages/visible.ts';

/** Prints a text as it is. @returns false where nobody reads any more */
export function print(text: string): Promise<boolean> {
  return new Promise((resolve) => {
    process.stdout.write(text, (error) => resolve(error === null || error === undefined));
  });
}

/** One document, for programs; `JSON.parse` takes all of STDOUT. A terminal shows it without being driven by it. */
export function printJson(value: unknown): Promise<boolean> {
  const lines = JSON.stringify(value, null, 2).split('\n');
  // Inside strings, and nowhere else, there is something to escape; the escapes mean the same.
  return print(`${lines.map(visible).join('\n')}\n`);
}

/** Whether someone is there who can be asked: a terminal to read from and one to ask on. */
export function canAsk(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true;
}
