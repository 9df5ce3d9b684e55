/** Puts jobs onto queues and waits for them. */
import type { Work } from './contest.ts';
import type { RedisServer } from './redis-server.ts';
import { waitFor } from './wait-for.ts';

/** Puts the same number of no-op jobs onto each queue, and waits until all have ended. */
export async function drain(redis: RedisServer, queues: readonly string[], jobs: number): Promise<void> {
  const ended = await jobsEnded(redis, jobs);
  await Promise.all(shares(queues, jobs).map(({ queue, count }) => redis.enqueueMany(queue, count)));
  await ended();
}

/** The same for a contest. It creates the jobs before the clock starts, because large ones take a while. */
export function drainingWork(redis: RedisServer, queues: readonly string[], payloadBytes = 0): Work {
  return {
    before: async (jobs) => {
      for (const { queue, count } of shares(queues, jobs)) await redis.stage(queue, count, payloadBytes);
    },
    during: async (jobs) => {
      const ended = await jobsEnded(redis, jobs);
      await Promise.all(shares(queues, jobs).map(({ queue }) => redis.enqueueStaged(queue)));
      await ended();
    },
  };
}

/** @returns the jobs per second */
export async function drainedPerSecond(
  redis: RedisServer,
  queues: readonly string[],
  jobs: number,
): Promise<number> {
  const startedAt = performance.now();
  await drain(redis, queues, jobs);
  return (jobs * 1000) / (performance.now() - startedAt);
}

/** Shares that are as equal as possible, without empty ones. */
function shares(queues: readonly string[], jobs: number): { queue: string; count: number }[] {
  const until = (at: number) => Math.floor((jobs * at) / queues.length);
  return queues
    .map((queue, at) => ({ queue, count: until(at + 1) - until(at) }))
    .filter(({ count }) => count > 0);
}

/** @returns a function that waits until this many more jobs have ended */
export async function jobsEnded(redis: RedisServer, jobs: number): Promise<() => Promise<void>> {
  const wanted = (await processed(redis)) + jobs;
  // Far longer than the slowest jobs need with the fewest slots.
  const limitMs = 60_000 + 100 * jobs;
  const isOver = async () => (await processed(redis)) >= wanted;
  return () => waitFor(`${jobs} jobs`, isOver, { limitMs, everyMs: 10 });
}

/** Resque's counter. */
export async function processed(redis: RedisServer): Promise<number> {
  return Number(await redis.client.get('resque:stat:processed'));
}
