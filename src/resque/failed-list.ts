/**
 * Changes to the `failed` list by value, each atomic. Other clients shift its indexes at any moment, so an
 * index is no name for an entry; and Ruby's way of removing one (`LSET i ""`, then `LREM ""`) leaves, when
 * cut short, an entry that breaks every page of resque-web.
 */

import { script } from './script.ts';

/** KEYS: failed, queues, the queue's list. ARGV: index hint, old record, new record, queue, payload. → 1, or 0: gone. */
export const retryScript = script(`
local index = tonumber(ARGV[1])
if redis.call('LINDEX', KEYS[1], index) ~= ARGV[2] then
  index = nil
  local length, page = redis.call('LLEN', KEYS[1]), 500
  for first = 0, length - 1, page do
    for offset, entry in ipairs(redis.call('LRANGE', KEYS[1], first, first + page - 1)) do
      if entry == ARGV[2] then index = first + offset - 1 break end
    end
    if index then break end
  end
end
if not index then return 0 end
redis.call('LSET', KEYS[1], index, ARGV[3])
redis.call('SADD', KEYS[2], ARGV[4])
redis.call('RPUSH', KEYS[3], ARGV[5])
return 1
`);
