/**
 * What the runner reports to Redis, in numbered steps: how jobs ended, which ones began and which ones go back. It keeps the
 * last steps in case Redis forgets them.
 *
 *     told ──next()──▶ sent ──reply──▶ confirmed, kept for a minute
 *                        └──no reply, or an error──▶ unconfirmed ──repeated on the next connection──▶ confirmed
 */
import type { Payload } from '../../resque/format/payload.ts';
import type { ResqueClient } from '../../resque/steps/client.ts';
import type { SpooledStep } from '../../resque/steps/spooled-steps.ts';
import type {
  OutcomeWrite,
  Reservation,
  ReturnWrite,
  StartWrite,
  StepRequest,
} from '../../resque/steps/step.ts';
import { beginWrite, type Outcome, outcomeWrite, pluginKeysOf, type TakenJob } from '../pools/taken-job.ts';
import { ConfirmedSteps } from './confirmed-steps.ts';
import { type Spooling, spooledSteps } from './spooling.ts';
import { OutcomeQueue, UnconfirmedSteps } from './unwritten.ts';

/** Outcomes in one step; a record may be as large as its payload. */
const outcomeLimit = 64;
/** A record with a larger payload is sent only if its job runs for a while. */
const largeBytes = 64 * 1024;
const largeDelayMs = 1_000;

export class Outbox {
  readonly outcomes = new OutcomeQueue();
  readonly unconfirmed = new UnconfirmedSteps();
  readonly confirmed = new ConfirmedSteps();
  readonly #client: ResqueClient;
  readonly #spooling: Spooling;
  #begins: TakenJob[] = [];
  /** Jobs that have started, with the keys that the next step deletes. */
  readonly #starts = new Map<TakenJob, string>();
  /** Jobs with a payload beside their record in Redis, not in it. */
  readonly #large = new Set<TakenJob>();
  #isLargeDue = false;
  /** Names of job statuses that the next step sets to running. */
  #running: string[] = [];
  readonly #onDue: () => void;
  #returns: ReturnWrite[] = [];
  #lastStep = 0;
  #processed = 0;
  #failed = 0;

  /** @param onDue there is something to report */
  constructor(client: ResqueClient, spooling: Spooling, onDue: () => void) {
    this.#client = client;
    this.#spooling = spooling;
    this.#onDue = onDue;
    client.lastConfirmed = () => this.lastConfirmed;
  }

  get lastStep(): number {
    return this.#lastStep;
  }

