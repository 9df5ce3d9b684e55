/**
 * When a job was put on its queue, if its payload says so. Plain Resque and node-resque don't write a time. Others do:
 *
 *     {"class":"Mail","args":[7],"enqueued_at":1764309540.1234}                            clients with a hook for it
 *     {"class":"Mail","args":[{"to":"ann"}],"id":"f3a1","queue_time":1764309540.1234}      php-resque
 *     {"class":"ActiveJob::…::JobWrapper","args":[{"job_class":"Mail",…,"enqueued_at":"2025-11-28T05:59:00.123456789Z"}]}
 *
 * Numbers are seconds since the epoch, or milliseconds. ActiveJob's `scheduled_at` is the time that a delayed job should run
 * at: it waits on its queue from then on.
 */
import { isoTime } from './timestamps.ts';

/** Before Resque's first release, so the number means something else. */
const earliestMs = Date.UTC(2010, 0);
/** In seconds, this is the year 5138; in milliseconds, 1973. */
const leastMilliseconds = 1e11;
/** Longer than any time with a fraction and a zone. */
const longestText = 40;

/** How far the clock of the client may be ahead of ours. */
const clockToleranceMs = 60_000;

/**
 * Milliseconds since the epoch. May be in the future, if clocks differ or the value means something else.
 *
 * @param payload an object from `JSON.parse`
 * @returns `null` if it is unknown
 */
export function enqueuedAtOf(payload: object): number | null {
  const { enqueued_at: own, queue_time: php, args } = payload as Readonly<Record<string, unknown>>;
  const known = timeOf(own) ?? timeOf(php);
  if (known !== null) return known;
  const first: unknown = Array.isArray(args) ? args[0] : null;
  if (typeof first !== 'object' || first === null) return null;
  // Other args may be called so, too. Only ActiveJob has the class beside it.
  const {
    job_class: jobClass,
    enqueued_at: at,
    scheduled_at: due,
  } = first as Readonly<Record<string, unknown>>;
  const enqueuedAtMs = typeof jobClass === 'string' ? timeOf(at) : null;
  return enqueuedAtMs === null ? null : Math.max(enqueuedAtMs, timeOf(due) ?? 0);
}

/**
 * How long a job has waited on its queue.
 *
 * @returns `null` if the job would have been enqueued in the future
 */
export function waitedMs(enqueuedAtMs: number, nowMs: number): number | null {
  const ms = nowMs - enqueuedAtMs;
  return ms < -clockToleranceMs ? null : Math.max(0, ms);
}

function timeOf(value: unknown): number | null {
  let ms: number | null = null;
  if (typeof value === 'number') ms = value < leastMilliseconds ? value * 1_000 : value;
  else if (typeof value === 'string' && value.length <= longestText) ms = isoTime(value);
  return ms !== null && ms >= earliestMs && ms < Number.MAX_SAFE_INTEGER ? Math.round(ms) : null;
}
