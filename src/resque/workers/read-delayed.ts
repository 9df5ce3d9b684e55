/** Reads how many jobs are scheduled for later, by resque-scheduler or node-resque. Rejects with RedisError. */
import type { ResqueKeys } from '../format/keys.ts';
import { timeOfText } from '../format/timestamps.ts';
import { listLengths, unlessWrongType, type WrongType, wrongTypesAmong } from '../redis/bulk-reads.ts';
import type { CommandSender } from '../redis/send.ts';

export interface DelayedFacts {
  /** Jobs that are due at the times that were looked at. */
  readonly jobs: number;
  /** Whether these were all times that there are: of many, only the first are looked at. */
  readonly isComplete: boolean;
  /** Times that something is due at. */
  readonly times: number;
  /** When the first is due, in milliseconds since the epoch; in the past where no scheduler runs. */
  readonly nextAtMs: number | null;
}

/** Each time has a list of its own, and must be asked for its length. */
const mostTimes = 1_000;

export async function readDelayed(
  sender: CommandSender,
  keys: ResqueKeys,
): Promise<{ delayed: DelayedFacts | null; wrongTypes: WrongType[] }> {
  const [times, first] = await Promise.all([
    unlessWrongType(sender.command((commands) => commands.zcard(keys.delayedSchedule))),
    unlessWrongType(
      sender.command((commands) => commands.zrange(keys.delayedSchedule, 0, String(mostTimes - 1))),
    ),
  ]);
  if (times === null || first === null) {
    return { delayed: null, wrongTypes: await wrongTypesAmong(sender, [keys.delayedSchedule], 'zset') };
  }
  if (times === 0) return { delayed: null, wrongTypes: [] };
  const lengths = await listLengths(
    sender,
    first.map((time) => keys.delayed(time)),
  );
  const delayed = {
    jobs: lengths.reduce<number>((sum, length) => sum + (length ?? 0), 0),
    isComplete: times <= first.length,
    times,
    nextAtMs: timeOfText(first[0] ?? ''),
  };
  return { delayed, wrongTypes: [] };
}
