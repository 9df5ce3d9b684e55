/** What Tab completes in filters and commands: names of fields, and values that the screen knows. Pure. */

import { nearestWord } from '../../messages/nearest-word.ts';
import { jobOutcomes } from '../../protocol/job.ts';
import type { AppState } from '../../store/app-store.ts';
import { failureFields, jobFields, parseFilter } from '../../store/filter-language.ts';
import type { FilteredList } from '../../store/view.ts';

export interface Completed {
  readonly text: string;
  /** What it could be, if there are several; empty if it is complete, or if there is nothing that it could be. */
  readonly choices: readonly string[];
}

const noFields: readonly string[] = [];

/** Fields of the filter of a list. */
function filterFields(list: FilteredList): readonly string[] {
  if (list === 'failures') return failureFields;
  return list === 'jobs' ? jobFields : noFields;
}

/** The last word as far as it is certain, of a line that may have more words before it. */
function completed(line: string, choicesFor: (word: string) => readonly string[]): Completed {
  const at = line.search(/\S*$/);
  const word = line.slice(at);
  const choices = [...new Set(choicesFor(word))].filter((choice) => plain(choice).startsWith(plain(word)));
  const [only] = choices;
  if (only === undefined) return { text: line, choices: [] };
  const start = line.slice(0, at);
  if (choices.length === 1) return { text: `${start}${only}${only.endsWith(':') ? '' : ' '}`, choices: [] };
  const common = commonStart(choices);
  return { text: start + (common.length > word.length ? common : word), choices };
}

/** Completes the last word of a filter. */
export function completedFilter(line: string, list: FilteredList, state: AppState): Completed {
  const fields = filterFields(list);
  return completed(line, (word) => {
    const field = fields.find((name) => word.startsWith(`${name}:`));
    if (field === undefined) return fields.map((name) => `${name}:`);
    return valuesOf(field, list, state).map((value) => `${field}:${/\s/.test(value) ? `"${value}"` : value}`);
  });
}

/** What is wrong with a filter, for the user; `null` if nothing is. */
export function filterProblem(filter: string, list: FilteredList): string | null {
  const fields = filterFields(list);
  const { unknownFields, excludedFields } = parseFilter(filter, fields);
  for (const name of unknownFields) {
    // Other words may have colons, too.
    const near = nearestWord(name.toLowerCase(), fields);
    if (near !== null) return `no field "${name}"; did you mean ${near}:?`;
  }
  const [excluded] = excludedFields;
  return excluded === undefined ? null : `"!" excludes words, not fields such as "${excluded.slice(1)}"`;
}

const ages = ['1h', '1d', '7d', '30d'];

function valuesOf(field: string, list: FilteredList, { model, failurePages }: AppState): readonly string[] {
  const { entries } = failurePages;
  const jobs = list === 'jobs' ? [...model.jobs, ...model.ended] : entries;
  switch (field) {
    case 'queue':
      return sorted([...model.queues.map(({ name }) => name), ...jobs.map(({ queue }) => queue)]);
    case 'class':
      return sorted(jobs.map(({ jobClass }) => jobClass));
    case 'exception':
      return sorted(entries.map(({ exception }) => exception));
    case 'exit':
      return sorted(entries.map(({ exitCode, signal }) => signal ?? exitCode?.toString() ?? null));
    case 'older':
      return ages;
    case 'outcome':
      return ['running', ...jobOutcomes];
    default:
      return [];
  }
}

function sorted(values: readonly (string | null)[]): readonly string[] {
  const known = values.flatMap((value) => (value === null || value === '' ? [] : [value]));
  return [...new Set(known)].toSorted((a, b) => (a < b ? -1 : 1));
}

/** Quotes and case don't matter. */
function plain(word: string): string {
  return word.replaceAll('"', '').toLowerCase();
}

function commonStart(texts: readonly string[]): string {
  let common = texts[0] ?? '';
  for (const text of texts) {
    while (!text.toLowerCase().startsWith(common.toLowerCase())) common = common.slice(0, -1);
  }
  return common;
}
