/**
 * The counts of one queue. A job costs a few increments in the present slot of 10 s and allocates nothing. When a slot has
 * ended, the next job or reader adds it to the rest:
 *
 *     slots     6 of 10 s     the last minute
 *     spans     5 of 3 min    classes of the last 15 minutes; its numbers are those of 15 minutes of the next ring
 *     minutes   60 of 1 min   the last hour, for charts: numbers and percentiles
 *     total                   since the start
 *
 * These take 8 KB, and 5 KB more if the payloads say when they were enqueued. A queue that has not worked for an hour keeps
 * only its total, 1 KB.
 */
import type { Spread, StatisticsStep, WindowStatistics } from '../../protocol/statistics.ts';
import { ClassRings } from './class-rings.ts';
import { classCount, classOf, spreadOf } from './classes.ts';

export const slotMs = 10_000;
export const slotsPerMinute = 6;
const minutesPerSpan = 3;
const spanCount = 5;
const minuteCount = 60;
const quarterMinutes = 15;

/** Numbers of jobs. */
const fields = ['started', 'finished', 'failed', 'retried', 'requeued', 'snoozed'] as const;
type Field = (typeof fields)[number];
const at = { started: 0, finished: 1, failed: 2, retried: 3, requeued: 4, snoozed: 5 } as const satisfies {
  [F in Field]: number;
};
const longest = 6;
const longestWait = 7;
const fieldCount = 8;
/** A minute has three more: whether there are percentiles, and these. */
const minuteFields = fieldCount + 3;

/** In a counter of 32 bits; 49 days. */
const mostMs = 2 ** 32 - 1;

interface Recent {
  readonly slots: Uint32Array;
  readonly minutes: Uint32Array;
  readonly durations: ClassRings;
  waits: ClassRings | null;
}

function newRecent(): Recent {
  return {
    slots: new Uint32Array(slotsPerMinute * fieldCount),
    minutes: new Uint32Array(minuteCount * minuteFields),
    durations: new ClassRings(slotsPerMinute, spanCount),
    waits: null,
  };
}

export class QueueCounts {
  /** Rises with every change. */
  version = 0;
  readonly #sinceMs: number;
  /** The present slot, counted from the start of the clock. */
  #slot: number;
  #recent: Recent | null = newRecent();
  #usedSlot: number;
  readonly #total = new Uint32Array(fieldCount);
  readonly #durations = new Uint32Array(classCount);
  #waits: Uint32Array | null = null;

  /** @param nowMs by a clock that never goes back, like all times here */
  constructor(nowMs: number) {
    this.#sinceMs = nowMs;
    this.#slot = Math.floor(nowMs / slotMs);
    this.#usedSlot = this.#slot;
  }

