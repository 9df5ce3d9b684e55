/**
 * Tells people of jobs that failed for good: starts the `onFailure` program of an entry with each failure record that Redis
 * has. It never holds up jobs: a few programs run at a time, a limited number of records waits for them, and what is beyond
 * that is counted and published. A program that fails is an event, and no more.
 *
 *     recorded ──▶ waiting ──▶ running ──▶ over
 *         └─ too many, or the runner has stopped: dropped
 *
 * After the last job, the programs have some time, see `graceMs`. Then they are ended.
 */
import type { PoolConfig } from '../../config/config.ts';
import type { EngineEvent, EngineFact, ShutdownMode } from '../../protocol/events.ts';
import { viewFailure } from '../../resque/format/failure-record.ts';
import { readWorkerId } from '../../resque/format/worker-id.ts';
import { isNotStarted } from '../launch/launched-process.ts';
import type { ExitStatus } from '../launch/libc.ts';
import { OutputTail } from '../output/output-tail.ts';
import type { Pool } from '../pools/pool.ts';
import type { QueueRouter } from '../pools/queue-router.ts';
import { ProcessGroups } from '../process/process-groups.ts';
import { launchSpecOf } from '../process/program.ts';
import { whyItNeverRan, whyNotStarted } from '../process/startable.ts';
import { Tally } from './tally.ts';

export interface NoticeLimits {
  /** How long a program may run before it gets TERM. */
  readonly runMs: number;
  /** Between TERM and KILL; also for what the program leaves in its process group. */
  readonly killAfterMs: number;
  /** Programs at a time, of all entries. */
  readonly running: number;
  /** Records that wait for them. */
  readonly waiting: number;
  /** Of these records: each may be as large as its payload. */
  readonly waitingBytes: number;
  /** How long programs may go on after the last job has ended. */
  readonly graceMs: Readonly<Record<ShutdownMode, number>>;
}

/** docs/failures.md has them for users. */
export const noticeLimits: NoticeLimits = {
  runMs: 30_000,
  killAfterMs: 2_000,
  running: 4,
  waiting: 100,
  waitingBytes: 16 * 1024 * 1024,
  graceMs: { drained: 30_000, quit: 30_000, terminate: 2_000, kill: 0 },
};

/** A program's output is kept for the reason of a failure, and for nothing else. */
const outputBytes = 4_096;
const lastWordsLimit = 300;

const programConfigs = new WeakMap<PoolConfig, PoolConfig>();

/** The entry with its `onFailure` program in place of its script. */
export function noticeConfig(config: PoolConfig, program: readonly string[]): PoolConfig {
  const known = programConfigs.get(config);
  if (known !== undefined) return known;
  const made: PoolConfig = { ...config, script: program, args: [] };
  programConfigs.set(config, made);
  return made;
}

export interface NoticesOptions {
  readonly router: QueueRouter;
  /** Identifies this runner process, in the environment of its programs. */
  readonly mark: string;
  readonly publish: (fact: EngineFact) => void;
  readonly limits?: NoticeLimits;
}

interface Waiting {
  readonly pool: Pool;
  readonly queue: string;
  readonly worker: string;
  readonly record: Buffer;
}

type DropReason = (EngineFact & { type: 'notice.dropped' })['reason'];

export class Notices {
  readonly #options: NoticesOptions;
  readonly #limits: NoticeLimits;
  readonly #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #running = 0;
  readonly #groups = new ProcessGroups();
  readonly #failed: Tally<{ readonly queue: string; readonly reason: string }>;
  readonly #dropped: Tally<DropReason>;
  #mode: ShutdownMode | null = null;
  #hasJobs = true;
  #isClosed = false;
  #closeTimer: NodeJS.Timeout | null = null;
  #onceIdle: (() => void) | null = null;

