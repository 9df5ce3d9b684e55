/**
 * Jobs that Redis has under the name of a living process, after Redis came back older. Jobs that the process doesn't know
 * are settled like those of a dead runner; jobs that it runs are held again. Rejects with RedisError.
 */
import { attemptWrites, delayWrites } from '../delayed/retry-entry.ts';
import { needTrim, readTrim, trimFailed } from '../failed/failed-limit.ts';
import { jobStatuses, jobStatusWrites } from '../format/job-status.ts';
import { countFailure, type ResqueKeys } from '../format/keys.ts';
import { shareReturns } from '../format/limits.ts';
import { pluginKeyWrites } from '../format/plugin-keys.ts';
import { knownProcess, runScript, script, scriptChecks } from '../redis/script.ts';
import type { CommandSender } from '../redis/send.ts';
import { failuresAt, type LeftWorker } from '../workers/recovery-script.ts';
import type { HeldJob, StepOwner } from './step.ts';

/** ARGV: prefix, owner, nonce, `trimArgument`; workers as in `recover`. A record that has changed stays. */
const settleScript = script(`
local prefix, owner, nonce = ARGV[1], ARGV[2], ARGV[3]
local ${readTrim('ARGV[4]')}
local at = 4
local function nextArg() at = at + 1; return ARGV[at] end
local stepKey = prefix .. 'runner:' .. owner .. ':step'
local confirmed = 0
${scriptChecks}
${knownProcess}
local workers = {}
for i = 1, tonumber(nextArg()) do
  local worker = { id = nextArg(), record = nextArg(), kind = nextArg(), queue = nextArg(), bytes = nextArg(),
    statusName = nextArg(), place = at - 1, pluginKeys = nextArg() }
  needType('string', prefix .. 'worker:' .. worker.id)
  need('DEL', prefix .. 'worker:' .. worker.id)
  if worker.kind == 'failure' then
    needType('list', prefix .. 'failed')
    need('RPUSH', prefix .. 'failed', '')
    ${needTrim}
  elseif worker.kind == 'requeue' then
    needType('list', prefix .. 'queue:' .. worker.queue)
    needType('set', prefix .. 'queues')
    need('LPUSH', prefix .. 'queue:' .. worker.queue, '')
    need('SADD', prefix .. 'queues', '')
  end
  workers[i] = worker
end
if refusal then return redis.error_reply(refusal) end
${delayWrites}
${attemptWrites}
${jobStatusWrites}
${pluginKeyWrites}
${shareReturns}
local settled, failedLength, countRefusal = 0, 0, nil
-- Where the recorded failures stand in ARGV.
local places = {}
for _, worker in ipairs(workers) do
  local key = prefix .. 'worker:' .. worker.id
  if redis.call('GET', key) == worker.record then
    if worker.kind == 'failure' then
      failedLength = redis.call('RPUSH', prefix .. 'failed', worker.bytes)
      places[#places + 1] = worker.place
      ${countFailure}
      setStatus(worker.statusName, ${jobStatuses.failed})
      deleteKeys(worker.pluginKeys)
    elseif worker.kind == 'requeue' then
      redis.call('SADD', prefix .. 'queues', worker.queue)
      redis.call('LPUSH', prefix .. 'queue:' .. worker.queue, worker.bytes)
      returnAttempt(worker.id)
      setStatus(worker.statusName, ${jobStatuses.waiting})
    end
    freeShareOfRecord(worker.id, worker.record)
    redis.call('DEL', key, key .. ':payload', key .. ':retry')
    settled = settled + 1
  end
end
${trimFailed}
return { settled, places }
`);

export interface Settled {
  /** How many records were unchanged and are settled. */
  readonly count: number;
  /** The failures as they were recorded. */
  readonly failures: readonly string[];
}

/** @param trim see `trimArgument` */
export async function settleOwn(
  sender: CommandSender,
  keys: ResqueKeys,
  { name, nonce }: StepOwner,
  workers: readonly LeftWorker[],
  trim = '',
): Promise<Settled> {
  const args: (string | Buffer | number)[] = [keys.prefix, name, nonce, trim, workers.length];
  for (const { id, record, end } of workers) {
    args.push(id, record ?? '', end?.kind ?? 'none', end?.kind === 'requeue' ? end.queue : '');
    args.push(end === null ? '' : end.kind === 'failure' ? end.failure : end.payload, end?.statusName ?? '');
    args.push(end?.pluginKeys ?? '');
  }
  const [count, places] = (await runScript(sender, settleScript, 0, args)) as [number, number[]];
  return { count, failures: failuresAt(places, args) };
}

/**
 * ARGV: prefix, owner, nonce; number of queues and their names; for each missing job the queue and the payload.
 */
const holdScript = script(`
local prefix, owner, nonce = ARGV[1], ARGV[2], ARGV[3]
local held = prefix .. 'runner:' .. owner .. ':held'
local stepKey, confirmed = prefix .. 'runner:' .. owner .. ':step', 0
${scriptChecks}
${knownProcess}
needType('set', held)
need('SADD', held, '')
local lastQueue = 4 + tonumber(ARGV[4])
for i = lastQueue + 1, #ARGV, 2 do
  needType('list', held .. ':' .. ARGV[i])
  need('RPUSH', held .. ':' .. ARGV[i], '')
end
if refusal then return redis.error_reply(refusal) end
for i = 5, lastQueue do redis.call('SADD', held, ARGV[i]) end
for i = lastQueue + 1, #ARGV, 2 do redis.call('RPUSH', held .. ':' .. ARGV[i], ARGV[i + 1]) end
return 1
`);

/** At-least-once jobs that a process runs. */
export interface HeldAgain {
  /** Their queues. A recovery looks only at the lists of queues in the set. */
  readonly queues: readonly string[];
  /** Jobs that are missing on the lists of this process. */
  readonly missing: readonly HeldJob[];
}

/** Puts running jobs back on the lists of held jobs. */
export async function holdAgain(
  sender: CommandSender,
  keys: ResqueKeys,
  { name, nonce }: StepOwner,
  { queues, missing }: HeldAgain,
): Promise<void> {
  const jobs = missing.flatMap(({ queue, payload }) => [queue, payload]);
  const args = [keys.prefix, name, nonce, queues.length, ...queues, ...jobs];
  await runScript(sender, holdScript, 0, args);
}
