/**
 * `advance`: one atomic step of a worker fleet, in one round trip. It writes how jobs ended, then what jobs
 * BLPOP brought, then pops as many jobs as there are free slots and records each on its worker. So a job
 * that it takes is at no instant in no key: it is on its queue or in its worker's record.
 *
 * What it writes, and in which order, is Resque's own (`Resque::Worker#working_on`, `#done_working`,
 * `Resque::Failure::Redis.save`).
 */
import type { ResqueKeys } from './keys.ts';
import { activeJobWrapper } from './payload.ts';
import { script } from './script.ts';
import { heartbeatText, runAtText, startedText } from './timestamps.ts';

/** How a job ended, to be written. */
export type OutcomeWrite = {
  readonly worker: string;
} & (
  | { readonly kind: 'success' }
  | { readonly kind: 'failure'; readonly record: string | Buffer }
  /** Back to the head of its queue; counts nowhere. */
  | { readonly kind: 'requeue'; readonly queue: string; readonly payload: Buffer }
);

/** A job that BLPOP brought and that now runs (or is about to). */
export interface BeginWrite {
  readonly worker: string;
  readonly record: string;
  /** The payload's bytes, where `record` doesn't hold them verbatim. */
  readonly payload: Buffer | null;
}

/** A job that BLPOP brought and that must not run after all: back to the head of its queue. */
export interface ReturnWrite {
  readonly queue: string;
  readonly payload: Buffer;
}

/** Slots to fill from queues, first queue first. */
export interface Reservation {
  readonly queues: readonly string[];
  readonly workers: readonly string[];
}

export interface AdvanceBatch {
  readonly outcomes: readonly OutcomeWrite[];
  readonly begins: readonly BeginWrite[];
  readonly returns: readonly ReturnWrite[];
  readonly reservations: readonly Reservation[];
  /**
   * Rises by one from step to step of one owner. A step whose reply was lost is sent again with its number:
   * Redis carries out each number once and in turn, so that neither a repetition nor a straggler from a
   * connection given up can do anything twice, and none is passed over.
   */
  readonly step: number;
}

export interface ReservedJob {
  /** Index into the batch's reservations. */
  readonly reservation: number;
  readonly worker: string;
  readonly queue: string;
  readonly payload: Buffer;
  /** Whether the worker's record holds the payload; otherwise `workerPayload` does, and the record `{}`. */
  readonly isEmbedded: boolean;
}

export interface AdvanceReply {
  readonly jobs: readonly ReservedJob[];
  /** Queues whose key is no list, with Redis' words. */
  readonly unreadable: readonly { readonly queue: string; readonly error: string }[];
}

/**
 * ARGV: the owner's step key, its nonce, the last step that is known to be done. Sets the count going where
 * Redis has none of this process, so that already the first step that is refused holds up those behind it.
 */
export const prepareScript = script(`
local nonce = (redis.call('GET', ARGV[1]) or ''):match('^(%S+) %d+$')
if nonce ~= ARGV[2] then redis.call('SET', ARGV[1], ARGV[2] .. ' ' .. ARGV[3], 'EX', 604800) end
return 1
`);

/** Who takes steps: one process of a runner. */
export interface StepOwner {
  /** `HOST:PID`, for the key. */
  readonly name: string;
  /** Tells this process from an earlier one of the same name. */
  readonly nonce: string;
}

/** The script's ARGV. `redisNow` is by Redis' clock, for the heartbeat; `now` is by this machine's. */
export function advanceArguments(
  keys: ResqueKeys,
  owner: StepOwner,
  batch: AdvanceBatch,
  now: Date,
  redisNow: Date,
): (string | Buffer | number)[] {
  const args: (string | Buffer | number)[] = [
    keys.prefix,
    keys.runnerStep(owner.name),
    owner.nonce,
    batch.step,
    runAtText(now),
    startedText(now),
    heartbeatText(redisNow),
  ];
  args.push(batch.outcomes.length);
  for (const outcome of batch.outcomes) {
    args.push(outcome.kind, outcome.worker);
    if (outcome.kind === 'failure') args.push(outcome.record);
    if (outcome.kind === 'requeue') args.push(outcome.queue, outcome.payload);
  }
  args.push(batch.returns.length);
  for (const { queue, payload } of batch.returns) args.push(queue, payload);
  args.push(batch.begins.length);
  for (const { worker, record, payload } of batch.begins) args.push(worker, record, payload ?? '');
  args.push(batch.reservations.length);
  for (const { queues, workers } of batch.reservations) {
    args.push(queues.length, ...queues, workers.length, ...workers);
  }
  return args;
}

/**
 * Decodes the script's reply: a flat list of
 * `[reservation, worker index, queue index, 1|0, payload]` or `[reservation, -1, queue index, 0, error]`.
 */
