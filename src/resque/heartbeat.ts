import { script } from './script.ts';
import { scriptChecks } from './script-checks.ts';

/**
 * ARGV: key prefix, start (`Time#to_s`), now (ISO 8601), the runner process' name, its nonce and its entry
 * (runner-entry.ts; '' for none), worker ids. Only of a process that Redis knows: one that was declared dead, or lost its
 * name, writes nothing. A worker that somebody else pruned is registered again: Ruby workers drop foreign ones of their
 * host at start, however alive (see `Resque::Worker#prune_dead_workers`).
 */
export const heartbeatScript = script(`
local prefix, started, now, owner, nonce, entry = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local stepKey = prefix .. 'runner:' .. owner .. ':step'
${scriptChecks}
local known = read('GET', stepKey)
if refusal then return redis.error_reply(refusal) end
if (known or ''):match('^(%S+) %d+$') ~= nonce then
  return redis.error_reply('FORGOTTEN Redis does not know this runner')
end
needType('hash', prefix .. 'runners')
needType('set', prefix .. 'workers')
needType('hash', prefix .. 'workers:heartbeat')
need('EXPIRE', stepKey, 1)
need('HSET', prefix .. 'runners', owner, '')
need('SADD', prefix .. 'workers', '')
need('HSET', prefix .. 'workers:heartbeat', '', '')
need('SET', prefix .. 'worker:' .. (ARGV[7] or '') .. ':started', '')
if refusal then return redis.error_reply(refusal) end
redis.call('EXPIRE', stepKey, 604800)
if entry ~= '' then redis.call('HSET', prefix .. 'runners', owner, entry) end
for i = 7, #ARGV do
  if redis.call('SADD', prefix .. 'workers', ARGV[i]) == 1 then
    redis.call('SET', prefix .. 'worker:' .. ARGV[i] .. ':started', started)
  end
  redis.call('HSET', prefix .. 'workers:heartbeat', ARGV[i], now)
end
return 1
`);
