/** The forms that a list of failures has: tab-separated lines, JSON, and on a terminal the table of table-listing.ts. */
import { visible, visibleJson } from '../../messages/visible.ts';
import type { FailureEntry } from '../../protocol/commands.ts';
import type { Io } from '../command-line/io.ts';
import { print } from '../terminal/output.ts';
import { failureId } from './find-entry.ts';

/** Characters of an entry that is no JSON object. */
const longestRaw = 64 * 1024;

export interface Listing {
  /** @returns false where nobody reads any more */
  add(entries: readonly FailureEntry[], total: number): Promise<boolean>;
  end(total: number, next: number | null): Promise<boolean>;
}

export function idOf({ index, recordBase64 }: FailureEntry): string {
  return failureId({ index, record: Buffer.from(recordBase64, 'base64') });
}

/**
 * For `cut`, `awk` and the like: nothing is cut, and nothing but failures is printed, each on a line of its own: ID,
 * when it failed, when it was retried, queue, class, args, exception, error. Tabs and line breaks in them are escaped.
 */
export function plainListing(io: Io): Listing {
  return {
    add: (entries) => print(io, entries.map((entry) => `${plainLine(entry)}\n`).join('')),
    end: () => Promise.resolve(true),
  };
}

function plainLine(entry: FailureEntry): string {
  const { failedAt, retriedAt, queue, jobClass, args, exception, error, isReadable } = entry;
  return [
    idOf(entry),
    failedAt ?? '',
    retriedAt ?? '',
    queue ?? '',
    jobClass ?? '',
    args,
    exception ?? '',
    isReadable ? (error ?? '') : unreadableText(entry, longestRaw),
  ]
    .map(visible)
    .join('\t');
}

/**
 * Said of an entry that is no JSON object.
 *
 * @param limit characters of it that are shown
 */
export function unreadableText(entry: FailureEntry, limit: number): string {
  const text = rawText(entry, limit);
  return text === '' ? '(an empty text, no failure)' : `(no JSON object) ${text}`;
}

/** @param limit characters; what was cut is marked with `…` */
function rawText({ recordBase64 }: FailureEntry, limit: number): string {
  // Four characters of base64 are three bytes, and no character has more than four.
  const text = Buffer.from(recordBase64.slice(0, 8 * limit), 'base64').toString('utf8');
  return text.length <= limit ? text : `${text.slice(0, limit - 1).toWellFormed()}…`;
}

/** A document: total, entries, next. An entry is a line, so that `grep` and an eye find their way. */
export function jsonListing(io: Io): Listing {
  let isFirst = true;
  return {
    add(entries, total) {
      const lines = entries.map(jsonEntry).join(',\n');
      const start = isFirst ? `{"total":${total},"entries":[\n` : ',\n';
      isFirst = false;
      return print(io, start + lines);
    },
    end: (total, next) =>
      print(io, isFirst ? `{"total":${total},"entries":[],"next":null}\n` : `\n],"next":${next}}\n`),
  };
}

function jsonEntry(entry: FailureEntry): string {
  const { index, failedAt, retriedAt, queue, jobClass, args, ...rest } = entry;
  const { exception, error, backtrace, worker, exitCode, signal, stderr, stdout, isReadable } = rest;
  const before = { index, id: idOf(entry), failedAt, retriedAt, queue, class: jobClass };
  const after = { exception, error, backtrace, worker, exitCode, signal, stderr, stdout, isReadable };
  const raw = isReadable ? {} : { raw: rawText(entry, longestRaw) };
  const members = [before, { ...after, ...raw }].map((object) => visibleJson(object).slice(1, -1));
  return `{${members[0]},"args":${argsJson(args)},${members[1]}}`;
}

/** The args themselves; the text instead where they are too long or too deep to be there as a whole. */
function argsJson(args: string): string {
  if (args === '') return 'null';
  try {
    JSON.parse(args);
    return visible(args);
  } catch (error) {
    if (error instanceof SyntaxError) return visibleJson(args);
    throw error;
  }
}
