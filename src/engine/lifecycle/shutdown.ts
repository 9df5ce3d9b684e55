/**
 * The timetable of a stop.
 *
 *     quit:       take nothing more ─▶ wait for running jobs, however long ─────────────────┐
 *     terminate:  take nothing more ─▶ shutdownTimeout ─▶ TERM ─▶ killAfter ─▶ KILL ────────┤
 *     kill:       take nothing more ─▶ KILL ────────────────────────────────────────────────┤
 *          write outcomes ─▶ unregister workers ─▶ disconnect ─▶ spool the rest ◀──────────────┘
 *
 * A later request may be harsher than the one before, never milder.
 */
import type { EngineFact, ShutdownMode } from '../../protocol/events.ts';
import { type Clock, pause } from '../../resque/redis/clock.ts';
import type { ResqueClient } from '../../resque/steps/client.ts';
import type { Dispatcher } from '../dispatch/dispatcher.ts';
import type { JobRunner } from '../jobs/running-jobs.ts';

export interface StopResult {
  /** Outcomes that neither Redis nor the spool could store; they are lost. */
  readonly unwritten: number;
  /** Whether Redis no longer lists this runner's workers. */
  readonly isUnregistered: boolean;
}

export interface ShutdownOptions {
  readonly client: ResqueClient;
  readonly dispatcher: Dispatcher;
  readonly shutdownTimeoutSeconds: number;
  readonly jobs: JobRunner;
  readonly publish: (fact: EngineFact) => void;
  /** Moves delayed jobs, until the first request. */
  readonly mover: { stop(): Promise<void> };
  /** Ids of all workers that may be registered. */
  readonly workers: () => readonly string[];
  /** The last job has ended. */
  readonly onJobsGone: () => void;
}

const harshness: Record<ShutdownMode, number> = { drained: 0, quit: 1, terminate: 2, kill: 3 };
const checkMs = 5;
/** How long to wait for Redis to come back if outcomes are not written yet. */
const lastWordsMs = 5_000;

export class Shutdown {
  readonly finished: Promise<StopResult>;
  readonly #options: ShutdownOptions;
  #mode: ShutdownMode | null = null;
  #resolve: (result: StopResult) => void = () => {};
  #moverStopped: Promise<void> | undefined;

  constructor(options: ShutdownOptions) {
    this.#options = options;
    this.finished = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  get mode(): ShutdownMode | null {
    return this.#mode;
  }

  /** @returns false if it is already stopping in this way, or in a harsher one */
  request(mode: ShutdownMode): boolean {
    if (this.#mode !== null && harshness[mode] <= harshness[this.#mode]) return false;
    const isFirst = this.#mode === null;
    this.#mode = mode;
    const { dispatcher, jobs, publish } = this.#options;
    publish({ type: 'engine.stopping', mode, running: dispatcher.runningCount });
    jobs.stop();
    if (isFirst) dispatcher.stop();
    if (isFirst) this.#moverStopped = this.#options.mover.stop();
    if (mode === 'kill') jobs.killNow();
    if (mode === 'terminate') {
      const terminate = () => jobs.terminate();
      const { clock } = this.#options.client;
      clock.after(this.#options.shutdownTimeoutSeconds * 1000, terminate, { keepsAlive: false });
    }
    if (isFirst) void this.#run();
    return true;
  }

  async #run(): Promise<void> {
    const { client, dispatcher, jobs, workers, onJobsGone } = this.#options;
    const { clock } = client;
    await holds(clock, () => dispatcher.runningCount === 0);
    await jobs.gone();
    onJobsGone();
    const deadline = clock.elapsedMs() + lastWordsMs;
    const hasTime = () => client.session.isUp || (this.#mode !== 'kill' && clock.elapsedMs() < deadline);
    const isWritten = () => dispatcher.isIdle || (client.isUnknown && dispatcher.unwritten === 0);
    await holds(clock, () => isWritten() || !hasTime());
    await this.#moverStopped;
    const isUnregistered = client.isUnknown || (await this.#unregister(client, workers, hasTime));
    // Immediately: a heartbeat after the end would register this process again.
    client.session.close();
    await holds(clock, () => !dispatcher.isSending);
    const unwritten = dispatcher.spool(true) ? 0 : dispatcher.unwritten;
    this.#resolve({ unwritten, isUnregistered });
  }

  async #unregister(
    client: ResqueClient,
    workers: () => readonly string[],
    hasTime: () => boolean,
  ): Promise<boolean> {
    while (hasTime()) {
      await holds(client.clock, () => client.session.isUp || !hasTime());
      try {
        // Their names may have changed since the last try.
        await client.leave(workers());
        return true;
      } catch (error) {
        client.session.fail(error);
      }
    }
    return false;
  }
}

/** Polls every few milliseconds: a stop is short, and its conditions depend on many things. */
async function holds(clock: Clock, condition: () => boolean): Promise<void> {
  while (!condition()) await pause(clock, checkMs);
}
