/**
 * `writeForgotten`: Redis came back older and no longer knows the last steps of this process. One atomic script writes the
 * outcomes of those steps again, as far as the process still has them, and counts the steps as done. A lost reply does no
 * harm: the next standing is `known`.
 *
 * What a forgotten step removed may be back. An outcome removes only what is surely its own: the worker's record if it
 * names the step that took the job. It never removes a payload from a queue, because an equal job looks the same.
 */
import { attemptWrites, delayWrites } from '../delayed/retry-entry.ts';
import { needTrim, readTrim, trimFailed } from '../failed/failed-limit.ts';
import { jobStatusWrites } from '../format/job-status.ts';
import type { ResqueKeys } from '../format/keys.ts';
import { shareReturns } from '../format/limits.ts';
import { pluginKeyWrites } from '../format/plugin-keys.ts';
import { runScript, script, scriptChecks } from '../redis/script.ts';
import type { CommandSender } from '../redis/send.ts';
import {
  delayArguments,
  type OutcomeWrite,
  type ReturnWrite,
  type StartWrite,
  type StepOwner,
  statusAfter,
} from './step.ts';

export interface ForgottenSteps {
  /** The last step that Redis knows; 0 if none. */
  readonly lastKnown: number;
  /** The last step that Redis should know. */
  readonly lastConfirmed: number;
  /** Outcomes of the steps in between, oldest first. */
  readonly outcomes: readonly OutcomeWrite[];
  readonly returns: readonly ReturnWrite[];
  readonly starts?: readonly StartWrite[];
  /** See `trimArgument`. */
  readonly trim?: string;
}

/** A returned job is searched for among this many jobs at the head of its queue. */
const headLength = 100;

/**
 * ARGV: prefix, owner, nonce, last known step, last confirmed one, `trimArgument`; the outcomes; the returns; the
 * starts.
 */
