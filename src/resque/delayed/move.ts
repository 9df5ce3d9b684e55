/**
 * Moves due jobs to their queues, and takes the locks of other schedulers. One call moves a limited number of jobs, so that
 * Redis is never busy for long. A call happens completely or not at all, so a crash between two calls loses nothing.
 *
 * resque-scheduler and node-resque elect one scheduler each by a lock in Redis, and know nothing of each other. Two movers at
 * the same time lose jobs and repeat others, because those programs read, enqueue and delete in separate commands. So each
 * call checks both locks, and moves nothing if another process holds one.
 *
 * Delayed jobs are spread over four kinds of keys, as in resque-scheduler and node-resque:
 *
 *     delayed_queue_schedule   sorted set of times; the score is the time
 *     delayed:TIME             list of the jobs that are due then
 *     timestamps:JOB           set of the `delayed:TIME` that hold this job, so that it can be canceled
 *     delayed:last_enqueued_at a hash of resque-scheduler's cron jobs, which only looks like the second kind
 *
 * Only ZADD, SADD and RPUSH can be refused by a Redis without memory, and then the first of them is. So scripts write with
 * them before anything else.
 */
import type { ResqueKeys } from '../format/keys.ts';
import { runScript, script, scriptChecks } from '../redis/script.ts';
import type { CommandSender } from '../redis/send.ts';

/** Each names the program that moves delayed jobs. */
export interface LockHolders {
  /** In resque-scheduler's lock: `HOST:PID`, or `null`. */
  readonly master: string | null;
  /** In node-resque's. */
  readonly leader: string | null;
}

/** The keys of both locks, in this order. @param lockPrefix of resque-scheduler's; '' for none */
export function lockKeys(keys: ResqueKeys, lockPrefix: string): [master: string, leader: string] {
  return [keys.masterLock(lockPrefix), keys.leaderLock];
}

/** Two schedulers at the same time lose jobs and repeat others. */
export function areTwo({ master, leader }: LockHolders): boolean {
  return master !== null && leader !== null && master !== leader;
}

/** A call takes Redis some milliseconds. */
const mostJobs = 250;
const mostBytes = 1024 * 1024;
/** A lock is renewed when a third of this time is over. Its holder calls every second. */
const lockSeconds = 60;
/** How long other runners leave the work to one that has more to move. */
const moverMs = 500;

export interface MoverOptions {
  /** Resque-scheduler's `RESQUE_SCHEDULER_MASTER_LOCK_PREFIX`. */
  readonly lockPrefix: string;
  /** Whether it takes both locks, so that other schedulers stand by, or only respects them. */
  readonly holdsLocks: boolean;
}

export type MoveReply =
  | {
      readonly kind: 'moved';
      readonly jobs: number;
      /** Jobs, and times without jobs, that are on the list of undeliverable ones now. */
      readonly undeliverable: number;
      /** More are due. */
      readonly hasMore: boolean;
      /** By Redis' clock, since the epoch. */
      readonly nowMs: number;
      /** Until the next job is due by Redis' clock; `null` if none is delayed. */
      readonly nextInMs: number | null;
    }
  /** Another scheduler holds a lock. */
  | { readonly kind: 'held'; readonly holder: string; readonly nowMs: number }
  /** Another runner is moving. */
  | { readonly kind: 'busy' };

/**
 * Lua that puts jobs on the ends of their queues: `deliverTo(queue, item)` for each before the first write, then
 * `pushDeliveries()`. Returns false if the queue's key is not a list. `deliver(item)` does so with a delayed job, and also returns
 * false if it names no queue. Needs `prefix` and `scriptChecks`.
 *
 * A large job is not parsed if its queue stands where Ruby or node-resque writes it: parsing megabytes would hold up Redis. In
 * JSON, such text can't be anything but that member. The same finds the queue of a job that only cjson refuses: it has half a
 * surrogate pair, or more than a thousand levels.
 */
