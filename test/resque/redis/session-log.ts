/** A session and all that it tells, closed when the test is over. */
import { onTestFinished } from 'vitest';
import { type Cancel, type Clock, systemClock } from '../../../src/resque/redis/clock.ts';
import type { ReachableRedis } from '../../../src/resque/redis/connection.ts';
import type { RedisError } from '../../../src/resque/redis/redis-error.ts';
import { RedisSession, systemMeans } from '../../../src/resque/redis/session.ts';
import { waitFor } from '../../helpers/wait-for.ts';

export class SessionLog {
  readonly session: RedisSession;
  readonly ups: { serverVersion: string; awayMs: number | null }[] = [];
  readonly downs: RedisError[] = [];
  resumes = 0;
  /** Timers of the session that are set. */
  readonly timers = new Set<Cancel>();
  /** Milliseconds of all timers that the session has set. */
  readonly delays: number[] = [];
  readonly #speed: number;

  /** @param speed how much faster than real time the session's time passes */
  constructor(redis: ReachableRedis, resume: () => Promise<void> = () => Promise.resolve(), speed = 1) {
    this.#speed = speed;
    this.session = new RedisSession(
      redis,
      {
        resume: () => {
          this.resumes += 1;
          return resume();
        },
        onUp: (fact) => this.ups.push(fact),
        onDown: (error) => this.downs.push(error),
      },
      { ...systemMeans, clock: this.#countingClock() },
    );
    onTestFinished(() => this.session.close());
  }

  #countingClock(): Clock {
    return {
      ...systemClock,
      elapsedMs: () => systemClock.elapsedMs() * this.#speed,
      every: (ms, act, options) => systemClock.every(ms / this.#speed, act, options),
      after: (ms, act, options) => {
        this.delays.push(ms);
        const cancel = () => {
          cancelTimer();
          this.timers.delete(cancel);
        };
        const cancelTimer = systemClock.after(
          ms / this.#speed,
          () => {
            this.timers.delete(cancel);
            act();
          },
          options,
        );
        this.timers.add(cancel);
        return cancel;
      },
    };
  }

  get kinds(): string[] {
    return this.downs.map(({ kind }) => kind);
  }

  start(): this {
    this.session.start();
    return this;
  }

  async up(count = 1, timeoutMs = 10_000): Promise<void> {
    await waitFor(() => this.ups.length >= count, {
      message: () => `up ${count} times: ${this.downs}`,
      timeoutMs,
    });
  }

  async down(count = 1, timeoutMs = 10_000): Promise<void> {
    await waitFor(() => this.downs.length >= count, { message: `down ${count} times`, timeoutMs });
  }
}
