import { script, scriptChecks } from '../redis/script.ts';

/**
 * Checks every permission that a runner needs, before it takes a job. A missing permission is then an outage, reported
 * once, and not a job that has started and can't be recorded. Other scripts check only what they are about to use.
 * `cli/check/permissions.ts` tests the same list for `check`, without a script.
 *
 * ARGV: prefix, the runner process' name, `1` if it holds jobs, `1` if it must read in pieces, `1` if it limits the list of
 * failures, `1` if it retries jobs, `1` if any of its queues has a limit, what the keys of locks that it releases begin with,
 * its queues. Returns 1 if it may read in pieces.
 */
export const permissionScript = script(`
local prefix, owner, holdsJobs, readsPieces = ARGV[1], ARGV[2], ARGV[3] == '1', ARGV[4] == '1'
local trims, retries, limits, locks, firstQueue = ARGV[5] == '1', ARGV[6] == '1', ARGV[7] == '1', ARGV[8], 9
${scriptChecks}
local worker = prefix .. 'worker:' .. owner .. '-0:'
local runner = prefix .. 'runner:' .. owner
needType('set', prefix .. 'workers')
needType('hash', prefix .. 'workers:heartbeat')
needType('hash', prefix .. 'runners')
need('SET', runner .. ':step', '')
need('EXPIRE', runner .. ':step', 1)
need('SET', worker, '')
need('DEL', worker)
need('SETNX', worker .. ':started', '')
need('SADD', prefix .. 'workers', '')
need('SREM', prefix .. 'workers', '')
need('HSET', prefix .. 'workers:heartbeat', '', '')
need('HSETNX', prefix .. 'workers:heartbeat', '', '')
need('HDEL', prefix .. 'workers:heartbeat', '')
need('HSET', prefix .. 'runners', owner, '')
need('HDEL', prefix .. 'runners', owner)
need('RPUSH', prefix .. 'failed', '')
if trims then
  need('LTRIM', prefix .. 'failed', 0, -1)
  need('HINCRBY', prefix .. 'runner:failed-removed', '', 1)
  need('HDEL', prefix .. 'runner:failed-removed', '')
  need('SET', prefix .. 'runner:failed-removed:claim', '')
  need('DEL', prefix .. 'runner:failed-removed:claim')
end
need('HINCRBY', prefix .. 'runner:recoveries', '', 1)
need('SADD', prefix .. 'queues', '')
if readsPieces then
  need('STRLEN', worker)
  need('GETRANGE', worker, '0', '0')
end
if retries then
  local waiting = prefix .. 'runner:retry:'
  need('LRANGE', waiting, '0', '0')
  need('RPUSH', waiting, '')
  need('LREM', waiting, 1, '')
  need('TTL', waiting)
  need('EXPIRE', waiting, 1)
  need('SET', worker .. ':retry', '')
  need('GET', worker .. ':retry')
  need('RPUSH', prefix .. 'delayed:1', '')
  need('SADD', prefix .. 'timestamps:', '')
  need('SISMEMBER', prefix .. 'timestamps:', '')
  need('ZADD', prefix .. 'delayed_queue_schedule', '0', '')
end
for name in locks:gmatch('%S+') do need('DEL', prefix .. name) end
if limits then
  local running, free = prefix .. 'runner:running:', prefix .. 'runner:free:'
  for _, command in ipairs({ 'SADD', 'SREM' }) do need(command, running, '') end
  for _, command in ipairs({ 'SCARD', 'SMEMBERS' }) do need(command, running) end
  need('GETRANGE', worker, '0', '0')
  need('LPUSH', free, '')
  need('LTRIM', free, 0, -1)
  need('EXPIRE', free, 1)
  need('DEL', free)
  need('GET', prefix .. 'runner:rate:')
  need('SET', prefix .. 'runner:rate:', '')
end
if holdsJobs then
  needType('set', runner .. ':held')
  need('SADD', runner .. ':held', '')
end
for i = firstQueue, #ARGV do
  local queue, held = prefix .. 'queue:' .. ARGV[i], runner .. ':held:' .. ARGV[i]
  need('LPUSH', queue, '')
  need('LPOP', queue)
  if holdsJobs then
    need('LMOVE', queue, held, 'LEFT', 'RIGHT')
    need('LREM', held, 1, '')
    need('RPUSH', held, '')
    need('RPOPLPUSH', held, queue)
  end
end
if redis.acl_check_cmd then
  for i = firstQueue, #ARGV do
    need('BLPOP', prefix .. 'queue:' .. ARGV[i], '0')
    need('LLEN', prefix .. 'queue:' .. ARGV[i])
    need('EXISTS', prefix .. 'queue:' .. ARGV[i])
    if limits then
      need('BLMOVE', prefix .. 'queue:' .. ARGV[i], prefix .. 'queue:' .. ARGV[i], 'LEFT', 'LEFT', '0')
      need('BLPOP', prefix .. 'runner:free:' .. ARGV[i], '0')
    end
    if holdsJobs then
      need('BLMOVE', prefix .. 'queue:' .. ARGV[i], runner .. ':held:' .. ARGV[i], 'LEFT', 'RIGHT', '0')
    end
  end
  need('SMEMBERS', prefix .. 'queues')
  need('SMEMBERS', prefix .. 'workers')
  need('MGET', worker)
  need('LRANGE', runner .. ':held:', '0', '-1')
  need('GET', prefix .. 'pause-all-workers')
  need('HGETALL', prefix .. 'runners')
  if trims then need('HGETALL', prefix .. 'runner:failed-removed') end
end
if refusal then return redis.error_reply(refusal) end
return isPermitted('STRLEN', worker) and isPermitted('GETRANGE', worker, '0', '0') and 1 or 0
`);
