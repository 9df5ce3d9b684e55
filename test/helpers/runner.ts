/** A runner under test and the lines of its log. This file runs the built program as a real process. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import type {
  FailureSummary,
  OverrideView,
  PauseReason,
  ShutdownMode,
  Throttled,
} from '../../src/protocol/events.ts';
import type { JobOutcome, JobView } from '../../src/protocol/job.ts';
import { waitFor } from './wait-for.ts';
import type { ConfigObject } from './workbench.ts';

/** Of this version. */
export const currentProgram = fileURLToPath(new URL('../../dist/resque-runner.js', import.meta.url));

/** One line of the JSON log: an event of the engine, with its own fields. */
export interface LogLine {
  readonly time: string;
  readonly level: 'info' | 'warn' | 'error';
  readonly event: string;
  readonly message: string;
  readonly job?: JobView;
  readonly jobId?: string;
  readonly queue?: string;
  readonly pauses?: readonly PauseReason[];
  readonly kept?: readonly OverrideView[];
  readonly outcome?: JobOutcome;
  readonly durationMs?: number;
  readonly exitCode?: number | null;
  readonly signal?: string | null;
  readonly failure?: FailureSummary | null;
  readonly reason?: string;
  readonly awayMs?: number | null;
  readonly problems?: readonly string[];
  readonly mode?: ShutdownMode;
  readonly pid?: number;
  readonly pids?: readonly number[];
  readonly runner?: string;
  readonly throttled?: Throttled;
  readonly steps?: number;
  readonly rewritten?: number;
  readonly settled?: number;
  readonly killed?: number;
  readonly finishing?: number;
  readonly dropped?: number;
  readonly failed?: number;
  readonly requeued?: number;
  readonly workerHost?: string;
}

export interface RunnerExit {
  readonly code: number | undefined;
  readonly signal: string | undefined;
}

export interface RunnerOptions {
  /** The test's directory: the config file goes there, and `TMPDIR` is its `tmp`. */
  readonly directory: string;
  readonly config: ConfigObject;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Words before the command, such as those of a program that executes it. */
  readonly prefix?: readonly string[];
  /** Of another version. */
  readonly program?: string;
}

export interface LineOptions {
  /** Index of the first line that counts; see `Runner.position`. */
  readonly from?: number;
  readonly timeoutMs?: number;
}

type LinePredicate = (line: LogLine) => boolean;

export abstract class Runner {
  readonly lines: LogLine[] = [];
  /** Lines on stdout that are not log lines. These are always bugs. */
  readonly junk: string[] = [];
  readonly configPath: string;
  abstract readonly exit: Promise<RunnerExit>;
  protected hasEnded = false;
  protected errors = '';
  #rest = '';

  constructor(directory: string, config: ConfigObject) {
    this.configPath = join(directory, 'cfg.json');
    this.writeConfig(config);
  }

  abstract get pid(): number;

  /** Host part of its worker ids. */
  get workerHost(): string {
    return this.all('engine.started')[0]?.workerHost ?? '';
  }

  abstract signal(name: NodeJS.Signals): void;

  /** Kills it after a test that failed. */
  abstract end(): void;

  get stderr(): string {
    return this.errors;
  }

  get hasExited(): boolean {
    return this.hasEnded;
  }

  /** Number of lines so far. Pass it as `from` to ignore them. */
  get position(): number {
    return this.lines.length;
  }

  /** Replaces the config file. The runner reads it after a HUP. */
  writeConfig(config: ConfigObject | string): void {
    writeFileSync(this.configPath, typeof config === 'string' ? config : JSON.stringify(config, null, 2));
  }

  /** All lines of an event, optionally only those of a job or queue. */
  all(event: string, predicate: LinePredicate = () => true): LogLine[] {
    return this.lines.filter((line) => line.event === event && predicate(line));
  }

