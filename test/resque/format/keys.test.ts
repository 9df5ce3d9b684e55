import { expect, test } from 'vitest';
import { resqueKeys } from '../../../src/resque/format/keys.ts';

const worker = 'web1.runner:12-0:mail';

/** Every key, named as the format names it. */
function allKeys(namespace: string): string[] {
  const keys = resqueKeys(namespace);
  return [
    keys.queues,
    keys.queue('mail'),
    keys.workers,
    keys.worker(worker),
    keys.workerStarted(worker),
    keys.heartbeat,
    keys.failed,
    keys.pauseAllWorkers,
    keys.processed,
    keys.failedCount,
    keys.workerProcessed(worker),
    keys.workerFailed(worker),
    keys.workerPing('web1:12+1'),
    keys.delayedSchedule,
    keys.delayed('1795533619'),
  ];
}

const names = [
  'queues',
  'queue:mail',
  'workers',
  `worker:${worker}`,
  `worker:${worker}:started`,
  'workers:heartbeat',
  'failed',
  'pause-all-workers',
  'stat:processed',
  'stat:failed',
  `stat:processed:${worker}`,
  `stat:failed:${worker}`,
  'worker:ping:web1:12+1',
  'delayed_queue_schedule',
  'delayed:1795533619',
];

test("the keys are Resque's", () => {
  expect(allKeys('resque')).toEqual(names.map((name) => `resque:${name}`));
});

test('a namespace may contain colons', () => {
  expect(allKeys('app:jobs')).toEqual(names.map((name) => `app:jobs:${name}`));
});

test('an empty namespace adds no colon', () => {
  expect(allKeys('')).toEqual(names);
});

test('our own keys differ from all keys of Resque', () => {
  const { workerPayload } = resqueKeys('resque');
  expect(allKeys('resque')).not.toContain(workerPayload(worker));
  expect(workerPayload(worker).startsWith('resque:')).toBe(true);
});
