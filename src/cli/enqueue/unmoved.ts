/** Whether anything is known that moves delayed jobs to their queues. Without it, they wait forever. */
import { movesDelayedJobs } from '../../config/scheduling.ts';
import { RedisError } from '../../resque/redis/redis-error.ts';
import type { CommandSender } from '../../resque/redis/send.ts';
import { readEntry } from '../../resque/workers/runner-entry.ts';
import type { Flags } from '../command-line/flags.ts';
import { type ConfigIo, findConfig, loadConfig } from '../files/load-config.ts';
import type { RedisTarget } from '../redis/target.ts';

/** @returns a warning; `null` if a scheduler or a runner moves delayed jobs, or if that is unknown */
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
      Promise.all([
        commands.mget(keys.masterLock(lockPrefix), keys.leaderLock),
        commands.hvals(keys.runners),
      ]),
    );
    if (holders.some((holder) => holder !== null)) return null;
    if (entries.some((entry) => readEntry(entry)?.moves === true)) return null;
  } catch (error) {
    if (error instanceof RedisError) return null;
    throw error;
  }
  return 'no scheduler is running that moves delayed jobs to their queues; start a runner with "scheduler": "on"';
}
