/**
 * Runs a job script as a real process, in either mode, and plays the runner at its descriptors. The locale is C, like that
 * of a service manager.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import type { Readable, Writable } from 'node:stream';
import { afterEach, expect } from 'vitest';
import { isAlive, kill, markVariable, processesMarked } from '../helpers/processes.ts';
import { waitFor } from '../helpers/wait-for.ts';

export type Mode = 'persistent' | 'process';

export interface Job {
  readonly class: string;
  readonly args: readonly unknown[];
}

export interface Failure {
  readonly exception: string;
  readonly error: string;
  readonly backtrace: readonly string[];
}

export interface End {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** The result of a script that was given one job. */
export interface Run extends End {
  readonly failure: Failure | null;
  readonly stdout: string;
}

export interface StartOptions {
  /** Added to the tests' own variables; `undefined` removes one. */
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

export class JobProcess {
  /** Resolves when the process has ended and no process holds its descriptors. */
  readonly closed: Promise<End>;
  hasClosed = false;
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #stdin: Writable;
  readonly #mark = randomUUID();
  readonly #received = { stdout: [] as Buffer[], stderr: [] as Buffer[], results: [] as Buffer[] };

  constructor(script: string, mode: Mode, { env, cwd }: StartOptions = {}) {
    const child = spawn(script, ['mail'], {
      cwd,
      stdio: ['pipe', 'pipe', 'pipe', mode === 'persistent' ? 'pipe' : 'ignore'],
      env: {
        ...process.env,
        LC_ALL: 'C',
        PYTHONDONTWRITEBYTECODE: '1',
        // Many containers set it. It would hide output that isn't flushed.
        PYTHONUNBUFFERED: '',
        [markVariable]: this.#mark,
        RESQUE_QUEUE: 'mail',
        ...(mode === 'persistent' ? { RESQUE_RESULT_FD: '3' } : {}),
        ...env,
      },
    });
    if (child.pid === undefined || child.stdin === null) throw new Error(`${script} can't be started`);
    this.pid = child.pid;
    this.#child = child;
    this.#stdin = child.stdin;
    // A script that ends without reading is judged by its end.
    this.#stdin.on('error', () => {});
    const streams = { stdout: child.stdout, stderr: child.stderr, results: child.stdio[3] };
    for (const name of ['stdout', 'stderr', 'results'] as const) {
      (streams[name] as Readable | null)?.on('data', (chunk: Buffer) => this.#received[name].push(chunk));
    }
    this.closed = new Promise((resolve) => {
      child.once('close', (exitCode, signal) => {
        this.hasClosed = true;
        resolve({ exitCode, signal });
      });
    });
  }

  get stdout(): string {
    return Buffer.concat(this.#received.stdout).toString();
  }

  get stderr(): string {
    return Buffer.concat(this.#received.stderr).toString();
  }

  /** The results so far. @throws if the descriptor got anything else */
  get results(): unknown[] {
    const bytes = Buffer.concat(this.#received.results);
    const lines = new TextDecoder('utf-8', { fatal: true }).decode(bytes).split('\n');
    return lines.slice(0, -1).map((line) => JSON.parse(line));
  }

  /** Writes one line per job. */
  send(...jobs: Job[]): void {
    this.write(jobs.map((job) => `${JSON.stringify(job)}\n`).join(''));
  }

  write(data: string | Buffer): void {
    this.#stdin.write(data);
  }

  /** @returns when the script has read everything except the content of the pipe */
  async writeUntilRead(data: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#stdin.write(data, (error) => (error ? reject(error) : resolve()));
    });
  }

  end(): void {
    this.#stdin.end();
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  async waitForResults(count: number): Promise<unknown[]> {
    await waitFor(() => this.results.length >= count || this.hasClosed, {
      message: () => `${count} results: ${JSON.stringify(this.results)}, stderr ${this.stderr}`,
    });
    return this.results;
  }

  /** Ends its remaining processes. @returns the processes that had to be ended */
  async dispose(): Promise<string[]> {
    const left = processesMarked(this.#mark);
    for (const { pid } of left) kill(pid);
    await waitFor(() => left.every(({ pid }) => !isAlive(pid)), { message: 'all processes have ended' });
    return left.map(({ command }) => command);
  }
}

export interface JobProcesses {
  start(script: string, mode: Mode, options?: StartOptions): JobProcess;
  /** Starts a process for one job and waits for its end. */
  run(script: string, mode: Mode, job: Job): Promise<Run>;
}

/** Call it once at the top of a test file. After a test that passes, no process of its scripts may be left. */
export function useJobProcesses(): JobProcesses {
  const started: JobProcess[] = [];
  afterEach(async ({ task }) => {
    for (const script of started.splice(0)) {
      const left = await script.dispose();
      if (task.result?.state !== 'fail') expect(left, 'processes that are left').toEqual([]);
    }
  });

  function start(script: string, mode: Mode, options?: StartOptions): JobProcess {
    const jobProcess = new JobProcess(script, mode, options);
    started.push(jobProcess);
    return jobProcess;
  }

  return {
    start,
    async run(path, mode, job) {
      const script = start(path, mode);
      script.send(job);
      script.end();
      const end = await script.closed;
      const failure = mode === 'persistent' ? failureIn(script.results) : failureOnStderr(script.stderr);
      return { ...end, failure, stdout: script.stdout };
    },
  };
}

function failureIn(results: readonly unknown[]): Failure | null {
  if (results.length !== 1) throw new Error(`one result is expected: ${JSON.stringify(results)}`);
  const [result] = results as [Failure | { readonly ok: true }];
  return 'ok' in result ? null : result;
}

function failureOnStderr(stderr: string): Failure | null {
  const line = stderr.trimEnd().split('\n').at(-1) ?? '';
  return line === '' ? null : JSON.parse(line);
}
