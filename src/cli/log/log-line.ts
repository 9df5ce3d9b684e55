/**
 * The lines of the log. For people, pretty: `16:40:13 ✗ mail       #a91f failed SendMail ["bob"] after 1.2 s: …`. For
 * programs, one JSON object per line, or the same members as logfmt: `level=error event=job.finished queue=mail …`.
 * Whatever an event contains, its line stays one line without control characters.
 */
import { styleText } from 'node:util';
import { glyphColors, type Wording } from '../../messages/events.ts';
import { clock } from '../../messages/quantities.ts';
import { visibleJson } from '../../messages/visible.ts';
import { priorities } from './journal.ts';

export type LogFormat = 'pretty' | 'json' | 'logfmt';

/** An event, or a fact about the log itself. All of its other members go into the line, too. */
export interface LogEntry {
  readonly type: string;
  readonly seq: number;
  readonly atMs: number;
}

/** @returns a line with its line feed. @param traceId of the job that the line is about; `null` if there is none */
export type LineOf = (entry: LogEntry, wording: Wording, traceId: string | null) => string;

/** Longer strings are also cut for programs, so that no line has megabytes. */
const textLimit = 4_000;
const outputLine = 'output.logged';
const subjectColumns = 10;
const jobIdColumns = 5;

type Color = Parameters<typeof styleText>[0];

export interface LineOptions {
  readonly format: LogFormat;
  /** Only for `pretty`. */
  readonly colors?: boolean;
  /** Whether lines begin with a priority for systemd's journal, such as `<3>`. */
  readonly hasPriorities?: boolean;
}

export function lineOf({ format, colors = false, hasPriorities = false }: LineOptions): LineOf {
  const pretty: LineOf = (entry, wording) => prettyLine(entry, wording, colors);
  const line = { json: jsonLine, logfmt: logfmtLine, pretty }[format];
  if (!hasPriorities) return line;
  return (entry, wording, traceId) => priorities[wording.level] + line(entry, wording, traceId);
}

/** `pretty` on a terminal, otherwise `json`. */
export function defaultLogFormat(stream: { readonly isTTY?: boolean }): LogFormat {
  return stream.isTTY === true ? 'pretty' : 'json';
}

function jsonLine(entry: LogEntry, wording: Wording, traceId: string | null): string {
  const time = new Date(entry.atMs).toISOString();
  const head = `{"time":"${time}","level":"${wording.level}","event":"${entry.type}"`;
  const trace = traceId === null ? '' : `,"traceId":"${traceId}"`;
  return `${head}${jsonFields(entry)}${trace},"message":${JSON.stringify(message(entry, wording))}}\n`;
}

/**
 * The fields of an event except its type, number and time, as `,"name":value…`. They are cut out of the event's JSON, because
 * building another object costs several times as much.
 */
function jsonFields(entry: LogEntry): string {
  const json = visibleJson(entry);
  const start = `{"type":"${entry.type}"`;
  const end = `,"seq":${entry.seq},"atMs":${entry.atMs}}`;
  const isAsExpected = json.startsWith(start) && json.endsWith(end) && entry.type !== outputLine;
  if (isAsExpected && json.length <= textLimit) return json.slice(start.length, -end.length);
  const others = visibleJson(fieldsOf(entry), cutText).slice(1, -1);
  return others === '' ? '' : `,${others}`;
}

function fieldsOf(entry: LogEntry): Record<string, unknown> {
  const { seq: _seq, type, atMs: _atMs, ...fields }: LogEntry & { line?: string } = entry;
  // The message is the line.
  if (type === outputLine) delete fields.line;
  return fields;
}

function cutText(_key: string, value: unknown): unknown {
  const isLong = typeof value === 'string' && value.length > textLimit;
  return isLong ? `${value.slice(0, textLimit - 1)}…` : value;
}

function logfmtLine(entry: LogEntry, wording: Wording, traceId: string | null): string {
  const pairs = [
    `time=${new Date(entry.atMs).toISOString()}`,
    `level=${wording.level}`,
    `event=${entry.type}`,
  ];
  addPairs(pairs, '', fieldsOf(entry));
  if (traceId !== null) pairs.push(`traceId=${traceId}`);
  pairs.push(`message=${logfmtValue(message(entry, wording))}`);
  return `${pairs.join(' ')}\n`;
}

/** Nested members get both names: `failure.exception`. Members without a value are left out. */
function addPairs(pairs: string[], prefix: string, fields: object): void {
  for (const [name, value] of Object.entries(fields)) {
    if (value === null || value === undefined) continue;
    if (typeof value === 'object' && !Array.isArray(value)) addPairs(pairs, `${prefix}${name}.`, value);
    else pairs.push(`${prefix}${name}=${logfmtValue(value)}`);
  }
}

/** Quoted as JSON if it is not a plain word. A list is its JSON. */
function logfmtValue(value: unknown): string {
  const text = typeof value === 'string' ? value : visibleJson(value, cutText);
  return /^[\w.,:;/@*+#~%-]+$/.test(text) ? text : visibleJson(cutText('', text));
}

/** The same text as in `pretty`, without time and columns. A line that a job printed stays as it is. */
function message({ type }: LogEntry, { glyph, subject, jobId, text }: Wording): string {
  if (type === outputLine) return text;
  return [glyph, subject, ...(jobId === null ? [] : [`#${jobId}`]), text].join(' ');
}

function prettyLine(
  { atMs }: LogEntry,
  { glyph, level, subject, jobId, text }: Wording,
  colors: boolean,
): string {
  // `colors` decides already; later versions of Node would check stdout again.
  const paint = (color: Color, part: string): string =>
    colors ? styleText(color, part, { validateStream: false }) : part;
  const id = (jobId === null ? '' : `#${jobId}`).padEnd(jobIdColumns);
  const words = [
    paint('gray', clock(atMs)),
    paint(glyphColors[glyph], glyph),
    paint('bold', subject.padEnd(subjectColumns)),
    paint('gray', id),
    level === 'info' ? text : paint(level === 'warn' ? 'yellow' : 'red', text),
  ];
  return `${words.join(' ')}\n`;
}
