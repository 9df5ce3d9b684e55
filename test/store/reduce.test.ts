import { describe, expect, test } from 'vitest';
import type { EngineEvent, EngineFact, PauseReason } from '../../src/protocol/events.ts';
import { type Snapshot, throughputBucketMs } from '../../src/protocol/snapshot.ts';
import { emptySnapshot, reduce } from '../../src/store/reduce.ts';
import {
  after,
  engineStarted,
  failure,
  job,
  jobFailed,
  jobFinished,
  jobStarted,
  queueAdded,
  snapshotOf,
  startMs,
} from './sample-events.ts';

/** An engine with two queues, at `seq` 3. */
const idle = snapshotOf(engineStarted, queueAdded('mail'), queueAdded('video'));

function queue(snapshot: Snapshot, name: string) {
  const found = snapshot.queues.find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`there is no queue ${name}`);
  return found;
}

function total(counts: readonly number[]): number {
  return counts.reduce((a, b) => a + b, 0);
}

describe('the engine', () => {
  test('engine.started says who it is, and which runners there are', () => {
    const { engine, runners, redis, seq, throughput } = snapshotOf(engineStarted);
    expect(engine).toEqual({
      version: '1.2.3',
      pid: 7,
      workerHost: 'host.runner',
      namespace: 'resque',
      redis: 'redis://localhost',
      startedAtMs: startMs + 1_000,
      stopping: null,
      isStopped: false,
    });
    expect(runners).toEqual(engineStarted.runners);
    expect(redis).toEqual({
      state: 'connecting',
      sinceMs: startMs + 1_000,
      serverVersion: null,
      reason: null,
    });
    expect(throughput).toEqual({ last: Math.floor((startMs + 1_000) / throughputBucketMs), counts: [0] });
    expect(seq).toBe(1);
  });

  test('runners and queues that were told before engine.started, or after it, are there once', () => {
    const added: EngineFact[] = [
      ...engineStarted.runners.map((runner): EngineFact => ({ type: 'runner.added', runner })),
      queueAdded('mail'),
      queueAdded('video'),
    ];
    for (const snapshot of [snapshotOf(...added, engineStarted), snapshotOf(engineStarted, ...added)]) {
      expect(snapshot.runners).toEqual(engineStarted.runners);
      expect(snapshot.queues.map(({ name }) => name)).toEqual(['mail', 'video']);
    }
  });

  test('another engine.started forgets what the engine before it did', () => {
    const busy = after(
      idle,
      { type: 'redis.up', serverVersion: '7.2', awayMs: null },
      jobStarted('1'),
      jobStarted('2'),
      jobFailed('1'),
      { type: 'failure.recorded', failure: failure() },
      { type: 'counters.changed', processed: 2, failed: 2, unwritten: 0 },
      { type: 'failures.counted', total: 9 },
      { type: 'engine.stopped', processed: 2, failed: 2, unwritten: 0 },
    );
    const event: EngineEvent = { ...engineStarted, pid: 8, seq: busy.seq + 1, atMs: startMs };
    const fresh = reduce(emptySnapshot, { ...event, seq: 1 });
    expect(reduce(busy, event)).toEqual({ ...fresh, seq: busy.seq + 1, history: [event] });
  });

  test('engine.stopping says how, the harshest last; engine.stopped brings the last totals', () => {
    const stopping = after(idle, { type: 'engine.stopping', mode: 'quit', running: 1 });
    expect(stopping.engine).toMatchObject({ stopping: 'quit', isStopped: false });
    const stopped = after(
      stopping,
      { type: 'engine.stopping', mode: 'kill', running: 1 },
      { type: 'engine.stopped', processed: 5, failed: 2, unwritten: 1 },
    );
    expect(stopped.engine).toMatchObject({ stopping: 'kill', isStopped: true });
    expect(stopped.totals).toEqual({ processed: 5, failed: 2, unwritten: 1 });
  });

  test('an engine that never said it started stays unknown', () => {
    const { engine } = snapshotOf({ type: 'engine.stopping', mode: 'quit', running: 0 });
    expect(engine).toBeNull();
  });

  test('counters.changed replaces the totals; what they were already stays the same object', () => {
    const told: EngineFact = { type: 'counters.changed', processed: 9, failed: 3, unwritten: 1 };
    const counted = after(idle, told);
    expect(counted.totals).toEqual({ processed: 9, failed: 3, unwritten: 1 });
    expect(after(counted, told).totals).toBe(counted.totals);
  });
});

