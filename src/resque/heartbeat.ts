import { script } from './script.ts';

/**
 * ARGV: key prefix, start (`Time#to_s`), now (ISO 8601), the runner process' name and its entry (runner-entry.ts;
 * '' for none), worker ids. A worker that someone pruned is registered again: Ruby workers drop foreign ones of their host at start, however alive (see
 * `Resque::Worker#prune_dead_workers`).
 */
export const heartbeatScript = script(`
local prefix, started, now = ARGV[1], ARGV[2], ARGV[3]
if ARGV[5] ~= '' then redis.call('HSET', prefix .. 'runners', ARGV[4], ARGV[5]) end
for i = 6, #ARGV do
  if redis.call('SADD', prefix .. 'workers', ARGV[i]) == 1 then
    redis.call('SET', prefix .. 'worker:' .. ARGV[i] .. ':started', started)
  end
  redis.call('HSET', prefix .. 'workers:heartbeat', ARGV[i], now)
end
return 1
`);
