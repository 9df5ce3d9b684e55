/** When a delayed job is due, as people type it. */
import { visibleWithin } from '../../messages/visible.ts';
import { durationForms, durationMs } from '../../protocol/matching.ts';
import { UsageError } from '../command-line/exit-codes.ts';

/** The end of the year 9999: four digits are the most that all clients can show. */
const latestSeconds = 253_402_300_799;
const longestDelaySeconds = 3_155_760_000;

/** @returns seconds. @throws UsageError */
export function readDelay(text: string): number {
  const ms = durationMs(text);
  if (ms === null) throw new UsageError(`--in must be ${durationForms}, got "${visibleWithin(text, 60)}"`);
  if (ms / 1_000 > longestDelaySeconds) {
    throw new UsageError(`--in must be at most 100 years, got "${visibleWithin(text, 60)}"`);
  }
  return ms / 1_000;
}

/** @returns seconds since the epoch. Without a zone, the time is local. @throws UsageError */
export function readTime(text: string): number {
  const [, day, time, zone = ''] =
    /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(Z|[-+]\d\d:?\d\d)?$/i.exec(text.trim()) ?? [];
  const ms = day === undefined || time === undefined ? Number.NaN : timeOf(day, time, zone);
  if (Number.isNaN(ms)) {
    throw new UsageError(
      `--at must be a time such as 2026-12-01T09:00 or 2026-12-01T09:00+01:00, got "${visibleWithin(text, 60)}"`,
    );
  }
  return Math.min(latestSeconds, ms / 1_000);
}

function timeOf(day: string, time: string, zone: string): number {
  // JavaScript takes 30 February for a day in March.
  const isDay = new Date(`${day}T00:00:00Z`).toJSON()?.startsWith(day) === true;
  const suffix = zone.toUpperCase().replace(/^([-+]\d\d)(\d\d)$/, '$1:$2');
  return isDay ? Date.parse(`${day}T${time}${suffix}`) : Number.NaN;
}
