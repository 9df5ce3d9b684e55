/**
 * Runs on new connections, before the runner takes jobs: learns what Redis knows of the runner, and settles what the old
 * connections left open. Redis may have come back older or empty, and others may have declared this runner dead.
 *
 *     permitted ─▶ standing ──known──▶ repeat ─▶ register ─▶ recover others ─▶ adopt ─▶ dispatch
 *                   ▲ ▲ ├──older───▶ write forgotten outcomes ──┐
 *                   │ └─┼──────────────────────────────────────┘
 *                   └───┴──dead, or has left──▶ kill the settled jobs, new nonce
 *
 * Each arrow is a call that Redis carries out once. A lost connection starts everything again. Rejects with RedisError.
 */
import type { EngineFact } from '../../protocol/events.ts';
import { stepOfRecord } from '../../resque/format/worker-record.ts';
import type { ResqueClient } from '../../resque/steps/client.ts';
import { writeForgotten } from '../../resque/steps/forgotten-steps.ts';
import { holdAgain, settleOwn } from '../../resque/steps/own-jobs.ts';
import type { HeldJob, OutcomeWrite } from '../../resque/steps/step.ts';
import type { RunnerAbout } from '../../resque/workers/runner-entry.ts';
import type { Dispatcher } from '../dispatch/dispatcher.ts';
import type { Spooling } from '../outcomes/spooling.ts';
import type { QueueRouter } from '../pools/queue-router.ts';
import { missingFrom, unaccountedFor } from '../pools/taken-job.ts';
import type { Heartbeat } from './heartbeat.ts';
import type { OverrideKeeper } from './override-keeper.ts';
import type { Recovery } from './recovery.ts';

export interface ResyncOptions {
  readonly client: ResqueClient;
  readonly router: QueueRouter;
  readonly dispatcher: Dispatcher;
  readonly recovery: Recovery;
  readonly spooling: Spooling;
  readonly heartbeat: Heartbeat;
  readonly overrides: OverrideKeeper;
  readonly publish: (fact: EngineFact) => void;
  readonly about: () => RunnerAbout;
  readonly newNonce: () => string;
  /** Redis has these outcomes. */
  readonly onWritten: (outcomes: readonly OutcomeWrite[]) => void;
  /** This failure was recorded in another way. */
  readonly onRecorded: (record: string) => void;
}

interface Forgotten {
  readonly steps: number;
  readonly isEverything: boolean;
  rewritten: number;
}

export class Resync {
  readonly #options: ResyncOptions;
  /** For this outage. Kept if the connection is lost again. */
  #forgotten: Forgotten | null = null;

  constructor(options: ResyncOptions) {
    this.#options = options;
  }

  async run(): Promise<void> {
    const { client, router, dispatcher, recovery, spooling, heartbeat, overrides, onWritten } = this.#options;
    // In one round trip. A queue that an operator had paused must be paused before the runner takes jobs.
    await Promise.all([client.prepare(router), overrides.read()]);
    await spooling.restoreDead();
    await this.#findStanding();
    const settled = await this.#settleStale();
    await dispatcher.outbox.repeat(onWritten);
    await this.#holdAgain();
    await heartbeat.beat();
    // Before the runner takes jobs, because recovered ones go back to the heads of their queues.
    await recovery.look();
    const [held, registered] = await Promise.all([
      this.#unaccountedHeld(),
      recovery.registered(),
      heartbeat.look(),
    ]);
    await dispatcher.adopt(held);
    await this.#unregisterFormer(registered);
    this.#tellForgotten(settled);
  }

