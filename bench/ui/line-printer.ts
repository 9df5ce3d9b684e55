/** A job that prints lines at a rate, seen from outside: how many it has printed. */
import { readFileSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Bench } from '../lib/bench.ts';
import { queueKey, type RedisServer } from '../lib/redis-server.ts';
import { waitFor } from '../lib/wait-for.ts';

export interface PrintOptions {
  readonly linesPerSecond: number;
  /** Then it ends; without it, it goes on. */
  readonly lines?: number;
  readonly stream?: 'stdout' | 'stderr';
}

export class LinePrinter {
  /** For the config. */
  static readonly script = [process.execPath, resolve('bench', 'programs', 'print-lines.mjs')];
  readonly #progressFile: string;

  constructor(bench: Bench, name: string) {
    this.#progressFile = bench.path(`${name}.lines`);
  }

  /** Puts its job onto a queue, and waits until it prints. */
  async start(
    redis: RedisServer,
    queue: string,
    { linesPerSecond, lines = 0, stream = 'stdout' }: PrintOptions,
  ): Promise<void> {
    rmSync(this.#progressFile, { force: true });
    const args = [linesPerSecond, lines, stream === 'stdout' ? 1 : 2, this.#progressFile];
    await redis.client.rpush(queueKey(queue), JSON.stringify({ class: 'PrintLines', args }));
    await waitFor('the job prints', () => this.lines() > 0);
  }

  /** Lines that it has written until now. */
  lines(): number {
    try {
      return Number(readFileSync(this.#progressFile, 'latin1'));
    } catch {
      // It has not begun.
      return 0;
    }
  }
}
