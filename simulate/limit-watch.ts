/**
 * Watches the queues with limits over all runners: never too many jobs at the same time, never one too early, and no job
 * waits without a reason. Queues for which runners have different limits promise nothing.
 */
import type { Agenda } from './agenda.ts';
import type { Dump } from './dump.ts';
import { idsOf, type JobBook, type Run, type Runner } from './job-book.ts';
import type { Log } from './log.ts';
import type { Command, Reply } from './resp.ts';
import { type Limits, queuesOf, type RedisFault, type Schedule, type SeatFault } from './schedule.ts';
import { epochMs } from './sim-server.ts';

/** Shorter than the time after which runners look again by themselves. */
const longestIdleMs = 5_000;
/** After a fault, for this long: dead connections are noticed by then. */
const aftermathMs = 75_000;
/** Runners without other faults are connected again by then. */
const reconnectMs = 2_000;
const unseenMs = 30_000;
const noShareMs = 1_500;
/** The reply of a step has so many values for each job. */
const valuesOfJob = 5;

interface Past {
  /** When Redis lost data. */
  readonly forgottenMs: readonly number[];
  /** What had a wrong type or was refused. */
  readonly spoilt: ReadonlySet<string>;
}

export class LimitWatch {
  readonly #agenda: Agenda;
  readonly #log: Log;
  readonly #book: JobBook;
  readonly #limits: ReadonlyMap<string, Limits>;
  /** By queue: when Redis handed out its jobs. */
  readonly #takes = new Map<string, number[]>();
  /** By queue: since when a job could be taken and isn't. */
  readonly #idle = new Map<string, { readonly sinceMs: number; readonly takes: number }>();
  #disturbedMs = Number.NEGATIVE_INFINITY;
  /** From then on, all running jobs have shares. */
  #sharedFromMs = 0;
  /** By worker: since when it runs a job without a share. */
  readonly #unshared = new Map<string, number>();
  readonly #past: Past;

  constructor(schedule: Schedule, agenda: Agenda, log: Log, book: JobBook, past: Past) {
    this.#agenda = agenda;
    this.#log = log;
    this.#book = book;
    this.#limits = agreedLimits(schedule);
    this.#past = past;
  }

