/**
 * Runs the program in a terminal of its own and reads its output. It uses no terminal emulator: on two cores, an emulator would
 * slow the program down. It parses only the rows of each frame, as the program's frame sink writes them: a synchronized update
 * with each changed row after an absolute address.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { type IPty, spawn } from '@lydell/node-pty';
import type { Bench } from './bench.ts';
import { waitFor } from './wait-for.ts';

export const screenSize = { columns: 160, rows: 49 };

export interface ScreenSpec {
  readonly command: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
}

interface Waiter {
  readonly isMet: () => boolean;
  readonly resolve: (atMs: number) => void;
}

const endOfUpdate = '\u001B[?2026l';
/** Captures the row's number; the first one is 1. */
const rowAddress = /\u001B\[(\d+);1H/;
const otherSequences = /\u001B\[[\d;:?]*[A-Za-z]/g;

/** Time for the program to end when it is asked to. */
const stopLimitMs = 5_000;

export class Screen {
  readonly pid: number;
  /** When it was started, on the clock of `performance.now`. */
  readonly startedAtMs: number;
  /** Updates so far. */
  frames = 0;
  readonly #pty: IPty;
  readonly #rows: string[] = [];
  readonly #waiters = new Set<Waiter>();
  readonly #exited: Promise<void>;
  #rest = '';
  #isStopping = false;

  constructor(bench: Bench, { command: [program, ...args], env = {} }: ScreenSpec) {
    this.startedAtMs = performance.now();
    this.#pty = spawn(program, args, {
      name: 'xterm-256color',
      cols: screenSize.columns,
      rows: screenSize.rows,
      // No other variables: Ink draws differently if CI is set.
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        LANG: 'C.UTF-8',
        TMPDIR: bench.directory,
        ...env,
      },
    });
    this.pid = this.#pty.pid;
    this.#pty.onData((data) => this.#take(data));
    this.#exited = new Promise((resolve) => {
      this.#pty.onExit(({ exitCode, signal }) => {
        resolve();
        if (this.#isStopping) return;
        const text = `${this.#rows.join('\n')}\n${this.#rest}`.replaceAll(otherSequences, '').trim();
        bench.fail(
          new Error(`the screen ended by itself: exit code ${exitCode}, signal ${signal ?? 0}\n${text}`),
        );
      });
    });
    bench.onDispose(() => this.stop());
  }

  /** Types. @returns when */
  press(keys: string): number {
    const now = performance.now();
    this.#pty.write(keys);
    return now;
  }

  shows(text: string | RegExp): boolean {
    return this.find(text) !== null;
  }

  /** The first row that contains the text. */
  find(text: string | RegExp): string | null {
    const holds = (row: string) => (typeof text === 'string' ? row.includes(text) : text.test(row));
    return this.#rows.find((row) => row !== undefined && holds(row)) ?? null;
  }

  /** @returns the time of the last byte of the frame that met the condition */
  async waitUntil(what: string, isMet: () => boolean, limitMs = 60_000): Promise<number> {
    if (isMet()) return performance.now();
    let timer: NodeJS.Timeout | undefined;
    const came = new Promise<number>((resolve) => this.#waiters.add({ isMet, resolve }));
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const rows = Array.from(this.#rows, (row) => row ?? '').join('\n');
        reject(new Error(`waited ${limitMs / 1000} s for this: ${what}; the screen:\n${rows}`));
      }, limitMs);
    });
    try {
      return await Promise.race([came, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  async waitForText(text: string | RegExp, limitMs?: number): Promise<number> {
    return await this.waitUntil(`the screen shows ${text}`, () => this.shows(text), limitMs);
  }

  /** The pid of the engine that this screen started; `null` if there is none. */
  enginePid(): number | null {
    const isChild = (entry: string) => /^\d+$/.test(entry) && parentOf(Number(entry)) === this.pid;
    return Number(readdirSync('/proc').find(isChild) ?? 0) || null;
  }

  /** Ends the screen and its engine. */
  async stop(): Promise<void> {
    if (this.#isStopping) return await this.#exited;
    this.#isStopping = true;
    const engine = this.enginePid();
    // End the engine, which ends its screen. Ending the screen would make its engine wait for jobs.
    signal(engine ?? this.pid, 'SIGTERM');
    const limit = setTimeout(() => {
      for (const pid of [engine, this.pid]) if (pid !== null) signal(pid, 'SIGKILL');
    }, stopLimitMs);
    await this.#exited;
    clearTimeout(limit);
    if (engine === null) return;
    await waitFor('the end of the engine', () => parentOf(engine) === null, { limitMs: stopLimitMs });
  }

  #take(data: string): void {
    this.#rest += data;
    let at = 0;
    for (let end = this.#rest.indexOf(endOfUpdate); end !== -1; end = this.#rest.indexOf(endOfUpdate, at)) {
      this.#update(this.#rest.slice(at, end));
      at = end + endOfUpdate.length;
    }
    this.#rest = this.#rest.slice(at);
  }

  #update(update: string): void {
    const now = performance.now();
    this.frames += 1;
    const [, ...parts] = update.split(rowAddress);
    for (let at = 0; at < parts.length; at += 2) {
      this.#rows[Number(parts[at]) - 1] = (parts[at + 1] ?? '').replaceAll(otherSequences, '');
    }
    for (const waiter of this.#waiters) {
      if (!waiter.isMet()) continue;
      this.#waiters.delete(waiter);
      waiter.resolve(now);
    }
  }
}

/** @returns `null` if there is no such process */
function parentOf(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // After the name in parentheses: state, then parent.
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return null;
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has already ended.
  }
}
