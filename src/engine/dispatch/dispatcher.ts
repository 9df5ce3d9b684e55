/**
 * Brings jobs and free slots together. When idle, it waits with BLPOP on queues that may be taken from and are known to be
 * empty. While there is work, each step writes the outcomes of the last jobs and takes the next ones for the freed slots.
 *
 * The free slots of a pool are in one of these states:
 *
 *     worth asking ──step asks──▶ asked ──got fewer than asked──▶ known empty ──▶ waited for (BLPOP)
 *          ▲                        │ got all                                        │ a job came,
 *          └────────────────────────┴────────────────────────────────────────────────┘ or resumed
 *
 * A pool that waits is not asked, and a slot that asks counts as busy, so no slot is promised twice. When the queues
 * to wait for change, CLIENT UNBLOCK ends the wait and the next one begins. A job that arrives in that instant is kept
 * if its queue has a free slot and isn't paused; otherwise it goes back to the head of its queue.
 */
import { readPayload } from '../../resque/format/payload.ts';
import { withoutMarkup } from '../../resque/format/worker-record.ts';
import type { ResqueClient } from '../../resque/steps/client.ts';
import type { PoppedJob } from '../../resque/steps/job-waits.ts';
import type { HeldJob, OutcomeWrite, ReservedJob, StepReply, StepRequest } from '../../resque/steps/step.ts';
import { atEndOfTurn } from '../events/event-loop-phases.ts';
import type { JobRunner } from '../jobs/running-jobs.ts';
import { Outbox } from '../outcomes/outbox.ts';
import type { Spooling } from '../outcomes/spooling.ts';
import type { Slot } from '../pools/pool.ts';
import type { QueueRouter } from '../pools/queue-router.ts';
import { attemptOf, type Outcome, RequeueBuffer, type TakenJob, takeOne } from '../pools/taken-job.ts';
import { AwaitedAttempts } from './awaited-attempts.ts';
import { Reservations } from './reservations.ts';
import { Waits } from './waits.ts';

export interface DispatcherOptions {
  readonly client: ResqueClient;
  readonly router: QueueRouter;
  readonly jobs: JobRunner;
  readonly spooling: Spooling;
  /** These outcomes are in Redis. */
  readonly onWritten: (outcomes: readonly OutcomeWrite[]) => void;
  readonly onUnreadable: (queue: string, error: string) => void;
  /** Redis did not raise a counter; everything else in the step is done. */
  readonly onCountRefused: (reason: string) => void;
  /** So many retries could not wait: a key has another type. They are recorded as failed. */
  readonly onDelaysRefused: (count: number) => void;
  /** Nothing runs and nothing is on its way. */
  readonly onIdle: () => void;
}

export class Dispatcher {
  readonly outbox: Outbox;
  readonly wait: Waits;
  readonly #client: ResqueClient;
  readonly #router: QueueRouter;
  readonly #options: DispatcherOptions;
  #isAccepting = true;
  #isScheduled = false;
  readonly #reservations: Reservations;
  /** Jobs with a slot of state `running`, until they have an outcome. */
  readonly #running = new Map<Slot, TakenJob>();
  /** Running jobs that others have settled. */
  readonly #settled = new Set<TakenJob>();
  readonly #awaited = new AwaitedAttempts();
  /** Jobs that have a slot and must go back. */
  readonly #back = new RequeueBuffer();
  #inFlight = 0;
  /** After a wait brought a job: the step that asks for more. Waiting again before its reply would bring nothing. */
  #askedAfterWait: StepRequest | null = null;

  constructor(options: DispatcherOptions) {
    const { client, router, spooling } = options;
    this.#client = client;
    this.#router = router;
    this.#options = options;
    router.onMore = () => this.scheduleStep();
    this.outbox = new Outbox(client, spooling, () => this.scheduleStep());
    this.#reservations = new Reservations(router);
    this.wait = new Waits(client, router, (job) => {
      if (job !== null) this.#takePopped(job);
      this.#step(job !== null);
    });
  }

  get runningCount(): number {
    return this.#running.size;
  }

