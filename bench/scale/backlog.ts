/**
 * Jobs at the head of a queue with a small or large backlog. Runners are paused except in their turns. Before each turn,
 * the queue is refilled.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from '../lib/bench.ts';
import type { Contestant } from '../lib/contest.ts';
import { startRunnerContestant } from '../lib/contestants.ts';
import { jobsEnded, processed } from '../lib/drain.ts';
import { numberFlag } from '../lib/flags.ts';
import { noopProgram } from '../lib/job-programs.ts';
import { queueKey, type RedisServer } from '../lib/redis-server.ts';
import { waitFor } from '../lib/wait-for.ts';
import { compareSizes } from './compare-sizes.ts';

/** Jobs that are left after a turn. */
const sizes = [1_000, 1_000_000];
/** Time for the runner to notice the pause. */
const pauseMs = 200;

export async function measureBacklog(bench: Bench, redis: RedisServer): Promise<void> {
  const jobs = numberFlag('jobs', 2_000);
  const script = await noopProgram(bench);
  const contestants: Contestant[] = [];
  for (const size of sizes) {
    const contestant = await startRunnerContestant(bench, redis, { name: `${size} waiting`, script, jobs });
    contestants.push(withBacklog(redis, contestant, size));
  }
  await compareSizes(redis, contestants);
}

function withBacklog(redis: RedisServer, contestant: Contestant, size: number): Contestant {
  const { name: queue, process: runner } = contestant;
  const waiting = () => redis.client.llen(queueKey(queue));
  let queuedOrEnded = 0;
  const pause = () => process.kill(runner.pid, 'SIGUSR2');
  const resume = () => process.kill(runner.pid, 'SIGCONT');
  pause();
  return {
    ...contestant,
    work: {
      before: async (jobs) => {
        await redis.enqueueMany(queue, size + jobs - (await waiting()));
        queuedOrEnded = size + jobs + (await processed(redis));
      },
      during: async (jobs) => {
        const ended = await jobsEnded(redis, jobs);
        resume();
        await ended();
      },
      after: async () => {
        pause();
        await sleep(pauseMs);
        // Running jobs are neither queued nor ended.
        await waitFor(
          'the last jobs of a turn',
          async () => (await waiting()) + (await processed(redis)) === queuedOrEnded,
        );
      },
    },
  };
}
