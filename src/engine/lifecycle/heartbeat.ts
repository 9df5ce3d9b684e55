/**
 * What the runner does in Redis without being asked, at two rates: a look at `pause-all-workers`, and signs
 * of life. Idle, these are its only commands.
 */
import type { Cancel } from '../../resque/redis/clock.ts';
import type { ResqueClient } from '../../resque/steps/client.ts';
import type { RunnerAbout } from '../../resque/workers/runner-entry.ts';

/** A pause for everyone is to be seen within 5 s. */
const lookMs = 3_000;
/** Resque wants a heartbeat every 60 s at least; at 20 s a broken wait is found within 30 s, too. */
const heartbeatMs = 20_000;

export interface HeartbeatHooks {
  /** Ids of the workers that are alive. */
  workers(): readonly string[];
  /** What others need to know of this process should it die. */
  about(): RunnerAbout;
  /** Whether names of queues matter: the config has patterns. */
  wantsQueueNames(): boolean;
  onPaused(isPaused: boolean): void;
  onQueueNames(names: readonly string[]): void;
  /** The queues that BLPOP waits for, or null. */
  waitingFor(): readonly string[] | null;
  /** Jobs lie on queues that this wait should have taken from. */
  onSuspectWait(queues: readonly string[]): void;
}

export class Heartbeat {
  readonly #client: ResqueClient;
  readonly #hooks: HeartbeatHooks;
  #timers: Cancel[] = [];
  #cancelChange: Cancel | null = null;
  /** What `about` said at the last beat. */
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

  /** What `about` says may have changed: Redis learns it now, in one write for all changes of this turn. */
  changed(): void {
    const tell = () => {
      this.#cancelChange = null;
      if (JSON.stringify(this.#hooks.about()) !== this.#told) this.#ifUp(() => this.beat());
    };
    this.#cancelChange ??= this.#client.clock.after(0, tell, { keepsAlive: false });
  }

  /** Both at once, where Redis is there: what they are about has just changed. */
  now(): void {
    this.#ifUp(() => this.look());
    this.#ifUp(() => this.beat());
  }

  /** Sees whether everyone is to pause, and which queues there are. Rejects with RedisError. */
  async look(): Promise<void> {
    const names = this.#hooks.wantsQueueNames() ? this.#client.queueNames() : null;
    const [isPaused, known] = await Promise.all([this.#client.isPaused(), names]);
    if (known !== null) this.#hooks.onQueueNames(known);
    this.#hooks.onPaused(isPaused);
  }

  /** Shows that the workers live, and that the waiting connection does. Rejects with RedisError. */
  async beat(): Promise<void> {
    const about = this.#hooks.about();
    this.#told = JSON.stringify(about);
    await this.#client.heartbeat(() => this.#hooks.workers(), about);
    const queues = this.#hooks.waitingFor();
    if (queues === null || queues.length === 0) return;
    const filled = await this.#client.filledQueues(queues);
    // The same wait, before and after the question: it was there all the time and took nothing.
    if (filled > 0 && this.#hooks.waitingFor() === queues) this.#hooks.onSuspectWait(queues);
  }

  #ifUp(act: () => Promise<void>): void {
    if (!this.#client.session.isUp) return;
    act().catch((error: unknown) => this.#client.session.fail(error));
  }
}
