/**
 * `recover`: one atomic script that settles what a dead runner process left. It does nothing if the process' entry has
 * changed since it was judged (it lives, or another runner has recovered it), or if a late step of the process has arrived.
 * After a recovery, Redis refuses all its steps.
 *
 * A recorded job is in exactly one key before and after: first its worker's record, then the `failed` list or its queue.
 * A held job goes back to the head of its queue, in order, and each recovery is counted. After too many, the job is recorded
 * as failed instead, because it may be the job that kills its runners.
 */
import { attemptWrites, delayWrites } from '../delayed/retry-entry.ts';
import { needTrim, readTrim, trimFailed } from '../failed/failed-limit.ts';
import { jobStatuses, jobStatusWrites } from '../format/job-status.ts';
import { countFailure, type ResqueKeys } from '../format/keys.ts';
import { shareReturns } from '../format/limits.ts';
import { pluginKeyWrites } from '../format/plugin-keys.ts';
import { script, scriptChecks } from '../redis/script.ts';

/** What a worker of a dead process left. */
export interface LeftWorker {
  readonly id: string;
  /** The exact bytes of its job's record; `null` if it had none. */
  readonly record: Buffer | null;
  /** `null` if there is nothing to do: without a job, with a held job, or with a record that is not ours. */
  readonly end: LeftJobEnd | null;
}

export type LeftJobEnd = {
  /** See job-status.ts; '' if the job can't have a status. */
  readonly statusName: string;
  /** To delete if it fails, see plugin-keys.ts; '' for none. */
  readonly pluginKeys: string;
} & (
  | { readonly kind: 'failure'; readonly failure: string }
  | { readonly kind: 'requeue'; readonly queue: string; readonly payload: Buffer }
);

/** A list of held jobs, oldest first. */
export interface LeftQueue {
  readonly queue: string;
  /** False if none of them has ever started: then the recovery isn't counted. */
  readonly mayHaveBegun: boolean;
  readonly jobs: readonly {
    readonly payload: Buffer;
    /** Recorded if the job has been recovered too often. */
    readonly failure: string;
    readonly statusName: string;
    readonly pluginKeys: string;
  }[];
}

export interface Recovery {
  readonly owner: string;
  /** The exact text of the entry that was judged. */
  readonly entry: string;
  /** The step key before everything else was read; '' for none. */
  readonly step: string;
  /** For the tombstone; '' if unknown, or if the process can't come back to look for it. */
  readonly nonce: string;
  readonly maxRecoveries: number;
  readonly workers: readonly LeftWorker[];
  readonly held: readonly LeftQueue[];
}

export interface Recovered {
  readonly failed: number;
  readonly requeued: number;
  /** The failures as they were recorded, oldest first. */
  readonly failures: readonly string[];
}

/** @param trim see `trimArgument` */
export function recoverArguments(
  keys: ResqueKeys,
  recovery: Recovery,
  trim = '',
): (string | Buffer | number)[] {
  const { owner, entry, step, nonce, maxRecoveries, workers, held } = recovery;
  const args: (string | Buffer | number)[] = [
    ...[keys.prefix, owner, entry, step, maxRecoveries, nonce, trim],
    workers.length,
  ];
  for (const { id, record, end } of workers) {
    args.push(id, record ?? '', end?.kind ?? 'none');
    args.push(end?.kind === 'requeue' ? end.queue : '');
    args.push(end === null ? '' : end.kind === 'failure' ? end.failure : end.payload, end?.statusName ?? '');
    args.push(end?.pluginKeys ?? '');
  }
  args.push(held.length);
  for (const { queue, mayHaveBegun, jobs } of held) {
    args.push(queue, mayHaveBegun ? 1 : 0, jobs.length);
    for (const { payload, failure, statusName, pluginKeys } of jobs)
      args.push(payload, failure, statusName, pluginKeys);
  }
  return args;
}

/**
 * @param args what the script was sent
 * @returns `null` if the process has changed since it was judged
 */
export function recoverReply(reply: unknown, args: readonly (string | Buffer | number)[]): Recovered | null {
  if (!Array.isArray(reply)) return null;
  const [requeued, places] = reply as [number, number[]];
  return { failed: places.length, requeued, failures: failuresAt(places, args) };
}

/** @param places indexes of records in ARGV, from 1 */
export function failuresAt(places: readonly number[], args: readonly (string | Buffer | number)[]): string[] {
  return places.map((place) => String(args[place - 1]));
}

