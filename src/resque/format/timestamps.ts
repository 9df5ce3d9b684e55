/**
 * Times as Resque and others write them. Always UTC: Ruby reads a zone name such as "CST" as −06:00 everywhere. `date` must
 * be a valid date.
 */

/** `2026-11-24T15:20:19Z`, for `run_at` of a worker's job. */
export function runAtText(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

/** `2026/11/24 15:20:19 UTC`, for `failed_at` and `retried_at` of a failure. */
export function failedAtText(date: Date): string {
  const iso = date.toISOString();
  return `${iso.slice(0, 10).replaceAll('-', '/')} ${iso.slice(11, 19)} UTC`;
}

/** `2026-11-24 15:20:19 +0000`, Ruby's `Time#to_s`, for the start of a worker. */
export function startedText(date: Date): string {
  const iso = date.toISOString();
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)} +0000`;
}

/** `2026-11-24T15:20:19+00:00`, for a worker's heartbeat. */
export function heartbeatText(date: Date): string {
  return `${date.toISOString().slice(0, 19)}+00:00`;
}

/**
 * Milliseconds since the epoch of a time that any kind of worker wrote: seconds since the epoch by node-resque, a date and
 * a time by Ruby, PHP or JavaScript.
 *
 * @returns `null` if it is not a time, or names a zone that only its writer knows (`CET`)
 */
export function timeOfText(text: string): number | null {
  const ms = /^\d{1,12}$/.test(text) ? Number(text) * 1000 : Date.parse(text);
  return Number.isNaN(ms) ? null : ms;
}

/** No zone is further behind UTC. */
const farthestBehindMs = 12 * 3_600_000;

/**
 * The same, but a time in a zone that only its writer knows (`2026/11/24 15:20:19 CET`), or without a zone, is the latest that
 * it can be. So whatever is older than this is surely older.
 *
 * @returns `null` if it is not a time
 */
export function latestTimeOfText(text: string): number | null {
  if (/^\d{9,12}$/.test(text)) return timeOfText(text);
  // JavaScript would take `job 5` for a day in May.
  if (!/\b\d{4}\b/.test(text) || !/\b\d\d:\d\d\b/.test(text)) return null;
  const isZoned = /(?:Z|UTC|GMT|[-+]\d\d:?\d\d)(?:\s*\(.*\))?$/.test(text);
  if (isZoned) return timeOfText(text);
  // The zone is the last word, or stands before the year: `Sat Nov 28 11:36:25 CET 2026`.
  const local = text.replace(/(:\d\d(?:\.\d+)?)\s+[A-Za-z]{1,5}(?=\s+\d{4}$|$)/, '$1');
  const ms = Date.parse(`${local} UTC`);
  return Number.isNaN(ms) ? null : ms + farthestBehindMs;
}

/** Milliseconds since the epoch. @returns `null` for a value that may crash Ruby workers when they prune */
export function heartbeatTime(text: string): number | null {
  return isoTime(text);
}

/** Milliseconds since the epoch. @returns `null` if it is not a time of ISO 8601 with a zone */
export function isoTime(text: string): number | null {
  const isIso = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[-+]\d\d:?\d\d)$/.test(text);
  const ms = isIso ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) ? null : ms;
}
