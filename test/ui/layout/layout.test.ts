import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createAppStore } from '../../../src/store/app-store.ts';
import { emptySnapshot } from '../../../src/store/reduce.ts';
import { initialView, type QueuesPane, queuePanes, tabs } from '../../../src/store/view.ts';
import { pageOf } from '../../../src/ui/actions/page-rows.ts';
import {
  bodyRows,
  failuresLayout,
  isTooSmall,
  queuePageLayout,
  queuesLayout,
  type Size,
  windowOf,
} from '../../../src/ui/layout/layout.ts';
import { queueState } from '../states.ts';

const sizes: fc.Arbitrary<Size> = fc.record({
  columns: fc.integer({ min: 60, max: 400 }),
  rows: fc.integer({ min: 16, max: 150 }),
});
const queueCounts = fc.integer({ min: 0, max: 300 });

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}

describe('the first screen', () => {
  test.each([
    [120, 36, 1, 'panels'],
    [120, 36, 4, 'panels'],
    [120, 36, 6, 'panels'],
    [120, 36, 8, 'panels'],
    [120, 36, 9, 'table'],
    [140, 45, 12, 'panels'],
    [120, 36, 200, 'table'],
    [120, 29, 2, 'table'],
    [80, 24, 1, 'table'],
    [80, 36, 2, 'panels'],
    [240, 60, 20, 'panels'],
    [120, 36, 0, 'table'],
  ])('of %d×%d with %d queues is made of %s', (columns, rows, queues, kind) => {
    expect(queuesLayout({ columns, rows }, queues).kind).toBe(kind);
  });

  test('fills its rows exactly, and gives every part enough of them', () => {
    fc.assert(
      fc.property(sizes, queueCounts, (size, queues) => {
        const layout = queuesLayout(size, queues);
        if (layout.kind === 'panels') {
          expect(sum(layout.heights) + layout.failureRows).toBe(bodyRows(size));
          expect(layout.heights.length * layout.across).toBeGreaterThanOrEqual(queues);
          expect(Math.floor(size.columns / layout.across)).toBeGreaterThanOrEqual(56);
          for (const height of layout.heights) expect(height).toBeGreaterThanOrEqual(6);
          expect(layout.failureRows).toBeGreaterThanOrEqual(5);
        } else if (layout.kind === 'table') {
          expect(layout.tableRows + layout.runningRows + layout.failureRows).toBe(bodyRows(size));
          // Borders, heading, two queues; borders and a job with its line.
          expect(layout.tableRows).toBeGreaterThanOrEqual(5);
          expect(layout.runningRows).toBeGreaterThanOrEqual(4);
        } else {
          expect.unreachable('only smaller terminals are compact');
        }
      }),
    );
  });
});

test('on the first screen, idle queues get less room, and busy ones more', () => {
  const size = { columns: 140, rows: 45 };
  const layout = queuesLayout(size, 12, (at) => at < 4);
  expect(layout).toMatchObject({ kind: 'panels', across: 2, heights: [11, 11, 3, 3, 3, 3] });
  expect(queuesLayout(size, 12, () => false)).toMatchObject({ kind: 'panels' });
  fc.assert(
    fc.property(sizes, queueCounts, fc.func(fc.boolean()), (any, queues, isBusy) => {
      const some = queuesLayout(any, queues, isBusy);
      expect(some.kind).toBe(queuesLayout(any, queues).kind);
      if (some.kind === 'compact') expect.unreachable('only smaller terminals are compact');
      const parts = some.kind === 'panels' ? some.heights : [some.tableRows, some.runningRows];
      expect(sum(parts) + some.failureRows).toBe(bodyRows(any));
      for (const rows of parts) expect(rows).toBeGreaterThanOrEqual(3);
    }),
  );
});

test('the failures screen fills its rows exactly, with some of them for a list', () => {
  fc.assert(
    fc.property(sizes, (size) => {
      const { listRows, detailRows } = failuresLayout(size);
      expect(listRows + detailRows).toBe(bodyRows(size));
      expect(listRows).toBeGreaterThanOrEqual(6);
      expect(detailRows).toBeGreaterThanOrEqual(6);
    }),
  );
});

