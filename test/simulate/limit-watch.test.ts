/** What the simulator says about limits that don't hold. */
import { beforeEach, expect, test } from 'vitest';
import { Agenda } from '../../simulate/agenda.ts';
import type { Dump } from '../../simulate/dump.ts';
import { JobBook, type Run, type Runner } from '../../simulate/job-book.ts';
import { LimitWatch } from '../../simulate/limit-watch.ts';
import { Log } from '../../simulate/log.ts';
import type { Command } from '../../simulate/resp.ts';
import type { Limits, Schedule } from '../../simulate/schedule.ts';
import { rateOf } from '../../src/config/times/rate.ts';

let agenda: Agenda;
let log: Log;
let book: JobBook;

beforeEach(() => {
  agenda = new Agenda();
  log = new Log(agenda);
  book = new JobBook();
});

const plan = { ms: 5, end: 'success', shape: 'plain' } as const;
const entry = { key: 'a', concurrency: 2, delivery: 'at-most-once', interrupted: 'fail' } as const;

function watch(limits: Limits, others: Limits = limits): LimitWatch {
  const configs = [[{ ...entry, ...limits }], [{ ...entry, ...others }]];
  return new LimitWatch({ configs } as unknown as Schedule, agenda, log, book, {
    ...{ forgottenMs: [], spoilt: new Set() },
  });
}

const programs = { running: new Map() };
const runner = {
  ...{ name: 'r0', isDead: false, programs },
  side: {
    router: { ownerOf: () => ({ free: 1 }), isTakeable: () => true },
    ...{ client: { session: { isUp: true } }, shutdown: { mode: null } },
  },
} as unknown as Runner;

function startTwo(watched: LimitWatch): void {
  for (const id of ['j1', 'j2']) {
    const job = book.add({ ...plan, id }, 'a', 0);
    const run = { job, process: runner, programEndMs: null, mayOverlap: false } as unknown as Run;
    watched.starting(run, 'a');
    job.runs.push(run);
  }
}

async function pass(ms: number): Promise<void> {
  const untilMs = agenda.nowMs + ms;
  while (await agenda.next(untilMs));
}

test('more jobs than the limit at the same time, unless runners have different limits', () => {
  startTwo(watch({ limit: 1, rate: null }, { limit: 2, rate: null }));
  expect(log.violations).toEqual([]);
  book = new JobBook();
  startTwo(watch({ limit: 1, rate: null }));
  expect(log.violations).toEqual(['r0 starts j2 beside 1 of a in all runners, whose limit is 1']);
});

test('a job that is taken before its time', async () => {
  const watched = watch({ limit: null, rate: rateOf('1/s burst 2') });
  const command = {
    name: 'EVALSHA',
    args: ['', '0', 'resque:', 'runner:step'].map((text) => Buffer.from(text)),
  };
  for (const [id, atMs] of [
    ['j1', 0],
    ['j2', 0],
    ['j3', 1_000],
    ['j4', 1_990],
  ] as const) {
    await pass(atMs - agenda.nowMs);
    const { payload } = book.add({ ...plan, id }, 'a', 0);
    watched.executed(runner, command as unknown as Command, [0, 0, 0, 1, payload]);
  }
  expect(log.violations).toEqual(['r0 takes j4, the 4. of a in 1990 ms: its rate is 1/s burst 2']);
});

test.each([
  ['a free share and a free slot', [], '{"queue":"a",', true],
  ['only the share of a worker that has left', ['w'], '{"queue":"b",', true],
  ['no free share', ['w'], '{"queue":"a",', false],
])('a job that waits with %s', async (_, shares, record, isBroken) => {
  const watched = watch({ limit: 1, rate: null });
  const dump: Dump = new Map([
    ['resque:queue:a', { kind: 'list', values: [Buffer.from('{}')] }],
    ['resque:runner:running:a', { kind: 'set', values: shares.map((id) => Buffer.from(id)) }],
    ['resque:worker:w', { kind: 'string', values: [Buffer.from(record)] }],
  ]);
  for (let looks = 0; looks < 7; looks += 1) {
    watched.look(dump, [runner], false);
    await pass(1_000);
  }
  const what = 'a job of a could start for 5 s, and no runner takes it';
  expect(log.violations.slice(0, 1)).toEqual(isBroken ? [what] : []);
});

test('a running job without a share', async () => {
  const watched = watch({ limit: 1, rate: null });
  const taken = { queue: 'a', slot: { worker: 'w' } };
  const running = new Map([[{ isRecovered: false }, taken]]);
  const busy = { ...runner, programs: { running } } as unknown as Runner;
  for (let looks = 0; looks < 4; looks += 1) {
    watched.look(new Map(), [busy], false);
    await pass(1_000);
  }
  expect(log.violations[0]).toBe('w runs a job without a share of its limit');
});
