/**
 * Brings jobs and free slots together. Idle, it waits with BLPOP on the queues that may be taken from and
 * are known to be empty; as long as there is work, each round trip of `advance` writes the outcomes of the
 * last jobs and takes the next ones for the slots that they freed.
 *
 * A runner is in one of these states, as far as its free slots go:
 *
 *     worth asking ──advance asks──▶ asked ──got fewer than asked──▶ known empty ──▶ waited for (BLPOP)
 *          ▲                           │ got all                                        │ a job came,
 *          └───────────────────────────┴────────────────────────────────────────────────┘ or resumed
 *
 * A runner that is waited for is not asked, and a slot that is asked for counts as busy, so none is promised
 * twice. When the set of queues to wait for changes, CLIENT UNBLOCK ends the wait and the next one begins; a
 * job that comes in that instant is kept if its queue still has a slot and isn't paused, and else goes back to
 * its head.
 */
import type { AdvanceBatch, AdvanceReply } from '../resque/advance.ts';
import { readPayload } from '../resque/payload.ts';
import type { PoppedJob, ResqueClient } from '../resque/resque-client.ts';
import { withoutMarkup } from '../resque/worker-record.ts';
import type { DispatcherHooks, Outcome } from './dispatcher-hooks.ts';
import type { Fleet } from './fleet.ts';
import { takeOne, unaccountedFor } from './held-jobs.ts';
import { OutcomeQueue } from './outcome-queue.ts';
import { Reservations } from './reservations.ts';
import type { Runner, Slot } from './runner.ts';
import { spooledSteps } from './spooling.ts';
import { beginWrite, GoingBack, type TakenJob } from './taken-job.ts';
import { atEndOfTurn } from './turn.ts';
import { UnconfirmedSteps } from './unconfirmed-steps.ts';
import { Waits } from './waits.ts';

/** Outcomes of one step; their records may be as large as their payloads. */
const outcomeLimit = 64;

export class Dispatcher {
  readonly #client: ResqueClient;
  readonly #fleet: Fleet;
  readonly #hooks: DispatcherHooks;
  #isAccepting = true;
  #isScheduled = false;
  readonly #reservations: Reservations;
  /** Jobs with a slot of state `running`, for as long as their outcome isn't told. */
  readonly #running = new Map<Slot, TakenJob>();
  readonly #outcomes = new OutcomeQueue();
  #begins: TakenJob[] = [];
  #returns: PoppedJob[] = [];
  /** Jobs that have a slot and must go back. */
  readonly #back = new GoingBack();
  #lastStep = 0;
  #inFlight = 0;
  readonly #unconfirmed: UnconfirmedSteps;
  readonly wait: Waits;
  /** After a wait brought a job: the step that asks for more. Waiting again before its reply would be in vain. */
  #askedAfterWait: AdvanceBatch | null = null;

  constructor(client: ResqueClient, fleet: Fleet, hooks: DispatcherHooks) {
    this.#client = client;
    this.#fleet = fleet;
    this.#hooks = hooks;
    this.#unconfirmed = new UnconfirmedSteps(client);
    this.#reservations = new Reservations(fleet);
    this.wait = new Waits(client, fleet, (job) => this.#waitOver(job));
  }

  get runningCount(): number {
    return this.#running.size;
  }

  /** Outcomes that are not known to be in Redis. */
  get unwritten(): number {
    const { count } = this.#hooks.spooling;
    return this.#outcomes.length + this.#returns.length + this.#unconfirmed.outcomes + count;
  }

  get isSending(): boolean {
    return this.#inFlight > 0;
  }

  /** Neither jobs nor words to Redis are under way. */
  get isIdle(): boolean {
    const isQuiet = this.#inFlight === 0 && !this.wait.isActive && this.#unconfirmed.isEmpty;
    return isQuiet && this.#hasNoJob;
  }

  get #hasNoJob(): boolean {
    return this.#running.size === 0 && this.#outcomes.length === 0 && this.#returns.length === 0;
  }

