/**
 * The filter language of all lists: `queue:mail class:Send !spam words`. Fields depend on the list; lists without fields have
 * words only.
 */
import { everyFailure, type FailureFilter, type FailureGroupNames } from '../protocol/commands.ts';

/** Fields of failures, and the criteria that they become. */
const failureCriteria = {
  queue: 'queue',
  class: 'jobClass',
  exception: 'exception',
  exit: 'exit',
  older: 'olderThan',
} as const;

export const failureFields = Object.keys(failureCriteria) as readonly (keyof typeof failureCriteria)[];
export const jobFields = ['queue', 'class', 'outcome', 'output'] as const;

export interface ParsedFilter<Field extends string> {
  readonly values: Readonly<Partial<Record<Field, string>>>;
  /** Words without a field, joined by spaces; `null` if there are none. */
  readonly text: string | null;
  /** Texts with a `!`: what has one of them doesn't match. */
  readonly without: readonly string[];
  /** Words that look like fields of other names. They count as text. */
  readonly unknownFields: readonly string[];
  /** Words such as `!queue:mail`. A `!` excludes texts, not values of fields. */
  readonly excludedFields: readonly string[];
}

/** `!"two words"`, `field:"two words"`, `field:word`, any other word. */
const tokens = /!"([^"]*)"?|(\w+):(?:"([^"]*)"?|(\S+))|(\S+)/g;

/**
 * Total: any text is a filter. Double quotes hold a text with spaces. If a field is given twice, the last one counts.
 * Everything else is text to search for.
 */
export function parseFilter<Field extends string>(
  typed: string,
  fields: readonly Field[],
): ParsedFilter<Field> {
  const values: Partial<Record<Field, string>> = {};
  const words: string[] = [];
  const without: string[] = [];
  const unknownFields: string[] = [];
  const excludedFields: string[] = [];
  const fieldOf = (name: string | undefined) => fields.find((field) => field === name);
  for (const [token, excluded, name, quoted, bare, word = ''] of typed.matchAll(tokens)) {
    if (excluded !== undefined || word.startsWith('!')) {
      const text = excluded ?? word.slice(1);
      if (excluded === undefined && fieldOf(text.split(':')[0]) !== undefined && text.includes(':'))
        excludedFields.push(word);
      // `!` while the user types the rest.
      if (text !== '') without.push(text);
      continue;
    }
    const field = fieldOf(name);
    const value = quoted ?? bare ?? '';
    if (field !== undefined && value !== '') {
      values[field] = value;
    } else if (field === undefined && fieldOf(unfinished(token)) === undefined) {
      words.push(token);
      if (name !== undefined) unknownFields.push(name);
    }
  }
  return {
    ...{ values, without, unknownFields, excludedFields },
    text: words.length === 0 ? null : words.join(' '),
  };
}

/** `queue` of `queue:` while the user types it: it has no value yet. */
function unfinished(token: string): string | undefined {
  return token.endsWith(':') ? token.slice(0, -1) : undefined;
}

export function parseFailureFilter(typed: string): FailureFilter {
  const { values, text, without } = parseFilter(typed, failureFields);
  const criteria = Object.entries(values).map(([field, value]) => [
    failureCriteria[field as keyof typeof failureCriteria],
    value,
  ]);
  return {
    ...everyFailure,
    ...(Object.fromEntries(criteria) as Partial<FailureFilter>),
    text,
    ...(without.length === 0 ? {} : { without }),
  };
}

/** What the failures screen shows: the filter that was typed, and the open group. */
export function failureFilterOf({
  filter,
  group,
}: {
  readonly filter: string;
  readonly group: FailureGroupNames | null;
}): FailureFilter {
  const typed = parseFailureFilter(filter);
  return group === null ? typed : { ...typed, group };
}

export function isEmptyFilter(filter: FailureFilter): boolean {
  return Object.values(filter).every((value) => value === null);
}

/** The filter of a list that has no fields, for a command. `without` is left out if it is empty. */
export function parseWords(typed: string): { readonly text: string; readonly without?: readonly string[] } {
  // As typed: there may be several spaces in the args of a job.
  if (!typed.includes('!')) return { text: typed };
  const { text, without } = parseFilter(typed, []);
  return { text: text ?? '', ...(without.length === 0 ? {} : { without }) };
}

/** Whether a text has the words of a filter and none that it excludes. Ignores case. */
export function textMatcher({
  text,
  without,
}: Pick<ParsedFilter<string>, 'text' | 'without'>): (text: string) => boolean {
  const wanted = text?.toLowerCase() ?? '';
  const excluded = without.map((each) => each.toLowerCase());
  return (whole) => {
    const lower = whole.toLowerCase();
    return lower.includes(wanted) && !excluded.some((each) => lower.includes(each));
  };
}