  /** Number of the last step such that Redis has confirmed it and all earlier ones. */
  get lastConfirmed(): number {
    return Math.min(this.unconfirmed.first ?? this.#lastStep + 1, this.#firstOnDisk()) - 1;
  }

  get returns(): readonly ReturnWrite[] {
    return this.#returns;
  }

  /** Whether no outcome, start or returning job waits to be sent. */
  get isEmpty(): boolean {
    return this.outcomes.length + this.#returns.length + this.#starts.size === 0;
  }

  /** How many outcomes may not be in Redis. */
  get unwritten(): number {
    return this.outcomes.length + this.#returns.length + this.unconfirmed.outcomes + this.#spooling.count;
  }

  begin(job: TakenJob): void {
    if (!this.#begins.includes(job)) this.#begins.push(job);
  }

  /** The program of the job runs. */
  start(job: TakenJob): void {
    // Schedulers drop a job's id: the step that took a retry couldn't know its status.
    if (job.attempt?.payload) this.#tellRunning(job.attempt.payload);
    const pluginKeys = pluginKeysOf(job, 'taken');
    if (pluginKeys === '') return;
    this.#starts.set(job, pluginKeys);
    // Its record then says that the keys are deleted: only until then, a recovery deletes them.
    this.begin(job);
    this.#onDue();
  }

  /** The step that took the job has recorded it, but with the payload beside the record. */
  completeRecord(job: TakenJob): void {
    if (job.payload.bytes.length <= largeBytes) {
      this.begin(job);
      this.#onDue();
      return;
    }
    this.#tellRunning(job.payload);
    this.#large.add(job);
    if (this.#isLargeDue) return;
    this.#isLargeDue = true;
    this.#client.clock.after(largeDelayMs, () => this.#beginLarge(), { keepsAlive: false });
  }

  #tellRunning({ statusName }: Payload): void {
    if (statusName === '') return;
    this.#running.push(statusName);
    this.#onDue();
  }

  #beginLarge(): void {
    this.#isLargeDue = false;
    // Without a connection, all jobs are recorded as soon as there is one.
    if (this.#large.size > 0 && this.#client.session.isUp) {
      for (const job of this.#large) this.begin(job);
      this.#onDue();
    }
    this.#large.clear();
  }

  /** The job has ended. */
  end(job: TakenJob, outcome: Outcome): void {
    // Its begin must not follow its end in the same step.
    this.#large.delete(job);
    if (this.#begins.length > 0) this.#begins = this.#begins.filter((begun) => begun !== job);
    const dueAt = (delaySeconds: number) => this.#client.dueSeconds(delaySeconds);
    this.outcomes.push(outcomeWrite(job, outcome, dueAt));
    // As in Resque, a failed job also counts as processed.
    if (outcome.kind !== 'requeue' && outcome.kind !== 'snooze') this.#processed += 1;
    if (outcome.kind === 'failure' || outcome.kind === 'retry') this.#failed += 1;
  }

  /** Jobs that have ended since the start. */
  get totals(): { processed: number; failed: number } {
    return { processed: this.#processed, failed: this.#failed };
  }

  giveBack(...jobs: readonly ReturnWrite[]): void {
    this.#returns.push(...jobs);
  }

  /** @returns the next step; `null` if there is nothing to report */
  next(reservations: readonly Reservation[]): StepRequest | null {
    const outcomes = this.outcomes.take(outcomeLimit);
    const returns = this.#returns;
    const running = this.#running;
    const others = running.length + this.#begins.length + this.#starts.size;
    if (outcomes.length + returns.length + reservations.length + others === 0) return null;
    this.#lastStep += 1;
    const step = this.#lastStep;
    for (const job of this.#starts.keys()) job.isUnlocked = true;
    const begins = this.#begins.map((job) => {
      const { statusName } = job.payload;
      if (statusName !== '') running.push(statusName);
      job.takenIn ??= step;
      return beginWrite(job, job.takenIn);
    });
    const starts = this.#takeStarts();
    this.#begins = [];
    this.#running = [];
    this.#returns = [];
    return { outcomes, begins, starts, running, returns, reservations, step };
  }

  #takeStarts(): StartWrite[] {
    // Nearly always.
    if (this.#starts.size === 0) return [];
    const starts = [...this.#starts].map(([{ slot, takenIn }, pluginKeys]) => {
      return { worker: slot.worker, takenIn, pluginKeys };
    });
    this.#starts.clear();
    return starts;
  }

  confirm(step: StepRequest): void {
    this.confirmed.add(step, this.#client.clock.elapsedMs());
  }

  /**
   * Repeats the steps that the old connections left open, from memory and disk, in the order of their numbers. Redis skips
   * those that it has carried out. They take no new jobs, and the dispatcher records running jobs. Rejects with RedisError.
   */
  async repeat(onWritten: (outcomes: readonly OutcomeWrite[]) => void): Promise<void> {
    for (;;) {
      const step = this.unconfirmed.earliest;
      const onDisk = this.#firstOnDisk();
      if (step !== null && step.step < onDisk) {
        await this.#client.takeStep({ ...step, begins: [], reservations: [] });
        this.unconfirmed.shift();
        this.confirm(step);
        onWritten(step.outcomes);
      } else if (onDisk !== Number.POSITIVE_INFINITY) await this.#spooling.restoreFirst();
      else return;
    }
  }

  /**
   * Moves what has never been sent to the disk, as steps.
   *
   * @param end set at the end, with the connections closed: moves everything that Redis may not have. Names the workers with
   *   a request for a job and no reply
   * @returns whether it is on the disk
   */
  spool(end: { readonly unrun: SpooledStep['unrun'] } | null): boolean {
    const steps = end === null ? [] : this.unconfirmed.surrender();
    for (let step = this.next([]); step !== null; step = this.next([])) steps.push(step);
    const spooled = spooledSteps(steps, end?.unrun ?? [], this.#lastStep + 1);
    const isKept = this.#spooling.keep(spooled, end !== null);
    if (!isKept) for (const step of steps) this.unconfirmed.add(step);
    return isKept;
  }

  #firstOnDisk(): number {
    return this.#spooling.first ?? Number.POSITIVE_INFINITY;
  }

  /**
   * Others declared this process dead, and settled the jobs that Redis knew: only what Redis never knew is still reported.
   * The numbers of its steps go on.
   *
   * @param lastStep the last step before that
   * @param settled the running ones of these jobs
   * @returns how many outcomes it drops
   */
  startAnew(lastStep: number, settled: readonly TakenJob[]): number {
    const open = [...this.#spooling.takeOwn(), ...this.unconfirmed.surrender()];
    const steps = open.filter(({ step }) => step > lastStep);
    const outcomes = [...steps.flatMap((step) => step.outcomes), ...this.outcomes.take(this.outcomes.length)];
    const kept = outcomes.filter(({ takenIn, held }) => !held && (takenIn ?? lastStep + 1) > lastStep);
    for (const outcome of kept) this.outcomes.push({ ...outcome, takenIn: null });
    const returns = [...steps.flatMap((step) => step.returns), ...this.#returns];
    this.#returns = returns.filter(({ isHeld }) => !isHeld);
    for (const job of settled) this.#starts.delete(job);
    this.#begins = [];
    this.#running = [];
    this.#large.clear();
    this.confirmed.clear();
    return outcomes.length - kept.length;
  }
}
