/**
 * Learns how children ended that were started past Node. SIGCHLD says that some have; which ones, each is asked.
 * libuv asks for its own children by their numbers, so neither takes the other's.
 */
import type { ExitStatus, Libc } from './libc.ts';

export interface ExpectedExit {
  /** Asks at once; what it learns is told as ever, in a later turn of the loop. */
  isOver(): boolean;
}

export class Reaper {
  readonly #libc: Libc;
  readonly #expected = new Map<number, (status: ExitStatus) => void>();

  constructor(libc: Libc) {
    this.#libc = libc;
    // Before the first child is started, which may end sooner than we hear its number. For as long as the process
    // lives: a handle that doesn't keep it alive.
    process.on('SIGCHLD', () => this.#look());
  }

  /** @param tell called once, never within this call */
  expect(pid: number, tell: (status: ExitStatus) => void): ExpectedExit {
    this.#expected.set(pid, tell);
    return { isOver: () => this.#isOver(pid) };
  }

  #look(): void {
    for (const [pid, tell] of this.#expected) {
      const status = this.#libc.reap(pid);
      if (status === null) continue;
      this.#expected.delete(pid);
      tell(status);
    }
  }

  #isOver(pid: number): boolean {
    const tell = this.#expected.get(pid);
    if (tell === undefined) return true;
    const status = this.#libc.reap(pid);
    if (status === null) return false;
    this.#expected.delete(pid);
    setImmediate(() => tell(status));
    return true;
  }
}
