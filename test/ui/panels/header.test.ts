/** What the header leaves out where there is no room for all of it. */
import { expect, test } from 'vitest';
import { createAppStore } from '../../../src/store/app-store.ts';
import { emptySnapshot } from '../../../src/store/reduce.ts';
import { type RenderedOptions, RenderedScreen } from '../rendered-screen.tsx';
import { engineState, queueState, runnerView } from '../states.ts';

function render(isDown: boolean, options: RenderedOptions): RenderedScreen {
  const redis = { ...emptySnapshot.redis, state: isDown ? ('down' as const) : ('up' as const) };
  const model = {
    ...{ ...emptySnapshot, engine: engineState, redis, failedTotal: 1_234 },
    ...{ queues: [queueState('mail')], runners: [runnerView('mail')] },
    totals: { processed: 99, failed: 37, unwritten: 0 },
  };
  const state = { ...createAppStore().getState(), model };
  return new RenderedScreen(state, { rows: 24, ...options });
}

function header(columns: number, isDown: boolean, isReadOnly = false): string {
  return render(isDown, { columns, isReadOnly }).rowTexts()[0] ?? '';
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

test('while nothing happens, its clock costs a frame every five seconds, and every minute after the first', async () => {
  const screen = render(false, { columns: 120, nowMs: 40_000 });
  await screen.show({});
  const times: string[] = [];
  const { paints } = screen;
  for (let second = 41; second <= 130; second += 1) {
    await screen.show({ nowMs: 1_000 * second });
    times.push(/ up (\S+)/.exec(screen.rowTexts()[0] ?? '')?.[1] ?? '');
  }
  expect([...new Set(times)]).toEqual(['40s', '45s', '50s', '55s', '1m', '2m']);
  expect(screen.paints - paints).toBe(5);
});