const forgottenScript = script(`
local prefix, owner, nonce, lastKnown, confirmed = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local ${readTrim('ARGV[6]')}
local at = 6
local function nextArg() at = at + 1; return ARGV[at] end
local stepKey = prefix .. 'runner:' .. owner .. ':step'
${scriptChecks}
local known = read('GET', stepKey)
if refusal then return redis.error_reply(refusal) end
local knownNonce, knownStep = (known or ''):match('^(%S+) (%d+)$')
if knownNonce == nonce and knownStep ~= lastKnown then return 0 end
local outcomes, returns = {}, {}
for i = 1, tonumber(nextArg()) do
  outcomes[i] = { kind = nextArg(), id = nextArg(), step = nextArg(), heldQueue = nextArg(), heldPayload = nextArg(),
    queue = nextArg(), bytes = nextArg(), due = nextArg(), item = nextArg(), entry = nextArg(), keptSeconds = nextArg(),
    statusName = nextArg(), status = nextArg(), pluginKeys = nextArg() }
end
for i = 1, tonumber(nextArg()) do
  returns[i] = { queue = nextArg(), bytes = nextArg(), isHeld = nextArg() == '1' }
end

local heldQueues = prefix .. 'runner:' .. owner .. ':held'
local function needHeld(queue)
  if queue == '' then return end
  needType('list', heldQueues .. ':' .. queue)
  need('LREM', heldQueues .. ':' .. queue, 1, '')
end
local function needPush(command, key)
  needType('list', key)
  need(command, key, '')
end
need('SET', stepKey, '')
${delayWrites}
for _, outcome in ipairs(outcomes) do
  if outcome.due ~= '' then checkDelay(outcome) end
  needHeld(outcome.heldQueue)
  needType('string', prefix .. 'worker:' .. outcome.id)
  need('DEL', prefix .. 'worker:' .. outcome.id)
  if outcome.kind == 'failure' then
    needPush('RPUSH', prefix .. 'failed')
    ${needTrim}
  end
  if outcome.kind == 'requeue' then needPush('LPUSH', prefix .. 'queue:' .. outcome.queue) end
end
for _, job in ipairs(returns) do
  needPush('LPUSH', prefix .. 'queue:' .. job.queue)
  need('LRANGE', prefix .. 'queue:' .. job.queue, 0, 0)
  if job.isHeld then needHeld(job.queue) end
end
if refusal then return redis.error_reply(refusal) end

redis.call('SET', stepKey, nonce .. ' ' .. confirmed, 'EX', 604800)
-- Redis may have lost the queue's name: runners of patterns would not see it.
local function putBack(queue, payload)
  redis.pcall('SADD', prefix .. 'queues', queue)
  redis.call('LPUSH', prefix .. 'queue:' .. queue, payload)
end
local function leaveHeld(queue, payload)
  return queue ~= '' and redis.call('LREM', heldQueues .. ':' .. queue, 1, payload) == 1
end
${attemptWrites}
${jobStatusWrites}
${pluginKeyWrites}
-- If Redis has also forgotten that the job was taken, it waits on its queue, and its keys are right.
local function recordOf(id, step)
  local record = redis.pcall('GET', prefix .. 'worker:' .. id)
  return type(record) == 'string' and record:match('"step":(%d+),"payload":') == step and record
end
for _ = 1, tonumber(nextArg()) do
  local id, step, keys = nextArg(), nextArg(), nextArg()
  if recordOf(id, step) then deleteKeys(keys) end
end
${shareReturns}
local failedLength, countRefusal = 0, nil
for _, outcome in ipairs(outcomes) do
  local key = prefix .. 'worker:' .. outcome.id
  local record = recordOf(outcome.id, outcome.step)
  local wasHeld = leaveHeld(outcome.heldQueue, outcome.heldPayload)
  if outcome.heldQueue ~= '' then
    redis.pcall('HDEL', prefix .. 'runner:recoveries', redis.sha1hex(outcome.heldQueue .. '\\0' .. outcome.heldPayload))
  end
  if outcome.kind == 'requeue' then
    -- Otherwise Redis has also forgotten that it was taken: it is on its queue.
    if wasHeld or record then putBack(outcome.queue, outcome.bytes) end
    if record then returnAttempt(outcome.id) end
  else
    local stats = { 'processed' }
    if outcome.kind == 'failure' then failedLength = redis.call('RPUSH', prefix .. 'failed', outcome.bytes) end
    if outcome.kind == 'retry' or outcome.kind == 'snooze' then delay(outcome) end
    if outcome.kind == 'failure' or outcome.kind == 'retry' then stats[2] = 'failed' end
    if outcome.kind == 'snooze' then stats = {} end
    for _, stat in ipairs(stats) do
      redis.pcall('INCRBY', prefix .. 'stat:' .. stat, 1)
      redis.pcall('INCRBY', prefix .. 'stat:' .. stat .. ':' .. outcome.id, 1)
    end
  end
  if record then
    freeShareOfRecord(outcome.id, record)
    redis.call('DEL', key, key .. ':payload', key .. ':retry')
  end
  setStatus(outcome.statusName, outcome.status)
  if record or wasHeld then deleteKeys(outcome.pluginKeys) end
end
${trimFailed}
local function isAtHead(key, payload)
  for _, other in ipairs(redis.call('LRANGE', key, 0, ${headLength - 1})) do
    if other == payload then return true end
  end
  return false
end
for _, job in ipairs(returns) do
  local key = prefix .. 'queue:' .. job.queue
  local goesBack
  if job.isHeld then goesBack = leaveHeld(job.queue, job.bytes) else goesBack = not isAtHead(key, job.bytes) end
  if goesBack then putBack(job.queue, job.bytes) end
end
return 1
`);

/** @returns false if Redis' last step is not `lastKnown`. Rejects with RedisError. */
export async function writeForgotten(
  sender: CommandSender,
  keys: ResqueKeys,
  owner: StepOwner,
  { lastKnown, lastConfirmed, outcomes, returns, starts = [], trim = '' }: ForgottenSteps,
): Promise<boolean> {
  const args: (string | Buffer | number)[] = [
    ...[keys.prefix, owner.name, owner.nonce, lastKnown, lastConfirmed, trim],
    outcomes.length,
  ];
  for (const outcome of outcomes) {
    const { kind, worker, takenIn, held } = outcome;
    args.push(kind, worker, takenIn ?? '', held?.queue ?? '', held?.payload ?? '');
    args.push(kind === 'requeue' ? outcome.queue : '');
    args.push(kind === 'requeue' ? outcome.payload : kind === 'success' ? '' : outcome.record);
    const isDelayed = kind === 'retry' || kind === 'snooze';
    args.push(...(isDelayed ? delayArguments(outcome, new Date()) : ['', '', '', '']));
    args.push(outcome.statusName ?? '', statusAfter[kind], outcome.pluginKeys ?? '');
  }
  args.push(returns.length);
  for (const { queue, payload, isHeld } of returns) args.push(queue, payload, isHeld === true ? 1 : 0);
  args.push(starts.length);
  for (const { worker, takenIn, pluginKeys } of starts) args.push(worker, takenIn ?? '', pluginKeys);
  return (await runScript(sender, forgottenScript, 0, args)) === 1;
}