export const delivering = `
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
local deliveries, names = {}, {}
local function deliverTo(queue, item)
  if deliveries[queue] == nil then
    local is = redis.call('TYPE', prefix .. 'queue:' .. queue).ok
    deliveries[queue] = (is == 'list' or is == 'none') and {}
    if deliveries[queue] then
      names[#names + 1] = queue
      need('RPUSH', prefix .. 'queue:' .. queue, '')
    end
  end
  local items = deliveries[queue]
  if items then items[#items + 1] = item end
  return items and true
end
local function deliver(item)
  local queue = queueOf(item)
  return queue and deliverTo(queue, item)
end
local function pushDeliveries()
  for _, queue in ipairs(names) do
    redis.pcall('SADD', prefix .. 'queues', queue)
    redis.call('RPUSH', prefix .. 'queue:' .. queue, unpack(deliveries[queue]))
  end
end
`;

/**
 * ARGV: prefix, our name, the two locks, seconds to hold them (0: don't), most jobs, most bytes, how long to keep other
 * runners off.
 *
 * Reply: `held`, the holder and Redis' time in milliseconds; `busy`; or `moved`, jobs, undeliverable ones, 1 if more are due, milliseconds until the next
 * time (-1: none), Redis' time in milliseconds.
 *
 * A time stays in the schedule until its list is empty. A time that has no list, or a key of another type, is removed:
 * otherwise it would hold up everything after it.
 */
export const moveScript = script(`
local prefix, name, lockSeconds = ARGV[1], ARGV[2], tonumber(ARGV[5])
local locks = { ARGV[3], ARGV[4] }
local most, room, moverMs = tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8]
local schedule, undeliverable = prefix .. 'delayed_queue_schedule', prefix .. 'runner:undeliverable'
local moverKey = prefix .. 'runner:mover'
${scriptChecks}${delivering}

local time = redis.call('TIME')
local now = tonumber(time[1])
local nowMs = string.format('%.0f', now * 1000 + math.floor(tonumber(time[2]) / 1000))
for _, lock in ipairs(locks) do
  local holder = read('GET', lock)
  if refusal then return redis.error_reply(refusal) end
  if holder and holder ~= name then return { 'held', holder, nowMs } end
end
local mover = read('GET', moverKey)
if refusal then return redis.error_reply(refusal) end
if mover and mover ~= name then return { 'busy' } end

needType('zset', schedule)
local members = read('ZRANGEBYSCORE', schedule, '-inf', now, 'WITHSCORES', 'LIMIT', 0, most) or {}
if refusal then return redis.error_reply(refusal) end

-- 1. Reads what is due, up to the limits.
local times, jobs, oddTimes, count = {}, {}, {}, 0
local chunk = 1
local function readList(key, due)
  local taken = 0
  while true do
    if count >= most or room <= 0 then return taken end
    local asked = math.min(chunk, most - count)
    local some = redis.call('LRANGE', key, taken, taken + asked - 1)
    local bytes = 0
    for _, item in ipairs(some) do
      jobs[#jobs + 1] = { item = item, due = due }
      bytes = bytes + #item
    end
    taken, count, room = taken + #some, count + #some, room - bytes
    if #some < asked then return taken end
    -- So many at a time that the next ones hardly exceed the limit, should they be as large.
    chunk = math.max(1, math.min(100, 2 * chunk, math.floor(room / (bytes / #some + 1))))
  end
end
for at = 1, #members, 2 do
  if count >= most or room <= 0 then break end
  local due = members[at]
  local key = prefix .. 'delayed:' .. due
  local kind = redis.call('TYPE', key).ok
  if kind == 'list' then
    times[#times + 1] = { due = due, key = key, taken = readList(key, due) }
  else
    count = count + 1
    times[#times + 1] = { due = due, taken = 0 }
    if kind ~= 'none' or not due:match('^%d+$') then
      oddTimes[#oddTimes + 1] = cjson.encode({ member = due, score = members[at + 1], type = kind })
    end
  end
end

-- 2. Checks everything that could be refused, before the first write.
local lost = {}
for i, odd in ipairs(oddTimes) do lost[i] = odd end
for _, job in ipairs(jobs) do
  if not deliver(job.item) then lost[#lost + 1] = job.item end
end
if #times > 0 then
  needType('list', undeliverable)
  need('RPUSH', undeliverable, '')
  need('SADD', prefix .. 'queues', '')
  need('LTRIM', prefix .. 'delayed:', 0, 0)
  need('SREM', prefix .. 'timestamps:', '')
  need('ZREM', schedule, '')
  need('SET', moverKey, '')
  need('DEL', moverKey)
end
local expiring = {}
if lockSeconds > 0 then
  for _, lock in ipairs(locks) do
    if (read('PTTL', lock) or 0) < lockSeconds * 667 then
      expiring[#expiring + 1] = lock
      need('SET', lock, '')
    end
  end
end
if refusal then return redis.error_reply(refusal) end

-- 3. Writes. A runner that may not move jobs takes no lock, either.
for _, lock in ipairs(expiring) do redis.call('SET', lock, name, 'EX', lockSeconds) end
pushDeliveries()
if #lost > 0 then redis.call('RPUSH', undeliverable, unpack(lost)) end
for _, each in ipairs(times) do
  if each.key then redis.call('LTRIM', each.key, each.taken, -1) end
  if not each.key or redis.call('TYPE', each.key).ok == 'none' then redis.call('ZREM', schedule, each.due) end
end
for _, job in ipairs(jobs) do
  -- Also if the same job is due then twice, as Ruby does it.
  redis.pcall('SREM', prefix .. 'timestamps:' .. job.item, 'delayed:' .. job.due)
end
local next = redis.call('ZRANGEBYSCORE', schedule, '-inf', '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2]
local wait = -1
if next then
  -- A time of infinity is never due.
  local seconds = math.min(math.ceil(tonumber(next)) - now, 1000000000)
  wait = math.max(0, seconds * 1000 - math.floor(tonumber(time[2]) / 1000))
end
if wait == 0 then
  redis.call('SET', moverKey, name, 'PX', moverMs)
elseif mover then
  redis.call('DEL', moverKey)
end
return { 'moved', #jobs - #lost + #oddTimes, #lost, wait == 0 and 1 or 0, wait, nowMs }
`);

