/**
 * The frame of each bench: its own directory, and processes that end with it. It cleans up after success, failure and
 * interruption.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { execa } from 'execa';

/** Time between TERM and KILL. */
const stopLimitMs = 3_000;

/** A program and its first arguments. */
export type Command = readonly [string, ...string[]];

export interface ProcessSpec {
  /** For error messages, and the name of its log file. */
  readonly name: string;
  readonly command: Command;
  readonly env?: Readonly<Record<string, string>>;
  /** Has a channel to a Node process, for `ask`. */
  readonly hasChannel?: boolean;
}

export interface BenchProcess {
  readonly pid: number;
  /** Sends it a number, and waits for its answer. */
  ask(number: number): Promise<void>;
  stop(): Promise<void>;
}

export class Bench {
  /** Holds all files of this run. */
  readonly directory = mkdtempSync(join(tmpdir(), 'resque-runner-bench-'));
  /** Rejects if a process ends too early: waiting for it would never finish. */
  readonly failed: Promise<never>;
  /** Ends the measurement with this error. */
  fail: (error: unknown) => void = () => {};
  readonly #disposals: (() => unknown)[] = [];
  #disposed: Promise<void> | null = null;

  constructor() {
    this.failed = new Promise((_, reject) => {
      this.fail = reject;
    });
    // Only code that awaits it needs the rejection. Otherwise it is not an error.
    this.failed.catch(() => {});
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  write(name: string, text: string): string {
    writeFileSync(this.path(name), text);
    return this.path(name);
  }

  /** Called at the end, in reverse order. */
  onDispose(act: () => unknown): void {
    this.#disposals.push(act);
  }

  /** Starts a process whose output goes to a file. If it ends before `stop`, the bench fails. */
  start({ name, command, env = {}, hasChannel = false }: ProcessSpec): BenchProcess {
    const [program, ...args] = command;
    const log = { file: this.path(`${name}.log`) };
    const child = execa(program, args, {
      env,
      stdin: 'ignore',
      stdout: log,
      stderr: log,
      // Directly to the file, not through this process.
      buffer: false,
      ipc: hasChannel,
      reject: false,
      forceKillAfterDelay: stopLimitMs,
    });
    let isStopping = false;
    const stop = async () => {
      isStopping = true;
      child.kill('SIGTERM');
      await child;
    };
    const ask = async (number: number) => {
      await Promise.all([child.getOneMessage?.(), child.sendMessage?.(number)]);
    };
    this.onDispose(stop);
    void child.then(({ exitCode, signal, shortMessage }) => {
      const how =
        exitCode === undefined ? (signal ?? shortMessage ?? 'not started') : `exit code ${exitCode}`;
      if (!isStopping) this.fail(new Error(`${name} ended by itself: ${how}`));
    });
    if (child.pid === undefined) throw new Error(`${program} can't be started`);
    return { pid: child.pid, ask, stop };
  }

  /** Ends all processes and removes all files. Further calls wait for the same end. */
  dispose(): Promise<void> {
    this.#disposed ??= this.#dispose();
    return this.#disposed;
  }

  async #dispose(): Promise<void> {
    for (const act of this.#disposals.reverse()) await act();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Runs one bench to its end and sets the exit code. */
export async function runBench(measure: (bench: Bench) => Promise<void>): Promise<void> {
  if (process.platform !== 'linux') throw new Error('the benches need /proc, which only Linux has');
  const bench = new Bench();
  let exitCode = 0;
  let isInterrupted = false;
  const interrupt = (signal: NodeJS.Signals, signalExitCode: number) =>
    process.on(signal, () => {
      exitCode = signalExitCode;
      isInterrupted = true;
      void bench.dispose().finally(() => end());
    });
  const end = (): never => {
    if (isInterrupted) removeBundle();
    // A failed measurement may leave timers and sockets.
    process.exit(exitCode);
  };
  interrupt('SIGINT', 130);
  interrupt('SIGTERM', 143);
  interrupt('SIGHUP', 129);
  // Errors of commands and jobs that nothing awaits yet.
  process.on('unhandledRejection', bench.fail);
  try {
    await Promise.race([measure(bench), bench.failed]);
  } catch (error) {
    // Ctrl-C reaches the processes too, so their end is expected.
    if (!isInterrupted) {
      console.error(error instanceof Error ? error.message : error);
      exitCode = 1;
    }
  }
  await bench.dispose();
  end();
}

/** Ctrl-C also ends scripts/bench.mjs before it can remove the bundle of this process. */
function removeBundle(): void {
  const directory = dirname(process.argv[1] ?? '');
  if (!basename(directory).startsWith('resque-runner-bench-')) return;
  rmSync(directory, { recursive: true, force: true });
}
