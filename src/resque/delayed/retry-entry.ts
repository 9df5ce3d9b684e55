/**
 * What is kept beside a waiting retry: how many times its job has run, and its exact payload.
 *
 * A retry is a delayed job in Ruby's format, so that every tool can show, move and cancel it. Other schedulers encode it
 * anew and drop members that they don't know, so the item can't hold this. It lies in `runner:retry:SHA1`, a list under the
 * SHA-1 of each form in which the job may come back to its queue: as our runner, resque-scheduler and node-resque write it.
 * Equal jobs share these lists and take one entry each.
 *
 * While the retry runs, its entry is in `worker:ID:retry`. If the job goes back to its queue, the entry goes back, too.
 */

import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { asObject, asText, memberSpans, parsedJson } from '../format/json.ts';
import type { JobPayload } from '../format/payload.ts';
import { rubyJson } from '../format/ruby-text.ts';
import { delayedItem } from './delayed-item.ts';

/** How long an entry outlives the time that its retry is due at: seven days. */
const entrySeconds = 7 * 86_400;

/** How long an entry is kept, in seconds from now. @param dueSeconds when its retry is due */
export function keptSeconds(dueSeconds: number, now: Date): number {
  return Math.max(0, Math.ceil(dueSeconds - now.getTime() / 1_000)) + entrySeconds;
}

export interface RetryEntry {
  /** Number of the run that comes next, from 1. After a snooze, this is the number of the run that snoozed. */
  readonly attempt: number;
  /** When the job failed first, as in failure records; `null` if it has not failed. */
  readonly firstFailedAt: string | null;
  /** For people: why it runs again; `null` if it didn't fail. */
  readonly lastError: string | null;
  /** As the job was on its queue at first. */
  readonly payload: Buffer;
  /** When it is due, by Redis' clock, and the item of the delayed list: both tell whether it still waits there. */
  readonly dueSeconds: number;
  readonly item: string;
}

/** A job in the forms that it may have while it waits and when it comes back. */
export interface DelayedForms {
  /** The item of the delayed list, as Ruby writes it. Our mover puts it on the queue as it is. */
  readonly item: string;
  /** SHA-1 of each form that the job may come back in. */
  readonly names: readonly string[];
}

/** @returns `null` if the job can't be a delayed job: it needs a class and an array of args */
export function delayedForms({ bytes }: JobPayload, queue: string): DelayedForms | null {
  const item = delayedItem(queue, bytes);
  if (item === null) return null;
  const spans = memberSpans(item);
  const [ofClass = '', ofQueue = '', args = ''] = ['class', 'queue', 'args'].map((name) => {
    const { start = 0, end = 0 } = spans.get(name) ?? {};
    return item.toString('utf8', start, end);
  });
  const forms = [
    item.toString(),
    `{"class":${ofClass},"args":${args}}`,
    `{"class":${ofClass},"args":${rubyJson(args)}}`,
    `{"class":${ofClass},"queue":${ofQueue},"args":${JSON.stringify(JSON.parse(args))}}`,
  ];
  return { item: item.toString(), names: [...new Set(forms.map(sha1Of))] };
}

/** The text of an entry: the names of its lists, then JSON. The scripts read only the names. */
export function entryText(names: readonly string[], entry: RetryEntry): string {
  const { attempt, firstFailedAt, lastError, payload, dueSeconds, item } = entry;
  const about = { attempt, first_failed_at: firstFailedAt, due: dueSeconds, error: lastError, item };
  const bytes = isUtf8(payload)
    ? { payload: payload.toString() }
    : { payload_base64: payload.toString('base64') };
  return `${names.join(' ')} ${JSON.stringify({ ...about, ...bytes })}`;
}

/** @returns `null` if the text is not an entry */
export function readEntry(text: string): RetryEntry | null {
  const json = /^(?:[0-9a-f]{40} )+(\{.*\})$/s.exec(text)?.[1];
  if (json === undefined) return null;
  const members = asObject(parsedJson(json)) ?? {};
  const { attempt, due, item } = members;
  const payload = asText(members.payload);
  const base64 = asText(members.payload_base64);
  if (typeof attempt !== 'number' || !Number.isSafeInteger(attempt) || attempt < 1) return null;
  if (base64 === null && payload === null) return null;
  return {
    attempt,
    firstFailedAt: asText(members.first_failed_at),
    lastError: asText(members.error),
    payload: base64 === null ? Buffer.from(payload ?? '') : Buffer.from(base64, 'base64'),
    dueSeconds: Number(due),
    item: String(item),
  };
}

