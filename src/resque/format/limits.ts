/**
 * Limits of a queue over all runners: how many of its jobs may run at the same time, and how often one may start. Steps check
 * them when they take a job, so a job that may not start stays where it is on its queue.
 *
 * | key | what |
 * |---|---|
 * | `runner:running:QUEUE` | set of the workers that run a job of the queue: each has a share of the limit |
 * | `runner:free:QUEUE` | list that wakes runners at the limit: one entry for each share that became free |
 * | `runner:rate:QUEUE` | the theoretical arrival time of the next job, in milliseconds (GCRA) |
 *
 * A worker with a share has the record of a job of this queue. The same script writes both, except where others remove a
 * worker, such as Ruby's pruning. So a step at the limit drops the shares of workers without such a record.
 */

/** The limits of one queue. */
export interface QueueLimits {
  /** How many jobs may run at the same time; `null` for no limit. */
  readonly limit: number | null;
  /** How often jobs may start; `null` for no limit. */
  readonly rate: { readonly intervalMs: number; readonly burst: number } | null;
}

/** For the script: `LIMIT INTERVAL BURST`, 0 for no limit; '' if nothing is limited. */
export function limitsArgument(limits: QueueLimits | null | undefined): string {
  if (!limits) return '';
  return `${limits.limit ?? 0} ${limits.rate?.intervalMs ?? 0} ${limits.rate?.burst ?? 0}`;
}

/**
 * Lua that gives shares back. Needs `prefix`.
 *
 * - `freeShare(queue, id)`: the job of the worker has ended.
 * - `freeShareOfRecord(id, record)`: the same for the queue in the worker's record.
 *
 * A key of another type costs the share until a step at the limit looks for it.
 */
export const shareReturns = `
local function queueOfRecord(record)
  local name = type(record) == 'string' and record:match('^{"queue":(".-"),"run_at":"')
  local isRead, names = pcall(cjson.decode, '[' .. (name or '') .. ']')
  return isRead and names[1]
end
local function wake(queue)
  local key = prefix .. 'runner:free:' .. queue
  redis.pcall('LPUSH', key, 1)
  -- With no runner at the limit, nothing takes these.
  redis.pcall('LTRIM', key, 0, 99)
  redis.pcall('EXPIRE', key, 60)
end
local function freeShare(queue, id)
  if redis.pcall('SREM', prefix .. 'runner:running:' .. queue, id) == 1 then wake(queue) end
end
local function freeShareOfRecord(id, record)
  local queue = queueOfRecord(record)
  if queue then freeShare(queue, id) end
end
`;

/**
 * Lua for steps; needs `shareReturns` and `scriptChecks`.
 *
 * - `readLimits(text)`: `limitsArgument` as a table; false for ''.
 * - `needLimits(shares, reservations)`: checks the permissions, before the first write.
 * - `takeShare(queue, id)`: the worker runs a job of the queue.
 * - `allowance(queue, limits)`: the table has `most`, how many jobs may be taken now; or nil and a message.
 * - `take(allowed, queue, id)`: a job was taken.
 * - `waitOf(allowed, queue)`: after the last one: milliseconds until the next may start, -1 if one must end first, or false.
 */
export const limitWrites = `
local function readLimits(text)
  local limit, interval, burst = text:match('^(%S+) (%S+) (%S+)$')
  if not limit then return false end
  return { limit = tonumber(limit), interval = tonumber(interval), burst = tonumber(burst) }
end
local hasBegun = {}
local function takeShare(queue, id)
  redis.pcall('SADD', prefix .. 'runner:running:' .. queue, id)
  -- Its record follows later in the script.
  hasBegun[id] = true
end
-- Resque-web shows records, so these have no markup in names.
local function dropStale(key, queue)
  local name = queue:gsub('[<>]', '')
  for _, id in ipairs(redis.call('SMEMBERS', key)) do
    -- The queue's name comes first in a record.
    local record = redis.pcall('GETRANGE', prefix .. 'worker:' .. id, 0, 4095)
    -- There may be more of them than this step has free slots, so others are woken.
    if not hasBegun[id] and queueOfRecord(record) ~= name then freeShare(queue, id) end
  end
end
local function needLimits(shares, reservations)
  local limited = shares[1] and shares[1].queue
  for _, reservation in ipairs(reservations) do
    limited = limited or (reservation.limits and ARGV[reservation.firstQueue + 1])
  end
  if not limited then return end
  for _, name in ipairs({ 'SADD', 'SREM' }) do need(name, prefix .. 'runner:running:' .. limited, '') end
  need('SMEMBERS', prefix .. 'runner:running:' .. limited)
  need('SET', prefix .. 'runner:rate:' .. limited, '')
end
local function keepArrival(allowed)
  local kept = math.ceil(allowed.arrival - allowed.now) + 1000
  redis.call('SET', allowed.key, string.format('%.3f', allowed.arrival), 'PX', kept)
end
local function allowance(queue, limits)
  local allowed = { most = math.huge, taken = 0, limits = limits }
  if limits.limit > 0 then
    local key = prefix .. 'runner:running:' .. queue
    local running = redis.pcall('SCARD', key)
    if type(running) == 'table' then return nil, key .. ': ' .. running.err end
    if running >= limits.limit then
      dropStale(key, queue)
      running = redis.call('SCARD', key)
    end
    allowed.shares = math.max(0, limits.limit - running)
    allowed.most = allowed.shares
  end
  if limits.interval > 0 then
    allowed.key = prefix .. 'runner:rate:' .. queue
    local known = redis.pcall('GET', allowed.key)
    if type(known) == 'table' then return nil, allowed.key .. ': ' .. known.err end
    local time = redis.call('TIME')
    allowed.now = time[1] * 1000 + time[2] / 1000
    allowed.span = limits.burst * limits.interval
    allowed.arrival = math.max(allowed.now, tonumber(known) or 0)
    if allowed.arrival > allowed.now + allowed.span then
      -- Redis' clock was set back, or the rate has changed.
      allowed.arrival = allowed.now + allowed.span
      keepArrival(allowed)
    end
    local tokens = math.floor((allowed.now + allowed.span - allowed.arrival) / limits.interval + 1e-9)
    allowed.most = math.min(allowed.most, tokens)
  end
  return allowed
end
local function take(allowed, queue, id)
  allowed.taken = allowed.taken + 1
  if allowed.shares then takeShare(queue, id) end
  if allowed.key then
    allowed.arrival = allowed.arrival + allowed.limits.interval
    keepArrival(allowed)
  end
end
local function waitOf(allowed, queue)
  if allowed.taken < allowed.most then return false end
  -- If it is refused, there may be a job: a wait for one would end immediately, again and again.
  if redis.pcall('EXISTS', prefix .. 'queue:' .. queue) == 0 then return false end
  if allowed.taken == allowed.shares then
    -- What woke others so far was for shares that are taken now.
    redis.pcall('DEL', prefix .. 'runner:free:' .. queue)
    return -1
  end
  local free = allowed.arrival - (allowed.limits.burst - 1) * allowed.limits.interval
  return math.max(1, math.ceil(free - allowed.now))
end
`;