  /** The first past or future line of the event that matches the predicate. */
  async waitForLine(
    event: string,
    predicate: LinePredicate = () => true,
    { from = 0, timeoutMs = 10_000 }: LineOptions = {},
  ): Promise<LogLine> {
    return await waitFor(
      () => {
        const hasExited = this.hasEnded;
        for (const line of this.lines.slice(from)) {
          if (line.event === event && predicate(line)) return line;
        }
        if (hasExited) throw new Error(`the runner ended without ${event}\n${this.describe()}`);
        return null;
      },
      { message: () => `the runner logs ${event}\n${this.describe()}`, timeoutMs },
    );
  }

  /** Waits until this many jobs have ended, with any outcome. */
  async waitForFinished(count: number, timeoutMs = 10_000): Promise<LogLine[]> {
    await waitFor(
      () => {
        const isEnough = this.all('job.finished').length >= count;
        if (!isEnough && this.hasEnded) throw new Error(`the runner ended early\n${this.describe()}`);
        return isEnough;
      },
      { message: () => `${count} jobs have ended\n${this.describe()}`, timeoutMs },
    );
    return this.all('job.finished');
  }

  /** Waits for its exit, without a signal. */
  async waitForExit(timeoutMs = 10_000): Promise<RunnerExit> {
    await waitFor(() => this.hasEnded, {
      message: () => `the runner exits\n${this.describe()}`,
      timeoutMs,
    });
    return await this.exit;
  }

  /** Sends TERM and waits for its exit. */
  async stop(timeoutMs = 10_000): Promise<RunnerExit> {
    if (!this.hasEnded) this.signal('SIGTERM');
    return await this.waitForExit(timeoutMs);
  }

  /** Its last output, for the message of a failed test. */
  describe(): string {
    const last = this.lines.slice(-30).map((line) => `  ${JSON.stringify(line).slice(0, 400)}`);
    return [`log of the runner (${this.lines.length} lines):`, ...last, `stderr: ${this.errors}`].join('\n');
  }

  /** Handles the runner's stdout, in chunks of any size. */
  protected read(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#take(line);
  }

  protected readEnd(): void {
    if (this.#rest !== '') this.junk.push(this.#rest);
  }

  #take(text: string): void {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      value = null;
    }
    if (isLogLine(value)) this.lines.push(value);
    else this.junk.push(text);
  }
}

/** The program. */
export class ProgramRunner extends Runner {
  readonly exit: Promise<RunnerExit>;
  readonly #process: ReturnType<typeof spawnRunner>;

  constructor({
    directory,
    config,
    args = [],
    env = {},
    prefix = [],
    program = currentProgram,
  }: RunnerOptions) {
    if (!existsSync(program)) throw new Error('dist/resque-runner.js is missing: run `npm run build` first');
    super(directory, config);
    const command = [...prefix, process.execPath, program, this.configPath];
    this.#process = spawnRunner(command, args, env, directory);
    this.#process.stdout.setEncoding('utf8').on('data', (text: string) => this.read(text));
    this.#process.stdout.on('end', () => this.readEnd());
    this.#process.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.errors += text;
    });
    this.exit = this.#process.then(({ exitCode, signal }) => {
      this.hasEnded = true;
      return { code: exitCode, signal };
    });
  }

  get pid(): number {
    const pid = this.#process.pid;
    if (pid === undefined) throw new Error('the runner could not be started');
    return pid;
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  end(): void {
    this.signal('SIGKILL');
  }
}

function isLogLine(value: unknown): value is LogLine {
  if (typeof value !== 'object' || value === null) return false;
  const line = value as Partial<Record<keyof LogLine, unknown>>;
  return (
    typeof line.event === 'string' &&
    typeof line.message === 'string' &&
    typeof line.time === 'string' &&
    !Number.isNaN(Date.parse(line.time)) &&
    ['info', 'warn', 'error'].includes(String(line.level))
  );
}

function spawnRunner(
  [file = '', ...words]: readonly string[],
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  directory: string,
) {
  return execa(file, [...words, '--no-ui', '--log-format', 'json', ...args], {
    cwd: directory,
    env: { TMPDIR: join(directory, 'tmp'), XDG_STATE_HOME: join(directory, 'state'), ...env },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    buffer: false,
    reject: false,
    // Tests wait for exits themselves: execa must not turn a TERM into a KILL.
    forceKillAfterDelay: false,
  });
}
