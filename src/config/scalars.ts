/** The simple values of the config. Each schema says what it allows, and never repeats a secret. */
import * as v from 'valibot';
import { problems } from './problems.ts';

/** The longest time of a timer in Node (2^31 - 1 ms), in whole seconds. A longer timer would fire immediately. */
const MOST_SECONDS = 2_147_483;

const nul = '\0';
const hasNul = (text: string): boolean => text.includes(nul);
const noControl = /^[^\x00-\x1f\x7f-\x9f]*$/;

/** A whole number from `least` to `most`. */
export function wholeNumber(description: string, least: number, most: number) {
  const allowed =
    most === Number.MAX_SAFE_INTEGER
      ? `a whole number, ${least} or more`
      : `a whole number from ${least} to ${most}`;
  const notWhole = (issue: v.BaseIssue<unknown>): string => problems.notA(issue.input, allowed);
  return v.pipe(
    v.number(notWhole),
    v.integer(notWhole),
    v.minValue(least, (issue) => problems.below(issue.input, least)),
    v.maxValue(most, (issue) => problems.above(issue.input, most)),
    v.description(description),
  );
}

/** A time in seconds; fractions are allowed. */
export function seconds(description: string) {
  return v.pipe(
    v.number((issue) => problems.notA(issue.input, 'a number of seconds')),
    v.minValue(0, (issue) => problems.below(issue.input, 0)),
    v.maxValue(MOST_SECONDS, (issue) => problems.above(issue.input, MOST_SECONDS)),
    v.description(description),
  );
}

/** A part of a whole. */
export function share(description: string) {
  return v.pipe(
    v.number((issue) => problems.notA(issue.input, 'a number from 0 to 1')),
    v.minValue(0, (issue) => problems.below(issue.input, 0)),
    v.maxValue(1, (issue) => problems.above(issue.input, 1)),
    v.description(description),
  );
}

/** A string that may be empty: an argument of a program. */
export function argument(what = 'a string') {
  return v.pipe(
    v.string((issue) => problems.notA(issue.input, what)),
    v.check((text) => !hasNul(text), problems.hasNul),
  );
}

/** A string that isn't empty and has no NUL, so it can be an argument of a program. */
function word(description: string, what: string) {
  return v.pipe(
    v.string((issue) => problems.notA(issue.input, what)),
    v.minLength(1, problems.emptyText),
    v.check((text) => !hasNul(text), problems.hasNul),
    v.description(description),
  );
}

/** A path of a file or directory. */
export function path(description: string, what: string) {
  return v.pipe(
    word(description, what),
    v.check(
      (text) => !text.startsWith('~/') && text !== '~',
      (issue) => problems.tilde(issue.input),
    ),
  );
}

/** A line of text that matches `pattern`; `what` describes the pattern for people. */
export function line(description: string, what: string, pattern: RegExp) {
  return v.pipe(
    v.string((issue) => problems.notA(issue.input, what)),
    v.minLength(1, problems.emptyText),
    v.check(
      (text) => noControl.test(text),
      (issue) => problems.hasControl(issue.input),
    ),
    v.check(
      (text) => pattern.test(text),
      (issue) => problems.notA(issue.input, what),
    ),
    v.description(description),
  );
}

/** Any string; no message shows it. */
export function secret(description: string) {
  return v.pipe(
    v.string((issue) => problems.secretNotA(issue.input, 'a string')),
    v.description(description),
  );
}

/** true or false. */
export function flag(description: string, what = 'true or false') {
  return v.pipe(
    v.boolean((issue) => problems.notA(issue.input, what)),
    v.description(description),
  );
}

/** One of a few words. */
export function oneOf<const TOptions extends readonly string[]>(description: string, options: TOptions) {
  return v.pipe(
    v.picklist(options, (issue) => problems.neither(issue.input, options)),
    v.description(description),
  );
}