/** ARGV: our name, the keys that may hold it. */
const releaseScript = script(`
for at = 2, #ARGV do
  if redis.call('GET', ARGV[at]) == ARGV[1] then redis.call('DEL', ARGV[at]) end
end
return 1
`);

/** Rejects with RedisError. */
export class DueJobs {
  readonly #sender: CommandSender;
  readonly #keys: ResqueKeys;
  readonly #lockPrefix: string;
  /** Whether the next moves take both locks. */
  holdsLocks: boolean;

  constructor(sender: CommandSender, keys: ResqueKeys, { lockPrefix, holdsLocks }: MoverOptions) {
    this.#sender = sender;
    this.#keys = keys;
    this.#lockPrefix = lockPrefix;
    this.holdsLocks = holdsLocks;
  }

  /** Moves some of the due jobs. @param name of this process in the locks, such as `HOST:PID` */
  async move(name: string): Promise<MoveReply> {
    const limits = [this.holdsLocks ? lockSeconds : 0, mostJobs, mostBytes, moverMs];
    const reply = await runScript(this.#sender, moveScript, 0, [
      this.#keys.prefix,
      name,
      ...this.#locks,
      ...limits,
    ]);
    const [kind, ...details] = (reply as (Buffer | number)[]).map(String);
    if (kind === 'held') return { kind, holder: details[0] ?? '', nowMs: Number(details[1]) };
    if (kind === 'busy') return { kind };
    const [jobs = 0, undeliverable = 0, hasMore, nextInMs = -1, nowMs = 0] = details.map(Number);
    return {
      kind: 'moved',
      jobs,
      undeliverable,
      hasMore: hasMore === 1,
      nowMs,
      nextInMs: nextInMs < 0 ? null : nextInMs,
    };
  }

  /** Gives back what it holds under this name. */
  async release(name: string): Promise<void> {
    await runScript(this.#sender, releaseScript, 0, [name, ...this.#locks, this.#keys.mover]);
  }

  get #locks(): string[] {
    return lockKeys(this.#keys, this.#lockPrefix);
  }
}
