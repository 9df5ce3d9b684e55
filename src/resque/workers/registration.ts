/** Scripts that put the workers of a runner process on Resque's lists, and take them off. */
import { attemptWrites, delayWrites } from '../delayed/retry-entry.ts';
import { knownProcess, script, scriptChecks } from '../redis/script.ts';

/**
 * ARGV: prefix, start (`Time#to_s`), now (ISO 8601), the runner process' name, its nonce, its last confirmed step, its entry
 * (runner-entry.ts; '' for none), worker ids.
 *
 * Refused unless Redis knows the process with all its steps. So a process that was declared dead writes
 * nothing, and an idle process notices that Redis came back older. A worker that another program pruned is registered
 * again: a Ruby worker that starts drops unknown workers of its host, even living ones
 * (`Resque::Worker#prune_dead_workers`).
 */
export const heartbeatScript = script(`
local prefix, started, now, owner, nonce, confirmed = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6])
local entry = ARGV[7]
local stepKey = prefix .. 'runner:' .. owner .. ':step'
${scriptChecks}
${knownProcess}
needType('hash', prefix .. 'runners')
needType('set', prefix .. 'workers')
needType('hash', prefix .. 'workers:heartbeat')
need('EXPIRE', stepKey, 1)
need('HSET', prefix .. 'runners', owner, '')
need('SADD', prefix .. 'workers', '')
need('HSET', prefix .. 'workers:heartbeat', '', '')
need('SET', prefix .. 'worker:' .. (ARGV[8] or '') .. ':started', '')
if refusal then return redis.error_reply(refusal) end
redis.call('EXPIRE', stepKey, 604800)
if entry ~= '' then redis.call('HSET', prefix .. 'runners', owner, entry) end
for i = 8, #ARGV do
  if redis.call('SADD', prefix .. 'workers', ARGV[i]) == 1 then
    redis.call('SET', prefix .. 'worker:' .. ARGV[i] .. ':started', started)
  end
  redis.call('HSET', prefix .. 'workers:heartbeat', ARGV[i], now)
end
return 1
`);

/**
 * Takes workers off all lists. If the process ends, jobs that it still holds go back to the heads of their queues, and all
 * its keys are removed.
 *
 * ARGV: prefix, the runner process' name, its nonce, its last confirmed step, `1` if the process ends, worker ids.
 */
export const unregisterScript = script(`
local prefix, owner, nonce, confirmed, isEnd = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5] == '1'
local stepKey = prefix .. 'runner:' .. owner .. ':step'
${scriptChecks}
${knownProcess}
local held = prefix .. 'runner:' .. owner .. ':held'
need('DEL', stepKey)
needType('hash', prefix .. 'workers:heartbeat')
need('HDEL', prefix .. 'workers:heartbeat', '')
needType('set', prefix .. 'workers')
need('SREM', prefix .. 'workers', '')
local queues, lock = {}, nil
if isEnd then
  needType('set', held)
  needType('hash', prefix .. 'runners')
  need('HDEL', prefix .. 'runners', owner)
  if refusal then return redis.error_reply(refusal) end
  queues = read('SMEMBERS', held) or {}
  lock = read('GET', prefix .. 'runner:recovery')
end
for _, queue in ipairs(queues) do
  needType('list', held .. ':' .. queue)
  needType('list', prefix .. 'queue:' .. queue)
  need('RPOPLPUSH', held .. ':' .. queue, prefix .. 'queue:' .. queue)
end
if refusal then return redis.error_reply(refusal) end
${delayWrites}
${attemptWrites}
for i = 6, #ARGV do
  local id = ARGV[i]
  returnAttempt(id)
  redis.call('SREM', prefix .. 'workers', id)
  redis.call('DEL', prefix .. 'worker:' .. id, prefix .. 'worker:' .. id .. ':started',
    prefix .. 'worker:' .. id .. ':payload', prefix .. 'stat:processed:' .. id, prefix .. 'stat:failed:' .. id)
  redis.call('HDEL', prefix .. 'workers:heartbeat', id)
end
for _, queue in ipairs(queues) do
  while redis.call('RPOPLPUSH', held .. ':' .. queue, prefix .. 'queue:' .. queue) do
    -- Redis may have lost the queue's name: runners of patterns would not see it.
    redis.pcall('SADD', prefix .. 'queues', queue)
  end
end
if isEnd then
  -- It may have been cut off while it recovered others.
  if lock == nonce then redis.call('DEL', prefix .. 'runner:recovery') end
  redis.call('DEL', held, stepKey)
  redis.call('HDEL', prefix .. 'runners', owner)
end
return 1
`);
