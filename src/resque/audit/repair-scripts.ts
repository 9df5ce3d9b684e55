/**
 * The writes of `audit.ts`. Each applies to what was seen: if that has changed, nothing happens, and the next audit judges
 * again. No KEYS, as in our other scripts.
 */

import { jobStatuses, jobStatusWrites } from '../format/job-status.ts';
import { countFailure } from '../format/keys.ts';
import { claiming, listChunks } from '../redis/list-entries.ts';
import { script, scriptChecks } from '../redis/script.ts';

/**
 * Enters a process that is not in the registry, so that it can be recovered like any dead process. A process in the registry
 * keeps its entry.
 *
 * ARGV: prefix, owner, its entry as seen ('' for none), the entry to write, its step as seen ('' for none);
 * number of heartbeats, then id and value as seen ('' for none) of each; number of queues it holds jobs of, then
 * these; number of ids to register, then for each the id and the record to write if it has only a payload.
 */
export const adoptScript = script(`
local prefix, owner, seen, entry, step = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local at = 5
local function nextArg() at = at + 1; return ARGV[at] end
if (redis.call('HGET', prefix .. 'runners', owner) or '') ~= seen then return 0 end
if (redis.call('GET', prefix .. 'runner:' .. owner .. ':step') or '') ~= step then return 0 end
for _ = 1, tonumber(nextArg()) do
  local id, value = nextArg(), nextArg()
  if (redis.call('HGET', prefix .. 'workers:heartbeat', id) or '') ~= value then return 0 end
end
${scriptChecks}
local held = prefix .. 'runner:' .. owner .. ':held'
needType('set', held)
needType('set', prefix .. 'workers')
need('HSET', prefix .. 'runners', owner, '')
need('SADD', held, '')
need('SADD', prefix .. 'workers', '')
need('SET', prefix .. 'worker:' .. owner, '')
need('EXISTS', prefix .. 'worker:' .. owner)
if refusal then return redis.error_reply(refusal) end
if seen == '' then redis.call('HSET', prefix .. 'runners', owner, entry) end
for _ = 1, tonumber(nextArg()) do
  redis.call('SADD', prefix .. 'runner:' .. owner .. ':held', nextArg())
end
for _ = 1, tonumber(nextArg()) do
  local id, record = nextArg(), nextArg()
  local key = prefix .. 'worker:' .. id
  local hasRecord = redis.call('EXISTS', key) == 1
  if hasRecord or redis.call('EXISTS', key .. ':payload') == 1 then
    if not hasRecord then redis.call('SET', key, record) end
    redis.call('SADD', prefix .. 'workers', id)
  end
end
return 1
`);

/**
 * Settles a worker's record: records its job as failed, or repairs the record in place.
 *
 * ARGV: prefix, worker's id, the record as seen ('' for none), `fail` or `rewrite`, the failure or the new
 * record ('' for none), `1` to unregister the worker, name of the job's status ('' for none). If the worker may live, also
 * the name that node-resque counts and pings under, and its heartbeats of both kinds as seen ('' for none).
 */
export const settleScript = script(`
local prefix, id, seen, kind, bytes, leaves = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6] == '1'
local key = prefix .. 'worker:' .. id
if (redis.call('GET', key) or '') ~= seen then return 0 end
local name, heartbeat, ping = ARGV[8], ARGV[9], ARGV[10]
local pingKey = prefix .. 'worker:ping:' .. (name or '')
if name then
  if redis.call('SISMEMBER', prefix .. 'workers', id) == 0 then return 0 end
  if (redis.call('HGET', prefix .. 'workers:heartbeat', id) or '') ~= heartbeat then return 0 end
  local current = redis.pcall('GET', pingKey) or ''
  if (type(current) == 'string' and current or '') ~= ping then return 0 end
end
${scriptChecks}
need('SET', key, '')
need('DEL', key)
if bytes ~= '' and kind ~= 'rewrite' then
  needType('list', prefix .. 'failed')
  need('RPUSH', prefix .. 'failed', '')
end
if leaves then
  needType('set', prefix .. 'workers')
  needType('hash', prefix .. 'workers:heartbeat')
  need('SREM', prefix .. 'workers', '')
  need('HDEL', prefix .. 'workers:heartbeat', '')
end
if refusal then return redis.error_reply(refusal) end
if kind == 'rewrite' then
  redis.call('SET', key, bytes)
  return 1
end
${jobStatusWrites}
if bytes ~= '' then
  redis.call('RPUSH', prefix .. 'failed', bytes)
  ${countFailure}
  setStatus(ARGV[7] or '', ${jobStatuses.failed})
end
redis.call('DEL', key, key .. ':retry')
if leaves then
  redis.call('SREM', prefix .. 'workers', id)
  redis.call('DEL', key .. ':started', prefix .. 'stat:processed:' .. id, prefix .. 'stat:failed:' .. id)
  redis.pcall('HDEL', prefix .. 'workers:heartbeat', id)
  if name then
    redis.call('DEL', pingKey, prefix .. 'stat:processed:' .. name, prefix .. 'stat:failed:' .. name)
  end
end
return 1
`);

/** ARGV: prefix, worker's id, its heartbeat as seen, the new one ('' to remove it). */
export const repairHeartbeatScript = script(`
local key = ARGV[1] .. 'workers:heartbeat'
if redis.call('HGET', key, ARGV[2]) ~= ARGV[3] then return 0 end
if ARGV[4] == '' then redis.call('HDEL', key, ARGV[2]) else redis.call('HSET', key, ARGV[2], ARGV[4]) end
return 1
`);

/** Enters times into the schedule whose lists have delayed jobs. ARGV: prefix, times. */
export const scheduleTimesScript = script(`
local prefix = ARGV[1]
${scriptChecks}
local schedule = prefix .. 'delayed_queue_schedule'
needType('zset', schedule)
need('ZADD', schedule, 0, '')
if refusal then return redis.error_reply(refusal) end
for at = 2, #ARGV do
  if redis.call('TYPE', prefix .. 'delayed:' .. ARGV[at]).ok == 'list' then
    redis.call('ZADD', schedule, 'NX', ARGV[at], ARGV[at])
  end
end
return 1
`);

/**
 * Replaces entries of a list. If an entry is no longer at its index, an equal entry is searched for nearby, once for all.
 *
 * KEYS: failed. ARGV: how far to search, then for each entry: the index where it was seen, its bytes, the new bytes.
 * Reply: for each, 1 if it was replaced.
 */
export const replaceScript = script(`
local failed, reach = KEYS[1], tonumber(ARGV[1])
${listChunks}${claiming}
local entries, states = {}, {}
for at = 2, #ARGV, 3 do
  entries[#entries + 1] = { hint = tonumber(ARGV[at]), name = ARGV[at + 1], new = ARGV[at + 2] }
end
claim(failed, entries, { below = reach, above = reach })
for i, entry in ipairs(entries) do
  if entry.index then redis.call('LSET', failed, entry.index, entry.new) end
  states[i] = entry.index and 1 or 0
end
return states
`);
