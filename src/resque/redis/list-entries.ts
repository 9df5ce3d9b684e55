/**
 * Lua that finds entries of a list again, and removes them. Other clients change lists at any moment, so an index is only a
 * hint: an entry is found by its bytes or their SHA-1. Any of several equal entries will do.
 */

/** Redis accepts indexes up to 64 bits, and Lua up to 53. */
const highestHint = 2 ** 31;

export function hint(index: number): number {
  return Math.min(highestHint, Math.max(0, index));
}

/** How many entries to read at once: a list may hold megabytes in each. Redis serves nobody else while a script runs. */
export const listChunks = `
-- Bytes that may still be read.
local left, chunk = math.huge, 4
local function range(key, first, last)
  local items, bytes = redis.call('LRANGE', key, first, last), 0
  for _, item in ipairs(items) do bytes = bytes + #item end
  left = left - bytes
  chunk = bytes > 262144 and math.max(1, math.floor(chunk / 4)) or math.min(200, chunk * 2)
  return items
end
`;

/**
 * - `claim(list, entries, options)` finds entries that have a `hint` and a `name`, and sets `index` and `item`: at the hint, else
 *   as near below as there is an equal one, else above, because most changes by others move entries to lower indexes. Stops
 *   when all but those with `isAnchor` are found, and any. Returns whether it looked at all there is to look at.
 *   Options: `nameOf(item)`, `most` entries to look at, `below` and `above` the hints to look.
 * - `removeClaimed(list, entries, mark)` removes found entries. It replaces them with the mark and then removes all marks with one
 *   LREM, because one LREM per entry would scan the list each time. No client sees a mark, and no mark stays: Redis finishes
 *   a script that has started to write. Returns the lowest index.
 *
 * Needs `listChunks`. The script checks beforehand whether LSET and LREM may be refused.
 */
export const claiming = `
local function claim(list, entries, options)
  local nameOf = options.nameOf or function(item) return item end
  local lowest, highest, missing, found = math.huge, 0, 0, 0
  for _, entry in ipairs(entries) do
    lowest, highest = math.min(lowest, entry.hint), math.max(highest, entry.hint)
    if not entry.isAnchor then missing = missing + 1 end
  end
  if #entries == 0 then return true end
  local claimed = {}
  local function take(entry, index, item)
    claimed[index] = true
    entry.index, entry.item = index, item
    found = found + 1
    if not entry.isAnchor then missing = missing - 1 end
  end

  -- A page's entries lie side by side: one LRANGE has all of them.
  local side = highest - lowest < 4 * #entries and redis.call('LRANGE', list, lowest, highest)
  local lost = {}
  for _, entry in ipairs(entries) do
    local item
    if side then item = side[entry.hint - lowest + 1] else item = redis.call('LINDEX', list, entry.hint) end
    if item and not claimed[entry.hint] and nameOf(item) == entry.name then
      take(entry, entry.hint, item)
    else
      lost[#lost + 1] = entry
    end
  end
  side = nil

  -- Waiting for an equal, by their names; each from where it was on.
  local waiting, most, length = {}, options.most or math.huge, redis.call('LLEN', list)
  local function mayLook() return (missing > 0 or found == 0) and most > 0 and left > 0 end
  local function offer(item, index)
    most = most - 1
    local equals = not claimed[index] and waiting[nameOf(item)]
    if equals and #equals > 0 then take(table.remove(equals), index, item) end
  end
  table.sort(lost, function(a, b) return a.hint > b.hint end)
  local nextLost, last = 1, math.min(#lost > 0 and lost[1].hint or -1, length - 1)
  local bottom = math.max(0, lowest - (options.below or math.huge))
  while last >= bottom and mayLook() do
    local first = math.max(bottom, last - chunk + 1)
    local items = range(list, first, last)
    for index = last, first, -1 do
      while nextLost <= #lost and lost[nextLost].hint >= index do
        local name = lost[nextLost].name
        waiting[name] = waiting[name] or {}
        table.insert(waiting[name], lost[nextLost])
        nextLost = nextLost + 1
      end
      offer(items[index - first + 1], index)
    end
    last = first - 1
  end
  local first = #lost > 0 and lost[#lost].hint + 1 or length
  local top = math.min(length - 1, highest + (options.above or math.huge))
  while first <= top and mayLook() do
    local items = range(list, first, math.min(top, first + chunk - 1))
    for offset, item in ipairs(items) do offer(item, first + offset - 1) end
    first = first + #items
  end
  return last < bottom and first > top
end
local function removeClaimed(list, entries, mark)
  local marked, lowest, highest, unmarked = 0, nil, 0, {}
  for _, entry in ipairs(entries) do
    if entry.index then
      lowest, highest = math.min(lowest or entry.index, entry.index), math.max(highest, entry.index)
      -- A Redis that is out of memory takes no LSET. LREM it does.
      if redis.pcall('LSET', list, entry.index, mark).err then
        unmarked[#unmarked + 1] = entry
      else
        marked = marked + 1
      end
    end
  end
  if not lowest then return nil end
  -- From the end that has less to look through.
  local direction = highest < redis.call('LLEN', list) - lowest and 1 or -1
  if marked > 0 then redis.call('LREM', list, direction * marked, mark) end
  for _, entry in ipairs(unmarked) do redis.call('LREM', list, direction, entry.item) end
  return lowest
end
`;