  /** Running jobs whose outcome this runner has to record. */
  get ownJobs(): TakenJob[] {
    return [...this.#running.values()].filter((job) => !this.#settled.has(job));
  }

  get unwritten(): number {
    return this.outbox.unwritten;
  }

  get isSending(): boolean {
    return this.#inFlight > 0;
  }

  /** Neither jobs nor commands are under way. */
  get isIdle(): boolean {
    const isQuiet = this.#inFlight === 0 && !this.wait.isActive && this.outbox.unconfirmed.isEmpty;
    return isQuiet && this.#running.size === 0 && this.outbox.isEmpty && this.#reservations.isEmpty;
  }

  /** Something changed that may let jobs start or stop. Acts once at the end of this turn of the loop. */
  scheduleStep(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    atEndOfTurn(() => this.#step());
  }

  /** Takes no more jobs, for good. Jobs that are already on their way go back. */
  stop(): void {
    this.#isAccepting = false;
    this.#putBack(...this.#awaited.takeAll());
    this.scheduleStep();
  }

  /** The job has ended: its slot is free, and its outcome goes into the next step. */
  #finish(job: TakenJob, outcome: Outcome): void {
    const { slot, pool } = job;
    this.#running.delete(slot);
    slot.state = 'idle';
    if (outcome.kind === 'requeue') pool.isKnownEmpty = false;
    if (!this.#settled.delete(job)) this.outbox.end(job, outcome);
    if (this.outbox.outcomes.isFull && !this.#client.session.isUp) this.spool(false);
    this.scheduleStep();
  }

  /** See `Outbox`. */
  spool(isEnd: boolean): boolean {
    return this.outbox.spool(isEnd ? { unrun: this.#reservations.open } : null);
  }

  /**
   * Finds the jobs that unconfirmed steps took, and records all running jobs again, in case Redis lost them. Rejects with
   * RedisError.
   *
   * @param held jobs on our lists of held jobs that nothing here accounts for: they go back
   */
  async adopt(held: HeldJob[]): Promise<void> {
    for (const worker of this.#reservations.workers) {
      const { pool, slot, step } = this.#reservations.of(worker);
      const hasAttempts = pool.config.retry !== null;
      const recorded = await this.#client.recordedJob(worker, step, hasAttempts);
      this.#reservations.release(worker);
      if (recorded === null) {
        slot.state = 'idle';
        continue;
      }
      // The record holds the name without markup, for resque-web.
      const queue = pool.queues.find((name) => withoutMarkup(name) === recorded.queue) ?? recorded.queue;
      const isHeld = takeOne(held, queue, recorded.payload.bytes);
      const { payload } = recorded;
      const attempt = hasAttempts ? attemptOf(recorded.attempt) : null;
      const job = { pool, slot, queue, payload, takenAt: this.#client.now(), isHeld, takenIn: step, attempt };
      if (!this.#begin(job, false)) this.#back.push(job);
    }
    // The newest first, so that the oldest ends at the head.
    this.outbox.giveBack(...held.reverse().map((job) => ({ ...job, isHeld: true })));
    this.#putBack();
    for (const job of this.ownJobs) if (job.payload.isObject) this.outbox.begin(job);
    this.#router.expectJobs();
  }

  /**
   * Others declared this process dead, and settled the jobs that Redis knew: kills those. The others stay ours.
   *
   * @param lastStep the last step before that
   * @returns how many jobs it kills, and how many outcomes it drops
   */
  startAnew(lastStep: number): { readonly killed: number; readonly dropped: number } {
    this.#reservations.releaseAll();
    this.#putBack(...this.#awaited.takeAll());
    const settled = this.ownJobs.filter((job) => job.isHeld || (job.takenIn ?? lastStep + 1) <= lastStep);
    for (const job of settled) {
      this.#settled.add(job);
      this.#options.jobs.takenOver(job);
    }
    for (const job of this.ownJobs) job.takenIn = null;
    return { killed: settled.length, dropped: this.outbox.startAnew(lastStep, settled) };
  }

  #step(isAfterWait = false): void {
    this.#isScheduled = false;
    if (!this.#client.session.isUp) return;
    const request = this.#nextRequest();
    if (isAfterWait && request !== null && request.reservations.length > 0) this.#askedAfterWait = request;
    void this.#send(request);
    this.wait.update(this.#isAccepting, this.#askedAfterWait === null);
    if (this.#running.size === 0 && this.outbox.isEmpty && this.#inFlight === 0) this.#options.onIdle();
  }

  #nextRequest(isAsking = this.#isAccepting): StepRequest | null {
    const reservations = isAsking ? this.#reservations.collect(this.wait) : [];
    const request = this.outbox.next(reservations);
    if (request !== null) this.#reservations.number(request.step, reservations);
    if (this.outbox.outcomes.length > 0) this.scheduleStep();
    return request;
  }

  async #send(request: StepRequest | null): Promise<void> {
    if (request === null) return;
    this.#inFlight += 1;
    const reply = await this.#client.takeStep(request).catch((error: unknown) => {
      this.outbox.unconfirmed.add(request);
      // An error reply would come again at once: back off as in an outage.
      this.#client.session.fail(error);
      return null;
    });
    this.#inFlight -= 1;
    if (this.#askedAfterWait === request) this.#askedAfterWait = null;
    if (reply !== null) {
      this.outbox.confirm(request);
      this.#take(request, reply);
      this.#options.onWritten(request.outcomes);
    }
    this.scheduleStep();
  }

  #take(request: StepRequest, reply: StepReply): void {
    for (const { queue, error } of reply.unreadable) this.#options.onUnreadable(queue, error);
    if (reply.countRefusal !== null) this.#options.onCountRefused(reply.countRefusal);
    if (reply.refusedDelays > 0) this.#options.onDelaysRefused(reply.refusedDelays);
    for (const [worker, entry] of reply.attempts) this.#startAwaited(worker, entry);
    for (const job of reply.jobs) this.#takeReserved(request, job);
    for (const unsent of reply.unsent) void this.#takeLate(request, this.#client.bring(unsent));
    this.#reservations.releaseUnfilled(request.reservations, reply.filled);
    this.wait.limited.answered(request.reservations, reply);
    this.#putBack();
  }

  #takeReserved({ step, reservations }: StepRequest, reserved: ReservedJob): void {
    const { pool, slot } = this.#reservations.release(reserved.worker);
    const { isHeld = false, hasAttempts = false } = reservations[reserved.reservation] ?? {};
    const taken = { queue: reserved.queue, payload: readPayload(reserved.payload), isHeld, takenIn: step };
    const attempt = hasAttempts ? attemptOf(reserved.attempt) : null;
    const job: TakenJob = { pool, slot, takenAt: this.#client.now(), attempt, ...taken };
    if (!this.#begin(job, reserved.isEmbedded)) this.#back.push(job);
  }

  /** If it can't be read, its slot stays reserved: `adopt` finds the record when Redis is back. */
  async #takeLate(request: StepRequest, late: Promise<ReservedJob>): Promise<void> {
    this.#inFlight += 1;
    const job = await late.catch((error: unknown) => this.#client.session.fail(error));
    this.#inFlight -= 1;
    if (job) this.#takeReserved(request, job);
    this.#putBack();
    this.scheduleStep();
  }

  #putBack(...jobs: readonly TakenJob[]): void {
    for (const job of jobs) this.#back.push(job);
    for (const job of this.#back.takeSettled()) this.#finish(job, { kind: 'requeue' });
  }

  /** Runs a job that has a slot. @returns false if it must go back */
  #begin(job: TakenJob, isOnRecord: boolean): boolean {
    this.#run(job);
    if (!this.#isAccepting || !this.#router.isTakeable(job.queue) || job.pool.isOverfull) return false;
    if (!isOnRecord && job.payload.isObject) this.outbox.completeRecord(job);
    return this.#start(job);
  }

  /** @returns false if it can't be started */
  #start(job: TakenJob): boolean {
    const outcome = this.#options.jobs.start(job);
    if (outcome === null) return false;
    this.outbox.start(job);
    void outcome.then((known) => this.#finish(job, known));
    return true;
  }

  #run(job: TakenJob): void {
    job.slot.state = 'running';
    job.slot.isRegistered = true;
    this.#running.set(job.slot, job);
  }

  /**
   * The job is in no key until a step has recorded it, so that comes before everything else. More jobs are asked for only
   * after it has started: if it can't start, it must be back at the head of its queue before others follow.
   */
  #takePopped(popped: PoppedJob): void {
    const pool = this.#router.ownerOf(popped.queue);
    // Only steps start at-most-once jobs from the list of held jobs, and jobs of pools that have a limit now.
    const mayStart = !popped.isHeld || pool?.config.delivery === 'at-least-once';
    const isWanted =
      this.#isAccepting && this.#router.isTakeable(popped.queue) && mayStart && !pool?.isLimited;
    if (pool !== undefined) pool.isKnownEmpty = false;
    const slot = pool === undefined || !isWanted ? undefined : pool.reserveSlots(1)[0];
    if (pool === undefined || slot === undefined) {
      this.outbox.giveBack(popped);
      return;
    }
    const payload = readPayload(popped.payload);
    const job = { pool, slot, ...popped, payload, takenAt: this.#client.now(), takenIn: null, attempt: null };
    this.#run(job);
    if (this.#client.session.isUp) {
      this.outbox.begin(job);
      void this.#send(this.#nextRequest(false));
    }
    if (pool.config.retry !== null && job.payload.isObject) this.#awaited.add(job);
    else if (!this.#start(job)) this.#putBack(job);
  }

  #startAwaited(worker: string, entry: string): void {
    const job = this.#awaited.take(worker, entry);
    if (job !== null && !(this.#router.isTakeable(job.queue) && this.#start(job))) this.#putBack(job);
  }
}
