/**
 * Runs one job through the program of its queue, without Redis. It uses everything that an engine uses for a job, so the
 * result is the same. Only prestarted children are left out: a child for this job alone would not have waited.
 */
import { randomUUID } from 'node:crypto';
import type { Config, PoolConfig } from '../config/config.ts';
import type { EngineFact, KillReason } from '../protocol/events.ts';
import type { JobOutcome, NextRun, OutputStream } from '../protocol/job.ts';
import type { Payload } from '../resque/format/payload.ts';
import type { JobOutputs } from './jobs/job.ts';
import { RunningJobs } from './jobs/running-jobs.ts';
import { workerHostOf } from './pools/pool.ts';
import { QueueRouter } from './pools/queue-router.ts';
import type { TakenJob } from './pools/taken-job.ts';
import type { Hold } from './process/child.ts';
import { type ChildrenUsage, UsageMeter } from './process/children-usage.ts';
import { commandOf } from './process/program.ts';

export interface SingleJobOptions {
  readonly config: Config;
  readonly queue: string;
  readonly payload: Payload;
  /** Takes what the job prints. */
  readonly onOutput: (stream: OutputStream, chunk: Buffer) => Hold;
}

export interface SingleJobEnd {
  /** `unstartable`: its program can't be started; an engine would put the job back and pause the queue. */
  readonly outcome: JobOutcome | 'unstartable';
  /** `null` if nothing ran, a signal ended it, or its process was meant to stay. */
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** `null` if nothing ran. */
  readonly durationMs: number | null;
  /** Set if it was killed. */
  readonly killedFor: KillReason | null;
  /** Why it can't be started, a sentence without a full stop. */
  readonly whyUnstartable: string | null;
  /** The run that would follow; `null` if none would. */
  readonly next: NextRun | null;
  /** If it failed, the failure record that Redis would get, now or after the last attempt: JSON text. */
  readonly record: string | null;
  readonly usage: ChildrenUsage | null;
}

type Finished = Extract<EngineFact, { type: 'job.finished' }>;

/** The entry that takes a queue's jobs, as an engine chooses it; `null` if none does. */
export function entryFor(config: Config, queue: string): PoolConfig | null {
  return routerOf(config, queue, randomUUID(), () => {}).ownerOf(queue)?.config ?? null;
}

function routerOf(
  config: Config,
  queue: string,
  nonce: string,
  publish: (fact: EngineFact) => void,
): QueueRouter {
  const router = new QueueRouter(publish, `${workerHostOf(config, nonce)}:${process.pid}`);
  router.configure(config.runners);
  router.expand([queue]);
  return router;
}

export class SingleJob {
  readonly #jobs: RunningJobs;
  readonly #taken: TakenJob;
  readonly #meter = new UsageMeter();
  #killedFor: KillReason | null = null;
  #finished: Finished | null = null;
  #isInterrupted = false;
  #explain: (why: string) => void = () => {};
  /** Why it can't be started. */
  readonly #explained = new Promise<string>((resolve) => {
    this.#explain = resolve;
  });

  /** The queue must belong to an entry. */
  constructor({ config, queue, payload, onOutput }: SingleJobOptions) {
    const publish = (fact: EngineFact) => this.#heard(fact);
    const mark = randomUUID();
    const router = routerOf(config, queue, mark, publish);
    const pool = router.ownerOf(queue);
    const [slot] = pool?.reserveSlots(1) ?? [];
    if (pool === undefined || slot === undefined) throw new Error(`no entry takes the queue ${queue}`);
    const job = { pool, slot, queue, payload, takenAt: new Date() };
    this.#taken = { ...job, isHeld: false, takenIn: null, attempt: null };
    const outputs: JobOutputs = {
      take: (_, stream, chunk) => onOutput(stream, chunk),
      end: () => {},
      giveBackFiles: () => false,
    };
    this.#jobs = new RunningJobs({ router, mark, outputs, publish });
    // No child may wait for another job.
    this.#jobs.stop();
  }

  /** Resque worker id. */
  get worker(): string {
    return this.#taken.slot.worker;
  }

  get entry(): PoolConfig {
    return this.#taken.pool.config;
  }

  /** The program, its words, the queue, and the arguments after it. */
  get command(): readonly string[] {
    return commandOf(this.entry, this.#taken.queue);
  }

  /** Resolves when the job and everything that it started have ended. */
  async run(): Promise<SingleJobEnd> {
    // Between the end of its pipes and that of its process, a child that is started natively keeps no loop going.
    const alive = setInterval(() => {}, aliveMs);
    this.#meter.prepare();
    this.#taken.slot.state = 'running';
    const ended = this.#jobs.start(this.#taken);
    this.#meter.started();
    const outcome = await ended;
    // Interrupted jobs go back, too.
    const isUnstartable = outcome === null || (outcome.kind === 'requeue' && this.#killedFor === null);
    const whyUnstartable = isUnstartable ? await this.#explained : null;
    await this.#jobs.gone();
    clearInterval(alive);
    // Its child may have been started again, when we had more memory than at first.
    if (this.entry.mode === 'persistent') this.#meter.started();
    const finished = this.#finished ?? nothingRan;
    return {
      outcome: isUnstartable ? 'unstartable' : finished.outcome,
      exitCode: finished.exitCode,
      signal: finished.signal,
      durationMs: isUnstartable ? null : finished.durationMs,
      killedFor: this.#killedFor,
      whyUnstartable,
      next: finished.next ?? null,
      record: outcome?.kind === 'failure' || outcome?.kind === 'retry' ? outcome.record : null,
      usage: this.#finished === null ? null : this.#meter.read(),
    };
  }

  /** Ends it as a shutdown does: TERM, and KILL after its `killAfter`; when called again, KILL at once. */
  interrupt(): void {
    if (this.#isInterrupted) this.#jobs.killNow();
    else this.#jobs.terminate();
    this.#isInterrupted = true;
  }

  /** The process ends this instant: no child may outlive it. */
  abandon(): void {
    this.#jobs.abandon();
  }

  #heard(fact: EngineFact): void {
    if (fact.type === 'job.killed') this.#killedFor ??= fact.reason;
    if (fact.type === 'job.finished') this.#finished = fact;
    if (fact.type === 'runner.throttled' && fact.throttled.shortage !== null) {
      this.#explain(fact.throttled.shortage);
    }
    if (fact.type === 'queue.paused') {
      const why = fact.pauses.find(({ kind }) => kind === 'unstartable')?.detail;
      if (why !== undefined) this.#explain(why);
    }
  }
}

/** Long: only its presence counts. */
const aliveMs = 60_000;
const nothingRan = { outcome: 'failed', exitCode: null, signal: null, durationMs: null, next: null } as const;
