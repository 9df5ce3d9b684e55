import { script } from './script.ts';

/**
 * ARGV: key prefix, the runner process' name. The last word of a process that ends: what it still holds goes back to
 * the heads of its queues, the oldest first. Where that can't be done, it stays on record to be recovered.
 */
export const leaveScript = script(`
local prefix, owner = ARGV[1], ARGV[2]
local held = prefix .. 'runner:' .. owner .. ':held'
for _, queue in ipairs(redis.call('SMEMBERS', held)) do
  repeat
    local moved = redis.pcall('RPOPLPUSH', held .. ':' .. queue, prefix .. 'queue:' .. queue)
    if type(moved) == 'table' then return 0 end
  until not moved
end
redis.call('DEL', held, prefix .. 'runner:' .. owner .. ':step')
redis.call('HDEL', prefix .. 'runners', owner)
return 1
`);
