/** The demo's queues and jobs. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { resqueKeys } from '../../resque/format/keys.ts';
import type { ReachableRedis } from '../../resque/redis/connection.ts';
import { RedisError } from '../../resque/redis/redis-error.ts';
import { jobPayload } from '../enqueue/job-payload.ts';
import { withRedis } from '../redis/with-redis.ts';

interface DemoJob {
  readonly queue: string;
  readonly jobClass: string;
  readonly args: () => readonly unknown[];
}

export interface JobCounts {
  readonly processed: number;
  readonly failed: number;
  readonly waiting: number;
}

/** In a loop. Most of them succeed, and neighbors differ. */
const jobs: readonly DemoJob[] = [
  { queue: 'mail', jobClass: 'SendMail', args: () => ['alice@example.org', 'Welcome'] },
  { queue: 'payments', jobClass: 'Charge', args: () => ['card 4242', cents(500, 10_000)] },
  { queue: 'reports', jobClass: 'BuildReport', args: () => ['monthly', { year: 2026 }] },
  { queue: 'mail', jobClass: 'SendMail', args: () => ['bob@example.org', 'Your order'] },
  { queue: 'payments', jobClass: 'Charge', args: () => ['card 1881', cents(10_100, 50_000)] },
  { queue: 'import', jobClass: 'ImportRows', args: () => ['rows.csv'] },
  { queue: 'mail', jobClass: 'SendMail', args: () => ['carol@example.org', 'Grüße aus Köln ☕'] },
  { queue: 'payments', jobClass: 'Charge', args: () => ['card 4242', cents(500, 10_000)] },
  { queue: 'mail', jobClass: 'SendMail', args: () => ['dave@example.org', 'Reminder'] },
  { queue: 'payments', jobClass: 'Charge', args: () => ['card 0005', 'twelve'] },
];

const intervalMs = 350;
/** If the machine is too slow for the trickle, the backlog stays small. */
const longestBacklog = 20;
const limitMs = 5_000;
const keys = resqueKeys('resque');

/**
 * The `runners` of the demo's config. It names the interpreters, so the demo works even if the package's files aren't
 * executable or are on a disk mounted with `noexec`.
 */
export function demoRunners(examples: string): Record<string, unknown> {
  const shell = (name: string) => ['/bin/sh', join(examples, name)];
  return {
    payments: { concurrency: 1, script: [process.execPath, join(examples, 'payment.mjs')] },
    mail: { concurrency: 2, script: shell('good.sh') },
    reports: { concurrency: 2, script: shell('slow.sh'), timeout: 30 },
    import: { concurrency: 1, script: shell('chatty.sh') },
  };
}

/** Enqueues a job every now and then until told to stop. Skips the job while Redis is away. */
export async function trickle(redis: ReachableRedis, stop: AbortSignal): Promise<void> {
  try {
    for (let turn = 0; !stop.aborted; turn += 1) {
      const job = jobs[turn % jobs.length];
      if (job !== undefined) await enqueue(redis, job).catch(unlessAway);
      await sleep(intervalMs, undefined, { signal: stop });
    }
  } catch (error) {
    if (!stop.aborted) throw error;
  }
}

/** @returns `null` if Redis is gone */
export async function countJobs(redis: ReachableRedis): Promise<JobCounts | null> {
  try {
    return await withRedis(redis, limitMs, async (connection) => {
      const [processed, failed] = await connection.mget(keys.processed, keys.failedCount);
      const queues = await connection.smembers(keys.queues);
      const lengths = await Promise.all(queues.map((queue) => connection.llen(keys.queue(queue))));
      const waiting = lengths.reduce((sum, length) => sum + length, 0);
      return { processed: Number(processed ?? 0), failed: Number(failed ?? 0), waiting };
    });
  } catch (error) {
    if (error instanceof RedisError) return null;
    throw error;
  }
}

async function enqueue(redis: ReachableRedis, { queue, jobClass, args }: DemoJob): Promise<void> {
  const payload = jobPayload(
    jobClass,
    args().map((value) => JSON.stringify(value)),
  );
  await withRedis(redis, limitMs, async (connection) => {
    if ((await connection.llen(keys.queue(queue))) >= longestBacklog) return;
    await connection.multi().sadd(keys.queues, queue).rpush(keys.queue(queue), payload).exec();
  });
}

function unlessAway(error: unknown): void {
  if (!(error instanceof RedisError)) throw error;
}

function cents(least: number, most: number): number {
  return least + Math.floor(Math.random() * (most - least));
}
