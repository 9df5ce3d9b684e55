/**
 * Writes to the terminal in order, without ever blocking the program.
 *
 * Node writes to terminals synchronously. A terminal that stops reading (a stalled ssh, a paused tmux) would freeze the
 * whole program, even its signal handlers. This class makes the descriptor non-blocking and keeps what the terminal
 * doesn't take. It keeps that here and not in a stream so that it can be discarded: the rest of a frame must not reach
 * the user's shell after the screen was left.
 */
import { writeSync } from 'node:fs';

/** The part of `process.stdout` that this file uses. */
export interface TerminalStream {
  readonly fd: number;
  readonly columns: number;
  readonly rows: number;
  on(event: 'resize', listener: () => void): unknown;
  off(event: 'resize', listener: () => void): unknown;
}

/** For terminals that don't report their size, such as a serial line. */
const defaultColumns = 80;
const defaultRows = 24;

const firstRetryMs = 1;
/** Short enough that there is no visible delay once the terminal reads again. */
const longestRetryMs = 16;

/** How long `writeNow` waits for a terminal that doesn't read. The program's exit waits as long. */
const patienceMs = 500;

export class TerminalOutput {
  readonly #stream: TerminalStream;
  #waiting: Buffer = Buffer.alloc(0);
  #onDone: (() => void)[] = [];
  #retry: NodeJS.Timeout | null = null;
  #retryMs = firstRetryMs;
  /** The terminal is closed. Writes are dropped without an error. */
  #isGone = false;

  constructor(stream: TerminalStream) {
    this.#stream = stream;
  }

  get columns(): number {
    return this.#stream.columns || defaultColumns;
  }

  get rows(): number {
    return this.#stream.rows || defaultRows;
  }

  onResize(listener: () => void): () => void {
    this.#stream.on('resize', listener);
    return () => this.#stream.off('resize', listener);
  }

  /**
   * Writes as soon as the terminal accepts it, after earlier writes.
   *
   * @param onDone is called when the terminal has accepted all of it; never if it was discarded
   */
  write(text: string, onDone?: () => void): void {
    this.#waiting =
      this.#waiting.length === 0 ? Buffer.from(text) : Buffer.concat([this.#waiting, Buffer.from(text)]);
    if (onDone !== undefined) this.#onDone.push(onDone);
    if (this.#retry === null) this.#flush();
  }

  /** Writes synchronously, for exits and signals; gives up after half a second. Discards pending writes. */
  writeNow(text: string): void {
    this.discard();
    let rest: Buffer = Buffer.from(text);
    const deadline = performance.now() + patienceMs;
    while (rest.length > 0 && !this.#isGone) {
      rest = this.#take(rest);
      if (rest.length === 0) return;
      if (performance.now() > deadline) return;
      sleep(firstRetryMs);
    }
  }

  /** Discards pending writes. The terminal may have received part of a sequence; the next sequence ends it. */
  discard(): void {
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#retry = null;
    this.#retryMs = firstRetryMs;
    this.#waiting = Buffer.alloc(0);
    this.#onDone = [];
  }

  /**
   * Non-blocking while there is a screen. Afterwards blocking again, so that everything the program prints appears before it
   * exits.
   */
  setBlocking(isBlocking: boolean): void {
    // Undocumented but established (https://github.com/nodejs/node/issues/6456). libuv has reopened the terminal for this
    // descriptor, so other processes that have it open aren't affected.
    const { _handle: handle } = this.#stream as {
      _handle?: { setBlocking?(isBlocking: boolean): unknown } | null;
    };
    handle?.setBlocking?.(isBlocking);
  }

  #flush(): void {
    this.#retry = null;
    const before = this.#waiting.length;
    this.#waiting = this.#take(this.#waiting);
    if (this.#waiting.length === 0) {
      const onDone = this.#onDone;
      this.discard();
      for (const done of onDone) done();
      return;
    }
    this.#retryMs =
      this.#waiting.length < before ? firstRetryMs : Math.min(longestRetryMs, this.#retryMs * 2);
    this.#retry = setTimeout(() => this.#flush(), this.#retryMs);
  }

  /** Writes as much as the terminal accepts now. @returns the rest */
  #take(bytes: Buffer): Buffer {
    let rest = bytes;
    while (rest.length > 0 && !this.#isGone) {
      try {
        rest = rest.subarray(writeSync(this.#stream.fd, rest));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return rest;
        // EIO, ENXIO, EPIPE, EBADF: the terminal was closed. SIGHUP or the end of stdin reports that.
        this.#isGone = true;
      }
    }
    return Buffer.alloc(0);
  }
}

/** Without the event loop, which doesn't run in exit handlers. */
function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
