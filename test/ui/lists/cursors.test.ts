import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { keptCursor } from '../../../src/ui/lists/failure-list.ts';
import { stepTo } from '../../../src/ui/lists/selection.ts';

describe('a step', () => {
  const keys = ['a', 'b', 'c', 'd'];

  test.each([
    ['b', 1, 'c'],
    ['b', -1, 'a'],
    ['a', -1, 'a'],
    ['d', 1, 'd'],
    ['b', 10, 'd'],
    ['c', -10, 'a'],
    ['b', 'top', 'a'],
    ['b', 'bottom', 'd'],
    // The first, where there was no cursor or its item is gone.
    [null, 1, 'b'],
    ['gone', 1, 'b'],
  ] as const)('from %s by %s is to %s', (cursor, step, wanted) => {
    expect(stepTo(keys, cursor, step)).toBe(wanted);
  });

  test('goes nowhere in an empty list', () => {
    expect([stepTo([], 'a', 1), stepTo([], null, 'bottom')]).toEqual([null, null]);
  });
});

describe('the cursor of a list that was read anew', () => {
  const keys = ['a', 'b', 'c', 'd', 'e'];

  test.each([
    ['stays on its item', keys, 'c', 'c'],
    ['stays on its item when others come', ['x', 'y', ...keys], 'c', 'c'],
    ['stays on its item when others go', ['c', 'e'], 'c', 'c'],
    ['goes to the next where its item has gone', ['a', 'b', 'd', 'e'], 'c', 'd'],
    ['goes to the next where the ones above have gone, too', ['a', 'd', 'e'], 'c', 'd'],
    ['goes to what its item has become', ['a', 'b', 'C', 'd', 'e'], 'c', 'C'],
    ['goes to what the first has become', ['A', 'b', 'c', 'd', 'e'], 'a', 'A'],
    ['goes to the next of the first', ['b', 'c', 'd', 'e'], 'a', 'b'],
    ['goes to the last where it was the last', ['a', 'b', 'c', 'd'], 'e', 'd'],
    ['stays in its row where all are others', ['A', 'B', 'C', 'D'], 'b', 'B'],
    ['goes to the last where fewer are left, all others', ['A', 'B'], 'e', 'B'],
    ['is nowhere in an empty list', [], 'c', null],
    ['is nowhere where nobody knows where it was', ['a'], 'z', null],
    ['stays on what was the first where it was never moved', ['x', ...keys], null, keys[0] ?? null],
  ])('%s', (_, after, cursor, wanted) => {
    expect(keptCursor(keys, after, cursor)).toBe(wanted);
  });

  test('is always on an item, and on none other than its own where that is there', () => {
    const lists = fc.uniqueArray(fc.constantFrom<string[]>('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'), {
      minLength: 1,
    });
    fc.assert(
      fc.property(lists, lists, fc.nat(), (before, after, at) => {
        const cursor = before[at % before.length] ?? '';
        const kept = keptCursor(before, after, cursor);
        expect(after).toContain(kept);
        if (after.includes(cursor)) expect(kept).toBe(cursor);
      }),
    );
  });
});
