/**
 * The counts of one queue. A job costs a few increments in the present slot of 10 s and allocates nothing. When a slot has
 * ended, the next job or reader adds it to the rest:
 *
 *     slots     6 of 10 s     the last minute
 *     spans     5 of 3 min    classes of the last 15 minutes; its numbers are those of 15 minutes of the next ring
 *     minutes   60 of 1 min   the last hour, for charts: numbers and percentiles
 *     total                   since the start
 *
 * These take 14 KB. A queue that has not worked for an hour keeps only its total, 1 KB.
 */
import type { Spread, StatisticsStep, WindowStatistics } from '../../protocol/statistics.ts';
import { classCount, classOf, spreadOf } from './classes.ts';

export const slotMs = 10_000;
export const slotsPerMinute = 6;
const minuteMs = slotMs * slotsPerMinute;
const minutesPerSpan = 3;
const spanCount = 5;
const minuteCount = 60;
const quarterMinutes = 15;

/** A row of counters: numbers of jobs, the longest times, then durations and waits in classes. */
const at = { started: 0, finished: 1, failed: 2, retried: 3, requeued: 4, snoozed: 5 } as const;
const longest = 6;
const longestWait = 7;
const durations = 8;
const waits = durations + classCount;
const rowLength = waits + classCount;
/** Instead of classes, a minute has this: whether there are percentiles, and these. */
const minuteLength = durations + 3;

/** In a counter of 32 bits; 49 days. */
const mostMs = 2 ** 32 - 1;

/** Rows of counters, each of which is used again after all others. */
class Ring {
  readonly #rows: number;
  readonly #length: number;
  readonly #counters: Uint32Array;

  constructor(rows: number, length: number) {
    this.#rows = rows;
    this.#length = length;
    this.#counters = new Uint32Array(rows * length);
  }

