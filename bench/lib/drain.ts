/** Jobs put onto queues, and waited for. */
import type { Work } from './contest.ts';
import type { RedisServer } from './redis-server.ts';
import { waitFor } from './wait-for.ts';

/** Puts no-op jobs onto these queues, in equal shares, and waits until all have ended. */
export async function drain(redis: RedisServer, queues: readonly string[], jobs: number): Promise<void> {
  const ended = await jobsEnded(redis, jobs);
  await Promise.all(shares(queues, jobs).map(({ queue, count }) => redis.enqueueMany(queue, count)));
  await ended();
}

/** The same for a contest. The jobs are made before its clock starts: large ones take Redis a while. */
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

/** @returns how many a second got through */
export async function drainedPerSecond(
  redis: RedisServer,
  queues: readonly string[],
  jobs: number,
): Promise<number> {
  const startedAt = performance.now();
  await drain(redis, queues, jobs);
  return (jobs * 1000) / (performance.now() - startedAt);
}

/** Equal ones, as far as that is possible; those that get none are left out. */
function shares(queues: readonly string[], jobs: number): { queue: string; count: number }[] {
  const until = (at: number) => Math.floor((jobs * at) / queues.length);
  return queues
    .map((queue, at) => ({ queue, count: until(at + 1) - until(at) }))
    .filter(({ count }) => count > 0);
}

/** @returns waits until so many more jobs have ended than now */
export async function jobsEnded(redis: RedisServer, jobs: number): Promise<() => Promise<void>> {
  const wanted = (await processed(redis)) + jobs;
  // Far longer than the slowest take, with the fewest slots.
  const limitMs = 60_000 + 100 * jobs;
  const isOver = async () => (await processed(redis)) >= wanted;
  return () => waitFor(`${jobs} jobs`, isOver, { limitMs, everyMs: 10 });
}

/** As Resque counts them. */
export async function processed(redis: RedisServer): Promise<number> {
  return Number(await redis.client.get('resque:stat:processed'));
}
