/** The scripts of `delayed-list.ts`. No KEYS, as in our other scripts: the keys depend on what is there. */
import { claiming, listChunks } from '../redis/list-entries.ts';
import { script, scriptChecks } from '../redis/script.ts';
import { delivering } from './move.ts';

/** The bytes of a job, or JSON with its class and queue if they are more than a reply may have. */
const shownItem = `
local function shown(item, limit)
  if #item <= limit then return '1', item end
  local ok, job = pcall(cjson.decode, item)
  local function text(value) return type(value) == 'string' and value or '' end
  if not ok or type(job) ~= 'table' then return '0', item:sub(1, 200) end
  return '0', cjson.encode({ class = text(job.class), queue = text(job.queue) })
end
`;

/**
 * ARGV: prefix, the cursor's score, time and index, number of jobs, bytes.
 *
 * Reply: 1 if more follow, then for each job: score, time, index, SHA-1, 1 if it is whole, its bytes.
 */
export const readDelayedScript = script(`
local prefix, score, time, index = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local size, room = tonumber(ARGV[5]), tonumber(ARGV[6])
local limit = room
${shownItem}
local schedule = prefix .. 'delayed_queue_schedule'
local reply, count = { 0 }, 0
local function add(itsScore, itsTime, at, item)
  if count == size then return false end
  local isWhole, bytes = shown(item, limit)
  if #bytes > room and count > 0 then return false end
  local n = #reply
  reply[n + 1], reply[n + 2], reply[n + 3] = itsScore, itsTime, tostring(at)
  reply[n + 4], reply[n + 5], reply[n + 6] = redis.sha1hex(item), isWhole, bytes
  count, room = count + 1, room - #bytes
  return true
end
local offset = 0
while true do
  local members = redis.call('ZRANGEBYSCORE', schedule, score, '+inf', 'WITHSCORES', 'LIMIT', offset, 100)
  if #members == 0 then return reply end
  offset = offset + #members / 2
  for i = 1, #members, 2 do
    local its, itsScore = members[i], members[i + 1]
    local isCursor = its == time and itsScore == score
    if isCursor or itsScore ~= score or its > time then
      local key, at = prefix .. 'delayed:' .. its, isCursor and index or 0
      local isList = redis.call('TYPE', key).ok == 'list'
      local chunk = 1
      while isList do
        local items = redis.call('LRANGE', key, at, at + chunk - 1)
        for _, item in ipairs(items) do
          if not add(itsScore, its, at, item) then
            reply[1] = 1
            return reply
          end
          at = at + 1
        end
        if #items < chunk then break end
        chunk = math.min(50, 2 * chunk)
      end
    end
  end
end
`);

/**
 * ARGV: prefix, time, first digits of the job's SHA-1, bytes of the reply.
 *
 * Reply: how many equal jobs there are, then for the first: score, time, index, SHA-1, 1 if it is whole, its bytes. Empty if
 * there is none.
 */
export const findDelayedScript = script(`
local prefix, time, digits, limit = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
${shownItem}
local key = prefix .. 'delayed:' .. time
if redis.call('TYPE', key).ok ~= 'list' then return {} end
local found, copies, index, at = nil, 0, 0, 0
while true do
  local items = redis.call('LRANGE', key, at, at + 999)
  for i, item in ipairs(items) do
    if not found and redis.sha1hex(item):sub(1, #digits) == digits then found, index = item, at + i - 1 end
    if item == found then copies = copies + 1 end
  end
  if #items < 1000 then break end
  at = at + 1000
end
if not found then return {} end
local isWhole, bytes = shown(found, limit)
local score = redis.call('ZSCORE', prefix .. 'delayed_queue_schedule', time) or time
return { copies, score, time, tostring(index), redis.sha1hex(found), isWhole, bytes }
`);

/**
 * The beginning of the entry that is kept beside a waiting retry, see `retry-entry.ts`; '' if the job is not a retry. The rest of an
 * entry may be large. Of equal jobs that are due at the same time, each has its own.
 */
