/** A session and all that it tells, closed when the test is over. */
import { onTestFinished } from 'vitest';
import type { ReachableRedis } from '../../../src/resque/redis/connection.ts';
import type { RedisError } from '../../../src/resque/redis/redis-error.ts';
import { RedisSession } from '../../../src/resque/redis/session.ts';
import { waitFor } from '../../helpers/wait-for.ts';

export class SessionLog {
  readonly session: RedisSession;
  readonly ups: { serverVersion: string; awayMs: number | null }[] = [];
  readonly downs: RedisError[] = [];
  resumes = 0;

  constructor(redis: ReachableRedis, resume: () => Promise<void> = () => Promise.resolve()) {
    this.session = new RedisSession(redis, {
      resume: () => {
        this.resumes += 1;
        return resume();
      },
      onUp: (fact) => this.ups.push(fact),
      onDown: (error) => this.downs.push(error),
    });
    onTestFinished(() => this.session.close());
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
