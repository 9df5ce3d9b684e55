/**
 * The script that changes the `failed` list. In one atomic step it changes many entries, each found by its bytes, and reads
 * the page before them.
 */
import { script, scriptChecks } from '../redis/script.ts';

/**
 * KEYS: failed, queues.
 *
 * ARGV: `retry` or `remove`, a unique text as mark, page size, position to read before, length of the list when the
 * entries were seen, number of entries. Then for each entry: `1` to act on it or `0` only to find it, the index where it
 * was seen (0 or more), its bytes; for `retry` also its new bytes, the queue's key, the queue, the payload.
 *
 * Reply: 1 if any entry was found (or none was given), how far the oldest found entry has moved, length of the list, for
 * each entry 1 (done, or found), 0 (gone) or 2 (its queue is not a list), index of the page's first entry, the page's
 * entries. The page ends before the oldest found entry.
 *
 * If an entry is no longer at its index, an entry with the same bytes will do: jobs that fail alike within a second leave
 * equal entries. Removals by others move entries to lower indexes. Only LPUSH, which Resque doesn't use, moves them to
 * higher ones, by no more than the list has grown.
 *
 * A removal replaces entries with the mark and then removes all marks with one LREM, because one LREM per entry would scan
 * the list each time. No client sees a mark, and no mark stays: Redis finishes a script that has started to write, and the
 * script checks beforehand what may refuse a write (memory, types, permissions).
 */
export const changeScript = script(`
local failed, queues = KEYS[1], KEYS[2]
local kind, mark, size, before = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local seenLength, count = tonumber(ARGV[5]), tonumber(ARGV[6])
local prefix = failed:sub(1, -#'failed' - 1)
${scriptChecks}local length = redis.call('LLEN', failed)
local width = kind == 'retry' and 7 or 3

local entries, lowest, highest = {}, nil, nil
for i = 1, count do
  local at = 6 + (i - 1) * width
  local entry = { acts = ARGV[at + 1] == '1', hint = tonumber(ARGV[at + 2]), record = ARGV[at + 3], at = at + 3 }
  entries[i] = entry
  if not lowest or entry.hint < lowest then lowest = entry.hint end
  if not highest or entry.hint > highest then highest = entry.hint end
end

-- Finds them: where they were, else as near below as there is an equal, else above.
local claimed, missing, found = {}, 0, 0
local function claim(entry, index)
  claimed[index] = true
  entry.index = index
  found = found + 1
  if entry.acts then missing = missing - 1 end
end
local window = {}
-- A page's entries lie side by side: one LRANGE has all of them.
local isDense = count > 0 and highest - lowest < 4 * count + 100
if isDense then window = redis.call('LRANGE', failed, lowest, highest) end
local lost = {}
for _, entry in ipairs(entries) do
  if entry.acts then missing = missing + 1 end
  local there = nil
  if isDense then there = window[entry.hint - lowest + 1] else there = redis.call('LINDEX', failed, entry.hint) end
  if there == entry.record and not claimed[entry.hint] then claim(entry, entry.hint) else table.insert(lost, entry) end
end
window = nil
local function isSearching() return missing > 0 or (count > 0 and found == 0) end

-- Waiting for an equal, by their bytes; each from where it was on.
local waiting = {}
local function await(entry)
  waiting[entry.record] = waiting[entry.record] or {}
  table.insert(waiting[entry.record], entry)
end
local function offer(record, index)
  local equals = waiting[record]
  if equals and #equals > 0 and not claimed[index] then claim(table.remove(equals), index) end
end

table.sort(lost, function(a, b) return a.hint > b.hint end)
local nextLost = 1
local last = math.min(highest or -1, length - 1)
while last >= 0 and isSearching() do
  local first = math.max(0, last - 249)
  local page = redis.call('LRANGE', failed, first, last)
  for index = last, first, -1 do
    while nextLost <= #lost and lost[nextLost].hint >= index do
      await(lost[nextLost])
      nextLost = nextLost + 1
    end
    offer(page[index - first + 1], index)
  end
  last = first - 1
end
local first = (lowest or 0) + 1
local reach = math.min(length - 1, (highest or 0) + math.max(0, length - seenLength))
while first <= reach and isSearching() do
  for offset, record in ipairs(redis.call('LRANGE', failed, first, math.min(reach, first + 249))) do
    offer(record, first + offset - 1)
  end
  first = first + 250
end

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
  local function isOf(key, expected)
    local is = redis.call('TYPE', key).ok
    return is == expected or is == 'none'
  end
  if count > 0 then
    needType('set', queues)
    need('SADD', queues, '')
    need('LSET', failed, 0, '')
    for _, entry in ipairs(entries) do
      if entry.acts and entry.index then need('RPUSH', ARGV[entry.at + 2], '') end
    end
    if refusal then return redis.error_reply(refusal) end
  end
  local lists = {}
  for i, entry in ipairs(entries) do
    if entry.acts and entry.index then
      local key = ARGV[entry.at + 2]
      if lists[key] == nil then lists[key] = isOf(key, 'list') end
      if lists[key] then
        redis.call('SADD', queues, ARGV[entry.at + 3])
        redis.call('RPUSH', key, ARGV[entry.at + 4])
        redis.call('LSET', failed, entry.index, ARGV[entry.at + 1])
      else
        states[i] = 2
      end
    end
  end
else
  if count > 0 then
    need('LSET', failed, 0, '')
    need('LREM', failed, 1, '')
    if refusal then return redis.error_reply(refusal) end
  end
  local marked, nearest, farthest = 0, length, 0
  for _, entry in ipairs(entries) do
    if entry.acts and entry.index then
      -- A Redis that is out of memory takes no LSET. LREM it does.
      if redis.pcall('LSET', failed, entry.index, mark).err then break end
      entry.isMarked = true
      marked = marked + 1
      nearest, farthest = math.min(nearest, entry.index), math.max(farthest, entry.index)
    end
  end
  if marked > 0 then
    -- From the end that has less to look through.
    redis.call('LREM', failed, farthest < length - nearest and marked or -marked, mark)
  end
  local below = 0
  for _, entry in ipairs(entries) do
    if entry.acts and entry.index then
      if not entry.isMarked then redis.call('LREM', failed, -1, entry.record) end
      if entry.index < cursor then below = below + 1 end
    end
  end
  cursor = cursor - below
end

local page, pageStart = {}, math.max(0, cursor - size)
if size > 0 and cursor > 0 then page = redis.call('LRANGE', failed, pageStart, cursor - 1) end
local isFound = (oldest or count == 0) and 1 or 0
return { isFound, shift, redis.call('LLEN', failed), states, pageStart, page }
`);
