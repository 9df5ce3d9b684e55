/**
 * Counts of one kind of duration in classes, over the windows of `queue-counts.ts`: a ring of slots for the last minute, and a
 * ring of spans for the last 15 minutes. Allocates only when it is made.
 */
import { classCount } from './classes.ts';

export class ClassRings {
  readonly #slots: Uint32Array;
  readonly #spans: Uint32Array;

  constructor(slots: number, spans: number) {
    this.#slots = new Uint32Array(slots * classCount);
    this.#spans = new Uint32Array(spans * classCount);
  }

  count(slot: number, at: number): void {
    const index = slot * classCount + at;
    this.#slots[index] = (this.#slots[index] ?? 0) + 1;
  }

  /** Adds a slot that has ended to its span, and to the counts since the start. */
  fold(slot: number, span: number, total: Uint32Array): void {
    const from = slot * classCount;
    const to = span * classCount;
    for (let at = 0; at < classCount; at += 1) {
      const count = this.#slots[from + at] ?? 0;
      if (count === 0) continue;
      this.#spans[to + at] = (this.#spans[to + at] ?? 0) + count;
      total[at] = (total[at] ?? 0) + count;
    }
  }

  clearSlot(slot: number): void {
    this.#slots.fill(0, slot * classCount, (slot + 1) * classCount);
  }

  clearSpan(span: number): void {
    this.#spans.fill(0, span * classCount, (span + 1) * classCount);
  }

  /** Of some slots from the first one on; of all of them unless given. */
  inSlots(count = this.#slots.length / classCount): Uint32Array {
    return sum(this.#slots.subarray(0, count * classCount));
  }

  /** Of all spans and the slot that still goes on. */
  inSpans(openSlot: number): Uint32Array {
    return this.plusOpen(sum(this.#spans), openSlot);
  }

  /** @returns `counts`, to which it adds the slot that still goes on */
  plusOpen(counts: Uint32Array, openSlot: number): Uint32Array {
    const from = openSlot * classCount;
    for (let at = 0; at < classCount; at += 1) {
      counts[at] = (counts[at] ?? 0) + (this.#slots[from + at] ?? 0);
    }
    return counts;
  }
}

function sum(ring: Uint32Array): Uint32Array {
  const all = new Uint32Array(classCount);
  for (let from = 0; from < ring.length; from += classCount) {
    for (let at = 0; at < classCount; at += 1) all[at] = (all[at] ?? 0) + (ring[from + at] ?? 0);
  }
  return all;
}
