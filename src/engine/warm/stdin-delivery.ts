/**
 * The delivery of a payload to a warm child's STDIN, and how much of it the child has read.
 *
 * What a pipe holds can be counted; what has not reached the pipe can't be told from what was read. So the first write
 * is no more than a pipe holds, plus one byte: that byte gets through only after the child has read others.
 */
import type { Writable } from 'node:stream';
import type { Child } from '../process/child.ts';

/** As many as a pipe of Linux holds. */
const pipeBytes = 64 * 1024;

export class StdinDelivery {
  readonly #child: Child;
  readonly #stdin: Writable;
  /** If this many bytes are unread, nothing was read. */
  readonly #unreadBytes: number;
  #hasBegun = false;
  /** The child's end of its STDIN was closed before anything was sent. */
  #isRefused = false;

  /** @param isLast nothing will follow it but the end of STDIN */
  constructor(child: Child, payload: Buffer, isLast: boolean) {
    const { stdin } = child;
    if (stdin === null) throw new TypeError('a warm child has no STDIN');
    this.#child = child;
    this.#stdin = stdin;
    this.#unreadBytes = Math.min(payload.length, pipeBytes);
    const first = payload.subarray(0, pipeBytes + 1);
    const sent = child.writeNow(first);
    if (sent < first.length) stdin.write(first.subarray(sent), (error) => this.#sent(first.length, error));
    else this.#hasBegun = first.length > this.#unreadBytes;
    if (first.length < payload.length) stdin.write(payload.subarray(first.length));
    if (isLast) stdin.end();
  }

  #sent(bytes: number, error: NodeJS.ErrnoException | null | undefined): void {
    if (error !== null && error !== undefined) this.#isRefused = error.code === 'EPIPE';
    // A destroyed stream reports no error for what was on its way.
    else if (!this.#stdin.destroyed) this.#hasBegun = bytes > this.#unreadBytes;
  }

  /** Whether all of it was read, as far as that can be known. */
  get isRead(): boolean {
    return this.#stdin.writableLength === 0 && (this.#child.unreadBytes() ?? 0) === 0;
  }

  /** Whether it is certain that nothing of it was read. */
  get isUnread(): boolean {
    if (this.#hasBegun) return false;
    return this.#isRefused || (this.#child.unreadBytes() ?? -1) >= this.#unreadBytes;
  }
}

/**
 * A payload as one line: without the white space between its tokens, every other byte unchanged. Parsing and writing it
 * again would change integers beyond 2^53 and duplicate keys.
 */
export function payloadLine(payload: Buffer): Buffer {
  const needs = needsMinifying(payload);
  const line = Buffer.allocUnsafe(payload.length + 1);
  const used = needs ? copyMinified(payload, line) : payload.copy(line);
  line[used] = newline;
  return line.subarray(0, used + 1);
}

const quote = 0x22;
const backslash = 0x5c;
const newline = 0x0a;

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === newline || byte === 0x0d || byte === 0x09;
}

/** JSON has control characters only between its tokens. */
function needsMinifying(payload: Buffer): boolean {
  return (
    payload.includes(0x20) || payload.includes(newline) || payload.includes(0x0d) || payload.includes(0x09)
  );
}

function copyMinified(payload: Buffer, line: Buffer): number {
  let used = 0;
  let isInString = false;
  for (let at = 0; at < payload.length; at += 1) {
    const byte = payload[at];
    if (byte === undefined || (!isInString && isSpace(byte))) continue;
    line[used] = byte;
    used += 1;
    if (byte === quote) isInString = !isInString;
    else if (byte === backslash && isInString) {
      at += 1;
      line[used] = payload[at] ?? 0;
      used += 1;
    }
  }
  return used;
}
