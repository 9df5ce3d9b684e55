/**
 * The scripts of `enqueue.ts`. Each is one atomic step that may be sent again, and is carried out once: jobs and the
 * mark of how far the enqueue has got are written together or not at all.
 *
 * The mark is a hash:
 *
 *     run     names the process that goes on with it: what an earlier one has still on its way is refused
 *     step    number of the last step carried out, 0 before the first
 *     queue   the queue's name
 *     jobs    enqueued by all steps so far
 *     place   the sender's own note of where to go on
 *
 * Redis carries out a script that has begun to write to its end. What could refuse a write is checked before: types and
 * permissions by the scripts, memory by Redis at the first write.
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
 * Makes the mark before anything is enqueued.
 *
 * KEYS: mark, queue, queues. ARGV: run, queue's name, place, seconds that the mark lives.
 *
 * Reply: `done` and the queue's length; `taken`: the id is another enqueue's; `mistyped`, key, type, expected type.
 */
export const beginScript = script(`
local mark, queue, queues = KEYS[1], KEYS[2], KEYS[3]
${types}
if wrong then return wrong end
local run = redis.call('HGET', mark, 'run')
if run and run ~= ARGV[1] then return { 'taken' } end
need('HMSET', mark, 'run', '')
need('EXPIRE', mark, 1)
need('LLEN', queue)
if refusal then return redis.error_reply(refusal) end
-- One that was held up on the way may come behind the first steps, whose mark stays.
if not run then
  redis.call('HMSET', mark, 'run', ARGV[1], 'step', 0, 'queue', ARGV[2], 'jobs', 0, 'place', ARGV[3])
  redis.call('EXPIRE', mark, ARGV[4])
end
return { 'done', redis.call('LLEN', queue) }
`);

/**
 * Takes over the mark of an enqueue that broke off.
 *
 * KEYS: mark, queue, queues. ARGV: run, queue's name, seconds that the mark lives.
 *
 * Reply: `done`, the queue's length, step, jobs, place; `unknown`; `foreign` and the queue that it is for; `mistyped`.
 */
export const resumeScript = script(`
local mark, queue, queues = KEYS[1], KEYS[2], KEYS[3]
${types}
if wrong then return wrong end
local known = redis.call('HMGET', mark, 'queue', 'step', 'jobs', 'place')
if not known[1] then return { 'unknown' } end
if known[1] ~= ARGV[2] then return { 'foreign', known[1] } end
need('HSET', mark, 'run', '')
need('EXPIRE', mark, 1)
need('LLEN', queue)
if refusal then return redis.error_reply(refusal) end
redis.call('HSET', mark, 'run', ARGV[1])
redis.call('EXPIRE', mark, ARGV[3])
return { 'done', redis.call('LLEN', queue), known[2], known[3], known[4] }
`);

/**
 * Enqueues jobs and moves the mark.
 *
 * KEYS: mark, queue, queues. ARGV: run, queue's name, seconds that the mark lives, step, `RPUSH` or `LPUSH`, place,
 * jobs of all steps with this one, how often each payload is enqueued, payloads with a line feed between them.
 *
 * One argument for all payloads costs Redis half of what an argument for each does.
 *
 * Reply: `done` and the queue's length, where it was done before too; `forgotten`: Redis knows of less than it has
 * said it had done; `overtaken`: another process goes on with it; `mistyped`.
 */
export const addScript = script(`
local mark, queue, queues = KEYS[1], KEYS[2], KEYS[3]
local step, push, payloads = tonumber(ARGV[4]), ARGV[5], ARGV[9]
${types}
local known = redis.call('HMGET', mark, 'run', 'step')
if not known[1] then return { 'forgotten' } end
if known[1] ~= ARGV[1] then return { 'overtaken' } end
if tonumber(known[2]) >= step then return { 'done', wrong and 0 or redis.call('LLEN', queue) } end
if tonumber(known[2]) < step - 1 then return { 'forgotten' } end
if wrong then return wrong end
need('SADD', queues, '')
need(push, queue, '')
need('HMSET', mark, 'step', '')
need('EXPIRE', mark, 1)
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
redis.call('HMSET', mark, 'step', step, 'place', ARGV[6], 'jobs', ARGV[7])
redis.call('EXPIRE', mark, ARGV[3])
return { 'done', redis.call('LLEN', queue) }
`);
