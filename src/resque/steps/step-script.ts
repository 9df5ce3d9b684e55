/** The script of a step; `step.ts` says what a step promises. */
import { attemptWrites, delayWrites } from '../delayed/retry-entry.ts';
import { needTrim, readTrim, trimFailed } from '../failed/failed-limit.ts';
import { jobStatuses, jobStatusWrites } from '../format/job-status.ts';
import { limitWrites, shareReturns } from '../format/limits.ts';
import { activeJobWrapper } from '../format/payload.ts';
import { pluginKeyWrites } from '../format/plugin-keys.ts';
import { lazily, script, scriptChecks } from '../redis/script.ts';

/**
 * It has three parts: it reads its arguments, checks everything that Redis could refuse, and only then writes. Redis doesn't
 * roll back a script that it refuses halfway, and half a step could not be repeated.
 *
 * It has no KEYS: the keys depend on what is on the queues, and Resque doesn't run on clusters.
 *
 * `embeddable` must never accept bytes that a strict JSON parser refuses, because a worker's record that isn't JSON breaks
 * resque-web. cjson alone accepts too much (NaN, hex, leading zeros, raw control characters, invalid UTF-8, …), hence the
 * conservative patterns before it. A payload that they reject is stored beside the record until the runner has looked at
 * it. The limits keep Redis from parsing large payloads, and Ruby from refusing deep ones.
 */
