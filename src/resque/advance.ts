/**
 * `advance`: one atomic step of a worker fleet, in one round trip. It writes how jobs ended, then what jobs
 * BLPOP brought, then pops as many jobs as there are free slots and records each on its worker. So a job
 * that it takes is at no instant in no key: it is on its queue or in its worker's record.
 *
 * What it writes, and in which order, is Resque's own (`Resque::Worker#working_on`, `#done_working`,
 * `Resque::Failure::Redis.save`).
 */
import type { ResqueKeys } from './keys.ts';
import { script } from './script.ts';
import { heartbeatText, runAtText, startedText } from './timestamps.ts';

/** How a job ended, to be written. */
export type OutcomeWrite = {
  readonly worker: string;
  /**
   * How many outcomes this worker will have counted in `stat:processed:ID` when this one is in: what makes
   * a repetition harmless. Counted by whoever runs the worker, from 1.
   */
  readonly ordinal: number;
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
   * True where an earlier reply may have been lost: outcomes that Redis has already are then skipped.
   */
  readonly isRepeat: boolean;
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

/** The script's ARGV. `redisNow` is by Redis' clock, for the heartbeat; `now` is by this machine's. */
export function advanceArguments(
  keys: ResqueKeys,
  batch: AdvanceBatch,
  now: Date,
  redisNow: Date,
): (string | Buffer | number)[] {
  const args: (string | Buffer | number)[] = [
    keys.prefix,
    batch.isRepeat ? '1' : '0',
    runAtText(now),
    startedText(now),
    heartbeatText(redisNow),
  ];
  args.push(batch.outcomes.length);
  for (const outcome of batch.outcomes) {
    args.push(outcome.kind, outcome.worker, outcome.ordinal);
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
local prefix, isRepeat, runAt, started, heartbeat = ARGV[1], ARGV[2] == '1', ARGV[3], ARGV[4], ARGV[5]
local at = 5
local function nextArg() at = at + 1; return ARGV[at] end

local function embeddable(p)
  if #p > 65536 or p:byte(1) ~= 123 then return false end
  if p:find('%c') or p:find('\\\\u[dD][89a-fA-F]') then return false end
  if p:find('[:,%[] *%-?[NIi]') or p:find('[:,%[] *%-?n[aA]') or p:find('[:,%[] *%-?0[%dxX]') then return false end
  if p:find('%d%.%D') or p:find('%-%.') then return false end
  local _, nesting = p:gsub('[%[{]', '')
  if nesting > 90 then return false end
  if p:find('JobWrapper"', 1, true) and not p:find('"args":[{"', 1, true) then return false end
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
  return ok and type(value) == 'table'
end

-- First sign of a worker, or Ruby's pruning dropped it: put it (back) on the list.
local function register(id)
  if redis.call('SADD', prefix .. 'workers', id) == 1 then
    redis.call('SET', prefix .. 'worker:' .. id .. ':started', started)
    redis.call('HSET', prefix .. 'workers:heartbeat', id, heartbeat)
  end
end

local function isKnown(kind, id, ordinal)
  if not isRepeat then return false end
  if kind == 'requeue' then return redis.call('EXISTS', prefix .. 'worker:' .. id) == 0 end
  return tonumber(redis.call('GET', prefix .. 'stat:processed:' .. id) or 0) >= ordinal
end

for _ = 1, tonumber(nextArg()) do
  local kind, id, ordinal = nextArg(), nextArg(), tonumber(nextArg())
  local isNew = not isKnown(kind, id, ordinal)
  if kind == 'failure' then
    local record = nextArg()
    if isNew then
      redis.call('RPUSH', prefix .. 'failed', record)
      redis.call('INCRBY', prefix .. 'stat:failed', 1)
      redis.call('INCRBY', prefix .. 'stat:failed:' .. id, 1)
    end
  elseif kind == 'requeue' then
    local queue, payload = nextArg(), nextArg()
    if isNew then
      redis.call('LPUSH', prefix .. 'queue:' .. queue, payload)
      redis.call('DEL', prefix .. 'worker:' .. id, prefix .. 'worker:' .. id .. ':payload')
    end
  end
  if isNew and kind ~= 'requeue' then
    redis.call('DEL', prefix .. 'worker:' .. id, prefix .. 'worker:' .. id .. ':payload')
    redis.call('INCRBY', prefix .. 'stat:processed', 1)
    redis.call('INCRBY', prefix .. 'stat:processed:' .. id, 1)
  end
end

for _ = 1, tonumber(nextArg()) do
  local queue = nextArg()
  redis.call('LPUSH', prefix .. 'queue:' .. queue, nextArg())
end

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
