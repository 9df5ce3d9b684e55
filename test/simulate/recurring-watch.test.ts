/** What the simulator says about recurring jobs that come twice, early or not at all. */
import { beforeEach, expect, test } from 'vitest';
import { Agenda } from '../../simulate/agenda.ts';
import type { Runner } from '../../simulate/job-book.ts';
import { Log } from '../../simulate/log.ts';
import { RecurringWatch } from '../../simulate/recurring-watch.ts';
import type { Command } from '../../simulate/resp.ts';
import type { Recurring } from '../../simulate/schedule.ts';
import { epochMs } from '../../simulate/sim-server.ts';

let agenda: Agenda;
let log: Log;

beforeEach(() => {
  agenda = new Agenda();
  log = new Log(agenda);
});

const cron: Recurring = { name: 't', kind: 'cron', seconds: 120, phase: 10, seat: null };
const [first, second] = [
  { name: 'r0', seat: 0 },
  { name: 'r1', seat: 1 },
];

function watch(recurring: Recurring): RecurringWatch {
  return new RecurringWatch([recurring], agenda, log, { hasForgotten: false, spoilt: new Set() });
}

/** A runner's script has enqueued the job for this time. */
function enqueue(watched: RecurringWatch, seconds: number): void {
  const slot = epochMs / 1000 + seconds;
  const args = ['sha1', 0, 'resque:', 'recurring', '{}', 0, 't', slot].map((arg) => Buffer.from(String(arg)));
  watched.executed({ name: 'r0' } as Runner, { args } as unknown as Command, [Buffer.from('enqueued')]);
}

/** Looks each second, at the runners that are well then. */
async function look(watched: RecurringWatch, untilSeconds: number, well = [first, second], isCalm = false) {
  while (agenda.nowMs < untilSeconds * 1000) {
    await agenda.next(agenda.nowMs + 1000);
    watched.look(well, isCalm);
  }
}

test('a time of cron that comes twice, early, or is none', async () => {
  const watched = watch(cron);
  await look(watched, 10);
  enqueue(watched, 10);
  expect(log.violations).toEqual([]);
  for (const seconds of [10, 130, 9]) enqueue(watched, seconds);
  expect(log.violations).toEqual([
    'r0 enqueues t for 10000 ms, and has enqueued it for 10000 ms',
    'r0 enqueues t for 130000 ms, which is to come',
    'r0 enqueues t for 9000 ms, which is none of its times',
    'r0 enqueues t for 9000 ms, and has enqueued it for 130000 ms',
  ]);
});

test('a time of "every" that comes before the interval is over', async () => {
  const watched = watch({ ...cron, kind: 'every', seconds: 5, phase: 0 });
  await look(watched, 8);
  enqueue(watched, 3);
  enqueue(watched, 8);
  expect(log.violations).toEqual([]);
  enqueue(watched, 7);
  expect(log.violations).toEqual(['r0 enqueues t for 7000 ms, and has enqueued it for 8000 ms']);
});

test('a time that is lost though a runner is well all the time', async () => {
  const watched = watch(cron);
  await look(watched, 20);
  await look(
    watched,
    75,
    [second].flatMap((each) => each ?? []),
  );
  expect(log.violations).toEqual([]);
  await look(
    watched,
    76,
    [second].flatMap((each) => each ?? []),
  );
  expect(log.violations).toEqual(['t was due at 10000 ms, and is not enqueued at 76000 ms']);
});

test('a time that is late without faults', async () => {
  const watched = watch(cron);
  await look(watched, 15, undefined, true);
  expect(log.violations).toEqual([]);
  await look(watched, 16, undefined, true);
  expect(log.violations).toEqual(['t was due at 10000 ms, and is not enqueued at 16000 ms']);
});

test('a time may be missed if no runner was well, or the only one that has it', async () => {
  const watched = watch({ ...cron, seat: 0 });
  await look(watched, 5);
  await look(
    watched,
    100,
    [second].flatMap((each) => each ?? []),
  );
  expect(log.violations).toEqual([]);
});
