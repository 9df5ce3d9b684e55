/**
 * A payload on its way into the STDIN of a child that was there before it, and how much of it the child has read.
 *
 * What a pipe holds, can be counted; what is still with us, can't be told from what was read. So no more is sent at
 * first than a pipe holds, and one byte: that one gets through only after others were read.
 */
import type { Writable } from 'node:stream';
import type { Child } from '../process/child.ts';

/** As many as a pipe of Linux holds. */
const pipeBytes = 64 * 1024;

export class StdinDelivery {
  readonly #child: Child;
  readonly #stdin: Writable;
  /** As many unread bytes mean that nothing was read. */
  readonly #unreadBytes: number;
  #hasBegun = false;
  /** The child's end of its STDIN was closed before anything was sent. */
  #isRefused = false;

  /** @param isLast nothing will follow it: the end of STDIN does */
  constructor(child: Child, payload: Buffer, isLast: boolean) {
    const { stdin } = child;
    if (stdin === null) throw new TypeError('a child that stands by has no STDIN');
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
    // What a destroyed stream had under way is told without an error.
    else if (!this.#stdin.destroyed) this.#hasBegun = bytes > this.#unreadBytes;
  }

  /** Whether all of it was read, as far as that can be known. */
  get isRead(): boolean {
    return this.#stdin.writableLength === 0 && (this.#child.unreadBytes() ?? 0) === 0;
  }

  /** Whether nothing of it was read, for certain. */
  get isUnread(): boolean {
    if (this.#hasBegun) return false;
    return this.#isRefused || (this.#child.unreadBytes() ?? -1) >= this.#unreadBytes;
  }
}
