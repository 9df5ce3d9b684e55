/** Numbers, spans of time and times of day, as people read them. */
import type { JobUsage, NextRun } from '../protocol/job.ts';

/** 1,204; not by `toLocaleString`, whose first call takes longer than a frame. */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, ',');
}

/** `1 job`, `1,204 jobs` */
export function plural(count: number, noun: string, nouns = `${noun}s`): string {
  return `${grouped(count)} ${count === 1 ? noun : nouns}`;
}

/** `650 ms`, `1.2 s`, `3 min 4 s`, `2 h 5 min`. */
export function duration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A duration in its largest unit, rounded down: `45 s`, `12 min`, `3 h`, `5 days`. */
export function age(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return `${Math.max(0, Math.floor(ms / 1_000))} s`;
  if (minutes < 120) return `${minutes} min`;
  return minutes < 2_880 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 1_440)} days`;
}

/** The run that follows: `retry 2/5 in 40 s`. */
export function nextRunText({ number, of, inSeconds }: NextRun, isSnoozed: boolean): string {
  const what = isSnoozed ? 'again' : `retry ${number}/${of}`;
  return `${what} in ${age(inSeconds * 1_000)}`;
}

/** Since the last sign of life: `last seen 14 s ago`. */
export function lastSeen(ms: number): string {
  return `last seen ${age(ms)} ago`;
}

/** `2026-12-01 08:00:00 UTC` */
export function utcTime(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** Local: `2026-12-01 08:00` */
export function localMinute(atMs: number): string {
  const date = new Date(atMs);
  const [month, day] = [date.getMonth() + 1, date.getDate()].map((part) => String(part).padStart(2, '0'));
  return `${date.getFullYear()}-${month}-${day} ${clock(atMs).slice(0, 5)}`;
}

/** The local time of day: `16:05:09`. */
export function clock(atMs: number): string {
  const date = new Date(atMs);
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
}

/** `CPU 1.2 s, peak memory 340.0 MiB`, as far as it is known; '' if nothing is */
export function usageText({ cpuMs, peakMemoryBytes }: JobUsage): string {
  const parts = cpuMs === undefined ? [] : [`CPU ${duration(cpuMs)}`];
  if (peakMemoryBytes !== undefined) parts.push(`peak memory ${sizeText(peakMemoryBytes)}`);
  return parts.join(', ');
}

/** `512 KiB`, `1.4 MiB` */
export function sizeText(bytes: number): string {
  const kibibytes = bytes / 1_024;
  return kibibytes < 1_000 ? `${Math.round(kibibytes)} KiB` : `${(kibibytes / 1_024).toFixed(1)} MiB`;
}
