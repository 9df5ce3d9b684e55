/**
 * Passes on the job's output immediately, byte for byte. A slow reader makes the job wait, so memory doesn't grow. The job
 * continues if a reader goes away.
 */
import { fstatSync } from 'node:fs';
import type { Hold } from '../../engine/process/child.ts';
import type { OutputStream as JobStream } from '../../protocol/job.ts';
import type { Io, OutputStream } from '../command-line/io.ts';

const newline = 0x0a;

export class Outlets {
  readonly #stdout: Outlet;
  readonly #stderr: Outlet;
  readonly #isOnlyStderr: boolean;
  /** Whether both lead to the same terminal or file. */
  readonly #isShared = isSameFile(1, 2);
  #last: Outlet | null = null;

  /** @param isOnlyStderr true if STDOUT is for something else */
  constructor({ stdout, stderr }: Pick<Io, 'stdout' | 'stderr'>, isOnlyStderr: boolean) {
    this.#stdout = new Outlet(stdout);
    this.#stderr = new Outlet(stderr);
    this.#isOnlyStderr = isOnlyStderr;
  }

  take(stream: JobStream, chunk: Buffer): Hold {
    const outlet = stream === 'stderr' || this.#isOnlyStderr ? this.#stderr : this.#stdout;
    this.#last = outlet;
    return outlet.write(chunk);
  }

  /** Whether STDOUT is in the middle of a line. */
  get isInLine(): boolean {
    const outlet = this.#isShared ? this.#last : this.#stdout;
    return outlet !== null && outlet.lastByte !== newline;
  }

  /** Resolves when everything that can be written has been written. */
  async flushed(): Promise<void> {
    await Promise.all([this.#stdout.flushed(), this.#stderr.flushed()]);
  }

  /** Stops waiting for slow readers. */
  abandon(): void {
    this.#stdout.abandon();
    this.#stderr.abandon();
  }
}

class Outlet {
  readonly #stream: OutputStream;
  #isAbandoned = false;
  #waiting: (() => void)[] = [];
  lastByte = newline;

  constructor(stream: OutputStream) {
    this.#stream = stream;
    stream.on('drain', () => this.#release());
    // EPIPE and the like: the job goes on without a reader.
    stream.on('error', () => this.abandon());
  }

  write(chunk: Buffer): Hold {
    if (this.#isAbandoned) return null;
    this.lastByte = chunk.at(-1) ?? this.lastByte;
    if (this.#stream.write(chunk)) return null;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  flushed(): Promise<void> {
    if (this.#isAbandoned) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#stream.write('', () => resolve());
    });
  }

  abandon(): void {
    this.#isAbandoned = true;
    this.#release();
  }

  #release(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

function isSameFile(one: number, other: number): boolean {
  try {
    const [a, b] = [fstatSync(one), fstatSync(other)];
    return a.dev === b.dev && a.ino === b.ino;
  } catch {
    // One of them is closed.
    return false;
  }
}
