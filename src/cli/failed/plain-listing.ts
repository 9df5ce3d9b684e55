/** Formats for a list of failures: tab-separated lines and JSON. table-listing.ts has the table for a terminal. */
import { visible, visibleArgs, visibleJson } from '../../messages/visible.ts';
import type { FailureEntry } from '../../protocol/commands.ts';
import type { Io } from '../command-line/io.ts';
import { print } from '../terminal/output.ts';
import { failureId } from './find-entry.ts';

/** Characters to show of an entry that is not a JSON object. */
const longestRaw = 64 * 1024;

export interface Listing {
  /** @returns false if the reader has closed STDOUT */
  add(entries: readonly FailureEntry[], total: number): Promise<boolean>;
  end(total: number, next: number | null): Promise<boolean>;
}

export function idOf({ index, recordBase64 }: FailureEntry): string {
  return failureId({ index, record: Buffer.from(recordBase64, 'base64') });
}

/**
 * For `cut`, `awk` and similar tools: one uncut line per failure and nothing else. The fields are ID, failed at,
 * retried at, queue, class, args, exception and error. Tabs and line breaks inside a field are escaped.
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
 * Text for an entry that is not a JSON object.
 *
 * @param limit characters of the entry to show
 */
export function unreadableText(entry: FailureEntry, limit: number): string {
  const text = rawText(entry, limit);
  return text === '' ? '(an empty string, not a failure)' : `(not a JSON object) ${text}`;
}

/** @param limit characters; a cut text ends with `…` */
function rawText({ recordBase64 }: FailureEntry, limit: number): string {
  // Four characters of base64 hold three bytes, and a character has at most four bytes.
  const text = Buffer.from(recordBase64.slice(0, 8 * limit), 'base64').toString('utf8');
  return text.length <= limit ? text : `${text.slice(0, limit - 1).toWellFormed()}…`;
}

/** One document: total, entries, next. Each entry is on its own line, for `grep` and for people. */
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
  return `{${members[0]},"args":${visibleArgs(args)},${members[1]}}`;
}