describe('Redis', () => {
  test('is up since it said so, and down since it first said so', () => {
    const up = after(idle, { type: 'redis.up', serverVersion: '7.2.4', awayMs: null });
    expect(up.redis).toEqual({ state: 'up', sinceMs: startMs + 4_000, serverVersion: '7.2.4', reason: null });
    const down = after(
      up,
      { type: 'redis.down', reason: 'refused' },
      { type: 'redis.down', reason: 'timed out' },
    );
    expect(down.redis).toEqual({
      state: 'down',
      sinceMs: startMs + 5_000,
      serverVersion: '7.2.4',
      reason: 'timed out',
    });
    const back = after(down, { type: 'redis.up', serverVersion: '7.4.0', awayMs: 2_000 });
    expect(back.redis).toEqual({
      state: 'up',
      sinceMs: startMs + 7_000,
      serverVersion: '7.4.0',
      reason: null,
    });
  });
});

describe('runners', () => {
  const cron = { key: 'cron', concurrency: 1, configuredConcurrency: 1, throttled: null };

  test('come last, change in place, and go', () => {
    const added = after(idle, { type: 'runner.added', runner: cron });
    expect(added.runners.map(({ key }) => key)).toEqual(['mail', 'video', 'cron']);
    const changed = { key: 'video', concurrency: 9, configuredConcurrency: 3, throttled: null };
    expect(after(added, { type: 'runner.changed', runner: changed }).runners[1]).toEqual(changed);
    expect(after(added, { type: 'runner.removed', runner: 'mail' }).runners.map(({ key }) => key)).toEqual([
      'video',
      'cron',
    ]);
  });

  test('that nobody knows neither change nor go', () => {
    expect(after(idle, { type: 'runner.changed', runner: cron }).runners).toBe(idle.runners);
    expect(after(idle, { type: 'runner.removed', runner: 'cron' }).runners).toBe(idle.runners);
  });
});

describe('queues', () => {
  const pauses: PauseReason[] = [{ kind: 'operator', detail: '', sinceMs: 5 }];

  test('begin with nothing', () => {
    expect(queue(idle, 'video')).toEqual({
      name: 'video',
      runner: 'video',
      pauses: [],
      backlog: null,
      processed: 0,
      failed: 0,
      lastFailure: null,
      throughput: { last: Math.floor((startMs + 3_000) / throughputBucketMs), counts: [0] },
    });
  });

  test('that are added again get the new view, and keep place and counters', () => {
    const counted = after(idle, { type: 'queue.backlog', queue: 'mail', backlog: 4 }, jobFailed('1'));
    const again = after(counted, { type: 'queue.added', queue: { name: 'mail', runner: 'video', pauses } });
    expect(again.queues.map(({ name }) => name)).toEqual(['mail', 'video']);
    expect(queue(again, 'mail')).toEqual({ ...queue(counted, 'mail'), runner: 'video', pauses });
  });

  test('go', () => {
    expect(after(idle, { type: 'queue.removed', queue: 'mail' }).queues).toEqual([queue(idle, 'video')]);
    expect(after(idle, { type: 'queue.removed', queue: 'unheard' }).queues).toBe(idle.queues);
  });

  test('are paused and resumed', () => {
    const paused = after(idle, { type: 'queue.paused', queue: 'mail', pauses });
    expect(queue(paused, 'mail').pauses).toEqual(pauses);
    expect(queue(paused, 'video')).toBe(queue(idle, 'video'));
    expect(queue(after(paused, { type: 'queue.resumed', queue: 'mail' }), 'mail').pauses).toEqual([]);
    expect(after(idle, { type: 'queue.paused', queue: 'unheard', pauses }).queues).toBe(idle.queues);
  });

  test('have a backlog once it was counted; the same again changes nothing', () => {
    const told: EngineFact = { type: 'queue.backlog', queue: 'mail', backlog: 12 };
    const counted = after(idle, told);
    expect(queue(counted, 'mail').backlog).toBe(12);
    expect(after(counted, told).queues).toBe(counted.queues);
  });

  test('have statistics once they were measured, several queues at a time', () => {
    const statistics = { windows: null, drainMs: 1_000, oldest: { sinceMs: startMs, isKnown: true } };
    const measured = after(idle, {
      type: 'queues.measured',
      queues: ['mail', 'unheard'].map((name) => ({ queue: name, statistics })),
    });
    expect(queue(measured, 'mail').statistics).toEqual(statistics);
    expect(queue(measured, 'video')).toBe(queue(idle, 'video'));
    const unheard = after(idle, { type: 'queues.measured', queues: [{ queue: 'unheard', statistics }] });
    expect(unheard.queues).toBe(idle.queues);
  });
});

