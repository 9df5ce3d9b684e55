/** What the header leaves out where there is no room for all of it. */
import { expect, test } from 'vitest';
import { createAppStore } from '../../../src/store/app-store.ts';
import { emptySnapshot } from '../../../src/store/reduce.ts';
import { RenderedScreen } from '../rendered-screen.tsx';
import { engineState, queueState, runnerView } from '../states.ts';

function header(columns: number, isDown: boolean, isReadOnly = false): string {
  const redis = { ...emptySnapshot.redis, state: isDown ? ('down' as const) : ('up' as const) };
  const model = {
    ...{ ...emptySnapshot, engine: engineState, redis, failedTotal: 1_234 },
    ...{ queues: [queueState('mail')], runners: [runnerView('mail')] },
    totals: { processed: 99, failed: 37, unwritten: 0 },
  };
  const state = { ...createAppStore().getState(), model };
  return new RenderedScreen(state, { columns, rows: 24, isReadOnly }).rowTexts()[0] ?? '';
}

test.each([60, 66, 70, 80, 100, 120, 140])(
  'nothing of it is cut at %d columns, also while Redis is down',
  (columns) => {
    for (const isDown of [true, false]) {
      const text = header(columns, isDown);
      expect(text).toMatch(/^ (resque-runner {2})?\[1 Queues\] 2.* 3.* 4.* 5/);
      expect(text).toContain(isDown ? '✗ Redis' : '●');
      expect(text).not.toContain('…');
    }
  },
);

test('a narrow one drops the names of tabs, then rates', () => {
  expect(header(120, true)).toMatch(
    /2 Failures\(1,234\) 3 Jobs 4 Events 5 Workers +✗ Redis down up \S+ {2}0\/2 slots/,
  );
  expect(header(80, true)).toMatch(/2 Fail\(1,234\) 3 Jobs 4 Ev 5 Work +✗ Redis down 0\/2 0\.0\/s ✗ 37$/);
  expect(header(66, true)).toMatch(/2\(1,234\) 3 4 5 +✗ Redis down 0\/2 0\.0\/s ✗ 37$/);
  expect(header(60, true, true)).toMatch(/2\(1,234\) 3 4 5 read-only +✗ Redis down 0\/2 ✗ 37$/);
});
