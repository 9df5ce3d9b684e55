/** Jobs from the command line: `CLASS ARG…`. */
import { causeOf } from '../../config/json/json-cause.ts';
import { visibleWithin } from '../../messages/visible.ts';
import type { Io } from '../command-line/io.ts';

/**
 * The payload that Resque's clients write, with the same members. JSON arguments are copied as typed, so integers above
 * 2^53 keep their digits.
 *
 * @param args each is JSON, or becomes a string
 */
export function jobPayload(jobClass: string, args: readonly string[]): string {
  return `{"class":${JSON.stringify(jobClass)},"args":[${args.map(argumentJson).join(',')}]}`;
}

/** Warns on STDERR about arguments that look like JSON but aren't, and so become strings. */
export function warnOfStrings({ stderr }: Pick<Io, 'stderr'>, args: readonly string[]): void {
  for (const text of args) {
    const error = syntaxError(text);
    if (error === null || !looksLikeJson(text)) continue;
    const { offset, cause } = causeOf(text, error);
    const shown = visibleWithin(text, 60);
    stderr.write(
      `resque-runner: ${shown} is not valid JSON, so it is passed as a string: at column ${offset + 1}, ${cause}\n`,
    );
  }
}

/** Whether it was probably meant to be an object or an array. */
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