describe('jobs', () => {
  test('run from their start on', () => {
    expect(after(idle, jobStarted('1')).jobs).toEqual([{ ...job('1'), lastLine: null, killed: null }]);
  });

  test('have a latest line and a last signal', () => {
    const { jobs } = after(
      idle,
      jobStarted('1'),
      { type: 'job.printed', jobId: '1', stream: 'stderr', line: 'half done' },
      { type: 'job.killed', jobId: '1', queue: 'mail', signal: 'SIGTERM', reason: 'timeout' },
    );
    expect(jobs[0]?.lastLine).toEqual({ stream: 'stderr', text: 'half done', atMs: startMs + 5_000 });
    expect(jobs[0]?.killed).toEqual({ signal: 'SIGTERM', reason: 'timeout', atMs: startMs + 6_000 });
  });

  test('that nobody knows print and die without a trace', () => {
    const printed = after(idle, { type: 'job.printed', jobId: 'toString', stream: 'stdout', line: 'x' });
    expect(printed).toEqual({ ...idle, seq: 4 });
    const killed = after(idle, {
      type: 'job.killed',
      jobId: '9',
      queue: 'mail',
      signal: 'SIGKILL',
      reason: 'operator',
    });
    expect(killed.jobs).toBe(idle.jobs);
  });

  test('that succeed are counted, and listed as ended', () => {
    const printed: EngineFact = { type: 'job.printed', jobId: '1', stream: 'stdout', line: 'x' };
    const done = after(idle, jobStarted('1'), printed, jobFinished('1'));
    expect(done.jobs).toEqual([]);
    expect(done.ended).toEqual([
      {
        ...job('1'),
        endedAtMs: startMs + 6_000,
        durationMs: 250,
        outcome: 'succeeded',
        exitCode: 0,
        signal: null,
        failure: null,
      },
    ]);
    expect(queue(done, 'mail')).toMatchObject({ processed: 1, failed: 0, lastFailure: null });
    expect(total(queue(done, 'mail').throughput.counts)).toBe(1);
    expect(total(done.throughput.counts)).toBe(1);
    expect(queue(done, 'video')).toBe(queue(idle, 'video'));
  });

  test('that fail are counted once, though both the job and the failure are told', () => {
    const recorded: EngineFact = { type: 'failure.recorded', failure: failure({ jobId: '1' }) };
    const failed = after(idle, jobStarted('1'), jobFailed('1'), recorded);
    const told = { atMs: startMs + 5_000, failure: failure({ jobId: '1' }) };
    expect(queue(failed, 'mail')).toMatchObject({ processed: 1, failed: 1, lastFailure: told });
    expect(total(failed.throughput.counts)).toBe(1);
    expect(total(queue(failed, 'mail').throughput.counts)).toBe(1);
    expect(failed.failures).toEqual([{ atMs: startMs + 6_000, failure: failure({ jobId: '1' }) }]);
    expect(failed.ended[0]).toMatchObject({
      id: '1',
      outcome: 'failed',
      failure: { exception: 'SmtpError' },
    });
  });

  test('that never ran are counted by their failure', () => {
    const refused = after(idle, { type: 'failure.recorded', failure: failure() });
    const told = { atMs: startMs + 4_000, failure: failure() };
    expect(queue(refused, 'mail')).toMatchObject({ processed: 1, failed: 1, lastFailure: told });
    expect(total(refused.throughput.counts)).toBe(1);
    expect(total(queue(refused, 'mail').throughput.counts)).toBe(1);
    expect(refused.failures).toEqual([told]);
    expect(refused.ended).toEqual([]);
  });

  test('that go back to their queue count as nothing', () => {
    const requeued = after(idle, jobStarted('1'), jobFinished('1', { outcome: 'requeued' }));
    expect(requeued.queues).toBe(idle.queues);
    expect(requeued.throughput).toBe(idle.throughput);
    expect(requeued.ended[0]).toMatchObject({ id: '1', outcome: 'requeued' });
    expect(requeued.jobs).toEqual([]);
  });

  test('whose start nobody saw are counted, and not listed', () => {
    const { ended, queues } = after(idle, jobFinished('9'));
    expect(ended).toEqual([]);
    expect(queues[0]).toMatchObject({ name: 'mail', processed: 1 });
  });

  test('of a queue that is gone count for the whole only', () => {
    const gone = after(idle, jobStarted('1'), { type: 'queue.removed', queue: 'mail' }, jobFinished('1'));
    expect(gone.queues).toEqual([queue(idle, 'video')]);
    expect(total(gone.throughput.counts)).toBe(1);
    expect(gone.ended).toHaveLength(1);
  });

  test('the last failure stays when others succeed', () => {
    const { queues } = after(idle, jobFailed('1'), jobFinished('2'));
    expect(queues[0]?.lastFailure?.failure.jobId).toBe('1');
  });
});

