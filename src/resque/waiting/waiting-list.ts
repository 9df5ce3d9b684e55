/**
 * The jobs that wait on a queue, the one that runs next first: reading them in pages, deleting them, and moving them to either
 * end. Reading takes nothing off the queue. Others take and add jobs at any moment, so an index is only a hint: a job is found by
 * the SHA-1 of its bytes. All reject with RedisError.
 */
import { randomUUID } from 'node:crypto';
import type { WaitingJob, WaitingJobRef } from '../../protocol/redis-views.ts';
import { attemptWrites, delayWrites } from '../delayed/retry-entry.ts';
import type { ResqueKeys } from '../format/keys.ts';
import { cut, readPayload } from '../format/payload.ts';
import { claiming, hint, listChunks } from '../redis/list-entries.ts';
import { runScript, script, scriptChecks } from '../redis/script.ts';
import type { CommandSender } from '../redis/send.ts';

export interface WaitingPage {
  /** Length of the queue. */
  readonly total: number;
  /** Adjacent jobs. Fewer than asked for if they are large; none only after the last job. */
  readonly jobs: readonly WaitingJob[];
}

/** `gone`: no longer on the queue. `unfound`: not near its place, and the queue is too long to look through at once. */
export type WaitingResult = 'done' | 'gone' | 'unfound';

export interface WaitingChange {
  readonly kind: 'remove' | 'head' | 'tail';
  readonly jobs: readonly WaitingJobRef[];
}

export interface WaitingChanged {
  /** Length of the queue. */
  readonly total: number;
  readonly results: readonly WaitingResult[];
  /** The jobs that were removed, without large ones. */
  readonly removed: readonly Buffer[];
}

const pageBytes = 1024 * 1024;
/** Larger jobs are cut. */
const shownBytes = 16 * 1024;

/** Bytes of jobs that a script may look at, beyond the first job: Redis serves nobody else in that time. */
const lookedBytes = 16 * 1024 * 1024;
/** Jobs that a change looks through for those that are no longer where they were seen. */
const searchedJobs = 20_000;

/**
 * KEYS: queue. ARGV: index of the first job, number of jobs, bytes of the reply, most bytes of a job.
 *
 * Reply: length of the queue, then for each job: SHA-1, size, its bytes or as many of them as there may be. Fewer jobs if they are
 * large. Length -1 and nothing more if the key is not a list.
 */
const readWaitingScript = script(`
local key, first, size = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])
local room, most = tonumber(ARGV[3]), tonumber(ARGV[4])
${listChunks}
left = ${lookedBytes}
local is = redis.call('TYPE', key).ok
if is ~= 'list' then return { is == 'none' and 0 or -1 } end
local reply, count = { redis.call('LLEN', key) }, 0
while count < size and left > 0 do
  local items = range(key, first + count, first + math.min(size, count + chunk) - 1)
  if #items == 0 then break end
  for _, item in ipairs(items) do
    local shown = item:sub(1, most)
    room = room - #shown
    if room < 0 and count > 0 then return reply end
    local n = #reply
    reply[n + 1], reply[n + 2], reply[n + 3] = redis.sha1hex(item), #item, shown
    count = count + 1
  end
end
return reply
`);

/**
 * KEYS: queue. ARGV: prefix; `remove`, or `head` or `tail` to move there; a text that is in no list; most bytes of a removed job
 * in the reply; then for each job: index where it was seen, SHA-1.
 *
 * Reply: length of the queue, then for each job 1 (done), 0 (gone) or 2 (not found, and not all was looked through), and its bytes
 * if it was removed. Length -1 and nothing more if the key is not a list.
 */
