import type { Pool } from './pool.ts';

/**
 * Finds the queues of all pools, and gives each pool its own. A queue that the config names belongs to the entry that names it.
 * Any other queue belongs to the first entry, in the order of the file, with a pattern that matches it.
 *
 * @param known names of the queues that exist
 * @returns the pool of each queue
 */
export function ownersAmong(pools: readonly Pool[], known: readonly string[]): Map<string, Pool> {
  const owners = new Map<string, Pool>();
  const active = pools.filter((pool) => !pool.isRemoved);
  const named = new Map<string, Pool>();
  for (const pool of active) {
    for (const name of pool.list.names) if (!named.has(name)) named.set(name, pool);
  }
  for (const pool of active) {
    const queues = pool.list.expand(known).filter((queue) => {
      const isFree = !owners.has(queue) && (named.get(queue) ?? pool) === pool;
      if (isFree) owners.set(queue, pool);
      return isFree;
    });
    if (queues.join('\0') === pool.queues.join('\0')) continue;
    pool.queues = queues;
    pool.isKnownEmpty = false;
  }
  return owners;
}
