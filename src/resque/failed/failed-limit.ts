/**
 * `failedLimit`: the `failed` list has an end. The step that adds a failure also removes the oldest ones beyond the limit, and
 * counts them by the day of Redis' clock. A runner reads the count when the day is over. All reject with RedisError.
 */
import type { ResqueKeys } from '../format/keys.ts';
import type { CommandSender } from '../redis/send.ts';

/** A list that is far too long gets shorter by this many with each failure: Redis works for a millisecond. */
const mostRemoved = 50_000;
const dayMs = 86_400_000;
/** A runner that has claimed the counts needs less to report them. */
const claimMs = 60_000;

/**
 * What a script that adds failures gets as an argument: `LIMIT DAY`, or '' without a limit. The script doesn't ask for the time
 * itself, because some servers refuse to write after that.
 *
 * @param nowMs by Redis' clock
 */
export function trimArgument(limit: number | null, nowMs: number): string {
  return limit === null ? '' : `${limit} ${Math.floor(nowMs / dayMs)}`;
}

/** Lua that reads this argument into the locals `failedLimit` and `failedDay`. @param argument a Lua expression */
export function readTrim(argument: string): string {
  return `failedLimit, failedDay = (${argument}):match('^(%d+) (%d+)$')`;
}

/** Lua with the other checks of a script that adds a failure. */
export const needTrim = `if failedLimit then need('LTRIM', prefix .. 'failed', 0, -1) end`;

/**
 * Lua after the last failure of a script. Also reads `failedLength`, the reply of the last RPUSH, and sets `countRefusal` if
 * the removed failures can't be counted, which must not cost a job.
 */
export const trimFailed = `if failedLimit and failedLength > tonumber(failedLimit) then
  local removed = math.min(failedLength - failedLimit, ${mostRemoved})
  redis.call('LTRIM', prefix .. 'failed', removed, -1)
  local reply = redis.pcall('HINCRBY', prefix .. 'runner:failed-removed', failedDay, removed)
  if type(reply) == 'table' then countRefusal = countRefusal or (prefix .. 'runner:failed-removed: ' .. reply.err) end
end`;

export interface RemovedOnDay {
  /** `2026-11-28`, UTC by Redis' clock. */
  readonly day: string;
  /** By all runners. */
  readonly count: number;
}

/**
 * Reads how many failures were removed on days that are over, and forgets the counts after `report`. One runner at a time does
 * so. If it dies in between, another one reports them again.
 *
 * @param nowMs by Redis' clock
 * @param teller identifies this process
 */
export async function reportRemoved(
  sender: CommandSender,
  keys: ResqueKeys,
  { nowMs, teller }: { readonly nowMs: number; readonly teller: string },
  report: (removed: RemovedOnDay) => void,
): Promise<void> {
  const today = Math.floor(nowMs / dayMs);
  const isOver = (day: string) => /^\d{1,8}$/.test(day) && Number(day) < today;
  const read = () => sender.command((commands) => commands.hgetall(keys.failedRemoved));
  if (!Object.keys(await read()).some(isOver)) return;
  const { failedRemovedClaim } = keys;
  const claim = await sender.command((commands) =>
    commands.set(failedRemovedClaim, teller, 'PX', claimMs, 'NX'),
  );
  if (claim !== 'OK') return;
  // Read again: another runner may have reported them just before.
  for (const [day, count] of Object.entries(await read())) {
    if (!isOver(day)) continue;
    report({ day: new Date(Number(day) * dayMs).toISOString().slice(0, 10), count: Number(count) });
    await sender.command((commands) => commands.hdel(keys.failedRemoved, day));
  }
  await sender.command((commands) => commands.del(failedRemovedClaim));
}
