import { expect, test } from 'vitest';
import { Pool } from '../../../src/engine/pools/pool.ts';
import { runnerDefaults } from '../../helpers/runner-config.ts';

function newRunner(concurrency: number, key = 'mail'): Pool {
  return new Pool({ ...runnerDefaults, key, concurrency }, (index, name) => `h:1-${index}:${name}`);
}

const indexes = (slots: readonly { index: number }[]) => slots.map(({ index }) => index);

test('the first worker is there from the start, the others when they are needed', () => {
  const runner = newRunner(3);
  expect(runner.workers).toEqual(['h:1-0:mail']);
  expect(indexes(runner.reserveSlots(2))).toEqual([0, 1]);
  expect(indexes(runner.slots)).toEqual([0, 1]);
});

test('no more slots are taken than are free', () => {
  const runner = newRunner(3);
  expect(runner.reserveSlots(2)).toHaveLength(2);
  expect([runner.busy, runner.free]).toEqual([2, 1]);
  expect(indexes(runner.reserveSlots(10))).toEqual([2]);
  expect(runner.reserveSlots(1)).toEqual([]);
  expect([runner.busy, runner.free]).toEqual([3, 0]);
});

test('a slot that was freed is taken again before a new one is made', () => {
  const runner = newRunner(3);
  const [first, second] = runner.reserveSlots(3);
  if (first === undefined || second === undefined) throw new Error('no slots');
  second.state = 'idle';
  expect(indexes(runner.reserveSlots(3))).toEqual([1]);
  first.state = 'running';
  expect(runner.free).toBe(0);
  expect(runner.slots).toHaveLength(3);
});

test.each([{ isPrestarted: true }, { mode: 'persistent' as const }])(
  'with %j, slots for which a child stands by are taken first, the oldest child before the others',
  (extra) => {
    const runner = newRunner(5);
    runner.config = { ...runner.config, ...extra };
    runner.slot(1).standbySinceMs = 30;
    runner.slot(2).standbySinceMs = 10;
    runner.slot(3).standbySinceMs = 20;
    runner.slot(3).state = 'running';
    expect(indexes(runner.reserveSlots(3))).toEqual([2, 1, 0]);
    runner.slot(3).state = 'idle';
    expect(indexes(runner.reserveSlots(5))).toEqual([3, 4]);
  },
);

test('a lowered limit leaves nothing free until enough slots are', () => {
  const runner = newRunner(3);
  const slots = runner.reserveSlots(3);
  runner.concurrency = 1;
  for (const [at, slot] of slots.entries()) {
    expect(runner.free).toBe(0);
    slot.state = 'idle';
    expect(runner.busy).toBe(2 - at);
  }
  expect(indexes(runner.reserveSlots(3))).toEqual([0]);
});

test('a child that still stands by for an entry that wants none keeps no slot free', () => {
  const runner = newRunner(2);
  runner.slot(0).standbySinceMs = 10;
  expect(indexes(runner.reserveSlots(2))).toEqual([0, 1]);
});

test('a retired runner has nothing free', () => {
  const runner = newRunner(3);
  runner.isRetired = true;
  expect(runner.free).toBe(0);
  expect(runner.reserveSlots(1)).toEqual([]);
});
