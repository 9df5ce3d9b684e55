/** Jobs that are typed: `CLASS ARG…`. */
import { causeOf } from '../../config/json-cause.ts';
import { visibleWithin } from '../../messages/visible.ts';
import type { Io } from '../command-line/io.ts';

/**
 * The payload that Resque's clients write, member for member. JSON arguments go in as they were typed, so that
 * integers above 2^53 keep their digits.
 *
 * @param args each JSON, or else taken for a string
 */
export function jobPayload(jobClass: string, args: readonly string[]): string {
  return `{"class":${JSON.stringify(jobClass)},"args":[${args.map(argumentJson).join(',')}]}`;
}

/** Tells on STDERR which arguments were meant to be JSON, it seems, and became strings. */
export function warnOfStrings({ stderr }: Pick<Io, 'stderr'>, args: readonly string[]): void {
  for (const text of args) {
    const error = syntaxError(text);
    if (error === null || !looksLikeJson(text)) continue;
    const { offset, cause } = causeOf(text, error);
    const shown = visibleWithin(text, 60);
    stderr.write(
      `resque-runner: ${shown} is not JSON, so it is a string here: at column ${offset + 1}, ${cause}\n`,
    );
  }
}

/** An object or an array, with a slip in it. */
function looksLikeJson(text: string): boolean {
  return /^\s*(\{.*\}|\[.*\]|[{[]\s*["{[])/s.test(text);
}

function argumentJson(text: string): string {
  return syntaxError(text) === null ? text.trim() : JSON.stringify(text);
}

function syntaxError(text: string): SyntaxError | null {
  try {
    JSON.parse(text);
    return null;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return error;
  }
}