  async #findStanding(): Promise<void> {
    const { client, dispatcher, about, publish } = this.#options;
    for (;;) {
      const { lastConfirmed } = dispatcher.outbox;
      const standing = await client.standing(lastConfirmed, about());
      switch (standing.kind) {
        case 'known':
          return;
        case 'dead':
          publish({ type: 'engine.declared-dead', ...this.#startAnew(standing.lastStep) });
          break;
        case 'older':
          // The reply to the end of this process was lost. Everything was written before that.
          if (client.mayHaveLeft && standing.lastStep === client.firstStep) this.#startAnew(lastConfirmed);
          else await this.#writeForgotten(standing.lastStep);
      }
    }
  }

  async #writeForgotten(lastKnown: number): Promise<void> {
    const { client, dispatcher } = this.#options;
    const { confirmed, lastConfirmed } = dispatcher.outbox;
    const steps = confirmed.after(lastKnown).filter(({ step }) => step <= lastConfirmed);
    const starts = steps.flatMap((step) => step.starts ?? []);
    const outcomes = steps.flatMap((step) => step.outcomes);
    const returns = steps.flatMap((step) => step.returns);
    const isWritten = await writeForgotten(client.session, client.keys, client.stepOwner, {
      ...{ lastKnown, lastConfirmed, outcomes, returns, starts, trim: client.failedTrim },
    });
    if (!isWritten) return;
    this.#forgotten ??= { steps: 0, isEverything: false, rewritten: 0 };
    this.#forgotten = {
      steps: this.#forgotten.steps + lastConfirmed - lastKnown,
      isEverything: lastKnown === client.firstStep,
      rewritten: this.#forgotten.rewritten + outcomes.length,
    };
  }

  /**
   * After Redis came back older, a worker of this runner may have a job on record that neither runs nor has a known end: its
   * end was confirmed too long ago. It is settled like a dead runner's job. Otherwise the worker's next job would overwrite
   * it.
   */
  async #settleStale(): Promise<number> {
    const { client, recovery, onRecorded } = this.#options;
    if (this.#forgotten === null) return 0;
    const left = await recovery.leftByUs();
    const isAccountedFor = this.#accountedFor();
    const stale = left.filter(({ id, record }) => record !== null && !isAccountedFor(id, record));
    if (stale.length === 0) return 0;
    const { session, keys, stepOwner, failedTrim } = client;
    const { count, failures } = await settleOwn(session, keys, stepOwner, stale, failedTrim);
    for (const record of failures) onRecorded(record);
    return count;
  }

  #accountedFor(): (worker: string, record: Buffer) => boolean {
    const { dispatcher, spooling } = this.#options;
    const { outbox } = dispatcher;
    const known = new Set<string>();
    const add = (worker: string, takenIn: number | null | undefined) => known.add(`${worker} ${takenIn}`);
    for (const { slot, takenIn } of dispatcher.ownJobs) add(slot.worker, takenIn);
    for (const { worker, takenIn } of this.#untold()) add(worker, takenIn);
    for (const { worker, takenIn } of spooling.ownOutcomes()) add(worker, takenIn);
    for (const { step, reservations } of outbox.unconfirmed) {
      for (const { workers } of reservations) for (const worker of workers) add(worker, step);
    }
    return (worker, record) => known.has(`${worker} ${stepOfRecord(record)}`);
  }

  /** Outcomes that Redis may not have. */
  #untold(): OutcomeWrite[] {
    const { outcomes, unconfirmed } = this.#options.dispatcher.outbox;
    return [...outcomes, ...[...unconfirmed].flatMap((step) => step.outcomes)];
  }

  /** Even if no pool holds jobs any more: one may have done so before the config changed. */
  async #unaccountedHeld(): Promise<HeldJob[]> {
    const { client, dispatcher } = this.#options;
    const { outcomes, returns } = dispatcher.outbox;
    const all = await client.heldJobs(this.#heldQueues());
    const held = unaccountedFor(all, dispatcher.ownJobs, outcomes, returns);
    for (const { payload } of held) client.suspect(payload);
    return held;
  }

  /** A Redis that came back older may list workers of entries that have left the config. */
  async #unregisterFormer(registered: readonly string[]): Promise<void> {
    const { client, router } = this.#options;
    const workers = new Set(router.workers);
    await client.unregister(registered.filter((id) => !workers.has(id)));
  }

  /** Puts running jobs back on the lists of held jobs if Redis has forgotten them: otherwise a crash would lose them. */
  async #holdAgain(): Promise<void> {
    const { client, dispatcher } = this.#options;
    if (this.#forgotten === null) return;
    const running = dispatcher.ownJobs.filter(({ isHeld }) => isHeld);
    if (running.length === 0) return;
    const absent = missingFrom(await client.heldJobs(this.#heldQueues()), running);
    const missing = absent.map(({ queue, payload }) => ({ queue, payload: payload.bytes }));
    const queues = new Set(running.map(({ queue }) => queue));
    await holdAgain(client.session, client.keys, client.stepOwner, { queues: [...queues], missing });
  }

  /**
   * Queues that may have a list of held jobs. Redis' own set of these lists isn't enough: Redis may have forgotten it while a
   * wait went on.
   */
  #heldQueues(): readonly string[] {
    const { client, router, dispatcher } = this.#options;
    if (client.waitsByMoving) return router.queues;
    const holding = router.pools.filter(({ config }) => config.delivery === 'at-least-once');
    const running = dispatcher.ownJobs.filter(({ isHeld }) => isHeld);
    return [...holding.flatMap(({ queues }) => queues), ...running.map(({ queue }) => queue)];
  }

  /** As a process that Redis has never seen, after others or its own end have settled its jobs up to this step. */
  #startAnew(lastStep: number): ReturnType<Dispatcher['startAnew']> {
    const { client, dispatcher, newNonce } = this.#options;
    const settled = dispatcher.startAnew(lastStep);
    client.becomeNew(newNonce(), dispatcher.outbox.lastConfirmed);
    this.#forgotten = null;
    return settled;
  }

  #tellForgotten(settled: number): void {
    const { publish, dispatcher, overrides } = this.#options;
    if (this.#forgotten === null) return;
    overrides.forgotten();
    const { steps, isEverything, rewritten } = this.#forgotten;
    this.#forgotten = null;
    const running = dispatcher.ownJobs.length;
    publish({ type: 'steps.forgotten', steps, isEverything, rewritten, running, settled });
  }
}
