/** The queue table: which of its columns make room for the others. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { PauseReason, PoolView } from '../../../src/protocol/events.ts';
import type { QueueState, RunningJob } from '../../../src/protocol/snapshot.ts';
import { createAppStore } from '../../../src/store/app-store.ts';
import { emptySnapshot } from '../../../src/store/reduce.ts';
import { tableLines } from '../../../src/ui/panels/table-lines.ts';
import { plainText } from '../../../src/ui/text/line.ts';
import { queueState, runnerView, runningJob } from '../states.ts';

const byHand: PauseReason = { kind: 'operator', detail: 'ann@pts/3', sinceMs: 0 };

interface Given {
  readonly queues: readonly QueueState[];
  readonly runners?: readonly PoolView[];
  readonly jobs?: readonly RunningJob[];
}

/** Heading and rows, without the border. */
function table(width: number, { queues, runners, jobs = [] }: Given): string[] {
  const pools = runners ?? queues.map(({ runner }) => runnerView(runner));
  const model = { ...emptySnapshot, queues, runners: pools, jobs };
  const state = { ...createAppStore().getState(), model };
  const height = queues.length + 3;
  const lines = tableLines({ state, queues, cursor: -1, isFocused: true, width, height, nowMs: 0 });
  return lines.slice(1, -1).map((line) => plainText(line).slice(2, -2));
}

const draining: Given = {
  queues: [{ ...queueState('payments'), pauses: [byHand] }, queueState('mail')],
  jobs: [runningJob('1', 'payments')],
};

test('at 80 columns a paused queue that drains has its state whole, and the others their bars', () => {
  const [, payments, mail] = table(80, draining);
  expect(payments).toMatch(/payments {2}■□ {5}1\/2 +0 +0\.0\/s +0 {2}‖ PAUSED, draining/);
  expect(mail).toMatch(/mail {6}□□ {5}0\/2 .* idle/);
});

test('at 60 columns too, without bars and rates', () => {
  const [heading, payments] = table(60, draining);
  expect(heading).toMatch(/^ {2}QUEUE +SLOTS +WAITING +FAIL +STATE▾/);
  expect(payments).toMatch(/payments {2}1\/2 +0 +0 {2}‖ PAUSED, draining/);
});

test('slots make room before a name does, and a name before a state', () => {
  const shared = 'mail_high,mail_low,mail_default';
  const name = 'mail_of_a_customer';
  const given = { queues: [{ ...queueState(name), runner: shared, pauses: [byHand] }] };
  expect(table(120, given)[1]).toContain(`${name}  0 of ${shared}  `);
  expect(table(80, given)[1]).toMatch(/mail_of_a_customer {2}0 of m\S*… .* ‖ PAUSED …/);
  const long = { queues: [{ ...queueState('n'.repeat(100)), pauses: [byHand] }] };
  expect(table(60, long)[1]).toMatch(/n…? {2}0\/2 .* ‖ PAUSED/);
  expect(table(120, long)[1]).toMatch(/ n{60,}… {2}0\/2 .* ‖ PAUSED by ann@pts\/3$/);
  // No reason needs the room.
  expect(table(140, { queues: [queueState('n'.repeat(60))] })[1]).toContain(`${'n'.repeat(60)}  □□`);
});

test('a name never touches what follows it, at any width and with any state', () => {
  const names = fc.string({ unit: fc.constantFrom('a', 'Z', '_', '漢'), minLength: 1, maxLength: 80 });
  const pauses = fc.constantFrom<PauseReason[][]>([], [byHand]);
  fc.assert(
    fc.property(
      fc.array(names, { minLength: 1 }),
      pauses,
      fc.integer({ min: 60, max: 200 }),
      (all, p, width) => {
        const queues = all.map((name) => ({ ...queueState(name), pauses: p }));
        for (const row of table(width, { queues }).slice(1)) {
          expect(row).toMatch(/^ {2}[aZ_漢…]+ {2,}(□□ {5})?0\/2 /);
          expect(row).toContain(p.length === 0 ? 'idle' : '‖ PAUSED');
        }
      },
    ),
  );
});