  constructor(options: NoticesOptions) {
    this.#options = options;
    this.#limits = options.limits ?? noticeLimits;
    const { publish } = options;
    this.#failed = new Tally((runner, count, last) =>
      publish({ type: 'notice.failed', runner, count, ...last }),
    );
    this.#dropped = new Tally((runner, count, reason) =>
      publish({ type: 'notice.dropped', runner, count, reason }),
    );
  }

  /** This record is on the `failed` list. */
  recorded(record: string | Buffer): void {
    const { pools } = this.#options.router;
    if (pools.every(({ config }) => config.onFailure === null)) return;
    const bytes = Buffer.from(record);
    const { worker, queue } = viewFailure(bytes);
    if (worker === null || queue === null) return;
    const pool = this.#poolOf(worker, queue);
    if (pool === undefined || pool.config.onFailure === null) return;
    if (this.#isClosed) this.#drop(pool, 'stopping');
    else if (!this.#hasRoomFor(bytes)) this.#drop(pool, 'busy');
    else {
      this.#waiting.push({ pool, queue, worker, record: bytes });
      this.#waitingBytes += bytes.length;
      this.#startSome();
    }
  }

  /** The entry that ran the job. For a job of a dead runner: the same entry here, or the one that takes the queue. */
  #poolOf(worker: string, queue: string): Pool | undefined {
    const { router } = this.#options;
    const key = readWorkerId(worker).queues;
    return router.pools.find((pool) => pool.key === key) ?? router.ownerOf(queue);
  }

  /** A single record always has room. */
  #hasRoomFor(record: Buffer): boolean {
    if (this.#waiting.length === 0) return true;
    const { waiting, waitingBytes } = this.#limits;
    return this.#waiting.length < waiting && this.#waitingBytes + record.length <= waitingBytes;
  }

  #startSome(): void {
    while (this.#running < this.#limits.running) {
      const next = this.#waiting.shift();
      if (next === undefined) break;
      this.#waitingBytes -= next.record.length;
      this.#start(next);
    }
    if (this.#isIdle) this.#onceIdle?.();
  }

  get #isIdle(): boolean {
    return this.#running === 0 && this.#waiting.length === 0;
  }

  #start(next: Waiting): void {
    const { config, key } = next.pool;
    // A reload may have taken the program away.
    if (config.onFailure === null) return;
    this.#running += 1;
    void this.#run(next, noticeConfig(config, config.onFailure)).then((reason) => {
      this.#running -= 1;
      if (reason !== null) this.#failed.add(key, { queue: next.queue, reason });
      this.#startSome();
    });
  }

  /** The program gets the queue as its argument and the record on STDIN, like a job. @returns why it failed, if it did */
  async #run({ queue, worker, record }: Waiting, config: PoolConfig): Promise<string | null> {
    const { runMs, killAfterMs } = this.#limits;
    const output = new OutputTail(outputBytes);
    const sink = {
      take(_: unknown, chunk: Buffer) {
        output.push(chunk);
        return null;
      },
    };
    const facts = { queue, worker, mark: this.#options.mark, attempt: null };
    const spec = launchSpecOf(config, facts, { stdin: record, hasResults: false });
    const child = this.#groups.start(spec, sink, killAfterMs / 1_000);
    if (isNotStarted(child)) return await whyNotStarted(await child.whyNot, config);
    let isOutOfTime = false;
    const limit = setTimeout(() => {
      isOutOfTime = true;
      child.end();
    }, runMs);
    const exit = await child.ended;
    clearTimeout(limit);
    const neverRan = await whyItNeverRan(exit, config);
    if (neverRan !== null) return await neverRan.whyNot;
    const why = isOutOfTime ? `it ran for more than ${runMs / 1_000} s` : whyFailed(exit);
    if (why === null) return null;
    const lastWords = output.text().trim().slice(-lastWordsLimit);
    return lastWords === '' ? why : `${why}: ${lastWords}`;
  }

  #drop({ key }: Pool, reason: DropReason): void {
    this.#dropped.add(key, reason);
  }

  heard(event: EngineEvent): void {
    if (event.type !== 'engine.stopping') return;
    this.#mode = event.mode;
    if (event.mode === 'kill' || !this.#hasJobs) this.#closeIn(this.#limits.graceMs[event.mode]);
  }

  /** The runner stops, and its last job has ended. Its record may still come. */
  jobsGone(): void {
    this.#hasJobs = false;
    this.#closeIn(this.#limits.graceMs[this.#mode ?? 'quit']);
  }

  #closeIn(ms: number): void {
    if (this.#closeTimer !== null) clearTimeout(this.#closeTimer);
    if (ms === 0) this.#close();
    else this.#closeTimer = setTimeout(() => this.#close(), ms);
  }

  #close(): void {
    this.#isClosed = true;
    for (const { pool } of this.#waiting.splice(0)) this.#drop(pool, 'stopping');
    this.#waitingBytes = 0;
    if (this.#mode === 'kill') this.#groups.killNow();
    else this.#groups.end();
    if (this.#isIdle) this.#onceIdle?.();
  }

  /** No record comes any more. Resolves when no program is left: after the grace at the latest. */
  async finish(): Promise<void> {
    if (!this.#isIdle) {
      await new Promise<void>((resolve) => {
        this.#onceIdle = resolve;
      });
    }
    await this.#groups.gone();
    if (this.#closeTimer !== null) clearTimeout(this.#closeTimer);
    this.#failed.flush();
    this.#dropped.flush();
  }

  /** The process ends this instant: no program may outlive it. */
  abandon(): void {
    this.#groups.killNow();
  }
}

function whyFailed({ exitCode, signal }: ExitStatus): string | null {
  if (signal !== null) return signal;
  return exitCode === 0 ? null : `exit code ${exitCode}`;
}
