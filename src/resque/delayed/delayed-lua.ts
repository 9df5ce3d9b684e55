/**
 * Lua that the scripts about delayed jobs share. Delayed jobs are spread over four kinds of keys, as in resque-scheduler and
 * node-resque:
 *
 *     delayed_queue_schedule   sorted set of times; the score is the time
 *     delayed:TIME             list of the jobs that are due then
 *     timestamps:JOB           set of the `delayed:TIME` that hold this job, so that it can be canceled
 *     delayed:last_enqueued_at a hash of resque-scheduler's cron jobs, which only looks like the second kind
 *
 * Only ZADD, SADD and RPUSH can be refused by a Redis without memory, and then the first of them is. So scripts write with
 * them before anything else.
 */

/**
 * For scripts that delay jobs: RPUSH to the list of the time, `addTime` for each job, ZADD of the time. Needs `prefix` and
 * `scriptChecks`.
 */
export const delaying = `
local function needDelaying(due)
  needType('zset', prefix .. 'delayed_queue_schedule')
  needType('list', prefix .. 'delayed:' .. due)
  need('RPUSH', prefix .. 'delayed:' .. due, '')
  need('SADD', prefix .. 'timestamps:', '')
  need('ZADD', prefix .. 'delayed_queue_schedule', 0, '')
end
-- Only canceling needs it. A key of another type must not cost the job.
local function addTime(due, item)
  redis.pcall('SADD', prefix .. 'timestamps:' .. item, 'delayed:' .. due)
end
`;

/**
 * The queue of a delayed job, or `false`. A large job is not parsed if its queue stands where Ruby or node-resque writes it:
 * parsing megabytes would hold up Redis. In JSON, such text can't be anything but that member. The same finds the queue of a
 * job that only cjson refuses: it has half a surrogate pair, or more than a thousand levels.
 */
export const queueOfItem = `
local function writtenQueue(item)
  return item:sub(-1024):match('[,{]"queue":"([^"\\\\]+)"}$')
    or item:match('^{"class":"[^"\\\\]*","queue":"([^"\\\\]+)"[,}]')
end
local function queueOf(item)
  local written = #item > 65536 and writtenQueue(item)
  if written then return written end
  local ok, job = pcall(cjson.decode, item)
  if not ok and item:find('^{"class":') then return writtenQueue(item) or false end
  local queue = ok and type(job) == 'table' and job.queue
  return type(queue) == 'string' and queue ~= '' and queue
end
`;
