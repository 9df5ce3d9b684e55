/**
 * Waits until one of several files changes: it is written to, replaced, removed or created. It watches their directories,
 * since editors replace a file with a new one. It also looks at the files every second, for changes that a directory doesn't
 * report: a link in the path, a network disk.
 */
import { type FSWatcher, statSync, watch } from 'node:fs';
import { dirname } from 'node:path';

/** A save comes in several steps, and several files in one go. */
const settleMs = 100;
const lookMs = 1_000;

export class FileWatch {
  /** Resolves with the files that are others than at the start, when they have been so for a moment. */
  readonly changed: Promise<string[]>;
  readonly #known: ReadonlyMap<string, string>;
  readonly #watchers: readonly FSWatcher[];
  readonly #looks: NodeJS.Timeout;
  #settling: NodeJS.Timeout | null = null;
  #resolve: (files: string[]) => void = () => {};

  /** @param files absolute; they needn't exist */
  constructor(files: readonly string[]) {
    this.changed = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    const directories = new Set(files.map((file) => dirname(file)));
    this.#watchers = [...directories].flatMap((directory) => this.#watch(directory));
    this.#looks = setInterval(() => {
      if (this.#differing().length > 0) this.#settle(false);
    }, lookMs);
    this.#known = new Map(files.map((file) => [file, stateOf(file)]));
  }

  close(): void {
    for (const watcher of this.#watchers) watcher.close();
    clearInterval(this.#looks);
    if (this.#settling !== null) clearTimeout(this.#settling);
  }

  #watch(directory: string): FSWatcher[] {
    try {
      const watcher = watch(directory, () => this.#settle(true));
      // It is gone, for instance.
      watcher.on('error', () => {});
      return [watcher];
    } catch {
      // Not there, or there are too many watches already.
      return [];
    }
  }

  #settle(startsAnew: boolean): void {
    if (this.#settling !== null && !startsAnew) return;
    if (this.#settling !== null) clearTimeout(this.#settling);
    this.#settling = setTimeout(() => {
      this.#settling = null;
      const differing = this.#differing();
      if (differing.length > 0) this.#resolve(differing);
    }, settleMs);
  }

  #differing(): string[] {
    return [...this.#known].filter(([file, state]) => stateOf(file) !== state).map(([file]) => file);
  }
}

/** Differs whenever the file does. */
function stateOf(file: string): string {
  try {
    const { ino, size, mtimeNs, mode } = statSync(file, { bigint: true });
    return [ino, size, mtimeNs, mode].join();
  } catch {
    // Whatever the reason, it can't be used.
    return '';
  }
}