export const stepScript = script(`
local prefix, stepKey, nonce, step = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local runAt, started, heartbeat = ARGV[5], ARGV[6], ARGV[7]
local owner = ARGV[8]
-- Bytes of payloads that the reply may have. Others stay beside the record, from where they are read in pieces.
local room = tonumber(ARGV[9])
local at = 9
local function nextArg() at = at + 1; return ARGV[at] end

${scriptChecks}
local lastNonce, lastStep = (read('GET', stepKey) or ''):match('^(%S+) (%d+)$')
if refusal then return redis.error_reply(refusal) end
-- Recovered as dead, or forgotten by a Redis that came back older.
if lastNonce ~= nonce then return redis.error_reply('FORGOTTEN Redis does not know this runner') end
if tonumber(lastStep) >= step then return {} end
-- The one before was refused or forgotten: done out of turn, this one would make its repetition look done.
if tonumber(lastStep) + 1 < step then
  return redis.error_reply('OUTOFTURN Redis knows this runner up to step ' .. lastStep .. ', not ' .. step - 1)
end

-- Returns the decoded payload.
local function embeddable(p)
  if #p > 65536 or p:byte(1) ~= 123 then return false end
  if p:find('%c') or p:find('\\\\u[dD][89a-fA-F]') then return false end
  if p:find('[:,%[] *[%-+]?[NIi]') or p:find('[:,%[] *[%-+]?n[aA]') or p:find('[:,%[] *%-?0[%dxX]') then return false end
  if p:find('[:,%[] *%+') or p:find('%d%.%D') or p:find('%-%.') then return false end
  local _, nesting = p:gsub('[%[{]', '')
  if nesting > 90 then return false end
  if p:find('[\\128-\\255]') then
    local rest = p:gsub('[\\194-\\223][\\128-\\191]', ' ')
    rest = rest:gsub('\\224[\\160-\\191][\\128-\\191]', ' ')
    rest = rest:gsub('[\\225-\\236\\238\\239][\\128-\\191][\\128-\\191]', ' ')
    rest = rest:gsub('\\237[\\128-\\159][\\128-\\191]', ' ')
    rest = rest:gsub('\\240[\\144-\\191][\\128-\\191][\\128-\\191]', ' ')
    rest = rest:gsub('[\\241-\\243][\\128-\\191][\\128-\\191][\\128-\\191]', ' ')
    rest = rest:gsub('\\244[\\128-\\143][\\128-\\191][\\128-\\191]', ' ')
    if rest:find('[\\128-\\255]') then return false end
  end
  local ok, value = pcall(cjson.decode, p)
  if not ok or type(value) ~= 'table' then return false end
  if value.class ~= '${activeJobWrapper}' then return value end
  return type(value.args) == 'table' and type(value.args[1]) == 'table' and value.args[1].job_class ~= nil and value
end

-- 1. Reads all that is asked for.
local heldQueues = prefix .. 'runner:' .. owner .. ':held'
local checkedKeys = {}
local function needList(key)
  if not checkedKeys[key] then needType('list', key) end
  checkedKeys[key] = true
end
local function needHeld(queue)
  needList(heldQueues .. ':' .. queue)
  need('LREM', heldQueues .. ':' .. queue, 1, '')
end

local outcomes, failedLimit, failedDay = {}, nil, nil
for i = 1, tonumber(nextArg()) do
  local outcome = { kind = nextArg(), id = nextArg(), heldQueue = nextArg(), heldPayload = nextArg() }
  if outcome.kind == 'failure' then
    outcome.record = nextArg()
    ${readTrim('nextArg()')}
  elseif outcome.kind == 'requeue' then
    outcome.queue, outcome.payload = nextArg(), nextArg()
    outcome.key = prefix .. 'queue:' .. outcome.queue
  elseif outcome.kind == 'retry' or outcome.kind == 'snooze' then
    outcome.due, outcome.item, outcome.entry = nextArg(), nextArg(), nextArg()
    outcome.keptSeconds, outcome.record = nextArg(), nextArg()
  end
  outcomes[i] = outcome
end
local returns = {}
for i = 1, tonumber(nextArg()) do
  local queue = nextArg()
  returns[i] = { queue = queue, key = prefix .. 'queue:' .. queue, payload = nextArg(), isHeld = nextArg() == '1' }
end
local begins, active = {}, {}
local function begin(id, record, payload, attempt)
  active[#active + 1] = id
  begins[#begins + 1] = { id = id, record = record, payload = payload, attempt = attempt }
end
for _ = 1, tonumber(nextArg()) do
  local id, record, payload, attempt = nextArg(), nextArg(), nextArg(), nextArg()
  begin(id, record, payload ~= '' and payload, attempt ~= '' and attempt)
end
local shares = {}
for i = 1, tonumber(nextArg()) do shares[i] = { isTaken = nextArg() == '1', queue = nextArg(), id = nextArg() } end
${lazily('limits', ['readLimits', 'needLimits', 'takeShare', 'freeShare', 'allowance', 'take', 'waitOf'], shareReturns + limitWrites)}
local hasLimits = shares[1] ~= nil
local reservations = {}
for r = 1, tonumber(nextArg()) do
  local reservation = { isHeld = nextArg() == '1', hasAttempts = nextArg() == '1' }
  local limitsText = nextArg()
  if limitsText ~= '' then reservation.limits, hasLimits = limits().readLimits(limitsText), true end
  reservation.queueCount = tonumber(nextArg())
  reservation.firstQueue = at
  at = at + reservation.queueCount
  reservation.workerCount = tonumber(nextArg())
  reservation.firstWorker = at
  at = at + reservation.workerCount
  reservations[r] = reservation
end
local firstStatus = at + 1

-- 2. Checks all that could be refused, before the first write.
${lazily('retries', ['checkDelay', 'delay', 'takeAttempt', 'keepAttempt', 'returnAttempt'], delayWrites + attemptWrites)}
for i, outcome in ipairs(outcomes) do
  if outcome.due then retries().checkDelay(outcome) end
  if i == 1 then need('DEL', prefix .. 'worker:' .. outcome.id) end
  if outcome.heldQueue ~= '' then needHeld(outcome.heldQueue) end
  if outcome.kind == 'failure' and not checkedKeys.failed then
    needList(prefix .. 'failed')
    need('RPUSH', prefix .. 'failed', '')
    ${needTrim}
    checkedKeys.failed = true
  elseif outcome.kind == 'requeue' then
    needList(outcome.key)
    need('LPUSH', outcome.key, '')
  end
end
for _, job in ipairs(returns) do
  needList(job.key)
  need('LPUSH', job.key, '')
  if job.isHeld then needHeld(job.queue) end
end
for r, reservation in ipairs(reservations) do
  local queue = ARGV[reservation.firstQueue + 1]
  if reservation.isHeld then
    needType('set', heldQueues)
    need('SADD', heldQueues, queue)
    need('LMOVE', prefix .. 'queue:' .. queue, heldQueues .. ':' .. queue, 'LEFT', 'RIGHT')
  else
    need('LPOP', prefix .. 'queue:' .. queue)
  end
end
if hasLimits then limits().needLimits(shares, reservations) end
local someone = active[1] or (reservations[1] and ARGV[reservations[1].firstWorker + 1])
if someone then
  local key = prefix .. 'worker:' .. someone
  needType('set', prefix .. 'workers')
  need('SET', key, '')
  need('SADD', prefix .. 'workers', '')
  need('SETNX', key .. ':started', '')
  need('HSETNX', prefix .. 'workers:heartbeat', '', '')
end
if refusal then return redis.error_reply(refusal) end

-- 3. Writes. What refuses the first one has nothing of the step. The number is kept for long enough for any outage to end.
local first = redis.pcall('SET', stepKey, nonce .. ' ' .. step, 'EX', 604800)
if first.err then
  return redis.error_reply(first.err:find('^NOPERM') and notPermitted('SET', stepKey) or first.err)
end

local function leaveHeld(queue, payload)
  return redis.call('LREM', heldQueues .. ':' .. queue, 1, payload) == 1
end

-- As Resque writes the end of one job, and the same for several at once: its order, with one call for all if one will do.
-- A counter that is refused costs no job.
local countRefusal
local function count(stat, ids)
  if #ids == 0 then return end
  local function add(key, by)
    local reply = redis.pcall('INCRBY', key, by)
    if type(reply) == 'table' then countRefusal = countRefusal or (key .. ': ' .. reply.err) end
  end
  add(prefix .. 'stat:' .. stat, #ids)
  for _, id in ipairs(ids) do add(prefix .. 'stat:' .. stat .. ':' .. id, 1) end
end

-- Redis may have lost the queue's name: runners of patterns would not see it.
local function putBack(queue, key, payload)
  redis.pcall('SADD', prefix .. 'queues', queue)
  redis.call('LPUSH', key, payload)
end

local ended, failed, recorded, failedLength, refusedDelays = {}, {}, {}, 0, 0
for _, outcome in ipairs(outcomes) do
  local id = outcome.id
  if outcome.heldQueue ~= '' then
    leaveHeld(outcome.heldQueue, outcome.heldPayload)
    redis.pcall('HDEL', prefix .. 'runner:recoveries', redis.sha1hex(outcome.heldQueue .. '\\0' .. outcome.heldPayload))
  end
  if outcome.kind == 'failure' then
    failedLength = redis.call('RPUSH', prefix .. 'failed', outcome.record)
    failed[#failed + 1] = id
    if outcome.isRefused then refusedDelays = refusedDelays + 1 end
  elseif outcome.kind == 'requeue' then
    retries().returnAttempt(id)
    putBack(outcome.queue, outcome.key, outcome.payload)
  elseif outcome.due then
    retries().delay(outcome)
    if outcome.kind == 'retry' then failed[#failed + 1] = id end
  end
  if outcome.kind ~= 'requeue' and outcome.kind ~= 'snooze' then ended[#ended + 1] = id end
  local n, key = #recorded, prefix .. 'worker:' .. id
  recorded[n + 1], recorded[n + 2], recorded[n + 3] = key, key .. ':payload', key .. ':retry'
end
${trimFailed}
count('failed', failed)
if #recorded > 0 then redis.call('DEL', unpack(recorded)) end
count('processed', ended)
for _, share in ipairs(shares) do
  local move = share.isTaken and limits().takeShare or limits().freeShare
  move(share.queue, share.id)
end
for _, job in ipairs(returns) do
  if not job.isHeld or leaveHeld(job.queue, job.payload) then putBack(job.queue, job.key, job.payload) end
end

${jobStatusWrites}
${pluginKeyWrites}
for i = firstStatus, #ARGV, 2 do
  if ARGV[i + 1] == 'delete' then deleteKeys(ARGV[i]) else setStatus(ARGV[i], ARGV[i + 1]) end
end

-- What begins now: jobs that BLPOP brought, and those that are popped here. Their workers are registered first.
local reply = {}
local function add(reservation, worker, queue, embedded, bytes)
  local n = #reply
  reply[n + 1], reply[n + 2], reply[n + 3], reply[n + 4], reply[n + 5] =
    reservation - 1, worker - 1, queue - 1, embedded, bytes
end

for r, reservation in ipairs(reservations) do
  local w = 1
  for q = 1, reservation.queueCount do
    local queue = ARGV[reservation.firstQueue + q]
    local record
    if reservation.isHeld then redis.call('SADD', heldQueues, queue) end
    local allowed, problem
    if reservation.limits then allowed, problem = limits().allowance(queue, reservation.limits) end
    if problem then add(r, 0, q, 0, problem) end
    while w <= reservation.workerCount and not problem and (not allowed or allowed.taken < allowed.most) do
      local payload
      if reservation.isHeld then
        payload = redis.pcall('LMOVE', prefix .. 'queue:' .. queue, heldQueues .. ':' .. queue, 'LEFT', 'RIGHT')
      else
        payload = redis.pcall('LPOP', prefix .. 'queue:' .. queue)
      end
      if type(payload) == 'table' then
        add(r, 0, q, 0, payload.err)
        break
      end
      if not payload then break end
      local id = ARGV[reservation.firstWorker + w]
      if allowed then limits().take(allowed, queue, id) end
      local isSent = #payload <= room
      if isSent then room = room - #payload end
      local isEmbedded = isSent and embeddable(payload)
      if isEmbedded then setStatus(statusNameOf(isEmbedded), ${jobStatuses.running}) end
      local entry = reservation.hasAttempts and retries().takeAttempt(id, redis.sha1hex(payload))
      if entry then add(r, w, q, 2, entry) end
      record = record or '{"queue":' .. cjson.encode((queue:gsub('[<>]', ''))) .. ',"run_at":"' .. runAt .. '","worker":'
      begin(id, record .. cjson.encode(id:match('^.-:%d+%-%d+') or id) .. ',"step":' .. step .. ',"payload":' ..
        (isEmbedded and payload or '{}') .. '}', not isEmbedded and payload)
      add(r, w, q, isEmbedded and 1 or 0, isSent and payload or #payload)
      w = w + 1
    end
    local wait = allowed and limits().waitOf(allowed, queue)
    if wait then add(r, 0, q, 5, wait) end
    if w > reservation.workerCount then break end
  end
end

-- First sign of a worker, or Ruby's pruning dropped it: put it (back) on the list. One call for many, as Lua can pass
-- them, which mostly says that none was new; a worker that was not dropped keeps what it has.
for first = 1, #active, 1000 do
  local last = math.min(first + 999, #active)
  local added = redis.call('SADD', prefix .. 'workers', unpack(active, first, last))
  for i = first, added > 0 and last or 0 do
    redis.call('SETNX', prefix .. 'worker:' .. active[i] .. ':started', started)
    -- Of another type, it stops the heartbeat itself, which says so.
    redis.pcall('HSETNX', prefix .. 'workers:heartbeat', active[i], heartbeat)
  end
end
for i, job in ipairs(begins) do
  redis.call('SET', prefix .. 'worker:' .. job.id, job.record)
  if job.payload then redis.call('SET', prefix .. 'worker:' .. job.id .. ':payload', job.payload) end
  if job.attempt and #job.attempt > 40 then retries().keepAttempt(job.id, job.attempt)
  elseif job.attempt then add(0, i, 0, 3, retries().takeAttempt(job.id, job.attempt) or '') end
end
if refusedDelays > 0 then add(0, 0, 0, 4, refusedDelays) end
if countRefusal then add(0, 0, 0, 0, countRefusal) end
return reply
`);
