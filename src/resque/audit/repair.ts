/**
 * One way to repair anything: a repair names what was seen and what to write. If one of these replies has changed, nothing
 * happens, and the next audit judges again. Redis carries out all of the writes or none. Rejects with RedisError.
 */
import { jobStatuses, jobStatusWrites } from '../format/job-status.ts';
import { countFailure, type ResqueKeys } from '../format/keys.ts';
import { heartbeatText } from '../format/timestamps.ts';
import { runScript, script, scriptChecks } from '../redis/script.ts';
import type { CommandSender } from '../redis/send.ts';
import { type LostJob, lostJob } from './failed-entry.ts';

type Argument = string | Buffer | number;
/** Its key comes first. DEL takes one key. */
type Command = readonly [name: string, key: string, ...Argument[]];

export interface Repair {
  /** Commands and what they replied; '' for nothing. */
  readonly seen: readonly (readonly [Command, reply: Argument])[];
  /** What is added to the failures is also counted. */
  readonly writes: readonly Command[];
  /** Name of the status of a job that failed, see job-status.ts. Left out if there is none. */
  readonly failedStatus?: string;
}

/** A command is its number of words, then its words. ARGV: prefix, `repairArguments`. */
export const repairScript = script(`
local prefix, failedStatus, at = ARGV[1], ARGV[2], 2
local function nextArg() at = at + 1; return ARGV[at] end
local function nextCommand()
  local words = {}
  for i = 1, tonumber(nextArg()) do words[i] = nextArg() end
  return words
end
${scriptChecks}
for _ = 1, tonumber(nextArg()) do
  local command, seen = nextCommand(), nextArg()
  local reply = read(unpack(command))
  if refusal then return redis.error_reply(refusal) end
  if type(reply) == 'table' then reply = reply.ok end
  if tostring(reply or '') ~= seen then return 0 end
end
local types = { SADD = 'set', SREM = 'set', HSET = 'hash', HDEL = 'hash', RPUSH = 'list', ZADD = 'zset' }
local writes = {}
for i = 1, tonumber(nextArg()) do
  local write = nextCommand()
  if types[write[1]] then needType(types[write[1]], write[2]) end
  need(unpack(write))
  writes[i] = write
end
if refusal then return redis.error_reply(refusal) end
${jobStatusWrites}
for _, write in ipairs(writes) do
  redis.call(unpack(write))
  if write[1] == 'RPUSH' then
    ${countFailure}
    setStatus(failedStatus, ${jobStatuses.failed})
  end
end
return 1
`);

export function repairArguments({ seen, writes, failedStatus = '' }: Repair): Argument[] {
  return [
    ...[
      failedStatus,
      seen.length,
      ...seen.flatMap(([command, reply]) => [command.length, ...command, reply]),
    ],
    ...[writes.length, ...writes.flatMap((command) => [command.length, ...command])],
  ];
}

/** @returns whether it was carried out: false if something has changed since it was seen */
export async function carryOut(sender: CommandSender, keys: ResqueKeys, repair: Repair): Promise<boolean> {
  return (await runScript(sender, repairScript, 0, [keys.prefix, ...repairArguments(repair)])) === 1;
}

/** The record of a worker becomes another one. */
export function rewritten(keys: ResqueKeys, id: string, record: Buffer, by: string): Repair {
  const key = keys.worker(id);
  return { seen: [[['GET', key], record]], writes: [['SET', key, by]] };
}

/** A worker's job becomes a failure. @param record `null` for none */
export function failed(
  keys: ResqueKeys,
  id: string,
  record: Buffer | null,
  { failure, statusName }: LostJob,
): Repair {
  const key = keys.worker(id);
  return {
    seen: [[['GET', key], record ?? '']],
    writes: [
      ...(failure === '' ? [] : [['RPUSH', keys.failed, failure] as const]),
      ['DEL', key],
      ['DEL', keys.workerRetry(id)],
    ],
    failedStatus: statusName,
  };
}

/** Unregisters a worker, and records its job, if it has one, as failed. @param record `null` for none */
export function givenUp(
  keys: ResqueKeys,
  id: string,
  record: Buffer | null,
  job = lostJob(id, record),
): Repair {
  const { seen, writes, ...status } = failed(keys, id, record, job);
  return {
    seen,
    writes: [
      ...writes,
      ['SREM', keys.workers, id],
      ['HDEL', keys.heartbeat, id],
      ...[keys.workerStarted, keys.workerProcessed, keys.workerFailed].map(
        (keyOf) => ['DEL', keyOf(id)] as const,
      ),
    ],
    ...status,
  };
}

/** @param nowMs the heartbeat that it gets; `null` removes it */
export function heartbeatSet(keys: ResqueKeys, id: string, value: string, nowMs: number | null): Repair {
  const seen: Repair['seen'] = [[['HGET', keys.heartbeat, id], value]];
  if (nowMs === null) return { seen, writes: [['HDEL', keys.heartbeat, id]] };
  return { seen, writes: [['HSET', keys.heartbeat, id, heartbeatText(new Date(nowMs))]] };
}

/** Enters times into the schedule whose lists have delayed jobs. */
export function scheduled(keys: ResqueKeys, times: readonly string[]): Repair {
  return {
    seen: times.map((time) => [['TYPE', keys.delayed(time)], 'list']),
    writes: times.map((time) => ['ZADD', keys.delayedSchedule, 'NX', time, time]),
  };
}
