/** Delayed jobs on a real Redis: written with the exact commands of other programs, and read as they read them. */
import { useRedis } from '../../helpers/redis.ts';
import { useClient } from '../client.ts';

export const schedule = 'resque:delayed_queue_schedule';
export const undeliverable = 'resque:runner:undeliverable';
export const masterLock = 'resque:resque:resque_scheduler_master_lock';
export const leaderLock = 'resque:resque_scheduler_leader_lock';

/** A time that is long over. */
export const past = 1_700_000_000;

/** As resque-scheduler writes a job. */
export function rubyItem(queue: string, ...args: readonly unknown[]): string {
  return JSON.stringify({ class: 'SendMail', args, queue });
}

/** As node-resque writes it. */
export function nodeItem(queue: string, ...args: readonly unknown[]): string {
  return JSON.stringify({ class: 'SendMail', queue, args });
}

/** Call it once at the top of a test file. */
export function useDelayedStage() {
  const stage = useClient(useRedis());
  return {
    get client() {
      return stage.client;
    },
    get redis() {
      return stage.redis;
    },
    /** The commands of resque-scheduler's `delayed_push`. */
    async delay(time: number | string, ...items: readonly (string | Buffer)[]): Promise<void> {
      const pipeline = stage.redis.pipeline();
      for (const item of items) {
        const times = Buffer.concat([Buffer.from('resque:timestamps:'), Buffer.from(item)]);
        pipeline.rpush(`resque:delayed:${time}`, item);
        pipeline.sadd(times, `delayed:${time}`);
        pipeline.zadd(schedule, Number(time), time);
      }
      for (const [error] of (await pipeline.exec()) ?? []) if (error !== null) throw error;
    },
    queued: (queue: string) => stage.redis.lrange(`resque:queue:${queue}`, 0, -1),
    /** The names of all keys of delayed jobs. */
    async delayedKeys(): Promise<string[]> {
      const keys = await stage.redis.keys('resque:*');
      return keys.filter((key) => /^resque:(delayed|timestamps)/.test(key)).toSorted();
    },
    async redisNow(): Promise<number> {
      return Number((await stage.redis.time())[0]);
    },
  };
}
