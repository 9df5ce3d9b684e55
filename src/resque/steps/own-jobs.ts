/**
 * Jobs that Redis has under the name of a process which lives, after Redis came back older: those that the process knows
 * nothing of are settled like a dead runner's, and those that it runs are held again. Rejects with RedisError.
 */
import { jobStatuses, jobStatusWrites } from '../format/job-status.ts';
import type { ResqueKeys } from '../format/keys.ts';
import { knownProcess, runScript, script, scriptChecks } from '../redis/script.ts';
import type { CommandSender } from '../redis/send.ts';
import type { LeftWorker } from '../workers/recovery-script.ts';
import type { HeldJob, StepOwner } from './step.ts';

/** ARGV: prefix, owner, nonce; workers as in `recover`. A record that is another by now stays. */
const settleScript = script(`
local prefix, owner, nonce = ARGV[1], ARGV[2], ARGV[3]
local at = 3
local function nextArg() at = at + 1; return ARGV[at] end
local stepKey = prefix .. 'runner:' .. owner .. ':step'
local confirmed = 0
${scriptChecks}
${knownProcess}
local workers = {}
for i = 1, tonumber(nextArg()) do
  local worker = { id = nextArg(), record = nextArg(), kind = nextArg(), queue = nextArg(), bytes = nextArg(),
    statusName = nextArg() }
  needType('string', prefix .. 'worker:' .. worker.id)
  need('DEL', prefix .. 'worker:' .. worker.id)
  if worker.kind == 'failure' then
    needType('list', prefix .. 'failed')
    need('RPUSH', prefix .. 'failed', '')
  elseif worker.kind == 'requeue' then
    needType('list', prefix .. 'queue:' .. worker.queue)
    needType('set', prefix .. 'queues')
    need('LPUSH', prefix .. 'queue:' .. worker.queue, '')
    need('SADD', prefix .. 'queues', '')
  end
  workers[i] = worker
end
if refusal then return redis.error_reply(refusal) end
${jobStatusWrites}
local settled = 0
for _, worker in ipairs(workers) do
  local key = prefix .. 'worker:' .. worker.id
  if redis.call('GET', key) == worker.record then
    if worker.kind == 'failure' then
      redis.call('RPUSH', prefix .. 'failed', worker.bytes)
      redis.pcall('INCRBY', prefix .. 'stat:failed', 1)
      redis.pcall('INCRBY', prefix .. 'stat:processed', 1)
      setStatus(worker.statusName, ${jobStatuses.failed})
    elseif worker.kind == 'requeue' then
      redis.call('SADD', prefix .. 'queues', worker.queue)
      redis.call('LPUSH', prefix .. 'queue:' .. worker.queue, worker.bytes)
      setStatus(worker.statusName, ${jobStatuses.waiting})
    end
    redis.call('DEL', key, key .. ':payload')
    settled = settled + 1
  end
end
return settled
`);

/** @returns how many were as they had been read */
export async function settleOwn(
  sender: CommandSender,
  keys: ResqueKeys,
  { name, nonce }: StepOwner,
  workers: readonly LeftWorker[],
): Promise<number> {
  const args: (string | Buffer | number)[] = [keys.prefix, name, nonce, workers.length];
  for (const { id, record, end } of workers) {
    args.push(id, record ?? '', end?.kind ?? 'none', end?.kind === 'requeue' ? end.queue : '');
    args.push(end === null ? '' : end.kind === 'failure' ? end.failure : end.payload, end?.statusName ?? '');
  }
  return Number(await runScript(sender, settleScript, 0, args));
}

/**
 * ARGV: prefix, owner, nonce; how many queues and their names; owner, queue and payload of each job that is missing, the
 * owner '' unless the job is on the list of another.
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
local function heldBy(name, queue) return prefix .. 'runner:' .. name .. ':held:' .. queue end
for i = lastQueue + 1, #ARGV, 3 do
  needType('list', held .. ':' .. ARGV[i + 1])
  need('RPUSH', held .. ':' .. ARGV[i + 1], '')
  if ARGV[i] ~= '' then
    needType('list', heldBy(ARGV[i], ARGV[i + 1]))
    need('LREM', heldBy(ARGV[i], ARGV[i + 1]), 1, '')
  end
end
if refusal then return redis.error_reply(refusal) end
for i = 5, lastQueue do redis.call('SADD', held, ARGV[i]) end
for i = lastQueue + 1, #ARGV, 3 do
  if ARGV[i] ~= '' then redis.call('LREM', heldBy(ARGV[i], ARGV[i + 1]), 1, ARGV[i + 2]) end
  redis.call('RPUSH', held .. ':' .. ARGV[i + 1], ARGV[i + 2])
end
return 1
`);

/** What a process runs that holds its jobs. */
export interface HeldAgain {
  /** Their queues: without them in the set, nobody would look for the lists. */
  readonly queues: readonly string[];
  /** Those that are on no list of it. */
  readonly missing: readonly MissingJob[];
}

export interface MissingJob extends HeldJob {
  /** The process that has our former name now: a wait of ours has moved the job onto its list. */
  readonly movedTo: string | null;
}

/** Puts running jobs back on the lists of held ones. */
export async function holdAgain(
  sender: CommandSender,
  keys: ResqueKeys,
  { name, nonce }: StepOwner,
  { queues, missing }: HeldAgain,
): Promise<void> {
  const jobs = missing.flatMap(({ queue, payload, movedTo }) => [movedTo ?? '', queue, payload]);
  const args = [keys.prefix, name, nonce, queues.length, ...queues, ...jobs];
  await runScript(sender, holdScript, 0, args);
}
