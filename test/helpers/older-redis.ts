/** Sets a Redis back to an earlier state without a restart: copies its keys to another database, and swaps it in later. */
import type { Redis } from 'ioredis';

const copies = 9;

/** Saves the current data of Redis. */
export async function keepSnapshot(redis: Redis): Promise<void> {
  await redis.eval(
    `redis.call('SELECT', ${copies}) redis.call('FLUSHDB') redis.call('SELECT', 0)
     for _, key in ipairs(redis.call('KEYS', '*')) do redis.call('COPY', key, key, 'DB', ${copies}) end`,
    0,
  );
}

/** Restores the saved data. */
export async function restoreSnapshot(redis: Redis): Promise<void> {
  await redis.multi().swapdb(0, copies).select(copies).flushdb().select(0).exec();
}
