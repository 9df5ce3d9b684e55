/**
 * The commands of resque-scheduler 5.0.0 for delayed jobs, one by one, so that others can come between any two of them.
 *
 * Source: `lib/resque/scheduler.rb`, `lib/resque/scheduler/delaying_extensions.rb` and `lock/basic.rb`. The commands of its
 * pages are those that `MONITOR` shows of resque-web 3.0.0 with resque-scheduler 5.0.0.
 */
import type { Redis } from 'ioredis';
import { masterLock, schedule } from './stage.ts';

const lockSeconds = 180;
const batchSize = 100;

export class RubyScheduler {
  readonly #redis: Redis;
  readonly #name: string;

  /** @param redis a connection of its own, as it uses WATCH */
  constructor(redis: Redis, name = 'ruby.example.org:4711') {
    this.#redis = redis;
    this.#name = name;
  }

  /** `Lock::Basic#acquire!` and `#locked?`. */
  async isMaster(): Promise<boolean> {
    const lock = masterLock;
    if ((await this.#redis.set(lock, this.#name, 'EX', lockSeconds, 'NX')) === 'OK') return true;
    if ((await this.#redis.get(lock)) !== this.#name) return false;
    await this.#redis.expire(lock, lockSeconds);
    return (await this.#redis.get(lock)) === this.#name;
  }

  /**
   * `handle_delayed_items`: all that is due, as long as it is master.
   *
   * @param most batches
   * @returns how many jobs it enqueued
   */
  async moveDue(most = Number.POSITIVE_INFINITY): Promise<number> {
    let count = 0;
    for (let batch = 0; batch < most && (await this.isMaster()); batch += 1) {
      const now = Math.floor(Date.now() / 1_000);
      const [time] = await this.#redis.zrangebyscore(schedule, '-inf', now, 'LIMIT', 0, 1);
      if (time === undefined) return count;
      count += await this.#moveBatch(time);
    }
    return count;
  }

  /** `enqueue_items_in_batch_for_timestamp` */
  async #moveBatch(time: string): Promise<number> {
    const list = `resque:delayed:${time}`;
    const items = await this.#redis.lrange(list, 0, batchSize - 1);
    await this.#redis.watch(list);
    for (const item of items) await this.#enqueue(item);
    const transaction = this.#redis.multi();
    for (const item of items) transaction.srem(`resque:timestamps:${item}`, `delayed:${time}`);
    transaction.ltrim(list, items.length, -1);
    await transaction.exec();
    await this.#cleanUp(time);
    return items.length;
  }

  async #enqueue(item: string): Promise<void> {
    const job = JSON.parse(item) as { class: string; args: unknown[]; queue: string };
    await this.#redis.sadd('resque:queues', job.queue);
    await this.#redis.rpush(
      `resque:queue:${job.queue}`,
      JSON.stringify({ class: job.class, args: job.args }),
    );
  }

  /** `clean_up_timestamp` */
  async #cleanUp(time: string): Promise<void> {
    const list = `resque:delayed:${time}`;
    await this.#redis.watch(list);
    if ((await this.#redis.llen(list)) === 0) {
      await this.#redis.multi().del(list).zrem(schedule, time).exec();
    } else await this.#redis.unwatch();
  }

  /** `Resque.enqueue_at`: three commands, without a transaction. */
  async delay(time: number, item: string): Promise<void> {
    await this.#redis.rpush(`resque:delayed:${time}`, item);
    await this.#redis.sadd(`resque:timestamps:${item}`, `delayed:${time}`);
    await this.#redis.zadd(schedule, time, time);
  }

  /** `Resque.remove_delayed`. @returns how many jobs it removed */
  async removeDelayed(item: string): Promise<number> {
    const times = await this.#redis.smembers(`resque:timestamps:${item}`);
    const replies = await this.#redis
      .pipeline(
        times.flatMap((time) => [
          ['lrem', `resque:${time}`, '0', item],
          ['srem', `resque:timestamps:${item}`, time],
        ]),
      )
      .exec();
    for (const time of times) await this.#cleanUp(time.slice('delayed:'.length));
    return (replies ?? []).reduce((sum, [, reply], at) => sum + (at % 2 === 0 ? Number(reply) : 0), 0);
  }

  /** `Resque.enqueue_delayed_selection`. @returns how many jobs it enqueued */
  async enqueueSelection(isMeant: (args: readonly unknown[]) => boolean): Promise<number> {
    const times = await this.#redis.zrange(schedule, 0, '-1');
    let count = 0;
    for (const time of times) {
      for (const item of await this.#redis.lrange(`resque:delayed:${time}`, 0, -1)) {
        if (!isMeant((JSON.parse(item) as { args: unknown[] }).args)) continue;
        count += await this.removeDelayed(item);
        await this.#enqueue(item);
      }
    }
    return count;
  }

  /** The Delayed page: each time, the number of its jobs, and the first one. */
  async delayedPage(): Promise<[time: string, count: number, first: unknown][]> {
    const times = await this.#redis.zrange(schedule, 0, '19');
    return await Promise.all(
      times.map(async (time) => {
        const list = `resque:delayed:${time}`;
        const [count, first] = [await this.#redis.llen(list), await this.#redis.lindex(list, 0)];
        return [time, count, JSON.parse(first ?? '')] as [string, number, unknown];
      }),
    );
  }

  /** The Schedule page's master. */
  async masterPage(): Promise<string | null> {
    return await this.#redis.get(masterLock);
  }

  /** "Queue now": one job for each click. */
  async queueNow(time: string): Promise<void> {
    const item = await this.#redis.lpop(`resque:delayed:${time}`);
    if (item === null) return;
    await this.#redis.srem(`resque:timestamps:${item}`, `delayed:${time}`);
    await this.#cleanUp(time);
    await this.#enqueue(item);
  }

  /** "Clear": `Resque.reset_delayed_queue`. */
  async clear(): Promise<void> {
    for (const time of await this.#redis.zrange(schedule, 0, '-1')) {
      const list = `resque:delayed:${time}`;
      const items = await this.#redis.lrange(list, 0, -1);
      await this.#redis.del(list, ...items.map((item) => `resque:timestamps:${item}`));
    }
    await this.#redis.del(schedule);
  }

  /** `release_master_lock` */
  async end(): Promise<void> {
    if ((await this.#redis.get(masterLock)) === this.#name) await this.#redis.del(masterLock);
  }
}
