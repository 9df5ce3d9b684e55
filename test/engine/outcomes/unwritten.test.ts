/** When outcomes that Redis hasn't got are too many for memory. */
import { expect, test } from 'vitest';
import { OutcomeQueue } from '../../../src/engine/outcomes/unwritten.ts';
import type { OutcomeWrite } from '../../../src/resque/steps/step.ts';

const mebibyte = 1024 * 1024;
const worker = 'host:1-0:mail';
const success: OutcomeWrite = { kind: 'success', worker, held: null };
const payload = Buffer.alloc(mebibyte);
const held = { queue: 'mail', payload };

function fill(outcome: OutcomeWrite, count: number): OutcomeQueue {
  const queue = new OutcomeQueue();
  for (let n = 0; n < count; n += 1) queue.push(outcome);
  return queue;
}

test.each<[number, string, OutcomeWrite]>([
  [10_000, 'outcomes', success],
  [64, 'MiB of held payloads', { ...success, held }],
  [64, 'MiB of failures', { kind: 'failure', worker, held: null, record: 'x'.repeat(mebibyte) }],
  [64, 'MiB of payloads that go back', { kind: 'requeue', worker, held: null, queue: 'mail', payload }],
])('a queue is full with %i %s, and not after one was taken', (limit, _what, outcome) => {
  expect(fill(outcome, limit - 1).isFull).toBe(false);
  const queue = fill(outcome, limit);
  expect(queue.isFull).toBe(true);
  queue.take(1);
  expect(queue.isFull).toBe(false);
});
