/** What the simulator says about locks that are released too early. */
import { expect, test } from 'vitest';
import { Agenda } from '../../simulate/agenda.ts';
import type { Dump } from '../../simulate/dump.ts';
import { JobBook, type Run, type Runner } from '../../simulate/job-book.ts';
import { LockWatch, lockOf } from '../../simulate/lock-watch.ts';
import { Log } from '../../simulate/log.ts';
import type { Lock } from '../../src/config/config.ts';

function setUp(lock: Lock) {
  const log = new Log(new Agenda());
  const watched = new LockWatch(log, { hasForgotten: false, spoilt: new Set() });
  const job = new JobBook().add({ id: 'j1', ms: 5, end: 'success', shape: 'plain', lock }, 'a', 0);
  watched.enqueued(job);
  const run = { job, startedMs: 1 } as Run;
  const runner = { programs: { running: new Map([[run, {}]]) } } as unknown as Runner;
  const queued: Dump = new Map([['resque:queue:a', { kind: 'list', values: [job.payload] }]]);
  return { log, watched, job, run, runner, queued };
}

test.each([
  ['node', 'resque:lock:SimulatedJob:a:["(id j1)"]'],
  ['resque-lock', 'resque:lock:SimulatedJob-["(id j1)"]'],
] as const)('the lock of %s is released while its job waits', (lock, key) => {
  const { log, watched, job, queued } = setUp(lock);
  expect(lockOf(job)).toBe(key);
  watched.look(new Map([...queued, [key, { kind: 'string', values: [] }]]), []);
  expect(log.violations).toEqual([]);
  watched.look(queued, []);
  expect(log.violations).toEqual([`the lock of j1 was released while it waits: ${key}`]);
});

test('the lock of resque-lock is released while its job runs; that of node-resque ends with the start', () => {
  for (const lock of ['node', 'resque-lock'] as const) {
    const { log, watched, job, run, runner, queued } = setUp(lock);
    watched.look(new Map(), [runner]);
    const ofRunning = ['the lock of j1 was released while it runs: resque:lock:SimulatedJob-["(id j1)"]'];
    expect(log.violations).toEqual(lock === 'node' ? [] : ofRunning);
    // It goes back to its queue.
    job.runs.push(run);
    watched.look(queued, []);
    expect(log.violations).toHaveLength(lock === 'node' ? 0 : 2);
  }
});