const entryHead = `
local used = {}
local function headOf(sha1, time)
  local key = prefix .. 'runner:retry:' .. sha1
  local isList = redis.call('TYPE', key).ok == 'list'
  for index = 0, isList and 9 or -1 do
    local entry = redis.call('LINDEX', key, index)
    if not entry then break end
    local head, name = entry:match('^[%x ]+({.-),"item":') or '', key .. index
    if not used[name] and head:match('"due":(%d+)') == time then
      used[name] = true
      return head .. '}'
    end
  end
  return ''
end
`;

/** ARGV: prefix, then for each job: SHA-1, time. Reply for each: see `entryHead`. */
export const waitingRetriesScript = script(`
local prefix, reply = ARGV[1], {}
${entryHead}
for at = 2, #ARGV, 2 do reply[#reply + 1] = headOf(ARGV[at], ARGV[at + 1]) end
return reply
`);

/** ARGV: prefix, most jobs, most bytes. Reply: how many of the first jobs are retries. */
export const countRetriesScript = script(`
local prefix, most, room = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local retries = 0
${entryHead}
for _, time in ipairs(redis.call('ZRANGE', prefix .. 'delayed_queue_schedule', 0, most - 1)) do
  local list, index = prefix .. 'delayed:' .. time, 0
  local isList = redis.call('TYPE', list).ok == 'list'
  while isList and most > 0 and room > 0 do
    local item = redis.call('LINDEX', list, index)
    if not item then break end
    index, most, room = index + 1, most - 1, room - #item
    if headOf(redis.sha1hex(item), time) ~= '' then retries = retries + 1 end
  end
end
return retries
`);

/**
 * ARGV: prefix, `run` or `remove`, a text that is in no list, then for each job: time, index where it was seen, SHA-1.
 *
 * Reply for each: 0 gone, 1 done, 2 undeliverable.
 *
 * A job's `timestamps:` set loses the time only if no equal job is left. In a list of more than some thousand jobs, only the
 * jobs near the changed ones are compared.
 */
export const changeDelayedScript = script(`
local prefix, kind, mark = ARGV[1], ARGV[2], ARGV[3]
local schedule = prefix .. 'delayed_queue_schedule'
local compared = 5000
${scriptChecks}${listChunks}${claiming}${delivering}

-- 1. Finds the jobs.
local states, lists, order = {}, {}, {}
for at = 4, #ARGV, 3 do
  local entry = { i = (at - 1) / 3, hint = tonumber(ARGV[at + 1]), name = ARGV[at + 2] }
  local time = ARGV[at]
  states[entry.i] = 0
  if not lists[time] then
    lists[time] = { key = prefix .. 'delayed:' .. time, entries = {}, time = time, found = {} }
    order[#order + 1] = lists[time]
  end
  table.insert(lists[time].entries, entry)
end
for _, list in ipairs(order) do
  if redis.call('TYPE', list.key).ok == 'list' then claim(list.key, list.entries, { nameOf = redis.sha1hex }) end
end

-- 2. Checks everything that could be refused, before the first write.
need('LSET', prefix .. 'delayed:', 0, '')
need('LREM', prefix .. 'delayed:', 0, '')
need('SREM', prefix .. 'timestamps:', '')
need('ZREM', schedule, '')
needType('zset', schedule)
if kind == 'run' then need('SADD', prefix .. 'queues', '') end
for _, list in ipairs(order) do
  for _, entry in ipairs(list.entries) do
    if entry.index then
      states[entry.i] = (kind == 'remove' or deliver(entry.item)) and 1 or 2
      if states[entry.i] == 1 then table.insert(list.found, entry) end
    end
  end
end
if refusal then return redis.error_reply(refusal) end

-- 3. Writes.
pushDeliveries()
for _, list in ipairs(order) do
  local lowest = removeClaimed(list.key, list.found, mark)
  if lowest then
    local changed, length = {}, redis.call('LLEN', list.key)
    for _, entry in ipairs(list.found) do changed[entry.item] = true end
    local first = length > compared and lowest or 0
    for _, item in ipairs(redis.call('LRANGE', list.key, first, first + compared - 1)) do changed[item] = nil end
    for item in pairs(changed) do
      redis.pcall('SREM', prefix .. 'timestamps:' .. item, 'delayed:' .. list.time)
    end
    if length == 0 then redis.call('ZREM', schedule, list.time) end
  end
end
return states
`);
