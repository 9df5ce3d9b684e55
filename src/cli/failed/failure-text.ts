/** One failure in full, for people. */

import { isUtf8 } from 'node:buffer';
import { styleText } from 'node:util';
import { duration, sizeText } from '../../messages/quantities.ts';
import { visible } from '../../messages/visible.ts';
import type { ListedRecord } from '../../resque/failed/failed-page.ts';
import { type FailureView, otherMembers, viewFailure } from '../../resque/format/failure-record.ts';
import type { Flags } from '../command-line/flags.ts';
import type { Io } from '../command-line/io.ts';
import type { RedisTarget } from '../redis/target.ts';
import { wantsColors } from '../terminal/output.ts';
import { failureId } from './find-entry.ts';

/** Width of the column with the names. */
const nameColumns = 12;

type Paint = (color: 'gray' | 'red', text: string) => string;
type Part = readonly [name: string, text: string | null];

/** @returns lines that are safe for a terminal, without a line break at the end */
export function failureText(io: Io, entry: ListedRecord, flags: Flags, target: RedisTarget): string {
  const hasColors = wantsColors(io.stdout, io.env);
  const paint: Paint = (color, text) =>
    hasColors ? styleText(color, text, { validateStream: false }) : text;
  const view = viewFailure(entry.record);
  const parts = view.isReadable ? readableParts(entry.record, view) : unreadableParts(entry.record);
  return [
    ...part(paint, ['ID', failureId(entry)]),
    ...parts.flatMap((each) => part(paint, each)),
    '',
    ...nextCommands(failureId(entry), view, flags, target),
  ].join('\n');
}

function readableParts(record: Buffer, view: FailureView): Part[] {
  const { failedAt, retriedAt, queue, jobClass, args, exception, error, backtrace, worker } = view;
  return [
    ['queue', queue ?? '(none)'],
    ['class', jobClass ?? '(none)'],
    ['args', args],
    ['failed', failedAt ?? '(at an unknown time)'],
    ['retried', retriedAt],
    ['worker', worker],
    ['exit code', view.exitCode === null ? null : String(view.exitCode)],
    ['signal', view.signal],
    ['CPU', view.cpuMs === undefined ? null : duration(view.cpuMs)],
    ['memory', view.peakMemoryBytes === undefined ? null : sizeText(view.peakMemoryBytes)],
    ['exception', exception],
    ['error', error],
    ['backtrace', backtrace.join('\n')],
    ['stderr', view.stderr],
    ['stdout', view.stdout],
    ...otherMembers(record),
  ];
}

function unreadableParts(record: Buffer): Part[] {
  if (record.length === 0) return [['', "an empty string, not a failure: it can't be retried"]];
  const exact = isUtf8(record) ? '' : '; not UTF-8 (--json shows its bytes in base64)';
  return [
    ['', `not a JSON object, so it can't be retried${exact}. Its text:`],
    ['', record.toString('utf8')],
  ];
}

/** A name with the lines of its text in a second column; no lines if there is no text. */
function part(paint: Paint, [name, text]: Part): string[] {
  if (text === null || text === '') return [];
  const width = Math.max(nameColumns, name.length + 2);
  return text
    .trimEnd()
    .split(/\r?\n/)
    .map((line, at) => {
      const start = at === 0 ? styled(paint, name, visible(name).padEnd(width)) : ' '.repeat(width);
      // Backtraces are indented with tabs, which are harmless.
      const shown = line.split('\t').map(visible).join('\t');
      return `${start}${name === 'exception' ? paint('red', shown) : shown}`.trimEnd();
    });
}

function styled(paint: Paint, name: string, text: string): string {
  return name === '' ? text : paint('gray', text);
}

function nextCommands(id: string, view: FailureView, flags: Flags, target: RedisTarget): string[] {
  const line = (words: readonly string[]) => `  ${nextCommand(words, flags, target)}`;
  const { queue, isRetryable } = view;
  if (!isRetryable || queue === null) return ['Delete it:', line(['failed', 'remove', id])];
  return [
    'Run it here now:',
    line(['exec', queue, '--from-failed', id]),
    view.retriedAt === null ? 'Retry it:' : 'Retry it again:',
    line(['failed', 'retry', id]),
  ];
}

/**
 * A command line for the next step, ready to copy into a shell.
 *
 * @param words without `resque-runner` and without the flags that select the Redis: these are added as the user gave
 * them, except that a URL with a password becomes `…`
 */
export function nextCommand(words: readonly string[], flags: Flags, { redis }: RedisTarget): string {
  const { config, redis: url, namespace } = flags;
  return [
    'resque-runner',
    ...words.map(shellWord),
    ...(config === null ? [] : ['--config', shellWord(config)]),
    ...(url === null ? [] : ['--redis', redis.password === null ? shellWord(url) : '…']),
    ...(namespace === null ? [] : ['--namespace', shellWord(namespace)]),
  ].join(' ');
}

function shellWord(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  return `'${visible(word).replaceAll("'", `'\\''`)}'`;
}