/** No KEYS: they depend on what the dead process had, and Resque doesn't run on clusters. */
export const recoverScript = script(`
local prefix, owner, entry, step, maxRecoveries = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local nonce = ARGV[6]
local ${readTrim('ARGV[7]')}
local at = 7
local function nextArg() at = at + 1; return ARGV[at] end
${scriptChecks}
local known = read('HGET', prefix .. 'runners', owner)
local stepKey, heldQueues = prefix .. 'runner:' .. owner .. ':step', prefix .. 'runner:' .. owner .. ':held'
local knownStep = read('GET', stepKey)
if refusal then return redis.error_reply(refusal) end
if known ~= entry or (knownStep or '') ~= step then return false end

-- Looks first: half a recovery could not be repeated.
local recoveries = prefix .. 'runner:recoveries'
local hasJobs = false
local function needQueue(queue)
  hasJobs = true
  needType('list', prefix .. 'queue:' .. queue)
  need('LPUSH', prefix .. 'queue:' .. queue, '')
end
local workers, held = {}, {}
for i = 1, tonumber(nextArg()) do
  local worker = { id = nextArg(), record = nextArg(), kind = nextArg(), queue = nextArg(), bytes = nextArg(),
    statusName = nextArg(), place = at - 1, pluginKeys = nextArg() }
  if worker.kind == 'requeue' then needQueue(worker.queue) end
  if worker.kind == 'failure' then hasJobs = true end
  if worker.kind ~= 'none' then needType('string', prefix .. 'worker:' .. worker.id) end
  workers[i] = worker
end
local heldCount = tonumber(nextArg())
local knownCount = read('SCARD', heldQueues)
if refusal then return redis.error_reply(refusal) end
if knownCount ~= heldCount then return false end
for i = 1, heldCount do
  local list = { queue = nextArg(), isCounted = nextArg() == '1', jobs = {} }
  list.key = heldQueues .. ':' .. list.queue
  needQueue(list.queue)
  local count = tonumber(nextArg())
  -- It can't have changed since it was read, unless its process lives after all.
  local length = read('LLEN', list.key)
  if refusal then return redis.error_reply(refusal) end
  if length ~= count then return false end
  for j = 1, count do
    list.jobs[j] = { payload = nextArg(), failure = nextArg(), statusName = nextArg(), place = at - 1,
      pluginKeys = nextArg() }
    local payload = read('LINDEX', list.key, j - 1)
    if refusal then return redis.error_reply(refusal) end
    if payload ~= list.jobs[j].payload then return false end
  end
  held[i] = list
end
if hasJobs then
  needType('list', prefix .. 'failed')
  needType('set', prefix .. 'queues')
  needType('hash', recoveries)
  need('RPUSH', prefix .. 'failed', '')
  ${needTrim}
  need('SADD', prefix .. 'queues', '')
  need('HINCRBY', recoveries, '', 1)
end
needType('set', prefix .. 'workers')
needType('hash', prefix .. 'workers:heartbeat')
need('SREM', prefix .. 'workers', '')
need('DEL', stepKey)
need('HDEL', prefix .. 'workers:heartbeat', '')
need('SET', prefix .. 'runner:dead:' .. nonce, '')
if refusal then return redis.error_reply(refusal) end

-- The first write, so that a Redis without memory refuses here. The process may live: it learns of this by its nonce.
if nonce ~= '' then
  redis.call('SET', prefix .. 'runner:dead:' .. nonce, step:match(' (%d+)$') or '0', 'EX', 604800)
end

${delayWrites}
${attemptWrites}
${jobStatusWrites}
${pluginKeyWrites}
${shareReturns}
local requeued, failedLength, countRefusal = 0, 0, nil
-- Where the recorded failures stand in ARGV.
local places = {}
local function fail(record, job)
  failedLength = redis.call('RPUSH', prefix .. 'failed', record)
  ${countFailure}
  setStatus(job.statusName, ${jobStatuses.failed})
  deleteKeys(job.pluginKeys)
  places[#places + 1] = job.place
end
local function putBack(queue, payload, statusName)
  redis.call('SADD', prefix .. 'queues', queue)
  redis.call('LPUSH', prefix .. 'queue:' .. queue, payload)
  setStatus(statusName, ${jobStatuses.waiting})
  requeued = requeued + 1
end

for _, worker in ipairs(workers) do
  local key = prefix .. 'worker:' .. worker.id
  -- If the record has changed, another client has pruned the worker and settled its job.
  if worker.kind ~= 'none' and redis.call('GET', key) == worker.record then
    if worker.kind == 'failure' then
      fail(worker.bytes, worker)
    else
      putBack(worker.queue, worker.bytes, worker.statusName)
    end
  end
  -- Held jobs go back below.
  if worker.kind ~= 'failure' then returnAttempt(worker.id) end
  freeShareOfRecord(worker.id, worker.record)
  redis.call('SREM', prefix .. 'workers', worker.id)
  redis.call('DEL', key, key .. ':started', key .. ':payload', key .. ':retry', prefix .. 'stat:processed:' .. worker.id,
    prefix .. 'stat:failed:' .. worker.id)
  redis.call('HDEL', prefix .. 'workers:heartbeat', worker.id)
end

-- Jobs that are the same share a count, and one death counts once.
local counts = {}
for _, list in ipairs(held) do
  -- The newest first, so that the oldest ends at the head.
  for j = #list.jobs, 1, -1 do
    local job = list.jobs[j]
    local name = redis.sha1hex(list.queue .. '\\0' .. job.payload)
    if list.isCounted then counts[name] = counts[name] or redis.call('HINCRBY', recoveries, name, 1) end
    if list.isCounted and counts[name] > maxRecoveries then
      redis.call('HDEL', recoveries, name)
      -- Its worker has put it back above.
      removeAttempt(redis.sha1hex(job.payload))
      fail(job.failure, job)
    else
      putBack(list.queue, job.payload, job.statusName)
    end
  end
  redis.call('DEL', list.key)
end

${trimFailed}

redis.call('DEL', heldQueues, stepKey)
redis.call('HDEL', prefix .. 'runners', owner)
return { requeued, places }
`);