export function sha1Of(bytes: string | Buffer): string {
  return createHash('sha1').update(bytes).digest('hex');
}

/**
 * Lua that delays a job: `checkDelay(outcome)` before the first write, then `delay(outcome)`. The outcome has `due`, `item`,
 * `entry` and `keptSeconds`. A key of another type costs the retry: the outcome becomes a failure, and `isRefused`. Needs `prefix` and
 * `scriptChecks`.
 */
export const delayWrites = `
local schedule = prefix .. 'delayed_queue_schedule'
local function mayBe(kind, key)
  local is = read('TYPE', key)
  return is and (is.ok == kind or is.ok == 'none')
end
local function checkDelay(outcome)
  outcome.list = prefix .. 'delayed:' .. outcome.due
  outcome.times = prefix .. 'timestamps:' .. outcome.item
  if mayBe('list', outcome.list) and mayBe('zset', schedule) and mayBe('set', outcome.times) then
    need('RPUSH', outcome.list, '')
    need('SADD', outcome.times, '')
    need('ZADD', schedule, '0', '')
    need('EXPIRE', prefix .. 'runner:retry:', 1)
  else
    outcome.isRefused = true
    outcome.kind = 'failure'
  end
end
local function retryLists(entry)
  return (entry:match('^[%x ]+') or ''):gmatch('%x+')
end
local function addAttempt(entry, seconds)
  for name in retryLists(entry) do
    local key = prefix .. 'runner:retry:' .. name
    redis.pcall('RPUSH', key, entry)
    local left = redis.pcall('TTL', key)
    if type(left) == 'number' and left < seconds then redis.pcall('EXPIRE', key, seconds) end
  end
end
-- In Ruby's order. Without its entry, a job that comes back would count as a new one.
local function delay(outcome)
  addAttempt(outcome.entry, tonumber(outcome.keptSeconds))
  redis.call('RPUSH', outcome.list, outcome.item)
  redis.call('SADD', outcome.times, 'delayed:' .. outcome.due)
  redis.call('ZADD', schedule, outcome.due, outcome.due)
end
`;

/**
 * Lua that moves entries along with their jobs. Needs `delayWrites`. A key of another type costs the count of attempts, not the
 * job.
 *
 * - `removeAttempt(sha)`: the job has left its queue. Returns its entry, or false.
 * - `takeAttempt(id, sha)`: the same, and the job runs on this worker.
 * - `keepAttempt(id, entry)`: the same for an entry that is known.
 * - `returnAttempt(id)`: the job that ran on this worker goes back to its queue.
 */
export const attemptWrites = `
local function keepAttempt(id, entry) redis.pcall('SET', prefix .. 'worker:' .. id .. ':retry', entry) end
-- Otherwise the job on the queue is another one that looks the same.
local function hasLeft(entry)
  local isRead, value = pcall(cjson.decode, entry:match('{.*$') or '')
  if not isRead or type(value) ~= 'table' or type(value.due) ~= 'number' then return true end
  local reply = redis.pcall('SISMEMBER', prefix .. 'timestamps:' .. tostring(value.item), string.format('delayed:%d', value.due))
  return reply ~= 1
end
local function removeAttempt(sha)
  local entries = redis.pcall('LRANGE', prefix .. 'runner:retry:' .. sha, 0, 9)
  for _, entry in ipairs(entries.err and {} or entries) do
    if hasLeft(entry) then
      for name in retryLists(entry) do redis.pcall('LREM', prefix .. 'runner:retry:' .. name, 1, entry) end
      return entry
    end
  end
  return false
end
local function takeAttempt(id, sha)
  local known = redis.pcall('GET', prefix .. 'worker:' .. id .. ':retry')
  if type(known) == 'string' then return known end
  local entry = removeAttempt(sha)
  if entry then keepAttempt(id, entry) end
  return entry
end
local function returnAttempt(id)
  local key = prefix .. 'worker:' .. id .. ':retry'
  local entry = redis.pcall('GET', key)
  if type(entry) ~= 'string' then return end
  redis.call('DEL', key)
  addAttempt(entry, ${entrySeconds})
end
`;
