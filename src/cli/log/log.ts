/**
 * The headless log: one line for each event that matters to an operator. For people:
 * `16:40:13 ✗ mail       #a91f failed SendMail ["bob"] after 1.2 s: …`. For programs: one JSON object per line.
 * Whatever an event contains, its line stays one line without control characters.
 */
import { styleText } from 'node:util';
import { glyphColors, type Wording, wordingOf } from '../../messages/events.ts';
import { clock } from '../../messages/quantities.ts';
import { visibleJson } from '../../messages/visible.ts';
import type { EngineEvent } from '../../protocol/events.ts';
import type { JobView } from '../../protocol/job.ts';
import { priorities } from './journal.ts';

export type LogFormat = 'pretty' | 'json';

export interface LogStream {
  write(text: string): unknown;
  on(event: 'error', listener: () => void): unknown;
}

export interface LogOptions {
  readonly format: LogFormat;
  readonly stream: LogStream;
  /** Only for `pretty`. */
  readonly colors?: boolean;
  /** Whether lines begin with a priority for systemd's journal, such as `<3>`. */
  readonly hasPriorities?: boolean;
}

/** Longer strings are also cut in JSON, so that no line has megabytes. */
const jsonTextLimit = 4_000;
const subjectColumns = 10;
const jobIdColumns = 5;

type Color = Parameters<typeof styleText>[0];

/**
 * @returns a function that takes the engine's events, in order. It never throws because of the stream: if the reader is gone
 * or the disk is full, lines are lost, but jobs continue.
 */
export function createLog(options: LogOptions): (event: EngineEvent) => void {
  const { format, stream, colors = false, hasPriorities = false } = options;
  /** Running jobs, because later events don't repeat a job's arguments. */
  const running = new Map<string, JobView>();
  stream.on('error', () => {
    // EPIPE, EIO, ENOSPC: they can't be reported anywhere.
  });
  return (event) => {
    if (event.type === 'job.started') running.set(event.job.id, event.job);
    const jobId = 'jobId' in event ? event.jobId : null;
    const wording = wordingOf(event, jobId === null ? null : (running.get(jobId) ?? null));
    if (event.type === 'job.finished') running.delete(event.jobId);
    if (wording === null) return;
    const priority = hasPriorities ? priorities[wording.level] : '';
    const line = format === 'json' ? jsonLine(event, wording) : prettyLine(event, wording, colors);
    stream.write(`${priority}${line}\n`);
  };
}

/** `pretty` on a terminal, otherwise `json`. */
export function defaultLogFormat(stream: { readonly isTTY?: boolean }): LogFormat {
  return stream.isTTY === true ? 'pretty' : 'json';
}

function jsonLine(event: EngineEvent, wording: Wording): string {
  const time = new Date(event.atMs).toISOString();
  const head = `{"time":"${time}","level":"${wording.level}","event":"${event.type}"`;
  return `${head}${jsonFields(event)},"message":${JSON.stringify(message(wording))}}`;
}

/**
 * The fields of an event except its type, number and time, as `,"name":value…`. They are cut out of the event's JSON, because
 * building another object costs several times as much.
 */
function jsonFields(event: EngineEvent): string {
  const json = visibleJson(event);
  const start = `{"type":"${event.type}"`;
  const end = `,"seq":${event.seq},"atMs":${event.atMs}}`;
  const isAsExpected = json.startsWith(start) && json.endsWith(end);
  if (isAsExpected && json.length <= jsonTextLimit) return json.slice(start.length, -end.length);
  const { seq: _seq, type: _type, atMs: _atMs, ...fields } = event;
  const others = visibleJson(fields, cutText).slice(1, -1);
  return others === '' ? '' : `,${others}`;
}

function cutText(_key: string, value: unknown): unknown {
  const isLong = typeof value === 'string' && value.length > jsonTextLimit;
  return isLong ? `${value.slice(0, jsonTextLimit - 1)}…` : value;
}

/** The same text as in `pretty`, without time and columns. */
function message({ glyph, subject, jobId, text }: Wording): string {
  return [glyph, subject, ...(jobId === null ? [] : [`#${jobId}`]), text].join(' ');
}

function prettyLine(
  { atMs }: EngineEvent,
  { glyph, level, subject, jobId, text }: Wording,
  colors: boolean,
): string {
  // `colors` decides already; later versions of Node would check stdout again.
  const paint = (color: Color, part: string): string =>
    colors ? styleText(color, part, { validateStream: false }) : part;
  const id = (jobId === null ? '' : `#${jobId}`).padEnd(jobIdColumns);
  return [
    paint('gray', clock(atMs)),
    paint(glyphColors[glyph], glyph),
    paint('bold', subject.padEnd(subjectColumns)),
    paint('gray', id),
    level === 'info' ? text : paint(level === 'warn' ? 'yellow' : 'red', text),
  ].join(' ');
}
