/**
 * Moves delayed jobs to their queues when they are due: within a second, as other programs may delay jobs at any time. After
 * each move, a runner with schedules enqueues their jobs, even if another runner holds the locks and moves the delayed jobs.
 *
 *     move ──none due──▶ sleep until the next time, at most 1 s ──▶ move
 *       │ ──more due───▶ pause for as long as the move took ────────▶ move
 *       │ ──held───────▶ another scheduler moves them: stand by, ask again after 1 s
 *       │ ──busy───────▶ another runner works through many: ask again after 0.5 s
 *       └──refused─────▶ publish the reason once, try again after 5 s
 *
 * Several runners may do so at the same time, because each move is one atomic call. Redis' clock decides what is due. During
 * an outage nothing happens; `moveNow` continues.
 */
import { type Config, holdsSchedulerLocks, movesDelayedJobs } from '../../config/config.ts';
import type { EngineFact } from '../../protocol/events.ts';
import { DueJobs, type MoveReply } from '../../resque/delayed/move.ts';
import { type Cancel, pause } from '../../resque/redis/clock.ts';
import { RedisError } from '../../resque/redis/redis-error.ts';
import type { ResqueClient } from '../../resque/steps/client.ts';
import { Schedules } from './schedules.ts';

const longestSleepMs = 1_000;
/** A move takes Redis less. If it seems to take more, this machine is busy. */
const longestPauseMs = 10;
const busyMs = 500;
const refusedMs = 5_000;

export interface DueJobMoverOptions {
  readonly client: ResqueClient;
  readonly config: Config;
  readonly publish: (fact: EngineFact) => void;
}

export class DueJobMover {
  readonly #options: DueJobMoverOptions;
  readonly #dueJobs: DueJobs;
  readonly #schedules: Schedules;
  /** Stands in what it holds in Redis. Changes with the runner's name. */
  #lockName: string;
  #cancelSleep: Cancel = () => {};
  /** Whether it may hold anything. */
  #mayHold = false;
  /** The moves that are going on, if any. */
  #moving: Promise<void> | null = null;
  #isNeeded: boolean;
  #isStopped = false;
  /** What was published last. */
  #told = '';

  constructor(options: DueJobMoverOptions) {
    const { client, config, publish } = options;
    const { schedules, schedulerLockPrefix: lockPrefix } = config;
    this.#options = options;
    this.#isNeeded = movesDelayedJobs(config);
    this.#lockName = client.owner;
    this.#schedules = new Schedules({ client, schedules, lockPrefix, publish });
    const holdsLocks = holdsSchedulerLocks(config);
    this.#dueJobs = new DueJobs(client.session, client.keys, { lockPrefix, holdsLocks });
  }

  /** Whether this runner moves delayed jobs. */
  get isNeeded(): boolean {
    return this.#isNeeded;
  }

  /** Applies a config that was read again. The field `scheduler` itself takes effect after a restart. */
  reconfigure(config: Config): void {
    const { scheduler } = this.#options.config;
    const now = { ...config, scheduler };
    this.#isNeeded = movesDelayedJobs(now);
    const heldLocks = this.#dueJobs.holdsLocks;
    this.#dueJobs.holdsLocks = holdsSchedulerLocks(now);
    if (heldLocks && !this.#dueJobs.holdsLocks) void this.#releaseAfterMoves();
    this.#schedules.reconfigure(config.schedules);
    if (!this.#isNeeded) this.#told = '';
    this.moveNow();
  }

  /** Call it when Redis is up. */
  moveNow(): void {
    this.#cancelSleep();
    if (this.#isStopped || !this.#isNeeded || this.#moving !== null) return;
    this.#moving = this.#moveWhileDue().finally(() => {
      this.#moving = null;
    });
  }

  /** Never rejects. If Redis is away, the locks end by themselves. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelSleep();
    await this.#releaseAfterMoves();
  }

  async #moveWhileDue(): Promise<void> {
    const { client } = this.#options;
    const { clock } = client;
    while (!this.#isStopped && this.#isNeeded && client.session.isUp) {
      try {
        const startMs = clock.elapsedMs();
        const reply = await this.#move();
        this.#tell(reply);
        const hasSchedules = reply.kind !== 'busy' && this.#dueJobs.holdsLocks;
        const untilDueMs = hasSchedules ? await this.#schedules.enqueueDue(reply.nowMs) : longestSleepMs;
        const sleepMs = Math.min(sleepAfter(reply), untilDueMs);
        if (sleepMs > 0) {
          this.#sleep(sleepMs);
          return;
        }
        // Half of the time is for everything else that Redis has to do.
        await pause(clock, Math.min(longestPauseMs, Math.max(1, clock.elapsedMs() - startMs)));
      } catch (error) {
        if (!(error instanceof RedisError)) throw error;
        this.#failed(error);
        return;
      }
    }
  }

  async #move(): Promise<MoveReply> {
    const { owner } = this.#options.client;
    if (owner !== this.#lockName) {
      if (this.#mayHold) await this.#dueJobs.release(this.#lockName);
      this.#lockName = owner;
    }
    const reply = await this.#dueJobs.move(owner);
    this.#mayHold ||= reply.kind === 'moved';
    return reply;
  }

  #sleep(ms: number): void {
    if (this.#isStopped) return;
    this.#cancelSleep = this.#options.client.clock.after(ms, () => this.moveNow(), { keepsAlive: false });
  }

  #tell(reply: MoveReply): void {
    if (reply.kind === 'held') this.#change('standby', reply.holder);
    if (reply.kind !== 'moved') return;
    this.#change('moving', '');
    const { client, publish } = this.#options;
    const { undeliverable: count } = reply;
    if (count > 0) publish({ type: 'jobs.undeliverable', count, key: client.keys.undeliverable });
  }

  #failed(error: RedisError): void {
    // The session has noticed, and reports it. When it is up again, it calls `moveNow`.
    if (error.kind === 'away') return;
    if (error.kind === 'readonly') {
      this.#options.client.session.fail(error);
      return;
    }
    this.#change('failing', error.message);
    this.#sleep(refusedMs);
  }

  #change(state: 'moving' | 'standby' | 'failing', detail: string): void {
    const told = `${state} ${detail}`;
    if (told === this.#told) return;
    this.#told = told;
    this.#options.publish({ type: 'scheduler.changed', state, detail });
  }

  async #releaseAfterMoves(): Promise<void> {
    await this.#moving;
    const { client } = this.#options;
    if (!this.#mayHold || !client.session.isUp) return;
    try {
      await this.#dueJobs.release(this.#lockName);
    } catch (error) {
      if (!(error instanceof RedisError)) throw error;
    }
  }
}

/** 0: there is more to move. */
function sleepAfter(reply: MoveReply): number {
  if (reply.kind === 'held') return longestSleepMs;
  if (reply.kind === 'busy') return busyMs;
  if (reply.hasMore) return 0;
  return Math.min(longestSleepMs, Math.max(1, reply.nextInMs ?? longestSleepMs));
}
