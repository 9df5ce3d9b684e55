/**
 * Enqueues the jobs of schedules, each once for each of its times, however many runners there are: one call checks the locks of
 * other schedulers and what was enqueued last, claims the time, and enqueues. Keeps `last_enqueued_at` as resque-scheduler does.
 */
import type { Schedule } from '../../config/config.ts';
import type { ResqueKeys } from '../format/keys.ts';
import { startedText, timeOfText } from '../format/timestamps.ts';
import { runScript, script, scriptChecks } from '../redis/script.ts';
import type { CommandSender } from '../redis/send.ts';
import { lockKeys } from './move.ts';

/** Longer than a clock may be set back without a job being enqueued twice. */
const slotSeconds = 3_600;

/**
 * ARGV: prefix, queue, payload, `1` if it is unique, schedule's name. To enqueue it for one of its times, also: that time, the
 * text in `last_enqueued_at` ('': none), its new text, how many seconds the time stays claimed, our name, the two locks.
 *
 * Reply: `enqueued`; `waiting`: the same job waits in its queue; `done`: this time was already enqueued; `changed`:
 * `last_enqueued_at` has something else; `held`: not both locks are held by runners.
 */
const enqueueScript = script(`
local prefix, queue, payload, isUnique, name = ARGV[1], ARGV[2], ARGV[3], ARGV[4] == '1', ARGV[5]
local slot, known, now, slotSeconds, owner = ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10]
${scriptChecks}
local list, queues = prefix .. 'queue:' .. queue, prefix .. 'queues'
local lastKey, slotKey = prefix .. 'delayed:last_enqueued_at', prefix .. 'runner:cron:' .. name .. ':' .. (slot or '')
if slot then
  for at = 11, 12 do
    local holder = read('GET', ARGV[at])
    local isRunner = holder == owner or (holder and read('HEXISTS', prefix .. 'runners', holder) == 1)
    if refusal then return redis.error_reply(refusal) end
    if not isRunner then return { 'held' } end
  end
  needType('hash', lastKey)
  local last = read('HGET', lastKey, name) or ''
  if refusal then return redis.error_reply(refusal) end
  if last ~= known then return { 'changed' } end
  need('SET', slotKey, '')
  need('HSET', lastKey, name, '')
end
needType('list', list)
needType('set', queues)
need('RPUSH', list, '')
need('SADD', queues, '')
if refusal then return redis.error_reply(refusal) end

local isWaiting = false
if isUnique then
  -- Searches from the end, where the same job most probably is. Redis before 6.0.6 has no LPOS.
  local at = redis.pcall('LPOS', list, payload, 'RANK', -1)
  if type(at) == 'table' and at.err then
    for _, job in ipairs(redis.call('LRANGE', list, 0, -1)) do
      if job == payload then at = 1 break end
    end
  end
  isWaiting = type(at) == 'number'
end
local result = isWaiting and 'waiting' or 'enqueued'
if slot then
  if not redis.call('SET', slotKey, '1', 'NX', 'EX', slotSeconds) then result = 'done' end
  redis.call('HSET', lastKey, name, now)
end
if result == 'enqueued' then
  redis.call('RPUSH', list, payload)
  redis.call('SADD', queues, queue)
end
return { result }
`);

export type Enqueued = 'enqueued' | 'waiting' | 'done' | 'changed' | 'held';

/** One of the times of a schedule. */
export interface Slot {
  /** In seconds since the epoch. `last_enqueued_at` then has it. */
  readonly seconds: number;
  /** The text that `last_enqueued_at` has now; '' for none. */
  readonly known: string;
}

/** The job that a schedule enqueues: only its class and args. */
function payloadOf({ jobClass, args }: Schedule): string {
  return `{"class":${JSON.stringify(jobClass)},"args":${args}}`;
}

/** As `last_enqueued_at` has it: `2026-11-28 02:00:00 +0000`. */
export function recordedText(seconds: number): string {
  return startedText(new Date(seconds * 1_000));
}

/** When a schedule was last enqueued, in seconds since the epoch. @param text in `last_enqueued_at`; '' for none */
export function lastSeconds(text: string): number | null {
  const ms = text === '' ? null : timeOfText(text);
  return ms === null ? null : Math.floor(ms / 1_000);
}

/** Rejects with RedisError. */
export class RecurringJobs {
  readonly #sender: CommandSender;
  readonly #keys: ResqueKeys;
  readonly #lockPrefix: string;

  constructor(sender: CommandSender, keys: ResqueKeys, lockPrefix: string) {
    this.#sender = sender;
    this.#keys = keys;
    this.#lockPrefix = lockPrefix;
  }

  /** Schedules that others keep in Redis: name → JSON. */
  async persistent(): Promise<ReadonlyMap<string, string>> {
    const { persistentSchedules } = this.#keys;
    return new Map(
      Object.entries(await this.#sender.command((commands) => commands.hgetall(persistentSchedules))),
    );
  }

  /** When they were last enqueued, as text: '' for never. */
  async last(names: readonly string[]): Promise<ReadonlyMap<string, string>> {
    if (names.length === 0) return new Map();
    const { lastEnqueuedAt } = this.#keys;
    const texts = await this.#sender.command((commands) => commands.hmget(lastEnqueuedAt, ...names));
    return new Map(names.map((name, at) => [name, texts[at] ?? '']));
  }

  /**
   * Enqueues the job for one of its times, if this process or another runner holds the locks, so that no foreign scheduler is at
   * work. Runners with different schedules needn't hold them all.
   *
   * @param owner this process' name in the locks
   */
  async enqueueAt(schedule: Schedule, { seconds, known }: Slot, owner: string): Promise<Enqueued> {
    const locks = lockKeys(this.#keys, this.#lockPrefix);
    return await this.#enqueue(schedule, [
      seconds,
      known,
      recordedText(seconds),
      slotSeconds,
      owner,
      ...locks,
    ]);
  }

  /** Enqueues the job now, even if no time of its schedule is due. */
  async enqueueNow(schedule: Schedule): Promise<Enqueued> {
    return await this.#enqueue(schedule, []);
  }

  async #enqueue(schedule: Schedule, rest: readonly (string | number)[]): Promise<Enqueued> {
    const { name, queue, isUnique } = schedule;
    const args = [this.#keys.prefix, queue, payloadOf(schedule), isUnique ? 1 : 0, name, ...rest];
    const reply = (await runScript(this.#sender, enqueueScript, 0, args)) as Buffer[];
    return String(reply[0]) as Enqueued;
  }
}
