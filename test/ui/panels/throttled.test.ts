/** What is shown of a queue whose waiting children end by themselves: that, and nothing less than without it. */
import { describe, expect, test } from 'vitest';
import type { PauseReason, Throttled } from '../../../src/protocol/events.ts';
import type { QueueState } from '../../../src/protocol/snapshot.ts';
import { createAppStore } from '../../../src/store/app-store.ts';
import { emptySnapshot } from '../../../src/store/reduce.ts';
import { queueLines } from '../../../src/ui/panels/queue-lines.ts';
import { tableLines } from '../../../src/ui/panels/table-lines.ts';
import { type Line, plainText } from '../../../src/ui/text/line.ts';
import { RenderedScreen } from '../rendered-screen.tsx';
import { queueState, runnerView } from '../states.ts';

const throttled: Throttled = {
  exitCode: 3,
  signal: null,
  lastWords: 'no such table: accounts',
  shortage: null,
  pauseMs: 2_000,
  sinceMs: 0,
};
const why = 'waiting children end (exit code 3: no such table: accounts)';
const byHand: PauseReason = { kind: 'operator', detail: 'ann', sinceMs: 0 };
const unstartable: PauseReason = { kind: 'unstartable', detail: 'no file', sinceMs: 0 };

function panel(queue: QueueState, trouble: Throttled | null, width = 120): Line[] {
  return queueLines({
    ...{ queue, runner: runnerView(queue.runner, trouble), engine: null, jobs: [] },
    ...{ isFocused: false, cursor: 0, width, height: 8, nowMs: 0 },
  });
}

function stateOf(queues: readonly QueueState[], throttledRunners: readonly string[]) {
  const runners = queues.map(({ runner }) =>
    runnerView(runner, throttledRunners.includes(runner) ? throttled : null),
  );
  return { ...createAppStore().getState(), model: { ...emptySnapshot, queues, runners } };
}

/** The row of the only queue. */
function row(queue: QueueState, width: number): Line {
  const state = stateOf([queue], [queue.runner]);
  const table = { state, queues: [queue], cursor: -1, isFocused: true, width, height: 5, nowMs: 0 };
  return tableLines(table)[2] ?? [];
}

/** Color of the first span with that text; fails where there is none. */
function colorOf(lines: readonly Line[], text: string): string | undefined {
  const span = lines.flat().find((each) => each.text.includes(text));
  if (span === undefined) throw new Error(`nothing says ${text}`);
  return span.style.color;
}

describe('a panel', () => {
  test('says in yellow that it is throttled, and why', () => {
    const lines = panel(queueState('mail'), throttled);
    expect(plainText(lines[0] ?? [])).toContain('mail  ! throttled  0/2  0 waiting');
    expect(plainText(lines[1] ?? [])).toContain(`□□  ${why}`);
    expect([colorOf(lines, '! throttled'), colorOf(lines, why)]).toEqual(['yellow', 'yellow']);
  });

  test('says nothing of it where it is not', () => {
    expect(panel(queueState('mail'), null).map(plainText).join('\n')).not.toMatch(/throttled|children/);
  });

  test('of a queue that is paused says that first, and both', () => {
    const lines = panel({ ...queueState('mail'), pauses: [byHand] }, throttled);
    expect(plainText(lines[0] ?? [])).toContain('mail  ‖ PAUSED  ! throttled  0/2');
    expect(plainText(lines[1] ?? [])).toContain(`by ann  ${why}`);
  });

  test('of a queue that can not start keeps the red of that', () => {
    const lines = panel({ ...queueState('mail'), pauses: [unstartable] }, throttled);
    expect(plainText(lines[0] ?? [])).toContain("mail  ! can't start  ! throttled  0/2");
    expect([colorOf(lines, "! can't start"), colorOf(lines, 'no file')]).toEqual(['red', 'red']);
    expect(colorOf(lines, '! throttled')).toBe('yellow');
  });

  test('that is as narrow as it gets has the state, and the reasons below the slots', () => {
    const lines = panel({ ...queueState('mail'), pauses: [byHand] }, throttled, 56);
    expect(plainText(lines[0] ?? [])).toContain('mail  ‖ PAUSED  ! throttled  0/2');
    expect(lines.slice(1, 5).map((line) => plainText(line).slice(2, -2).trimEnd())).toEqual([
      ...['□□', 'by ann', 'waiting children end (exit code 3: no such table:', 'accounts)'],
    ]);
    expect(lines.map((line) => plainText(line).length)).toEqual(Array.from({ length: 8 }, () => 56));
  });

  test('gives a signal by its name, and hostile last words harmlessly', () => {
    const hostile = {
      ...throttled,
      exitCode: null,
      signal: 'SIGKILL',
      lastWords: '\u001B[2J\u202Ebad\nline',
    };
    const text = panel(queueState('mail'), hostile).map(plainText).join('');
    expect(text).toContain('waiting children end (SIGKILL: \\u001b[2J\\u202ebad\\nline)');
    const silent = panel(queueState('mail'), { ...throttled, exitCode: 0, lastWords: '' });
    expect(plainText(silent[1] ?? [])).toContain('waiting children end (exit code 0)');
  });
});

test('what the machine has too little of is the reason, if it refuses to start more', () => {
  const short = { ...throttled, exitCode: null, lastWords: '', shortage: 'too many open files (EMFILE)' };
  const lines = panel(queueState('mail'), short);
  expect(plainText(lines[0] ?? [])).toContain('mail  ! throttled');
  expect(plainText(lines[1] ?? [])).toContain('too many open files (EMFILE)');
  expect(lines.map(plainText).join('')).not.toContain('children end');
});

describe('a row of the table', () => {
  test('has the state in the place of "idle", in yellow, and why', () => {
    const line = row(queueState('mail'), 200);
    expect(plainText(line)).toContain(`0  ! throttled ${why}`);
    expect(plainText(line)).not.toContain('idle');
    expect(colorOf([line], '! throttled')).toBe('yellow');
  });

  test('of a queue that is paused has both, the pause first', () => {
    const line = row({ ...queueState('mail'), pauses: [byHand] }, 200);
    expect(plainText(line)).toContain(`‖ PAUSED by ann  ! throttled ${why}`);
  });

  test('of 80 columns has the state whole, and of a paused queue the pause', () => {
    expect(plainText(row(queueState('mail'), 80))).toMatch(/ {2}! throttled waiting \S+… ┃$/);
    expect(plainText(row({ ...queueState('mail'), pauses: [byHand] }, 80))).toMatch(
      / {2}‖ PAUSED by ann {2}! thr.*… ┃$/,
    );
  });
});

test('below the table, the panel of the jobs says why the queue under the cursor is throttled', () => {
  const queues = [queueState('mail'), queueState('bill')];
  const text = (runners: readonly string[]) =>
    new RenderedScreen(stateOf(queues, runners), { columns: 80, rows: 24 }).rowTexts().join('\n');
  expect(text(['mail'])).toContain('mail · running 0  ! throttled');
  expect(text(['mail'])).toContain(`│ ${why}`);
  expect(text(['bill'])).toMatch(/mail · running 0 ─/);
});

test('of queues that share slots, their entry says it', () => {
  const queues = ['a', 'b'].map((name) => ({ ...queueState(name), runner: 'a,b' }));
  const screen = new RenderedScreen(stateOf(queues, ['a,b']));
  expect(screen.rowTexts()[1]).toMatch(/a,b {2}! throttled {2}0\/2/);
});