export function advanceReply(batch: AdvanceBatch, reply: unknown): AdvanceReply {
  const jobs: ReservedJob[] = [];
  const unreadable: { queue: string; error: string }[] = [];
  const flat = reply as (number | Buffer)[];
  for (let at = 0; at + 4 < flat.length; at += 5) {
    const index = Number(flat[at]);
    const reservation = batch.reservations[index];
    const queue = reservation?.queues[Number(flat[at + 2])];
    const worker = reservation?.workers[Number(flat[at + 1])];
    const bytes = flat[at + 4];
    if (queue === undefined || !Buffer.isBuffer(bytes)) throw new Error('advance: reply of an unknown shape');
    if (worker === undefined) unreadable.push({ queue, error: bytes.toString() });
    else jobs.push({ reservation: index, worker, queue, payload: bytes, isEmbedded: flat[at + 3] === 1 });
  }
  return { jobs, unreadable };
}

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
local at = 7
local function nextArg() at = at + 1; return ARGV[at] end

local lastNonce, lastStep = (redis.call('GET', stepKey) or ''):match('^(%S+) (%d+)$')
if lastNonce == nonce then
  if tonumber(lastStep) >= step then return {} end
  -- The one before was refused: done out of turn, this one would make its repetition look done.
  if tonumber(lastStep) + 1 < step then error('OUTOFTURN step ' .. step .. ' after ' .. lastStep) end
end

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

-- First sign of a worker, or Ruby's pruning dropped it: put it (back) on the list.
local function register(id)
  if redis.pcall('SADD', prefix .. 'workers', id) == 1 then
    redis.call('SET', prefix .. 'worker:' .. id .. ':started', started)
    redis.pcall('HSET', prefix .. 'workers:heartbeat', id, heartbeat)
  end
end

-- Refuses the whole step before it has done anything: half a step could not be repeated.
local function mustBeList(key)
  local kind = redis.call('TYPE', key).ok
  if kind ~= 'list' and kind ~= 'none' then error('WRONGTYPE ' .. key .. ' is a ' .. kind .. ', not a list') end
end

local outcomes = {}
for i = 1, tonumber(nextArg()) do
  local outcome = { kind = nextArg(), id = nextArg() }
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
  returns[i] = { key = prefix .. 'queue:' .. nextArg(), payload = nextArg() }
  mustBeList(returns[i].key)
end

-- The first write: a Redis that takes none refuses here. Kept long enough for any outage to end.
redis.call('SET', stepKey, nonce .. ' ' .. step, 'EX', 604800)

for _, outcome in ipairs(outcomes) do
  local id = outcome.id
  if outcome.kind == 'failure' then
    redis.call('RPUSH', prefix .. 'failed', outcome.record)
    redis.pcall('INCRBY', prefix .. 'stat:failed', 1)
    redis.pcall('INCRBY', prefix .. 'stat:failed:' .. id, 1)
  elseif outcome.kind == 'requeue' then
    redis.call('LPUSH', outcome.key, outcome.payload)
  end
  redis.call('DEL', prefix .. 'worker:' .. id, prefix .. 'worker:' .. id .. ':payload')
  if outcome.kind ~= 'requeue' then
    redis.pcall('INCRBY', prefix .. 'stat:processed', 1)
    redis.pcall('INCRBY', prefix .. 'stat:processed:' .. id, 1)
  end
end
for _, job in ipairs(returns) do redis.call('LPUSH', job.key, job.payload) end

for _ = 1, tonumber(nextArg()) do
  local id, record, payload = nextArg(), nextArg(), nextArg()
  register(id)
  redis.call('SET', prefix .. 'worker:' .. id, record)
  if payload ~= '' then redis.call('SET', prefix .. 'worker:' .. id .. ':payload', payload) end
end

local reply = {}
local function add(reservation, worker, queue, embedded, bytes)
  local n = #reply
  reply[n + 1], reply[n + 2], reply[n + 3], reply[n + 4], reply[n + 5] =
    reservation - 1, worker - 1, queue - 1, embedded, bytes
end

for r = 1, tonumber(nextArg()) do
  local queueCount = tonumber(nextArg())
  local firstQueue = at
  at = at + queueCount
  local workerCount = tonumber(nextArg())
  local firstWorker = at
  at = at + workerCount
  local w = 1
  for q = 1, queueCount do
    local queue = ARGV[firstQueue + q]
    while w <= workerCount do
      local payload = redis.pcall('LPOP', prefix .. 'queue:' .. queue)
      if type(payload) == 'table' then
        add(r, 0, q, 0, payload.err)
        break
      end
      if not payload then break end
      local id = ARGV[firstWorker + w]
      register(id)
      local isEmbedded = embeddable(payload)
      local name = cjson.encode((queue:gsub('[<>]', '')))
      redis.call('SET', prefix .. 'worker:' .. id, '{"queue":' .. name .. ',"run_at":"' .. runAt ..
        '","payload":' .. (isEmbedded and payload or '{}') .. '}')
      if not isEmbedded then redis.call('SET', prefix .. 'worker:' .. id .. ':payload', payload) end
      add(r, w, q, isEmbedded and 1 or 0, payload)
      w = w + 1
    end
    if w > workerCount then break end
  end
end
return reply
`);
