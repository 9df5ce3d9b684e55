/** The script of `advance.ts`: what it promises is said there. */
import { activeJobWrapper } from './payload.ts';
import { script } from './script.ts';

/**
 * No KEYS: which keys are touched depends on what lies on the queues, and Resque doesn't run on clusters.
 *
 * `embeddable` must never say yes to bytes that a strict JSON parser refuses, since a worker's record that
 * is no JSON breaks resque-web. cjson alone is too lax for that (it takes NaN, hex, leading zeros, raw
 * control characters, invalid UTF-8, …), hence the conservative patterns before it; what they turn away is
 * looked at by the runner and stored beside the record meanwhile. The limits keep Redis from parsing large
 * payloads and Ruby from refusing deep ones.
 */
export const advanceScript = script(`
local prefix, stepKey, nonce, step = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local runAt, started, heartbeat = ARGV[5], ARGV[6], ARGV[7]
local owner = ARGV[8]
local at = 8
local function nextArg() at = at + 1; return ARGV[at] end

local lastNonce, lastStep = (redis.call('GET', stepKey) or ''):match('^(%S+) (%d+)$')
-- Recovered as dead, or overtaken by another process of the same name: what such a step takes nobody would find.
if lastNonce ~= nonce then return redis.error_reply('FORGOTTEN this runner is not, or no longer, on record') end
if tonumber(lastStep) >= step then return {} end
-- The one before was refused: done out of turn, this one would make its repetition look done.
if tonumber(lastStep) + 1 < step then error('OUTOFTURN step ' .. step .. ' after ' .. lastStep) end

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
  if value.class ~= '${activeJobWrapper}' then return true end
  return type(value.args) == 'table' and type(value.args[1]) == 'table' and value.args[1].job_class ~= nil
end

-- Refuses the whole step before it has done anything: half a step could not be repeated.
local function mustBeList(key)
  local kind = redis.call('TYPE', key).ok
  if kind ~= 'list' and kind ~= 'none' then error('WRONGTYPE ' .. key .. ' is a ' .. kind .. ', not a list') end
end

local outcomes = {}
for i = 1, tonumber(nextArg()) do
  local outcome = { kind = nextArg(), id = nextArg(), heldQueue = nextArg(), heldPayload = nextArg() }
  if outcome.kind == 'failure' then
    outcome.record = nextArg()
    mustBeList(prefix .. 'failed')
  elseif outcome.kind == 'requeue' then
    outcome.key, outcome.payload = prefix .. 'queue:' .. nextArg(), nextArg()
    mustBeList(outcome.key)
  end
  outcomes[i] = outcome
end
local returns = {}
for i = 1, tonumber(nextArg()) do
  local queue = nextArg()
  returns[i] = { queue = queue, key = prefix .. 'queue:' .. queue, payload = nextArg(), isHeld = nextArg() == '1' }
  mustBeList(returns[i].key)
end

-- The first write: a Redis that takes none refuses here. Kept long enough for any outage to end.
redis.call('SET', stepKey, nonce .. ' ' .. step, 'EX', 604800)

local heldQueues = prefix .. 'runner:' .. owner .. ':held'
local function leaveHeld(queue, payload)
  return redis.call('LREM', heldQueues .. ':' .. queue, 1, payload) == 1
end

-- As Resque writes the end of one job, and the same for several at once: its order, with a call for all where one will do.
local function count(stat, ids)
  if #ids == 0 then return end
  redis.pcall('INCRBY', prefix .. 'stat:' .. stat, #ids)
  for _, id in ipairs(ids) do redis.pcall('INCRBY', prefix .. 'stat:' .. stat .. ':' .. id, 1) end
end

local ended, failed, recorded = {}, {}, {}
for _, outcome in ipairs(outcomes) do
  local id = outcome.id
  if outcome.heldQueue ~= '' then
    leaveHeld(outcome.heldQueue, outcome.heldPayload)
    redis.pcall('HDEL', prefix .. 'runner:recoveries', redis.sha1hex(outcome.heldQueue .. '\\0' .. outcome.heldPayload))
  end
  if outcome.kind == 'failure' then
    redis.call('RPUSH', prefix .. 'failed', outcome.record)
    failed[#failed + 1] = id
  elseif outcome.kind == 'requeue' then
    redis.call('LPUSH', outcome.key, outcome.payload)
  end
  if outcome.kind ~= 'requeue' then ended[#ended + 1] = id end
  recorded[#recorded + 1] = prefix .. 'worker:' .. id
  recorded[#recorded + 1] = prefix .. 'worker:' .. id .. ':payload'
end
count('failed', failed)
if #recorded > 0 then redis.call('DEL', unpack(recorded)) end
count('processed', ended)
for _, job in ipairs(returns) do
  if not job.isHeld or leaveHeld(job.queue, job.payload) then redis.call('LPUSH', job.key, job.payload) end
end

-- What begins now: jobs that BLPOP brought, and those that are popped below. Their workers are registered first.
local begins, active = {}, {}
local function begin(id, record, payload)
  active[#active + 1] = id
  begins[#begins + 1] = { id = id, record = record, payload = payload }
end
for _ = 1, tonumber(nextArg()) do
  local id, record, payload = nextArg(), nextArg(), nextArg()
  begin(id, record, payload ~= '' and payload)
end

local reply = {}
local function add(reservation, worker, queue, embedded, bytes)
  local n = #reply
  reply[n + 1], reply[n + 2], reply[n + 3], reply[n + 4], reply[n + 5] =
    reservation - 1, worker - 1, queue - 1, embedded, bytes
end

for r = 1, tonumber(nextArg()) do
  local isHeld = nextArg() == '1'
  local queueCount = tonumber(nextArg())
  local firstQueue = at
  at = at + queueCount
  local workerCount = tonumber(nextArg())
  local firstWorker = at
  at = at + workerCount
  local w = 1
  for q = 1, queueCount do
    local queue = ARGV[firstQueue + q]
    local record
    while w <= workerCount do
      local payload
      if isHeld then
        redis.call('SADD', heldQueues, queue)
        payload = redis.pcall('LMOVE', prefix .. 'queue:' .. queue, heldQueues .. ':' .. queue, 'LEFT', 'RIGHT')
      else
        payload = redis.pcall('LPOP', prefix .. 'queue:' .. queue)
      end
      if type(payload) == 'table' then
        add(r, 0, q, 0, payload.err)
        break
      end
      if not payload then break end
      local id = ARGV[firstWorker + w]
      local isEmbedded = embeddable(payload)
      record = record or '{"queue":' .. cjson.encode((queue:gsub('[<>]', ''))) .. ',"run_at":"' .. runAt .. '","payload":'
      begin(id, record .. (isEmbedded and payload or '{}') .. '}', not isEmbedded and payload)
      add(r, w, q, isEmbedded and 1 or 0, payload)
      w = w + 1
    end
    if w > workerCount then break end
  end
end

-- First sign of a worker, or Ruby's pruning dropped it: put it (back) on the list. One call for many, as Lua can pass
-- them, which mostly says that none was new; a worker that was not dropped keeps what it has.
for first = 1, #active, 1000 do
  local last = math.min(first + 999, #active)
  local added = redis.pcall('SADD', prefix .. 'workers', unpack(active, first, last))
  for i = first, type(added) == 'number' and added > 0 and last or 0 do
    redis.call('SETNX', prefix .. 'worker:' .. active[i] .. ':started', started)
    redis.pcall('HSETNX', prefix .. 'workers:heartbeat', active[i], heartbeat)
  end
end
for _, job in ipairs(begins) do
  redis.call('SET', prefix .. 'worker:' .. job.id, job.record)
  if job.payload then redis.call('SET', prefix .. 'worker:' .. job.id .. ':payload', job.payload) end
end
return reply
`);
