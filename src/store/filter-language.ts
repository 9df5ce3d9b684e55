/** The filter language of the failures screen: `queue:mail class:Send exception:Timeout exit:137 older:30d words`. */
import { everyFailure, type FailureFilter } from '../protocol/commands.ts';
import type { FailuresView } from './view.ts';

const fields = {
  queue: 'queue',
  class: 'jobClass',
  exception: 'exception',
  exit: 'exit',
  older: 'olderThan',
} as const;
type FieldWord = keyof typeof fields;

/**
 * Total: any text is a filter. Double quotes hold a value with spaces. If a field is given twice, the last one counts.
 * Everything else is text to search for.
 */
export function parseFailureFilter(typed: string): FailureFilter {
  const filter = { ...everyFailure };
  const words: string[] = [];
  for (const [word, name, quoted, bare] of typed.matchAll(/(\w+):(?:"([^"]*)"?|(\S+))|\S+/g)) {
    const value = quoted ?? bare ?? '';
    if (name !== undefined && Object.hasOwn(fields, name) && value !== '') {
      Object.assign(filter, { [fields[name as FieldWord]]: value });
    } else if (!isUnfinishedField(word)) {
      words.push(word);
    }
  }
  return { ...filter, text: words.length === 0 ? null : words.join(' ') };
}

/** What the failures screen shows: the filter that was typed, and the open group. */
export function failureFilterOf({ filter, group }: Pick<FailuresView, 'filter' | 'group'>): FailureFilter {
  const typed = parseFailureFilter(filter);
  return group === null ? typed : { ...typed, group };
}

export function isEmptyFilter(filter: FailureFilter): boolean {
  return Object.values(filter).every((value) => value === null);
}

/** `queue:` while the user types it: it has no value yet. */
function isUnfinishedField(word: string): boolean {
  return word.endsWith(':') && Object.hasOwn(fields, word.slice(0, -1));
}