  /** Whether Redis has all that it knew and could write everything. */
  get #isSound(): boolean {
    return this.#past.forgottenMs.length === 0 && this.#past.spoilt.size === 0;
  }

  /** Whether nothing disturbs the runners, and hasn't for a while. */
  get isCalm(): boolean {
    return this.#isSound && this.#agenda.nowMs - this.#disturbedMs > aftermathMs;
  }

  /** Whether there is anything to watch. */
  get isNeeded(): boolean {
    return this.#limits.size > 0;
  }

  /** A runner, its connections or Redis have a fault. */
  disturbed(fault?: SeatFault | RedisFault): void {
    const { nowMs } = this.#agenda;
    this.#disturbedMs = nowMs;
    // Without a restart, runners learn from a step or a heartbeat that Redis has lost data.
    const isUnseen = (fault?.kind === 'roll-back' || fault?.kind === 'flush') && !fault.isRestart;
    this.#sharedFromMs = Math.max(this.#sharedFromMs, nowMs + (isUnseen ? unseenMs : reconnectMs));
  }

  /** A job is about to run. */
  starting({ job, process }: Run, queue: string): void {
    const limit = this.#limits.get(queue)?.limit ?? Number.POSITIVE_INFINITY;
    if (!this.#isSound) return;
    // A recovered runner's program that couldn't be ended has no share any more.
    const others = this.#book.runs.filter(
      (run) => run.job.queue === queue && run.programEndMs === null && !run.mayOverlap,
    );
    if (others.length >= limit)
      this.#log.broken(
        `${process.name} starts ${job.id} beside ${others.length} of ${queue} in all runners, whose limit is ${limit}`,
      );
  }

  /** Redis has carried out a script of a runner. */
  executed(process: Runner, { args }: Command, reply: readonly Reply[]): void {
    if (args[3]?.toString().endsWith(':step') !== true || reply.length % valuesOfJob !== 0) return;
    for (let at = 0; at < reply.length; at += valuesOfJob) {
      const [reservation, worker, , kind, payload] = reply.slice(at, at + valuesOfJob);
      const isJob = Number(reservation) >= 0 && Number(worker) >= 0 && (kind === 0 || kind === 1);
      const [id = ''] = isJob && Buffer.isBuffer(payload) ? idsOf(payload) : [];
      const job = this.#book.jobs.get(id);
      if (job !== undefined) this.#taken(process, job.queue, id);
    }
  }

  #taken(process: Runner, queue: string, id: string): void {
    const takes = this.#takes.get(queue) ?? [];
    this.#takes.set(queue, takes);
    const { nowMs } = this.#agenda;
    takes.push(nowMs);
    const rate = this.#limits.get(queue)?.rate;
    if (!rate || !this.#isSound) return;
    for (const [at, atMs] of takes.entries()) {
      const leastMs = (takes.length - at - rate.burst) * rate.intervalMs;
      // Redis' clock has whole microseconds.
      if (nowMs - atMs > leastMs - 0.01) continue;
      const spanMs = Math.round(nowMs - atMs);
      this.#log.broken(
        `${process.name} takes ${id}, the ${takes.length - at}. of ${queue} in ${spanMs} ms: its rate is ${rate.text}`,
      );
      return;
    }
  }

  /**
   * Call it often.
   *
   * @param hasFaults whether faults or pauses last
   */
  look(dump: Dump, live: readonly Runner[], hasFaults: boolean): void {
    const { nowMs } = this.#agenda;
    if (hasFaults && this.#disturbedMs >= 0) this.disturbed();
    this.#lookForShares(dump, live);
    const { isCalm } = this;
    for (const [queue, limits] of this.#limits) {
      const takes = this.#takes.get(queue)?.length ?? 0;
      const known = this.#idle.get(queue);
      if (
        !isCalm ||
        !mayStart(dump, queue, limits, nowMs) ||
        !live.some((process) => hasRoom(process, queue))
      )
        this.#idle.delete(queue);
      else if (known?.takes !== takes) this.#idle.set(queue, { sinceMs: nowMs, takes });
      else if (nowMs - known.sinceMs >= longestIdleMs)
        this.#log.broken(
          `a job of ${queue} could start for ${longestIdleMs / 1000} s, and no runner takes it`,
        );
    }
  }

  /** Each running job has a share, also after Redis has forgotten it and its runner is connected again. */
  #lookForShares(dump: Dump, live: readonly Runner[]): void {
    const { nowMs } = this.#agenda;
    const isCalm = this.#past.spoilt.size === 0 && nowMs > this.#sharedFromMs;
    const since = (worker: string) => this.#unshared.get(worker) ?? nowMs;
    const unshared = new Map<string, number>();
    for (const { isDead, programs, side } of isCalm ? live : []) {
      if (isDead || !side.client.session.isUp) continue;
      for (const [run, { queue, slot }] of programs.running) {
        const limit = this.#limits.get(queue)?.limit ?? null;
        if (limit !== null && !run.isRecovered && !runningOf(dump, queue).includes(slot.worker))
          unshared.set(slot.worker, since(slot.worker));
      }
    }
    for (const [worker, sinceMs] of unshared) {
      if (nowMs - sinceMs > noShareMs) this.#log.broken(`${worker} runs a job without a share of its limit`);
    }
    this.#unshared.clear();
    for (const [worker, sinceMs] of unshared) this.#unshared.set(worker, sinceMs);
  }
}

/** Workers whose records say that they run a job of the queue. Others with a share have left it. */
function runningOf(dump: Dump, queue: string): string[] {
  const workers = (dump.get(`resque:runner:running:${queue}`)?.values ?? []).map(String);
  return workers.filter((id) =>
    dump.get(`resque:worker:${id}`)?.values[0]?.toString().startsWith(`{"queue":"${queue}",`),
  );
}

/** By queue: its limits, if it has any and all configs agree. */
function agreedLimits({ configs }: Schedule): Map<string, Limits> {
  const agreed = new Map<string, Limits>();
  const entries = configs.flat();
  for (const { key, limit = null, rate = null } of configs[0] ?? []) {
    const isSame = entries.every(
      (other) =>
        other.key !== key ||
        ((other.limit ?? null) === limit && (other.rate?.text ?? null) === (rate?.text ?? null)),
    );
    if (isSame && (limit !== null || rate !== null))
      for (const queue of queuesOf(key)) agreed.set(queue, { limit, rate });
  }
  return agreed;
}

function mayStart(dump: Dump, queue: string, { limit, rate }: Limits, nowMs: number): boolean {
  const waiting = dump.get(`resque:queue:${queue}`)?.values.length ?? 0;
  const arrivalMs = Number(dump.get(`resque:runner:rate:${queue}`)?.values[0] ?? 0) - epochMs;
  const isInTime = rate === null || arrivalMs - nowMs <= (rate.burst - 1) * rate.intervalMs;
  return waiting > 0 && isInTime && (limit === null || runningOf(dump, queue).length < limit);
}

function hasRoom({ isDead, side }: Runner, queue: string): boolean {
  const { router, client, shutdown } = side;
  if (isDead || shutdown.mode !== null || !client.session.isUp) return false;
  return (router.ownerOf(queue)?.free ?? 0) > 0 && router.isTakeable(queue);
}
