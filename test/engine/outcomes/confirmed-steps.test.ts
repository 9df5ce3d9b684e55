import { expect, test } from 'vitest';
import { ConfirmedSteps } from '../../../src/engine/outcomes/confirmed-steps.ts';
import type { OutcomeWrite, StepRequest } from '../../../src/resque/steps/step.ts';

const success: OutcomeWrite = { kind: 'success', worker: 'host:1-0:mail', takenIn: 1, held: null };
const failure: OutcomeWrite = { ...success, kind: 'failure', record: Buffer.alloc(1_000_000) };
const large: OutcomeWrite = { ...failure, record: Buffer.alloc(10_000) };

function step(number: number, outcomes: readonly OutcomeWrite[]): StepRequest {
  return { step: number, outcomes, begins: [], returns: [], reservations: [] };
}

function numbers(kept: ConfirmedSteps, after = 0): number[] {
  return kept.after(after).map((confirmed) => confirmed.step);
}

test('confirmed outcomes are kept for a minute, in the order of their steps', () => {
  const kept = new ConfirmedSteps();
  kept.add(step(1, [success]), 0);
  kept.add(step(2, []), 10_000);
  kept.add(step(3, [success]), 30_000);
  kept.add(step(4, [success]), 60_000);
  expect(numbers(kept)).toEqual([1, 3, 4]);
  expect(numbers(kept, 3)).toEqual([4]);
  kept.add(step(5, []), 60_001);
  expect(numbers(kept)).toEqual([3, 4]);
});

test('they are as they were', () => {
  const kept = new ConfirmedSteps();
  const held = { queue: 'mail', payload: Buffer.from([0, 10, 255]) };
  const outcomes: OutcomeWrite[] = [
    { ...success, held },
    { ...success, kind: 'failure', record: Buffer.from('small\n"✓"'), takenIn: null },
    { ...success, kind: 'requeue', queue: 'a b', payload: held.payload },
  ];
  const returns = [{ ...held, isHeld: true }];
  const starts = [{ worker: 'host:1-0:mail', takenIn: 1, pluginKeys: 'lock:a\0b' }];
  kept.add({ ...step(1, outcomes), returns, starts }, 0);
  kept.add(step(2, [large]), 0);
  const whole = [
    { step: 1, outcomes, returns, starts, unrun: [] },
    { step: 2, outcomes: [large], returns: [], starts: [], unrun: [] },
  ];
  expect(kept.after(0)).toEqual(whole);
  kept.clear();
  expect(kept.after(0)).toEqual([]);
  for (const differs of [
    { takenIn: null },
    { takenIn: 7 },
    { takenIn: 7, statusName: 'app_"7"' },
    { takenIn: 7, pluginKeys: 'lock:a' },
  ]) {
    const outcome = { ...success, worker: 'host:1-0:two words\nof "mine"', ...differs };
    kept.add(step(8, [outcome]), 0);
    expect(kept.after(0)[0]?.outcomes).toEqual([outcome]);
    kept.clear();
  }
});

test('they are kept as far as there is room', () => {
  const kept = new ConfirmedSteps();
  for (let number = 1; number <= 6; number += 1) kept.add(step(number, [failure]), number);
  expect(numbers(kept)).toEqual([2, 3, 4, 5, 6]);
  for (let number = 7; number <= 300_000; number += 1) kept.add(step(number, [success]), number / 1_000);
  const last = numbers(kept);
  expect(last.at(-1)).toBe(300_000);
  expect(last.length).toBeGreaterThan(20_000);
  expect(last.length).toBeLessThan(200_000);
  expect(last).toEqual(Array.from(last, (_, at) => 300_001 - last.length + at));
});
