/** Warns if no known worker takes jobs of a queue, usually a typo, or if no known scheduler moves delayed jobs. */
import { movesDelayedJobs } from '../../config/config.ts';
import { nearestWord } from '../../messages/nearest-word.ts';
import { visible, visibleWithin } from '../../messages/visible.ts';
import { lockKeys } from '../../resque/delayed/move.ts';
import type { ResqueKeys } from '../../resque/format/keys.ts';
import { queueList } from '../../resque/format/queue-patterns.ts';
import { readWorkerId } from '../../resque/format/worker-id.ts';
import { RedisError } from '../../resque/redis/redis-error.ts';
import type { CommandSender } from '../../resque/redis/send.ts';
import { readEntry } from '../../resque/workers/runner-entry.ts';
import type { Flags } from '../command-line/flags.ts';
import { type ConfigIo, findConfig, loadConfig, shortPath } from '../files/load-config.ts';
import type { RedisTarget } from '../redis/target.ts';

/** @returns a warning; `null` if the config or a registered worker serves the queue, or if that is unknown */
export async function unservedText(
  io: ConfigIo,
  queue: string,
  flags: Pick<Flags, 'config' | 'redis'>,
  sender: CommandSender,
  keys: ResqueKeys,
): Promise<string | null> {
  const file = findConfig(io, flags.config);
  const entries = file === null ? [] : loadConfig(io, file, flags.redis).config.runners.map(({ key }) => key);
  if (entries.some((list) => serves(list, queue))) return null;
  const workers = await listsOfWorkers(sender, keys);
  if (workers === null || workers.some((list) => serves(list, queue))) return null;
  const shown = `the queue "${visibleWithin(queue, 60)}"`;
  const text =
    file === null
      ? `no registered worker serves ${shown} yet`
      : `neither an entry of ${visible(shortPath(io, file))} nor a registered worker serves ${shown} yet`;
  const names = [...entries, ...workers].flatMap((list) => queueList(list).names);
  const nearest = nearestWord(queue.slice(0, 60), [...new Set(names)]);
  return nearest === null ? text : `${text}; did you mean "${visibleWithin(nearest, 60)}"?`;
}

/** The queue lists of all registered workers; `null` if this Redis user may not read them. */
async function listsOfWorkers(sender: CommandSender, { workers }: ResqueKeys): Promise<string[] | null> {
  try {
    const ids = await sender.command((commands) => commands.smembers(workers));
    return [...new Set(ids.map((id) => readWorkerId(id).queues))];
  } catch (error) {
    if (error instanceof RedisError) return null;
    throw error;
  }
}

function serves(list: string, queue: string): boolean {
  return queueList(list).expand([queue]).includes(queue);
}

/**
 * Delayed jobs wait forever if nothing moves them.
 *
 * @returns a warning; `null` if a scheduler or a runner moves delayed jobs, or if that is unknown
 */
export async function unmovedText(
  io: ConfigIo,
  flags: Pick<Flags, 'config' | 'redis'>,
  sender: CommandSender,
  { keys, lockPrefix }: Pick<RedisTarget, 'keys' | 'lockPrefix'>,
): Promise<string | null> {
  const file = findConfig(io, flags.config);
  if (file !== null && movesDelayedJobs(loadConfig(io, file, flags.redis).config)) return null;
  try {
    const [holders, entries] = await sender.command((commands) =>
      Promise.all([commands.mget(...lockKeys(keys, lockPrefix)), commands.hvals(keys.runners)]),
    );
    if (holders.some((holder) => holder !== null)) return null;
    if (entries.some((entry) => readEntry(entry)?.moves === true)) return null;
  } catch (error) {
    if (error instanceof RedisError) return null;
    throw error;
  }
  return 'no scheduler is running that moves delayed jobs to their queues; start a runner with "scheduler": "on"';
}
