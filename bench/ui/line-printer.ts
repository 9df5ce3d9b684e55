/** A job that prints lines at a given rate, and its number of printed lines. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Bench } from '../lib/bench.ts';
import { queueKey, type RedisServer } from '../lib/redis-server.ts';
import { waitFor } from '../lib/wait-for.ts';

export interface PrintOptions {
  readonly linesPerSecond: number;
  /** It ends after this many lines; without it, it continues. */
  readonly lines?: number;
  readonly stream?: 'stdout' | 'stderr';
  /** It waits after its first lines, until `goOn`. */
  readonly waits?: boolean;
}

export class LinePrinter {
  /** Command of the script, for the config. */
  static readonly script = [process.execPath, resolve('bench', 'programs', 'print-lines.mjs')];
  readonly #progressFile: string;
  readonly #goFile: string;

  constructor(bench: Bench, name: string) {
    this.#progressFile = bench.path(`${name}.lines`);
    this.#goFile = bench.path(`${name}.go`);
  }

  /** Puts its job onto a queue, and waits until it prints. */
  async start(
    redis: RedisServer,
    queue: string,
    { linesPerSecond, lines = 0, stream = 'stdout', waits = false }: PrintOptions,
  ): Promise<void> {
    rmSync(this.#progressFile, { force: true });
    const args = [
      linesPerSecond,
      lines,
      stream === 'stdout' ? 1 : 2,
      this.#progressFile,
      waits ? this.#goFile : '',
    ];
    await redis.client.rpush(queueKey(queue), JSON.stringify({ class: 'PrintLines', args }));
    await waitFor('the job prints', () => this.lines() > 0);
  }

  goOn(): void {
    writeFileSync(this.#goFile, '');
  }

  /** Lines so far. */
  lines(): number {
    try {
      return Number(readFileSync(this.#progressFile, 'latin1'));
    } catch {
      // It has not started.
      return 0;
    }
  }
}