  /** @param waitMs since it was enqueued; `null` if unknown */
  started(nowMs: number, waitMs: number | null): void {
    const recent = this.#recentAt(nowMs);
    this.#count(recent, at.started);
    if (waitMs === null) return;
    recent.waits ??= new ClassRings(slotsPerMinute, spanCount);
    recent.waits.count(this.#slot % slotsPerMinute, classOf(waitMs));
    this.#raise(recent, longestWait, waitMs);
  }

  /** @param durationMs `null` if it never ran */
  finished(nowMs: number, outcome: 'succeeded' | 'failed' | 'retried', durationMs: number | null): void {
    const recent = this.#recentAt(nowMs);
    this.#count(recent, at.finished);
    if (outcome !== 'succeeded') this.#count(recent, at.failed);
    if (outcome === 'retried') this.#count(recent, at.retried);
    if (durationMs === null) return;
    recent.durations.count(this.#slot % slotsPerMinute, classOf(durationMs));
    this.#raise(recent, longest, durationMs);
  }

  /** It has not done its work. */
  returned(nowMs: number, outcome: 'requeued' | 'snoozed'): void {
    this.#count(this.#recentAt(nowMs), at[outcome]);
  }

  /** Frees memory if the queue has not worked for an hour. */
  rest(nowMs: number): void {
    if (Math.floor(nowMs / slotMs) - this.#usedSlot <= minuteCount * slotsPerMinute) return;
    this.#advance(nowMs);
    this.#recent = null;
  }

  lastMinute(nowMs: number): WindowStatistics {
    this.#advance(nowMs);
    const recent = this.#recent;
    const windowMs = (slotsPerMinute - 1) * slotMs + (nowMs % slotMs);
    const counts = new Uint32Array(fieldCount);
    for (let slot = 0; slot < slotsPerMinute; slot += 1) this.#addSlot(counts, slot);
    const durations = recent?.durations.inSlots() ?? null;
    return this.#window(counts, durations, recent?.waits?.inSlots() ?? null, nowMs, windowMs);
  }

  last15Minutes(nowMs: number): WindowStatistics {
    this.#advance(nowMs);
    const recent = this.#recent;
    const minuteMs = slotsPerMinute * slotMs;
    const windowMs = (quarterMinutes - 1) * minuteMs + (nowMs % minuteMs);
    const counts = new Uint32Array(fieldCount);
    for (let back = 0; back < quarterMinutes; back += 1) this.#addMinute(counts, this.#minute - back);
    const open = this.#openSlot;
    this.#addSlot(counts, open);
    const durations = recent?.durations.inSpans(open) ?? null;
    return this.#window(counts, durations, recent?.waits?.inSpans(open) ?? null, nowMs, windowMs);
  }

  sinceStart(nowMs: number): WindowStatistics {
    this.#advance(nowMs);
    const recent = this.#recent;
    const counts = this.#total.slice();
    const open = this.#openSlot;
    this.#addSlot(counts, open);
    const durations = this.#durations.slice();
    recent?.durations.plusOpen(durations, open);
    const waits = this.#waits?.slice() ?? new Uint32Array(classCount);
    recent?.waits?.plusOpen(waits, open);
    return this.#window(counts, durations, waits, nowMs, nowMs - this.#sinceMs);
  }

  /** The last hour by minutes, oldest first; the last one still goes on. Percentiles of the others are whole milliseconds. */
  minutes(nowMs: number): StatisticsStep[] {
    this.#advance(nowMs);
    const first = Math.floor(this.#sinceMs / (slotMs * slotsPerMinute));
    const count = Math.min(minuteCount, this.#minute - first + 1);
    return Array.from({ length: count }, (_, index) => this.#step(this.#minute - count + 1 + index));
  }

  get #minute(): number {
    return Math.floor(this.#slot / slotsPerMinute);
  }

  get #openSlot(): number {
    return this.#slot % slotsPerMinute;
  }

  #recentAt(nowMs: number): Recent {
    this.#advance(nowMs);
    this.version += 1;
    this.#usedSlot = this.#slot;
    this.#recent ??= newRecent();
    return this.#recent;
  }

  #count({ slots }: Recent, field: number): void {
    const index = this.#openSlot * fieldCount + field;
    slots[index] = (slots[index] ?? 0) + 1;
  }

  #raise({ slots }: Recent, field: number, ms: number): void {
    const index = this.#openSlot * fieldCount + field;
    if (ms > (slots[index] ?? 0)) slots[index] = Math.min(ms, mostMs);
  }

  /** Closes the slots that have ended. */
  #advance(nowMs: number): void {
    const slot = Math.floor(nowMs / slotMs);
    if (slot <= this.#slot) return;
    if (this.#recent === null) {
      this.#slot = slot;
      return;
    }
    this.#fold(this.#recent);
    // After an hour, all rings are empty, and a longer time changes nothing.
    this.#slot = Math.max(this.#slot, slot - minuteCount * slotsPerMinute - slotsPerMinute);
    while (this.#slot < slot) this.#openNext(this.#recent);
  }

  #fold(recent: Recent): void {
    const open = this.#openSlot;
    const counts = recent.slots.subarray(open * fieldCount, (open + 1) * fieldCount);
    if (counts.every((count) => count === 0)) return;
    const minute = (this.#minute % minuteCount) * minuteFields;
    add(recent.minutes.subarray(minute, minute + fieldCount), counts);
    add(this.#total, counts);
    const span = Math.floor(this.#minute / minutesPerSpan) % spanCount;
    recent.durations.fold(open, span, this.#durations);
    if (recent.waits === null) return;
    this.#waits ??= new Uint32Array(classCount);
    recent.waits.fold(open, span, this.#waits);
  }

  #openNext(recent: Recent): void {
    const minute = this.#minute;
    if (this.#openSlot === slotsPerMinute - 1) this.#closeMinute(recent);
    this.#slot += 1;
    const open = this.#openSlot;
    recent.slots.fill(0, open * fieldCount, (open + 1) * fieldCount);
    recent.durations.clearSlot(open);
    recent.waits?.clearSlot(open);
    if (this.#minute === minute) return;
    const next = (this.#minute % minuteCount) * minuteFields;
    recent.minutes.fill(0, next, next + minuteFields);
    if (this.#minute % minutesPerSpan !== 0) return;
    const span = Math.floor(this.#minute / minutesPerSpan) % spanCount;
    recent.durations.clearSpan(span);
    recent.waits?.clearSpan(span);
  }

  /** All slots are those of this minute. */
  #closeMinute({ minutes, durations }: Recent): void {
    const from = (this.#minute % minuteCount) * minuteFields;
    if ((minutes[from + at.finished] ?? 0) === 0) return;
    const spread = spreadOf(durations.inSlots(), minutes[from + longest] ?? 0);
    if (spread === null) return;
    minutes.set([1, Math.round(spread.p50Ms), Math.round(spread.p95Ms)], from + fieldCount);
  }

  #addSlot(counts: Uint32Array, slot: number): void {
    if (this.#recent !== null)
      add(counts, this.#recent.slots.subarray(slot * fieldCount, (slot + 1) * fieldCount));
  }

  #addMinute(counts: Uint32Array, minute: number): void {
    const from = (minute % minuteCount) * minuteFields;
    if (this.#recent !== null && minute >= 0)
      add(counts, this.#recent.minutes.subarray(from, from + fieldCount));
  }

  #step(minute: number): StatisticsStep {
    const counts = new Uint32Array(fieldCount);
    this.#addMinute(counts, minute);
    const isOpen = minute === this.#minute;
    if (isOpen) this.#addSlot(counts, this.#openSlot);
    const [started = 0, finished = 0, failed = 0] = counts;
    return {
      started,
      finished,
      failed,
      duration: isOpen ? this.#openMinute(counts) : this.#closedMinute(minute),
    };
  }

  #openMinute(counts: Uint32Array): Spread | null {
    const durations = this.#recent?.durations.inSlots(this.#openSlot + 1);
    return durations === undefined ? null : spreadOf(durations, counts[longest] ?? 0);
  }

  #closedMinute(minute: number): Spread | null {
    const from = (minute % minuteCount) * minuteFields;
    const [hasSpread, p50Ms = 0, p95Ms = 0] = this.#recent?.minutes.subarray(from + fieldCount) ?? [];
    return hasSpread === 1 ? { p50Ms, p95Ms, maxMs: this.#recent?.minutes[from + longest] ?? 0 } : null;
  }

  #window(
    counts: Uint32Array,
    durations: Uint32Array | null,
    waits: Uint32Array | null,
    nowMs: number,
    windowMs: number,
  ): WindowStatistics {
    const number = (field: Field) => counts[at[field]] ?? 0;
    // The first job of a queue alone says little about its rate.
    const spanMs = Math.max(slotMs, Math.min(windowMs, nowMs - this.#sinceMs));
    return {
      started: number('started'),
      finished: number('finished'),
      failed: number('failed'),
      retried: number('retried'),
      requeued: number('requeued'),
      snoozed: number('snoozed'),
      perMinute: Number(((number('finished') * 60_000) / spanMs).toPrecision(3)),
      duration: durations === null ? null : spreadOf(durations, counts[longest] ?? 0),
      wait: waits === null ? null : spreadOf(waits, counts[longestWait] ?? 0),
    };
  }
}

/** Sums of numbers; of the longest times the longer one. */
function add(sum: Uint32Array, counts: Uint32Array): void {
  for (let field = 0; field < fieldCount; field += 1) {
    const [before, more] = [sum[field] ?? 0, counts[field] ?? 0];
    sum[field] = field < longest ? before + more : Math.max(before, more);
  }
}