  /** Something changed that may let jobs start or stop. Acts once at the end of this turn of the loop. */
  poke(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    atEndOfTurn(() => this.#step());
  }

  /** Takes no more jobs, for good. What is on its way already goes back. */
  stop(): void {
    this.#isAccepting = false;
    this.poke();
  }

  /** Tells how a job ended, and frees its slot. */
  finish(job: TakenJob, outcome: Outcome): void {
    const { slot } = job;
    this.#running.delete(slot);
    slot.state = 'idle';
    // Its begin and its end in one step would end it first.
    this.#begins = this.#begins.filter((begun) => begun.slot !== slot);
    const { worker } = slot;
    const held = job.isHeld ? { queue: job.queue, payload: job.payload.bytes } : null;
    if (outcome.kind === 'requeue') {
      job.runner.isKnownEmpty = false;
      this.#outcomes.push({ worker, held, kind: 'requeue', queue: job.queue, payload: job.payload.bytes });
    } else {
      this.#outcomes.push({ worker, held, ...outcome });
    }
    if (this.#outcomes.isFull && !this.#client.session.isUp) this.spool(false);
    this.poke();
  }

  /**
   * Moves to the disk what was never sent, as the steps that it would have been; at the end, with the connections
   * closed, all that Redis may not know. @returns whether it is there
   */
  spool(isEnd: boolean): boolean {
    const batches = isEnd ? this.#unconfirmed.surrender() : [];
    for (let batch = this.#nextBatch(false); batch !== null; batch = this.#nextBatch(false))
      batches.push(batch);
    const unrun = isEnd ? this.#reservations.open : [];
    const isKept = this.#hooks.spooling.keep(spooledSteps(batches, unrun, this.#lastStep + 1));
    if (!isKept) for (const batch of batches) this.#unconfirmed.add(batch);
    return isKept;
  }

  /**
   * Settles, on fresh connections, what the old ones left open: repeats unconfirmed steps, finds the jobs
   * that they took, and puts the running jobs back on record where Redis lost that.
   *
   * @param alive writes signs of life; called between the two
   */
  async resume(alive: () => Promise<void>): Promise<void> {
    const { spooling } = this.#hooks;
    const onDisk = () => spooling.first ?? Number.POSITIVE_INFINITY;
    await this.#client.prepare(Math.min(this.#unconfirmed.first ?? this.#lastStep + 1, onDisk()) - 1);
    // In the order of their numbers, wherever they are.
    await this.#unconfirmed.repeat(onDisk, (outcomes) => this.#hooks.onWritten(outcomes));
    while (spooling.first !== null) {
      await spooling.restoreFirst();
      await this.#unconfirmed.repeat(onDisk, (outcomes) => this.#hooks.onWritten(outcomes));
    }
    await alive();
    await this.#adoptRecorded();
    for (const job of this.#running.values()) if (!this.#begins.includes(job)) this.#begins.push(job);
    this.#fleet.expectJobs();
  }

  /**
   * After a lost step, a reserved slot's worker has its job on record, or none. And what a lost wait moved onto
   * the list of held jobs goes back.
   */
  async #adoptRecorded(): Promise<void> {
    const all = this.#fleet.holdsJobs ? await this.#client.heldJobs() : [];
    const held = unaccountedFor(all, this.#running.values(), this.#outcomes, this.#returns);
    for (const worker of this.#reservations.workers) {
      const recorded = await this.#client.recordedJob(worker);
      const { runner, slot } = this.#reservations.release(worker);
      if (recorded === null) {
        slot.state = 'idle';
        continue;
      }
      // The record holds the name without what resque-web would take for markup.
      const queue = runner.queues.find((name) => withoutMarkup(name) === recorded.queue) ?? recorded.queue;
      const isHeld = takeOne(held, queue, recorded.payload.bytes);
      const job = { runner, slot, queue, payload: recorded.payload, takenAt: this.#now(), isHeld };
      if (!this.#begin(job, false)) this.#back.push(job);
    }
    // The newest first, so that the oldest ends at the head.
    this.#returns.push(...held.reverse().map((job) => ({ ...job, isHeld: true })));
    this.#putBack();
  }

  #step(isAfterWait = false): void {
    this.#isScheduled = false;
    if (!this.#client.session.isUp) return;
    const batch = this.#nextBatch();
    if (batch !== null) {
      if (isAfterWait && batch.reservations.length > 0) this.#askedAfterWait = batch;
      void this.#send(batch);
    }
    this.wait.update(this.#isAccepting, this.#askedAfterWait === null);
    if (this.#hasNoJob && this.#inFlight === 0) this.#hooks.onIdle();
  }

  #nextBatch(isAsking = this.#isAccepting): AdvanceBatch | null {
    const reservations = isAsking ? this.#reservations.collect((runner) => this.#isWaitedFor(runner)) : [];
    const outcomes = this.#outcomes.take(outcomeLimit);
    if (this.#outcomes.length > 0) this.poke();
    const begins = this.#begins.map(beginWrite);
    const returns = this.#returns;
    if (outcomes.length + begins.length + returns.length + reservations.length === 0) return null;
    this.#begins = [];
    this.#returns = [];
    this.#lastStep += 1;
    return { outcomes, begins, returns, reservations, step: this.#lastStep };
  }

  #isWaitedFor(runner: Runner): boolean {
    return this.wait.isActive && runner.queues.some((queue) => this.wait.covers(queue));
  }

  async #send(batch: AdvanceBatch): Promise<void> {
    this.#inFlight += 1;
    const reply = await this.#client.advance(batch).catch((error: unknown) => {
      this.#unconfirmed.add(batch);
      // An answer that is an error would come again at once: back off as for an outage.
      this.#client.session.fail(error);
      return null;
    });
    this.#inFlight -= 1;
    if (this.#askedAfterWait === batch) this.#askedAfterWait = null;
    if (reply !== null) {
      this.#take(batch, reply);
      this.#hooks.onWritten(batch.outcomes);
    }
    this.poke();
  }

  #take(batch: AdvanceBatch, reply: AdvanceReply): void {
    for (const { queue, error } of reply.unreadable) this.#hooks.onUnreadable(queue, error);
    const takenAt = this.#now();
    for (const { reservation, worker, queue, payload, isEmbedded } of reply.jobs) {
      const { runner, slot } = this.#reservations.release(worker);
      const isHeld = batch.reservations[reservation]?.isHeld ?? false;
      const job: TakenJob = { runner, slot, queue, payload: readPayload(payload), takenAt, isHeld };
      if (!this.#begin(job, isEmbedded)) this.#back.push(job);
    }
    this.#reservations.releaseUnfilled(batch.reservations, reply.filled);
    this.#putBack();
  }

  #now(): Date {
    return new Date(this.#client.clock.nowMs());
  }

  #putBack(): void {
    for (const job of this.#back.takeSettled()) this.finish(job, { kind: 'requeue' });
  }

  /** Runs a job that has a slot. @returns false where it must go back */
  #begin(job: TakenJob, isOnRecord: boolean): boolean {
    const { runner } = job;
    this.#run(job);
    if (!this.#isAccepting || !this.#fleet.isTakeable(job.queue) || runner.busy > runner.concurrency)
      return false;
    if (!isOnRecord && job.payload.isObject) {
      this.#begins.push(job);
      this.poke();
    }
    return this.#hooks.start(job);
  }

  #run(job: TakenJob): void {
    job.slot.state = 'running';
    job.slot.isRegistered = true;
    this.#running.set(job.slot, job);
  }

  #waitOver(popped: PoppedJob | null): void {
    if (popped !== null) this.#takePopped(popped);
    this.#step(popped !== null);
  }

  /**
   * The job is in no key until a step has written it, so that comes before everything else. More is asked
   * for only when it has started: if it can't be, it must be back at the head before others follow it.
   */
  #takePopped(popped: PoppedJob): void {
    const runner = this.#fleet.ownerOf(popped.queue);
    const isWanted = this.#isAccepting && this.#fleet.isTakeable(popped.queue);
    if (runner !== undefined) runner.isKnownEmpty = false;
    const slot = runner === undefined || !isWanted ? undefined : runner.reserveSlots(1)[0];
    if (runner === undefined || slot === undefined) {
      this.#returns.push(popped);
      return;
    }
    const payload = readPayload(popped.payload);
    const { queue, isHeld } = popped;
    const job: TakenJob = { runner, slot, queue, payload, takenAt: this.#now(), isHeld };
    this.#run(job);
    if (payload.isObject && this.#client.session.isUp) {
      this.#begins.push(job);
      const batch = this.#nextBatch(false);
      if (batch !== null) void this.#send(batch);
    }
    if (this.#hooks.start(job)) return;
    this.#back.push(job);
    this.#putBack();
  }
}
