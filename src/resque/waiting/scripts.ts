/** The scripts of `waiting-list.ts`. */
import { attemptWrites, delayWrites } from '../delayed/retry-entry.ts';
import { claiming, listChunks } from '../redis/list-entries.ts';
import { script, scriptChecks } from '../redis/script.ts';

/** Bytes of jobs that a script may look at, beyond the first job: Redis serves nobody else in that time. */
const lookedBytes = 16 * 1024 * 1024;
/** Jobs that a change looks through for those that are no longer where they were seen. */
const searchedJobs = 20_000;

/**
 * KEYS: queue. ARGV: index of the first job, number of jobs, bytes of the reply, most bytes of a job.
 *
 * Reply: length of the queue, then for each job: SHA-1, size, its bytes or as many of them as there may be. Fewer jobs if they are
 * large. Length -1 and nothing more if the key is not a list.
 */
export const readWaitingScript = script(`
local key, first, size = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])
local room, most = tonumber(ARGV[3]), tonumber(ARGV[4])
${listChunks}
left = ${lookedBytes}
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
 */
export const changeWaitingScript = script(`
local key, prefix, kind, mark, most = KEYS[1], ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
${scriptChecks}${delayWrites}${attemptWrites}${listChunks}${claiming}
left = ${lookedBytes}
local is = redis.call('TYPE', key).ok
if is ~= 'list' and is ~= 'none' then return { -1 } end

local entries = {}
for at = 5, #ARGV, 2 do entries[#entries + 1] = { hint = tonumber(ARGV[at]), name = ARGV[at + 1] } end
local isAll = claim(key, entries, { nameOf = redis.sha1hex, most = ${searchedJobs} })

-- Checks what Redis could refuse, before the first write.
local push = kind == 'head' and 'LPUSH' or 'RPUSH'
need('LSET', key, 0, '')
need('LREM', key, 1, '')
if kind ~= 'remove' then need(push, key, '') end
if refusal then return redis.error_reply(refusal) end

-- A Redis that is out of memory refuses the first push, and nothing has changed.
local pushed = 0
for _, entry in ipairs(entries) do
  if entry.index and kind ~= 'remove' then
    redis.call(push, key, entry.item)
    pushed = pushed + 1
  end
end
for _, entry in ipairs(entries) do
  if entry.index and kind == 'head' then entry.index = entry.index + pushed end
end
removeClaimed(key, entries, mark)
local reply = { 0 }
for _, entry in ipairs(entries) do
  local n = #reply
  reply[n + 1] = entry.index and 1 or (isAll and 0 or 2)
  reply[n + 2] = ''
  if entry.index and kind == 'remove' then
    removeAttempt(entry.name)
    if #entry.item <= most then reply[n + 2] = entry.item end
  end
end
reply[1] = redis.call('LLEN', key)
return reply
`);
