/**
 * The scripts of `enqueue.ts`. Each is atomic and may be sent again, but takes effect once: jobs and progress are written
 * together or not at all.
 *
 * The progress is a hash:
 *
 *     run     identifies the process that continues the enqueue; late steps of earlier processes are refused
 *     step    number of the last step carried out, 0 before the first
 *     queue   the queue's name
 *     jobs    number of jobs enqueued by all steps so far
 *     place   the sender's cursor: where to resume
 *     due     when the jobs are due, in seconds since the epoch; '' if they go to the queue
 *
 * Redis finishes a script that has started to write. The scripts check types and permissions before that, and Redis checks
 * memory at the first write.
 */
import { script, scriptChecks } from '../redis/script.ts';

/** The first element of each reply. */
export type ReplyKind =
  | 'done'
  | 'taken'
  | 'unknown'
  | 'foreign'
  | 'undelayed'
  | 'overtaken'
  | 'forgotten'
  | 'locked'
  | 'mistyped';

/**
 * For scripts that delay jobs: RPUSH to the list of the time, `addTime` for each job, ZADD of the time. Needs `prefix` and
 * `scriptChecks`.
 */
const delaying = `
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

const types = `
local prefix = queues:sub(1, -#'queues' - 1)
${scriptChecks}
${delaying}
local function mistyped(key, expected)
  local is = redis.call('TYPE', key).ok
  if is == expected or is == 'none' then return nil end
  return { 'mistyped', key, is, expected }
end
local wrong = mistyped(queue, 'list') or mistyped(queues, 'set')
local function listOf(due) return due == '' and queue or prefix .. 'delayed:' .. due end
local function wrongDelay(due)
  if due == '' then return nil end
  return mistyped(listOf(due), 'list') or mistyped(prefix .. 'delayed_queue_schedule', 'zset')
end
`;

/**
 * Creates the progress hash before anything is enqueued.
 *
 * KEYS: progress, queue, queues. ARGV: run, the queue's name, cursor, seconds until the progress expires, `in` or `at` for
 * delayed jobs, their delay or time in seconds.
 *
 * A delay counts from now by Redis' clock, rounded up: no job is early.
 *
 * Reply: `done`, the queue's length, when the jobs are due; `taken` if another enqueue has the id; `mistyped`, key, type,
 * expected type.
 */
export const beginScript = script(`
local progress, queue, queues = KEYS[1], KEYS[2], KEYS[3]
${types}
if wrong then return wrong end
local run, due = unpack(redis.call('HMGET', progress, 'run', 'due'))
if run and run ~= ARGV[1] then return { 'taken' } end
if not run then
  due = ARGV[6]
  if ARGV[5] == 'in' then
    local time = redis.call('TIME')
    due = string.format('%.0f', math.ceil(time[1] + time[2] / 1000000 + ARGV[6]))
  end
end
due = due or ''
wrong = wrongDelay(due)
if wrong then return wrong end
need('HMSET', progress, 'run', '')
need('EXPIRE', progress, 1)
need('LLEN', queue)
if due ~= '' then needDelaying(due) end
if refusal then return redis.error_reply(refusal) end
-- A late copy may arrive after the first steps, whose progress stays.
if not run then
  redis.call('HMSET', progress, 'run', ARGV[1], 'step', 0, 'queue', ARGV[2], 'jobs', 0, 'place', ARGV[3], 'due', due)
  redis.call('EXPIRE', progress, ARGV[4])
end
return { 'done', redis.call('LLEN', listOf(due)), due }
`);

/**
 * Takes over the progress of an interrupted enqueue.
 *
 * KEYS: progress, queue, queues. ARGV: run, the queue's name, seconds until the progress expires, 1 for delayed jobs.
 *
 * Reply: `done`, the queue's length, step, jobs, cursor, when the jobs are due; `unknown`; `foreign` and the queue of the
 * id; `undelayed` and 1 if the jobs of the id are delayed, otherwise 0; `mistyped`.
 */
export const resumeScript = script(`
local progress, queue, queues = KEYS[1], KEYS[2], KEYS[3]
${types}
if wrong then return wrong end
local known = redis.call('HMGET', progress, 'queue', 'step', 'jobs', 'place', 'due')
if not known[1] then return { 'unknown' } end
if known[1] ~= ARGV[2] then return { 'foreign', known[1] } end
local due = known[5] or ''
if (due ~= '') ~= (ARGV[4] == '1') then return { 'undelayed', due ~= '' and 1 or 0 } end
wrong = wrongDelay(due)
if wrong then return wrong end
need('HSET', progress, 'run', '')
need('EXPIRE', progress, 1)
need('LLEN', queue)
if refusal then return redis.error_reply(refusal) end
redis.call('HSET', progress, 'run', ARGV[1])
redis.call('EXPIRE', progress, ARGV[3])
return { 'done', redis.call('LLEN', listOf(due)), known[2], known[3], known[4], due }
`);

/**
 * Enqueues jobs and updates the progress.
 *
 * KEYS: progress, queue, queues. ARGV: run, the queue's name, seconds until the progress expires, step, `RPUSH` or `LPUSH`,
 * cursor, jobs of all steps including this one, how often to enqueue each payload, payloads separated by line feeds, when
 * they are due ('': now), the key of the lock to take ('' for none), its seconds.
 *
 * One argument for all payloads takes Redis half the time of an argument for each.
 *
 * Reply: `done` and the queue's length, also if the step was done before; `forgotten` if Redis has lost confirmed steps;
 * `overtaken` if another process continues the enqueue; `locked` and the end of the lock; `mistyped`.
 */
export const addScript = script(`
local progress, queue, queues = KEYS[1], KEYS[2], KEYS[3]
local step, push, payloads, due, lock = tonumber(ARGV[4]), ARGV[5], ARGV[9], ARGV[10], ARGV[11]
${types}
wrong = wrong or wrongDelay(due)
local list = listOf(due)
local known = redis.call('HMGET', progress, 'run', 'step')
if not known[1] then return { 'forgotten' } end
if known[1] ~= ARGV[1] then return { 'overtaken' } end
if tonumber(known[2]) >= step then return { 'done', wrong and 0 or redis.call('LLEN', list) } end
if tonumber(known[2]) < step - 1 then return { 'forgotten' } end
if wrong then return wrong end
if due == '' then
  need('SADD', queues, '')
  need(push, queue, '')
else
  needDelaying(due)
end
need('HMSET', progress, 'step', '')
need('EXPIRE', progress, 1)
need('LLEN', list)
local now = 0
if lock ~= '' then
  wrong = mistyped(lock, 'string')
  if wrong then return wrong end
  need('SET', lock, '')
  local ends = tonumber((read('GET', lock) or ''):match('^%s*(%d+)'))
  local time = redis.call('TIME')
  now = math.floor(time[1] + time[2] / 1000000 + 0.5)
  if ends and now <= ends then return { 'locked', string.format('%.0f', math.min(ends, 253402300799)) } end
end
if refusal then return redis.error_reply(refusal) end

if lock ~= '' then
  redis.call('SET', lock, string.format('%.0f', now + ARGV[12] + 1), 'EX', ARGV[12])
end
if due == '' then redis.call('SADD', queues, ARGV[2]) end
local some = {}
local function enqueue(payload)
  some[#some + 1] = payload
  if #some == 1000 then
    redis.call(push, list, unpack(some))
    some = {}
  end
end
for payload in payloads:gmatch('[^\\n]+') do
  for _ = 1, tonumber(ARGV[8]) do enqueue(payload) end
  if due ~= '' then addTime(due, payload) end
end
if #some > 0 then redis.call(push, list, unpack(some)) end
if due ~= '' then redis.call('ZADD', prefix .. 'delayed_queue_schedule', due, due) end
redis.call('HMSET', progress, 'step', step, 'place', ARGV[6], 'jobs', ARGV[7])
redis.call('EXPIRE', progress, ARGV[3])
return { 'done', redis.call('LLEN', list) }
`);
