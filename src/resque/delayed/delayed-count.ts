/** How many delayed jobs there are, without reading them. Rejects with RedisError. */
import type { ResqueKeys } from '../format/keys.ts';
import { listLengths, unlessWrongType } from '../redis/bulk-reads.ts';
import type { CommandSender } from '../redis/send.ts';

export interface DelayedCount {
  /** Jobs at the times that were looked at. */
  readonly jobs: number;
  /** Whether all times were looked at; if there are many, only the first are. */
  readonly isComplete: boolean;
  /** Number of times with jobs. */
  readonly times: number;
  /** The first of them, as it is written in Redis; `null` without one. */
  readonly firstTime: string | null;
}

/** Each time has its own list, whose length must be read. */
export const mostTimes = 1_000;

/** @returns `null` if the schedule's key has another type */
export async function countDelayed(sender: CommandSender, keys: ResqueKeys): Promise<DelayedCount | null> {
  const [times, first] = await Promise.all([
    unlessWrongType(sender.command((commands) => commands.zcard(keys.delayedSchedule))),
    unlessWrongType(
      sender.command((commands) => commands.zrange(keys.delayedSchedule, 0, String(mostTimes - 1))),
    ),
  ]);
  if (times === null || first === null) return null;
  const lengths = await listLengths(
    sender,
    first.map((time) => keys.delayed(time)),
  );
  return {
    jobs: lengths.reduce<number>((sum, length) => sum + (length ?? 0), 0),
    isComplete: times <= first.length,
    times,
    firstTime: first[0] ?? null,
  };
}
