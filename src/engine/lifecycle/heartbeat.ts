/**
 * The runner's regular commands to Redis, at two rates: one reads `pause-all-workers`, the other shows that the runner is
 * alive. An idle runner sends no others.
 */
import type { Cancel } from '../../resque/redis/clock.ts';
import type { ResqueClient } from '../../resque/steps/client.ts';
import type { RunnerAbout } from '../../resque/workers/runner-entry.ts';

/** Runners must notice `pause-all-workers` within 5 s. */
const lookMs = 3_000;
/**
 * Resque expects a heartbeat at least every 60 s. At 20 s, a broken wait is also found within 30 s. `liveness.ts` decides how
 * much silence is too much: at least two heartbeats.
 */
const heartbeatMs = 20_000;

export interface HeartbeatHooks {
  /** Ids of the workers that are alive. */
  workers(): readonly string[];
  /** What other runners need to know of this process if it dies. */
  about(): RunnerAbout;
  /** Whether the config has patterns, which need the names of queues. */
  wantsQueueNames(): boolean;
  onPaused(isPaused: boolean): void;
  onQueueNames(names: readonly string[]): void;
  /** The queues that BLPOP waits for, or null. */
  waitingFor(): readonly string[] | null;
  /** This wait should have taken jobs that are on its queues. */
  onSuspectWait(queues: readonly string[]): void;
}

export class Heartbeat {
  readonly #client: ResqueClient;
  readonly #hooks: HeartbeatHooks;
  #timers: Cancel[] = [];
  #cancelChange: Cancel | null = null;
  /** `about` as of the last beat. */
  #told = '';

  constructor(client: ResqueClient, hooks: HeartbeatHooks) {
    this.#client = client;
    this.#hooks = hooks;
  }

  start(): void {
    const { clock } = this.#client;
    this.#timers = [
      clock.every(lookMs, () => this.#ifUp(() => this.look())),
      clock.every(heartbeatMs, () => this.#ifUp(() => this.beat())),
    ];
  }

  stop(): void {
    for (const cancel of this.#timers) cancel();
    this.#cancelChange?.();
  }

  /** `about` may have changed: tells Redis now, in one write for all changes of this turn of the event loop. */
  changed(): void {
    const tell = () => {
      this.#cancelChange = null;
      if (JSON.stringify(this.#hooks.about()) !== this.#told) this.#ifUp(() => this.beat());
    };
    this.#cancelChange ??= this.#client.clock.after(0, tell, { keepsAlive: false });
  }

  /** Does both at once if Redis is up. */
  now(): void {
    this.#ifUp(() => this.look());
    this.#ifUp(() => this.beat());
  }

  /** Reads whether all workers must pause, and which queues exist. Rejects with RedisError. */
  async look(): Promise<void> {
    const names = this.#hooks.wantsQueueNames() ? this.#client.queueNames() : null;
    const [isPaused, known] = await Promise.all([this.#client.isPaused(), names]);
    if (known !== null) this.#hooks.onQueueNames(known);
    this.#hooks.onPaused(isPaused);
  }

  /** Shows that the workers are alive, and checks the waiting connection. Rejects with RedisError. */
  async beat(): Promise<void> {
    const about = this.#hooks.about();
    this.#told = JSON.stringify(about);
    await this.#client.heartbeat(() => this.#hooks.workers(), about);
    const queues = this.#hooks.waitingFor();
    if (queues === null || queues.length === 0) return;
    const filled = await this.#client.filledQueues(queues);
    // The same wait before and after the question: it was active all the time and took nothing.
    if (filled > 0 && this.#hooks.waitingFor() === queues) this.#hooks.onSuspectWait(queues);
  }

  #ifUp(act: () => Promise<void>): void {
    if (!this.#client.session.isUp) return;
    act().catch((error: unknown) => this.#client.session.fail(error));
  }
}
