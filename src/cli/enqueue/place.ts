/**
 * How far an enqueue has got in what it enqueues, as it is noted in Redis, with enough to tell later whether that is
 * still the same: what lies behind the place is enqueued on the word of what lies before it.
 */
import { createHash } from 'node:crypto';

/** Behind a line. */
export interface LinePlace {
  /** Its number; 0 before the first. */
  readonly line: number;
  /** Offset behind its last byte, its line feed not counted. */
  readonly end: number;
  /** SHA-1 of it; '' where there is nothing to compare. */
  readonly sha1: string;
}

export function linePlaceText({ line, end, sha1 }: LinePlace): string {
  return `line ${line} ${end} ${sha1}`;
}

/** `null`: it is no place in a file. */
export function readLinePlace(text: string): LinePlace | null {
  const [, line, end, sha1 = ''] = /^line (\d+) (\d+) ([0-9a-f]*)$/.exec(text) ?? [];
  return line === undefined ? null : { line: Number(line), end: Number(end), sha1 };
}

/** All places in copies of one job are the same: how many there are is noted beside it. */
export function jobPlaceText(payload: Buffer): string {
  return `job ${sha1Of(payload)}`;
}

export function sha1Of(bytes: Buffer): string {
  return createHash('sha1').update(bytes).digest('hex');
}