test("a queue's page fills its rows exactly, and the pane with the keys has room for a row", () => {
  fc.assert(
    fc.property(
      sizes,
      fc.integer({ min: 3, max: 80 }),
      fc.constantFrom(...queuePanes),
      (size, about, pane) => {
        const heights = queuePageLayout(size, about, pane);
        expect(queuePanes.reduce((sum, each) => sum + heights[each], 0)).toBe(bodyRows(size));
        for (const each of queuePanes) if (heights[each] > 0) expect(heights[each]).toBeGreaterThanOrEqual(3);
        expect(heights[pane]).toBeGreaterThanOrEqual(3);
        // It needs no key to scroll, so the reason must not be cut if there is any room for it.
        if (pane === 'about')
          expect(heights.about).toBeGreaterThanOrEqual(Math.min(about, bodyRows(size) - 12));
      },
    ),
  );
});

test('from 60×16 on there is room for a whole screen, and from 40×10 on for a compact one', () => {
  const at = (columns: number, rows: number) => {
    const size = { columns, rows };
    return isTooSmall(size) ? 'none' : queuesLayout(size, 3).kind;
  };
  expect([at(60, 16), at(59, 16), at(60, 15), at(200, 10), at(40, 10)]).toEqual([
    'table',
    'compact',
    'compact',
    'compact',
    'compact',
  ]);
  expect([at(39, 10), at(40, 9), at(200, 9), at(39, 100)]).toEqual(['none', 'none', 'none', 'none']);
});

describe('a window onto a list', () => {
  test('is as full as it can be, and shows the cursor', () => {
    fc.assert(
      fc.property(fc.nat(1_000), fc.nat(1_000), fc.nat(60), (count, place, rows) => {
        const cursor = count === 0 ? 0 : place % count;
        const { from, to } = windowOf(count, cursor, rows);
        expect(to - from).toBe(Math.min(count, rows));
        expect(from).toBeGreaterThanOrEqual(0);
        expect(to).toBeLessThanOrEqual(count);
        if (rows > 0 && count > 0) {
          expect(from).toBeLessThanOrEqual(cursor);
          expect(cursor).toBeLessThan(to);
        }
      }),
    );
  });

  test('stands still at both ends, and in between has the cursor in its middle', () => {
    expect(windowOf(100, 0, 9)).toEqual({ from: 0, to: 9 });
    expect(windowOf(100, 4, 9)).toEqual({ from: 0, to: 9 });
    expect(windowOf(100, 5, 9)).toEqual({ from: 1, to: 10 });
    expect(windowOf(100, 95, 9)).toEqual({ from: 91, to: 100 });
    expect(windowOf(100, 99, 9)).toEqual({ from: 91, to: 100 });
    expect(windowOf(3, 1, -2)).toEqual({ from: 1, to: 1 });
  });
});

describe('a page', () => {
  const queue = (at: number) => queueState(`q${at}`);
  const panes = fc.constantFrom<QueuesPane[]>('queues', 'running', 'failures');

  test('is at least a row, and never more than are seen', () => {
    fc.assert(
      fc.property(sizes, queueCounts, fc.constantFrom(...tabs), panes, (size, queues, tab, pane) => {
        const state = {
          ...createAppStore().getState(),
          model: { ...emptySnapshot, queues: Array.from({ length: queues }, (_, at) => queue(at)) },
          view: { ...initialView, tab, queues: { ...initialView.queues, pane } },
        };
        const page = pageOf(state, size);
        expect(page).toBeGreaterThanOrEqual(1);
        const layout = queuesLayout(size, queues, () => false);
        const rows = {
          queues: layout.kind === 'table' && pane === 'queues' ? layout.tableRows : bodyRows(size),
          failures: failuresLayout(size).listRows,
          workers: failuresLayout(size).listRows,
          delayed: failuresLayout(size).listRows,
          jobs: bodyRows(size),
          events: bodyRows(size) + 1,
        }[tab];
        // Two borders and a heading, which the events don't have.
        expect(page).toBeLessThanOrEqual(rows - 3);
      }),
    );
  });
});
