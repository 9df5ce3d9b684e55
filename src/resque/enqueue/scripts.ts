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
 *
 * Redis finishes a script that has started to write. The scripts check types and permissions before that, and Redis checks
 * memory at the first write.
 */
import { script, scriptChecks } from '../redis/script.ts';

/** The first element of each reply. */
export type ReplyKind = 'done' | 'taken' | 'unknown' | 'foreign' | 'overtaken' | 'forgotten' | 'mistyped';

const types = `
local prefix = queues:sub(1, -#'queues' - 1)
${scriptChecks}
local function mistyped(key, expected)
  local is = redis.call('TYPE', key).ok
  if is == expected or is == 'none' then return nil end
  return { 'mistyped', key, is, expected }
end
local wrong = mistyped(queue, 'list') or mistyped(queues, 'set')
`;

/**
 * Creates the progress hash before anything is enqueued.
 *
 * KEYS: progress, queue, queues. ARGV: run, the queue's name, cursor, seconds until the progress expires.
 *
 * Reply: `done` and the queue's length; `taken` if another enqueue has the id; `mistyped`, key, type, expected type.
 */
export const beginScript = script(`
local progress, queue, queues = KEYS[1], KEYS[2], KEYS[3]
${types}
if wrong then return wrong end
local run = redis.call('HGET', progress, 'run')
if run and run ~= ARGV[1] then return { 'taken' } end
need('HMSET', progress, 'run', '')
need('EXPIRE', progress, 1)
need('LLEN', queue)
if refusal then return redis.error_reply(refusal) end
-- A late copy may arrive after the first steps, whose progress stays.
if not run then
  redis.call('HMSET', progress, 'run', ARGV[1], 'step', 0, 'queue', ARGV[2], 'jobs', 0, 'place', ARGV[3])
  redis.call('EXPIRE', progress, ARGV[4])
end
return { 'done', redis.call('LLEN', queue) }
`);

/**
 * Takes over the progress of an interrupted enqueue.
 *
 * KEYS: progress, queue, queues. ARGV: run, the queue's name, seconds until the progress expires.
 *
 * Reply: `done`, the queue's length, step, jobs, cursor; `unknown`; `foreign` and the queue of the id; `mistyped`.
 */
export const resumeScript = script(`
local progress, queue, queues = KEYS[1], KEYS[2], KEYS[3]
${types}
if wrong then return wrong end
local known = redis.call('HMGET', progress, 'queue', 'step', 'jobs', 'place')
if not known[1] then return { 'unknown' } end
if known[1] ~= ARGV[2] then return { 'foreign', known[1] } end
need('HSET', progress, 'run', '')
need('EXPIRE', progress, 1)
need('LLEN', queue)
if refusal then return redis.error_reply(refusal) end
redis.call('HSET', progress, 'run', ARGV[1])
redis.call('EXPIRE', progress, ARGV[3])
return { 'done', redis.call('LLEN', queue), known[2], known[3], known[4] }
`);

/**
 * Enqueues jobs and updates the progress.
 *
 * KEYS: progress, queue, queues. ARGV: run, the queue's name, seconds until the progress expires, step, `RPUSH` or `LPUSH`,
 * cursor, jobs of all steps including this one, how often to enqueue each payload, payloads separated by line feeds.
 *
 * One argument for all payloads takes Redis half the time of an argument for each.
 *
 * Reply: `done` and the queue's length, also if the step was done before; `forgotten` if Redis has lost confirmed steps;
 * `overtaken` if another process continues the enqueue; `mistyped`.
 */
export const addScript = script(`
local progress, queue, queues = KEYS[1], KEYS[2], KEYS[3]
local step, push, payloads = tonumber(ARGV[4]), ARGV[5], ARGV[9]
${types}
local known = redis.call('HMGET', progress, 'run', 'step')
if not known[1] then return { 'forgotten' } end
if known[1] ~= ARGV[1] then return { 'overtaken' } end
if tonumber(known[2]) >= step then return { 'done', wrong and 0 or redis.call('LLEN', queue) } end
if tonumber(known[2]) < step - 1 then return { 'forgotten' } end
if wrong then return wrong end
need('SADD', queues, '')
need(push, queue, '')
need('HMSET', progress, 'step', '')
need('EXPIRE', progress, 1)
need('LLEN', queue)
if refusal then return redis.error_reply(refusal) end

redis.call('SADD', queues, ARGV[2])
local some = {}
local function enqueue(payload)
  some[#some + 1] = payload
  if #some == 1000 then
    redis.call(push, queue, unpack(some))
    some = {}
  end
end
for payload in payloads:gmatch('[^\\n]+') do
  for _ = 1, tonumber(ARGV[8]) do enqueue(payload) end
end
if #some > 0 then redis.call(push, queue, unpack(some)) end
redis.call('HMSET', progress, 'step', step, 'place', ARGV[6], 'jobs', ARGV[7])
redis.call('EXPIRE', progress, ARGV[3])
return { 'done', redis.call('LLEN', queue) }
`);
