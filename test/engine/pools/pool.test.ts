import { expect, test } from 'vitest';
import { Pool } from '../../../src/engine/pools/pool.ts';
import { runnerDefaults } from '../../helpers/runner-config.ts';

function newPool(concurrency: number, key = 'mail'): Pool {
  return new Pool({ ...runnerDefaults, key, concurrency }, (index, name) => `h:1-${index}:${name}`);
}

const indexes = (slots: readonly { index: number }[]) => slots.map(({ index }) => index);

test('the first worker is there from the start, the others when they are needed', () => {
  const pool = newPool(3);
  expect(pool.workers).toEqual(['h:1-0:mail']);
  expect(indexes(pool.reserveSlots(2))).toEqual([0, 1]);
  expect(indexes(pool.slots)).toEqual([0, 1]);
});

test('no more slots are taken than are free', () => {
  const pool = newPool(3);
  expect(pool.reserveSlots(2)).toHaveLength(2);
  expect([pool.busy, pool.free]).toEqual([2, 1]);
  expect(indexes(pool.reserveSlots(10))).toEqual([2]);
  expect(pool.reserveSlots(1)).toEqual([]);
  expect([pool.busy, pool.free]).toEqual([3, 0]);
});

test('a slot that was freed is taken again before a new one is made', () => {
  const pool = newPool(3);
  const [first, second] = pool.reserveSlots(3);
  if (first === undefined || second === undefined) throw new Error('no slots');
  second.state = 'idle';
  expect(indexes(pool.reserveSlots(3))).toEqual([1]);
  first.state = 'running';
  expect(pool.free).toBe(0);
  expect(pool.slots).toHaveLength(3);
});

test.each([{ isPrestarted: true }, { mode: 'persistent' as const }])(
  'with %j, slots for which a child stands by are taken first, the oldest child before the others',
  (extra) => {
    const pool = newPool(5);
    pool.config = { ...pool.config, ...extra };
    pool.slot(1).warmSinceMs = 30;
    pool.slot(2).warmSinceMs = 10;
    pool.slot(3).warmSinceMs = 20;
    pool.slot(3).state = 'running';
    expect(indexes(pool.reserveSlots(3))).toEqual([2, 1, 0]);
    pool.slot(3).state = 'idle';
    expect(indexes(pool.reserveSlots(5))).toEqual([3, 4]);
  },
);

test('a lowered limit leaves nothing free until enough slots are', () => {
  const pool = newPool(3);
  const slots = pool.reserveSlots(3);
  pool.byHand = { by: 'ann', sinceMs: 0, slots: 1 };
  for (const [at, slot] of slots.entries()) {
    expect(pool.free).toBe(0);
    slot.state = 'idle';
    expect(pool.busy).toBe(2 - at);
  }
  expect(indexes(pool.reserveSlots(3))).toEqual([0]);
});

test('a child that still stands by for an entry that wants none keeps no slot free', () => {
  const pool = newPool(2);
  pool.slot(0).warmSinceMs = 10;
  expect(indexes(pool.reserveSlots(2))).toEqual([0, 1]);
});

test('a retired runner has nothing free', () => {
  const pool = newPool(3);
  pool.isRemoved = true;
  expect(pool.free).toBe(0);
  expect(pool.reserveSlots(1)).toEqual([]);
});
