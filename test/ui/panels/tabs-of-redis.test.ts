/** The Workers and Delayed tabs, and the header with six tabs, at the sizes that people have. */
import { describe, expect, test } from 'vitest';
import { type AppState, createAppStore } from '../../../src/store/app-store.ts';
import { emptySnapshot } from '../../../src/store/reduce.ts';
import { initialView, type Tab } from '../../../src/store/view.ts';
import { RenderedScreen } from '../rendered-screen.tsx';
import { delayedInfo, scheduleInfo, workerInfo } from '../states-of-tabs.ts';

const nowMs = Date.parse('2026-11-28T12:00:00Z');
const hostile = '\u001B]0;owned\u0007\u001B[2J\u202E';

const workers = [
  workerInfo('db1:4431:low,high', {
    ...{ state: 'stale', death: 'silent', silentMs: 372_000 },
    job: { queue: 'low', jobClass: 'Import', args: '["x"]', ageMs: 4_000_000, problem: null },
  }),
  workerInfo('web1.runner:77-0:mail', { kind: 'resque-runner', state: 'dead', death: 'gone' }),
  workerInfo('a-very-long-host-name-of-a-pod-7f9c:12+1:mail', { kind: 'node-resque' }),
  workerInfo('web2.runner:78-0:mail', {
    ...{ kind: 'resque-runner', state: 'working', isOwn: true },
    job: { queue: 'mail', jobClass: 'SendMail', args: `["${hostile}"]`, ageMs: 61_000, problem: null },
  }),
  workerInfo('php:9:mail', { silentMs: null }),
];
const jobs = [
  delayedInfo(nowMs - 90_000, '["overdue"]'),
  delayedInfo(nowMs + 45_000, '["x"]', {
    retry: { attempt: 3, of: 5, firstFailedAt: '2026/11/28 11:00:00 UTC', lastError: `Timeout${hostile}` },
  }),
  delayedInfo(nowMs + 4 * 86_400_000, '["later"]', { queue: null }),
];
const schedules = [
  scheduleInfo('night', nowMs + 3_600_000),
  scheduleInfo('broken', nowMs, { nextAtMs: null, problem: 'it has no "queue"' }),
];

function stateOf(tab: Tab): AppState {
  const model = {
    ...emptySnapshot,
    engine: {
      ...{
        version: '1.0.0',
        pid: 7,
        workerHost: 'web2.runner',
        namespace: 'resque',
        startedAtMs: nowMs - 9e6,
      },
      ...{ redis: 'redis://127.0.0.1:6379/0', stopping: null, isStopped: false },
    },
    redis: { state: 'up' as const, sinceMs: 0, serverVersion: '7.0.0', reason: null },
    totals: { processed: 4_210, failed: 312, unwritten: 0 },
    failedTotal: 1_234,
    delayed: { jobs: 1_204, isComplete: false, hasSchedules: true },
  };
  const rows = { jobs, next: null, isRead: true, schedules, aheadMs: 0, trouble: null };
  return {
    ...createAppStore().getState(),
    ...{ model, view: { ...initialView, tab } },
    ...{ workerRows: { workers, total: 5, trouble: null }, delayedRows: rows },
  };
}

const sizes = [
  [140, 45],
  [80, 24],
  [60, 16],
] as const;

const look = (tab: Tab, columns: number, rows: number, change: Partial<AppState> = {}) =>
  new RenderedScreen({ ...stateOf(tab), ...change }, { columns, rows, nowMs }).rowTexts();

describe.each(sizes)('at %i×%i', (columns, rows) => {
  test('workers show their state, their last sign of life and their job; stale ones are marked', () => {
    const screen = look('workers', columns, rows);
    const rowOf = (part: string) => screen.find((row) => row.includes(part)) ?? '';
    expect(rowOf('db1:4431')).toMatch(/▸ ! .*db1:4431 .*stale .*6 min .*low Import/);
    expect(rowOf('web1.runner:77-0')).toMatch(/! .*dead /);
    expect(rowOf('7f9c:12+1')).toMatch(/idle .*3 s/);
    expect(rowOf('web2.runner:78-0')).toMatch(/working .*mail SendMail/);
    if (rows > 16) expect(rowOf('php:9')).toMatch(/idle .* - /);
    expect(screen.join('\n')).toContain('stale: no sign of life for 6 min');
  });

  test('delayed jobs and schedules come by time, with attempts and errors', () => {
    const screen = look('delayed', columns, rows);
    const list = screen.filter((row) => /^[┃│] [▸ ] [ ↺↻] (never|\d\d[-:])/.test(row));
    const signs = [' ', '↺', '↻', ' ', '↻'];
    expect(list.map((row) => row.slice(4, 5))).toEqual(rows > 16 ? signs : signs.slice(0, 4));
    expect(list[0]).toContain('-1 min');
    expect(list[1]).toMatch(/45 s .*mail .*SendMail .*run 3\/5/);
    expect(list[2]).toMatch(/60 min .*low .*Report .*night/);
  });

  test('the header has all tabs, the current one with its name, and the state of Redis', () => {
    for (const [tab, name] of [
      ['queues', '[1 Queues]'],
      ['failures', '[2 Failures(1,234)]'],
      ['workers', '[5 Workers]'],
      ['delayed', '[6 Delayed(1,204+)]'],
    ] as const) {
      const [header = ''] = look(tab, columns, rows);
      expect(header).toContain(name);
      for (const number of ['1', '2', '3', '4', '5', '6']) {
        expect(header).toMatch(new RegExp(`[ [(]${number}[ \\](]|[ [(]${number}$`));
      }
      expect(header).toMatch(/● .*✗ 312/);
    }
  });

  test('what others wrote has no effect on the terminal', () => {
    const text = [...look('workers', columns, rows), ...look('delayed', columns, rows)].join('\n');
    expect(text).not.toMatch(/[\u0007\u001B\u202E]|owned/);
  });
});

test('there is no Delayed tab without delayed jobs and schedules', () => {
  const { model } = stateOf('queues');
  const none = { ...model, delayed: { jobs: 0, isComplete: true, hasSchedules: false } };
  expect(look('queues', 140, 45, { model: none })[0]).not.toContain('Delayed');
  const { delayed: _, ...older } = model;
  expect(look('queues', 140, 45, { model: older })[0]).not.toContain('Delayed');
});

test('an older runner says that it has no such command', () => {
  const trouble = "this runner is older than the screen and can't do that: restart it with this version";
  const text = look('workers', 80, 24, { workerRows: { workers: [], total: null, trouble } }).join('\n');
  expect(text).toContain('this runner is older than the screen');
});
