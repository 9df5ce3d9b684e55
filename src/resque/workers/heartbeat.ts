import { knownProcess, scriptChecks } from '../redis/script-checks.ts';
import { script } from '../redis/send.ts';

/**
 * ARGV: key prefix, start (`Time#to_s`), now (ISO 8601), the runner process' name, its nonce, its last confirmed step and
 * its entry (runner-entry.ts; '' for none), worker ids. Only of a process that Redis knows, with all its steps: one that was
 * declared dead or lost its name writes nothing, and one that is idle learns of an older Redis. A worker that another program pruned is registered again: Ruby workers drop foreign ones of their
 * host at start, however alive (see `Resque::Worker#prune_dead_workers`).
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
