/**
 * The script that changes the `failed` list. In one atomic step it changes many entries, each found by its bytes, and reads
 * the page before them.
 */
import { delivering } from '../delayed/move.ts';
import { claiming, listChunks } from '../redis/list-entries.ts';
import { script, scriptChecks } from '../redis/script.ts';

/**
 * KEYS: failed, queues.
 *
 * ARGV: `retry` or `remove`, a unique text as mark, page size, position to read before, length of the list when the
 * entries were seen, number of entries. Then for each entry: `1` to act on it or `0` only to find it, the index where it
 * was seen (0 or more), its bytes; for `retry` also its new bytes, the queue, the payload.
 *
 * Reply: 1 if any entry was found (or none was given), how far the oldest found entry has moved, length of the list, for
 * each entry 1 (done, or found), 0 (gone) or 2 (its queue is not a list), index of the page's first entry, the page's
 * entries. The page ends before the oldest found entry.
 *
 * Jobs that fail alike within a second leave equal entries. Only LPUSH, which Resque doesn't use, moves entries to higher indexes,
 * by no more than the list has grown.
 */
export const changeScript = script(`
local failed, queues = KEYS[1], KEYS[2]
local kind, mark, size, before = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local seenLength, count = tonumber(ARGV[5]), tonumber(ARGV[6])
local prefix = failed:sub(1, -#'failed' - 1)
${scriptChecks}${listChunks}${claiming}${delivering}
local length = redis.call('LLEN', failed)
local width = kind == 'retry' and 6 or 3

local entries = {}
for i = 1, count do
  local at = 6 + (i - 1) * width
  entries[i] = { isAnchor = ARGV[at + 1] ~= '1', hint = tonumber(ARGV[at + 2]), name = ARGV[at + 3], at = at + 3 }
end
claim(failed, entries, { above = math.max(0, length - seenLength) })

-- The oldest of them that was not taken for an equal further down: what is removed moves newer entries no less
-- than older ones.
local states, sorted, oldest, leastShift = {}, {}, nil, nil
for i, entry in ipairs(entries) do
  states[i] = entry.index and 1 or 0
  if entry.index then table.insert(sorted, entry) end
end
table.sort(sorted, function(a, b) return a.hint > b.hint end)
for _, entry in ipairs(sorted) do
  local shift = entry.index - entry.hint
  if not leastShift or shift >= leastShift then oldest, leastShift = entry, shift end
end
local cursor, shift = math.min(before, length), 0
if count > 0 then cursor = oldest and oldest.index or 0 end
if oldest then shift = oldest.index - oldest.hint end

if kind == 'retry' then
  if count > 0 then
    needType('set', queues)
    need('SADD', queues, '')
    need('LSET', failed, 0, '')
  end
  for i, entry in ipairs(entries) do
    local acts = not entry.isAnchor and entry.index
    if acts and not deliverTo(ARGV[entry.at + 2], ARGV[entry.at + 3]) then states[i] = 2 end
  end
  if refusal then return redis.error_reply(refusal) end
  pushDeliveries()
  for i, entry in ipairs(entries) do
    if not entry.isAnchor and states[i] == 1 then redis.call('LSET', failed, entry.index, ARGV[entry.at + 1]) end
  end
else
  if count > 0 then
    need('LSET', failed, 0, '')
    need('LREM', failed, 1, '')
    if refusal then return redis.error_reply(refusal) end
  end
  local removed, below = {}, 0
  for _, entry in ipairs(entries) do
    if not entry.isAnchor and entry.index then
      table.insert(removed, entry)
      if entry.index < cursor then below = below + 1 end
    end
  end
  removeClaimed(failed, removed, mark)
  cursor = cursor - below
end

local page, pageStart = {}, math.max(0, cursor - size)
if size > 0 and cursor > 0 then page = redis.call('LRANGE', failed, pageStart, cursor - 1) end
local isFound = (oldest or count == 0) and 1 or 0
return { isFound, shift, redis.call('LLEN', failed), states, pageStart, page }
`);
