/** The scripts of `waiting-list.ts`. */
import { attemptWrites, delayWrites } from '../delayed/retry-entry.ts';
import { script, scriptChecks } from '../redis/script.ts';

/** Bytes of jobs that a script may look at, beyond the first job: Redis serves nobody else in that time. */
const lookedBytes = 16 * 1024 * 1024;
/** Jobs that a change looks through for those that are no longer where they were seen. */
const searchedJobs = 20_000;

/** How many jobs to read at once: a list may hold jobs of megabytes. Needs `lookedBytes` left in `left`. */
const chunks = `
local chunk = 4
local function range(key, first, last)
  local items, bytes = redis.call('LRANGE', key, first, last), 0
  for _, item in ipairs(items) do bytes = bytes + #item end
  left = left - bytes
  chunk = bytes > 262144 and math.max(1, math.floor(chunk / 4)) or math.min(200, chunk * 2)
  return items
end
`;

/**
 * KEYS: queue. ARGV: index of the first job, number of jobs, bytes of the reply, most bytes of a job.
 *
 * Reply: length of the queue, then for each job: SHA-1, size, its bytes or as many of them as there may be. Fewer jobs if they are
 * large. Length -1 and nothing more if the key is not a list.
 */
export const readWaitingScript = script(`
local key, first, size = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])
local room, most, left = tonumber(ARGV[3]), tonumber(ARGV[4]), ${lookedBytes}
${chunks}
local is = redis.call('TYPE', key).ok
if is ~= 'list' then return { is == 'none' and 0 or -1 } end
local reply, count = { redis.call('LLEN', key) }, 0
while count < size and left > 0 do
  local items = range(key, first + count, first + math.min(size, count + chunk) - 1)
  if #items == 0 then break end
  for _, item in ipairs(items) do
    local shown = item:sub(1, most)
    room = room - #shown
    if room < 0 and count > 0 then return reply end
    local n = #reply
    reply[n + 1], reply[n + 2], reply[n + 3] = redis.sha1hex(item), #item, shown
    count = count + 1
  end
end
return reply
`);

/**
 * KEYS: queue. ARGV: prefix; `remove`, or `head` or `tail` to move there; a text that is in no list; most bytes of a removed job
 * in the reply; then for each job: index where it was seen, SHA-1.
 *
 * Reply: length of the queue, then for each job 1 (done), 0 (gone) or 2 (not found, and not all was looked through), and its bytes
 * if it was removed. Length -1 and nothing more if the key is not a list.
 *
 * A job that is no longer at its index is mostly nearer to the head, because jobs are taken there.
 */
export const changeWaitingScript = script(`
local key, prefix, kind, mark, most = KEYS[1], ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local left = ${lookedBytes}
${scriptChecks}${delayWrites}${attemptWrites}${chunks}
local is = redis.call('TYPE', key).ok
if is ~= 'list' and is ~= 'none' then return { -1 } end
local length = redis.call('LLEN', key)

-- 1. Finds the jobs.
local entries, claimed = {}, {}
local function claim(entry, index, item)
  claimed[index] = true
  entry.index, entry.item = index, item
end
local highest
for at = 5, #ARGV, 2 do
  local entry = { hint = tonumber(ARGV[at]), sha1 = ARGV[at + 1] }
  entries[#entries + 1] = entry
  local item = redis.call('LINDEX', key, entry.hint)
  if item and not claimed[entry.hint] and redis.sha1hex(item) == entry.sha1 then claim(entry, entry.hint, item) end
end
local waiting, missing = {}, 0
for _, entry in ipairs(entries) do
  if not entry.index then
    missing = missing + 1
    waiting[entry.sha1] = waiting[entry.sha1] or {}
    table.insert(waiting[entry.sha1], entry)
    highest = math.max(highest or 0, entry.hint)
  end
end
local jobs = ${searchedJobs}
local function mayLook() return missing > 0 and jobs > 0 and left > 0 end
local function look(first, items)
  jobs = jobs - #items
  for i, item in ipairs(items) do
    local equals = missing > 0 and not claimed[first + i - 1] and waiting[redis.sha1hex(item)]
    if equals and #equals > 0 then
      claim(table.remove(equals, 1), first + i - 1, item)
      missing = missing - 1
    end
  end
end
local last = math.min(highest or -1, length - 1)
while last >= 0 and mayLook() do
  local first = math.max(0, last - chunk + 1)
  look(first, range(key, first, last))
  last = first - 1
end
local isAllBefore = last < 0
local first = (highest or 0) + 1
while first < length and mayLook() do
  local items = range(key, first, first + chunk - 1)
  look(first, items)
  first = first + #items
end
local isAll = isAllBefore and first >= length

-- 2. Checks what Redis could refuse, before the first write.
local push = kind == 'head' and 'LPUSH' or 'RPUSH'
need('LSET', key, 0, '')
need('LREM', key, 1, '')
if kind ~= 'remove' then need(push, key, '') end
if refusal then return redis.error_reply(refusal) end

-- 3. Writes. Equal jobs stay in their places.
local marked = 0
for _, entry in ipairs(entries) do
  if entry.index then
    -- A Redis that is out of memory takes no LSET. LREM it does.
    local reply = redis.pcall('LSET', key, entry.index, mark)
    if not reply.err then
      marked = marked + 1
    elseif kind == 'remove' then
      entry.isUnmarked = true
    else
      return redis.error_reply(reply.err)
    end
  end
end
if kind ~= 'remove' then
  for _, entry in ipairs(entries) do
    if entry.index then redis.call(push, key, entry.item) end
  end
end
if marked > 0 then redis.call('LREM', key, marked, mark) end
local reply = { 0 }
for _, entry in ipairs(entries) do
  if entry.isUnmarked then redis.call('LREM', key, 1, entry.item) end
  local n = #reply
  reply[n + 1] = entry.index and 1 or (isAll and 0 or 2)
  reply[n + 2] = ''
  if entry.index and kind == 'remove' then
    removeAttempt(entry.sha1)
    if #entry.item <= most then reply[n + 2] = entry.item end
  end
end
reply[1] = redis.call('LLEN', key)
return reply
`);