  row(number: number): Uint32Array {
    const from = (((number % this.#rows) + this.#rows) % this.#rows) * this.#length;
    return this.#counters.subarray(from, from + this.#length);
  }

  /** Of some rows, the last of which has this number. */
  sum(last: number, count = this.#rows): Uint32Array {
    const sum = new Uint32Array(rowLength);
    for (let back = 0; back < count; back += 1) add(sum, this.row(last - back));
    return sum;
  }
}

class Recent {
  readonly slots = new Ring(slotsPerMinute, rowLength);
  readonly spans = new Ring(spanCount, rowLength);
  readonly minutes = new Ring(minuteCount, minuteLength);
  /** The present slot. */
  open: Uint32Array;

  constructor(slot: number) {
    this.open = this.slots.row(slot);
  }
}

export class QueueCounts {
  /** Rises with every change. */
  version = 0;
  readonly #sinceMs: number;
  /** The present slot, counted from the start of the clock. */
  #slot: number;
  #usedSlot: number;
  #recent: Recent | null = null;
  readonly #total = new Uint32Array(rowLength);

  /** @param nowMs by a clock that never goes back, like all times here */
  constructor(nowMs: number) {
    this.#sinceMs = nowMs;
    this.#slot = Math.floor(nowMs / slotMs);
    this.#usedSlot = this.#slot;
  }

  /** @param waitMs since it was enqueued; `null` if unknown */
  started(nowMs: number, waitMs: number | null): void {
    const open = this.#openAt(nowMs);
    increment(open, at.started);
    if (waitMs === null) return;
    increment(open, waits + classOf(waitMs));
    raise(open, longestWait, waitMs);
  }

  /** @param durationMs `null` if it never ran */
  finished(nowMs: number, outcome: 'succeeded' | 'failed' | 'retried', durationMs: number | null): void {
    const open = this.#openAt(nowMs);
    increment(open, at.finished);
    if (outcome !== 'succeeded') increment(open, at.failed);
    if (outcome === 'retried') increment(open, at.retried);
    if (durationMs === null) return;
    increment(open, durations + classOf(durationMs));
    raise(open, longest, durationMs);
  }

  /** It has not done its work. */
  returned(nowMs: number, outcome: 'requeued' | 'snoozed'): void {
    increment(this.#openAt(nowMs), at[outcome]);
  }

  /** Frees memory if the queue has not worked for an hour. */
  rest(nowMs: number): void {
    if (Math.floor(nowMs / slotMs) - this.#usedSlot <= minuteCount * slotsPerMinute) return;
    this.#advance(nowMs);
    this.#recent = null;
  }

  lastMinute(nowMs: number): WindowStatistics {
    const row = this.#recentAt(nowMs)?.slots.sum(this.#slot) ?? null;
    return this.#window(row, nowMs, minuteMs - slotMs + (nowMs % slotMs));
  }

  last15Minutes(nowMs: number): WindowStatistics {
    const recent = this.#recentAt(nowMs);
    let row: Uint32Array | null = null;
    if (recent !== null) {
      row = recent.spans.sum(0);
      row.fill(0, 0, durations);
      add(row, recent.minutes.sum(this.#minute, quarterMinutes).fill(0, durations));
      add(row, recent.open);
    }
    return this.#window(row, nowMs, (quarterMinutes - 1) * minuteMs + (nowMs % minuteMs));
  }

  sinceStart(nowMs: number): WindowStatistics {
    const recent = this.#recentAt(nowMs);
    const row = this.#total.slice();
    if (recent !== null) add(row, recent.open);
    return this.#window(row, nowMs, nowMs - this.#sinceMs);
  }

  /** The last hour by minutes, oldest first; the last one still goes on. Percentiles of the others are whole milliseconds. */
  minutes(nowMs: number): StatisticsStep[] {
    const recent = this.#recentAt(nowMs);
    const first = Math.floor(this.#sinceMs / minuteMs);
    const count = Math.min(minuteCount, this.#minute - first + 1);
    return Array.from({ length: count }, (_, index) => this.#step(recent, this.#minute - count + 1 + index));
  }

  get #minute(): number {
    return Math.floor(this.#slot / slotsPerMinute);
  }

  #recentAt(nowMs: number): Recent | null {
    this.#advance(nowMs);
    return this.#recent;
  }

  #openAt(nowMs: number): Uint32Array {
    this.#advance(nowMs);
    this.version += 1;
    this.#usedSlot = this.#slot;
    this.#recent ??= new Recent(this.#slot);
    return this.#recent.open;
  }

  /** Closes the slots that have ended. */
  #advance(nowMs: number): void {
    const slot = Math.floor(nowMs / slotMs);
    if (slot <= this.#slot) return;
    if (this.#recent === null) {
      this.#slot = slot;
      return;
    }
    const { open, minutes, spans } = this.#recent;
    if (open.some((count) => count > 0)) {
      add(minutes.row(this.#minute), open.subarray(0, durations));
      add(spans.row(Math.floor(this.#minute / minutesPerSpan)), open);
      add(this.#total, open);
    }
    // After an hour, all rings are empty, and a longer time changes nothing.
    this.#slot = Math.max(this.#slot, slot - (minuteCount + 1) * slotsPerMinute);
    while (this.#slot < slot) this.#openNext(this.#recent);
  }

  #openNext(recent: Recent): void {
    const minute = this.#minute;
    if (this.#slot % slotsPerMinute === slotsPerMinute - 1) this.#closeMinute(recent);
    this.#slot += 1;
    recent.open = recent.slots.row(this.#slot).fill(0);
    if (this.#minute === minute) return;
    recent.minutes.row(this.#minute).fill(0);
    if (this.#minute % minutesPerSpan === 0)
      recent.spans.row(Math.floor(this.#minute / minutesPerSpan)).fill(0);
  }

  /** All slots are those of this minute. */
  #closeMinute({ minutes, slots }: Recent): void {
    const row = minutes.row(this.#minute);
    if ((row[at.finished] ?? 0) === 0) return;
    const spread = durationOf(slots.sum(this.#slot));
    if (spread !== null) row.set([1, Math.round(spread.p50Ms), Math.round(spread.p95Ms)], durations);
  }

  #step(recent: Recent | null, minute: number): StatisticsStep {
    if (recent === null) return { started: 0, finished: 0, failed: 0, duration: null };
    const isOpen = minute === this.#minute;
    const row = recent.minutes.row(minute);
    const now = isOpen ? recent.slots.sum(this.#slot, (this.#slot % slotsPerMinute) + 1) : row;
    const [hasSpread, p50Ms = 0, p95Ms = 0] = row.subarray(durations);
    const closed = hasSpread === 1 ? { p50Ms, p95Ms, maxMs: row[longest] ?? 0 } : null;
    const [started = 0, finished = 0, failed = 0] = now;
    return { started, finished, failed, duration: isOpen ? durationOf(now) : closed };
  }

  /** @param row `null` if there were no jobs */
  #window(row: Uint32Array | null, nowMs: number, windowMs: number): WindowStatistics {
    const [started = 0, finished = 0, failed = 0, retried = 0, requeued = 0, snoozed = 0] = row ?? [];
    // The first job of a queue alone says little about its rate.
    const spanMs = Math.max(slotMs, Math.min(windowMs, nowMs - this.#sinceMs));
    return {
      ...{ started, finished, failed, retried, requeued, snoozed },
      perMinute: Number(((finished * 60_000) / spanMs).toPrecision(3)),
      duration: row === null ? null : durationOf(row),
      wait: row === null ? null : spreadOf(row.subarray(waits), row[longestWait] ?? 0),
    };
  }
}

function durationOf(row: Uint32Array): Spread | null {
  return spreadOf(row.subarray(durations, waits), row[longest] ?? 0);
}

function increment(row: Uint32Array, field: number): void {
  row[field] = (row[field] ?? 0) + 1;
}

function raise(row: Uint32Array, field: number, ms: number): void {
  if (ms > (row[field] ?? 0)) row[field] = Math.min(ms, mostMs);
}

/** Sums of counters; of the longest times the longer one. */
function add(sum: Uint32Array, row: Uint32Array): void {
  for (let field = 0; field < row.length; field += 1) {
    const [before, more] = [sum[field] ?? 0, row[field] ?? 0];
    sum[field] = field === longest || field === longestWait ? Math.max(before, more) : before + more;
  }
}
