/**
 * Jobs that report when they started. The program's first instruction reads the clock, and then it writes the time to a
 * FIFO. It uses the same clock as `process.hrtime`, so times can be subtracted.
 */
import { constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { resolve } from 'node:path';
import { execa } from 'execa';
import type { Bench } from './bench.ts';
import { compile } from './compile.ts';

export interface StartReport {
  readonly id: number;
  /** The time of its first instruction, in nanoseconds of `process.hrtime`. */
  readonly startedNs: bigint;
  /** The time of its parent's `spawn` call; 0 if unknown. */
  readonly spawnedNs: bigint;
}

export class StartProbe {
  /** The program of the job. */
  readonly program: string;
  /** Its environment. */
  readonly env: Readonly<Record<string, string>>;
  /** False if a shell script replaces the compiled program. */
  readonly isCompiled: boolean;
  readonly #waiting = new Map<number, (report: StartReport) => void>();
  #rest = '';

  constructor(program: string, fifo: Socket, fifoPath: string, isCompiled: boolean) {
    this.program = program;
    this.env = { BENCH_START_FIFO: fifoPath };
    this.isCompiled = isCompiled;
    fifo.setEncoding('latin1').on('data', (text) => this.#take(String(text)));
  }

  /** Resolves when the job with this id has started. */
  started(id: number): Promise<StartReport> {
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  #take(text: string): void {
    const nowNs = process.hrtime.bigint();
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      const [id = '', started = '0', spawned = '0'] = line.split(' ');
      const startedNs = BigInt(started) === 0n ? nowNs : BigInt(started);
      this.#waiting.get(Number(id))?.({ id: Number(id), startedNs, spawnedNs: BigInt(spawned) });
      this.#waiting.delete(Number(id));
    }
  }
}

/** @param name of its FIFO */
export async function makeStartProbe(bench: Bench, name: string): Promise<StartProbe> {
  const compiled = await compile(bench, 'start-probe');
  const path = bench.path(name);
  await execa('mkfifo', [path]);
  // Also open for writing, so that reading doesn't end with the last writer.
  const fifo = new Socket({ fd: openSync(path, constants.O_RDWR | constants.O_NONBLOCK), readable: true });
  bench.onDispose(() => fifo.destroy());
  const program = compiled ?? resolve('bench', 'programs', 'start-probe.sh');
  return new StartProbe(program, fifo, path, compiled !== null);
}
