/**
 * Which lines of a log are seen: found by walking from the line at the top, or, when following, from the end
 * backwards, so that what it costs depends on the rows of the screen and not on the lines of the log.
 */
import type { LogLine } from '../store/log-buffer.ts';
import type { LogView } from '../store/view.ts';
import { columns } from './text/columns.ts';
import { printable } from './text/printable.ts';
import { wrap } from './text/wrap.ts';

/** Numbers of lines never change; `first` rises when old lines go. */
export interface LineSource {
  readonly first: number;
  /** Behind the last. */
  readonly end: number;
  get(number: number): LogLine | undefined;
}

export interface SeenLine {
  readonly number: number;
  readonly line: LogLine;
  /** Its rows: several where it is wrapped. */
  readonly rows: readonly string[];
}

export interface LogWindow {
  /** Number of the first line that is seen. */
  readonly top: number;
  readonly lines: readonly SeenLine[];
}

type HowSeen = Pick<LogView, 'isFollowing' | 'isWrapped' | 'top' | 'streams'>;

/** @param width columns of the text, without times and stream */
export function logWindow(source: LineSource, view: HowSeen, width: number, rows: number): LogWindow {
  if (view.isFollowing) return fromEnd(source, view, width, rows);
  const top = firstShown(source, Math.max(source.first, view.top), 1, view.streams) ?? source.end;
  const lines = walk(source, view, width, rows, top, 1);
  // Past the end there is nothing to see: the last page is.
  const height = lines.reduce((sum, { rows: own }) => sum + own.length, 0);
  return height < rows ? fromEnd(source, view, width, rows) : { top, lines };
}

/** The line `step` lines further that is shown with these streams; the outermost where there are fewer. */
export function lineFrom(
  source: LineSource,
  from: number,
  step: number,
  streams: LogView['streams'],
): number {
  const direction = step < 0 ? -1 : 1;
  let at = from;
  for (let left = Math.abs(step); left > 0; left -= 1) {
    const next = firstShown(source, at + direction, direction, streams);
    if (next === null) break;
    at = next;
  }
  return at;
}

function fromEnd(source: LineSource, view: HowSeen, width: number, rows: number): LogWindow {
  const lines = walk(source, view, width, rows, source.end - 1, -1).reverse();
  return { top: lines[0]?.number ?? source.first, lines };
}

function walk(
  source: LineSource,
  { isWrapped, streams }: HowSeen,
  width: number,
  rows: number,
  start: number,
  direction: 1 | -1,
): SeenLine[] {
  const lines: SeenLine[] = [];
  let used = 0;
  let at = firstShown(source, start, direction, streams);
  while (at !== null && used < rows) {
    const line = source.get(at);
    if (line === undefined) break;
    const all = isWrapped ? wrap(line.text, width) : [line.text];
    const room = rows - used;
    // Of a line that is too long for what is left, the part at this side of it.
    const own = all.length <= room ? all : direction === 1 ? all.slice(0, room) : all.slice(-room);
    lines.push({ number: at, line, rows: own });
    used += own.length;
    at = firstShown(source, at + direction, direction, streams);
  }
  return lines;
}

function firstShown(
  source: LineSource,
  from: number,
  direction: 1 | -1,
  streams: LogView['streams'],
): number | null {
  for (let at = from; at >= source.first && at < source.end; at += direction) {
    const line = source.get(at);
    if (line !== undefined && isShown(line, streams)) return at;
  }
  return null;
}

/** What isn't of a stream is always shown. */
function isShown({ stream, kind }: LogLine, streams: LogView['streams']): boolean {
  return streams === 'both' || kind !== 'output' || stream === streams;
}

/** Cuts the columns before `start` off, so that a match far to the right can be seen. */
export function fromColumn(text: string, start: number): string {
  if (start <= 0) return text;
  const line = printable(text);
  let at = 0;
  let passed = 0;
  while (at < line.length && passed < start) {
    passed += columns(line[at] ?? '');
    at += 1;
  }
  return line.slice(at);
}