const changeWaitingScript = script(`
local key, prefix, kind, mark, most = KEYS[1], ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
${scriptChecks}${delayWrites}${attemptWrites}${listChunks}${claiming}
left = ${lookedBytes}
local is = redis.call('TYPE', key).ok
if is ~= 'list' and is ~= 'none' then return { -1 } end

local entries = {}
for at = 5, #ARGV, 2 do entries[#entries + 1] = { hint = tonumber(ARGV[at]), name = ARGV[at + 1] } end
local isAll = claim(key, entries, { nameOf = redis.sha1hex, most = ${searchedJobs} })

-- Checks what Redis could refuse, before the first write.
local push = kind == 'head' and 'LPUSH' or 'RPUSH'
need('LSET', key, 0, '')
need('LREM', key, 1, '')
if kind ~= 'remove' then need(push, key, '') end
if refusal then return redis.error_reply(refusal) end

-- A Redis that is out of memory refuses the first push, and nothing has changed.
local pushed = 0
for _, entry in ipairs(entries) do
  if entry.index and kind ~= 'remove' then
    redis.call(push, key, entry.item)
    pushed = pushed + 1
  end
end
for _, entry in ipairs(entries) do
  if entry.index and kind == 'head' then entry.index = entry.index + pushed end
end
removeClaimed(key, entries, mark)
local reply = { 0 }
for _, entry in ipairs(entries) do
  local n = #reply
  reply[n + 1] = entry.index and 1 or (isAll and 0 or 2)
  reply[n + 2] = ''
  if entry.index and kind == 'remove' then
    removeAttempt(entry.name)
    if #entry.item <= most then reply[n + 2] = entry.item end
  end
end
reply[1] = redis.call('LLEN', key)
return reply
`);

export class WaitingList {
  readonly #sender: CommandSender;
  readonly #keys: ResqueKeys;

  constructor(sender: CommandSender, keys: ResqueKeys) {
    this.#sender = sender;
    this.#keys = keys;
  }

  /** @returns `null` if the queue's key is not a list */
  async page(queue: string, first: number, count: number): Promise<WaitingPage | null> {
    const room = this.#room;
    const args = [this.#keys.queue(queue), hint(first), count, room, Math.min(shownBytes, room)];
    const [total, ...fields] = (await runScript(this.#sender, readWaitingScript, 1, args)) as [
      number,
      ...(Buffer | number)[],
    ];
    if (total < 0) return null;
    const jobs: WaitingJob[] = [];
    for (let at = 0; at < fields.length; at += 3) {
      const [sha1, size, bytes] = fields.slice(at, at + 3);
      const ref = { index: first + jobs.length, sha1: String(sha1) };
      jobs.push(waitingJob(ref, Number(size), bytes as Buffer));
    }
    return { total, jobs };
  }

  /** Deletes jobs, or moves them to an end of the queue. @returns `null` if the queue's key is not a list */
  async change(queue: string, { kind, jobs }: WaitingChange): Promise<WaitingChanged | null> {
    const most = Math.floor(this.#room / Math.max(1, jobs.length));
    const about = [this.#keys.queue(queue), this.#keys.prefix, kind, `mark:${randomUUID()}`, most];
    const places = jobs.flatMap(({ index, sha1 }) => [hint(index), sha1]);
    const [total, ...fields] = (await runScript(this.#sender, changeWaitingScript, 1, [
      ...about,
      ...places,
    ])) as [number, ...(Buffer | number)[]];
    if (total < 0) return null;
    const results = jobs.map((_, at) => resultOf(Number(fields[2 * at])));
    const removed = jobs.flatMap((_, at) => {
      const bytes = fields[2 * at + 1];
      return Buffer.isBuffer(bytes) && bytes.length > 0 ? [bytes] : [];
    });
    return { total, results, removed };
  }

  /** Bytes of a reply. */
  get #room(): number {
    return Math.min(pageBytes, Math.floor((this.#sender.replyLimit ?? Number.POSITIVE_INFINITY) / 2));
  }
}

function waitingJob(ref: WaitingJobRef, size: number, bytes: Buffer): WaitingJob {
  const isWhole = bytes.length === size;
  const text = bytes.toString('utf8');
  const about = { ...ref, size, payload: text, isWhole };
  const payload = isWhole ? readPayload(bytes) : null;
  if (payload?.isObject === true) return { ...about, jobClass: payload.jobClass, args: payload.argsText };
  return { ...about, jobClass: isWhole ? null : writtenClass(text), args: '' };
}

/** The class of a job of which only the beginning is known, where clients of Resque write it. */
function writtenClass(beginning: string): string | null {
  const [, name] = /^\s*\{\s*"class"\s*:\s*"([^"\\]+)"/.exec(beginning) ?? [];
  return name === undefined ? null : cut(name, 500);
}

function resultOf(state: number): WaitingResult {
  return state === 1 ? 'done' : state === 2 ? 'unfound' : 'gone';
}
