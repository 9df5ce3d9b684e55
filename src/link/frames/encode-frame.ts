/** A frame as the bytes that cross the link: one line of JSON. */
import type { ClientFrame, ServerFrame } from '../../protocol/frames.ts';

export function encodeFrame(frame: ServerFrame | ClientFrame): Buffer {
  return Buffer.from(`${JSON.stringify(frame)}\n`);
}

/** @returns `null` where the other side would refuse the line for its length */
export function encodeWithin(frame: ServerFrame | ClientFrame, limitBytes: number): Buffer | null {
  try {
    const bytes = encodeFrame(frame);
    // The limit is on the line without its end.
    return bytes.length - 1 > limitBytes ? null : bytes;
  } catch (error) {
    // "Invalid string length": longer than any string can be.
    if (error instanceof RangeError) return null;
    throw error;
  }
}