test('delayed.counted says how many delayed jobs there are', () => {
  expect(idle.delayed).toBeUndefined();
  const count = { jobs: 3, isComplete: false, hasSchedules: true };
  expect(after(idle, { type: 'delayed.counted', ...count }).delayed).toEqual(count);
});

test('failures.counted sets the length of the shared list', () => {
  expect(idle.failedTotal).toBeNull();
  expect(after(idle, { type: 'failures.counted', total: 37 }).failedTotal).toBe(37);
});

describe('history', () => {
  const kept: EngineFact[] = [
    engineStarted,
    { type: 'engine.stopping', mode: 'quit', running: 0 },
    { type: 'engine.stopped', processed: 0, failed: 0, unwritten: 0 },
    { type: 'redis.up', serverVersion: '7', awayMs: null },
    { type: 'redis.down', reason: 'gone' },
    {
      type: 'runner.changed',
      runner: { key: 'mail', concurrency: 1, configuredConcurrency: 2, throttled: null },
    },
    { type: 'queue.paused', queue: 'mail', pauses: [] },
    { type: 'queue.resumed', queue: 'mail' },
    { type: 'job.killed', jobId: '1', queue: 'mail', signal: 'SIGTERM', reason: 'signal' },
    jobFailed('1'),
    jobFinished('2', { outcome: 'requeued' }),
    { type: 'failure.recorded', failure: failure() },
    { type: 'failures.retried', count: 2, queues: ['mail'], jobClass: null },
    { type: 'failures.removed', count: 1, queues: ['mail'], jobClass: 'Send' },
    { type: 'failures.trimmed', count: 12, day: '2026-11-28', limit: 100 },
    { type: 'notice.failed', runner: 'mail', count: 2, queue: 'mail', reason: 'exit code 1: no' },
    { type: 'notice.dropped', runner: 'mail', count: 2, reason: 'busy' },
    { type: 'command.executed', by: 'ann@pts/3', command: 'pause-all', isDone: true, outcome: 'paused' },
    { type: 'config.reloaded', changes: [], needsRestart: [] },
    { type: 'config.rejected', problems: ['bad'] },
    { type: 'peer.recovered', peer: 'a:1', failed: 1, requeued: 2 },
    { type: 'peer.deferred', peer: 'a:1', pids: [4], waitMs: 1_000 },
  ];
  const leftOut: EngineFact[] = [
    {
      type: 'runner.added',
      runner: { key: 'cron', concurrency: 1, configuredConcurrency: 1, throttled: null },
    },
    { type: 'runner.removed', runner: 'cron' },
    queueAdded('cron'),
    { type: 'queue.removed', queue: 'cron' },
    { type: 'queue.backlog', queue: 'mail', backlog: 1 },
    { type: 'queues.measured', queues: [] },
    jobStarted('3'),
    { type: 'job.printed', jobId: '3', stream: 'stdout', line: 'x' },
    jobFinished('3'),
    { type: 'failure.recorded', failure: failure({ jobId: '1' }) },
    { type: 'failures.counted', total: 1 },
    { type: 'delayed.counted', jobs: 1, isComplete: true, hasSchedules: false },
    { type: 'counters.changed', processed: 1, failed: 0, unwritten: 0 },
  ];

  test.each(kept.map((fact) => [fact.type, fact] as const))('keeps %s as it is', (_, fact) => {
    const event = { ...fact, seq: 8, atMs: startMs };
    expect(reduce(emptySnapshot, event).history).toEqual([event]);
  });

  test.each(leftOut.map((fact) => [fact.type, fact] as const))('leaves out %s', (_, fact) => {
    expect(after(idle, fact).history).toBe(idle.history);
  });

  test('is in order, oldest first', () => {
    const { history } = after(idle, ...kept.slice(1, 4));
    expect(history.map(({ type }) => type)).toEqual([
      'engine.started',
      'engine.stopping',
      'engine.stopped',
      'redis.up',
    ]);
  });
});
