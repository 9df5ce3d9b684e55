/**
 * Waits until one of several files changes: it is written to, replaced, removed or created. It watches their directories,
 * since editors replace a file with a new one. It also looks at the files every second, for changes that a directory doesn't
 * report: a link in the path, a network disk.
 */
import { type FSWatcher, statSync, watch } from 'node:fs';
import { dirname } from 'node:path';

/** A save takes several steps, and several files may change together. */
const settleMs = 100;
const lookMs = 1_000;

export class FileWatch {
  /** Resolves with the changed files, once they have stopped changing for a moment. */
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
      // For example, the directory was removed.
      watcher.on('error', () => {});
      return [watcher];
    } catch {
      // The directory is missing, or there are too many watches.
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
    // For any reason, the file can't be used.
    return '';
  }
}
