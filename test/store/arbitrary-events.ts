/**
 * Events of all kinds in any order, about things that exist, existed, never did, or are called like what every
 * object inherits; with clocks that jump, and numbers that repeat or leave some out.
 */
import fc from 'fast-check';
import type { EngineEvent, EngineFact, OverrideView, PauseReason } from '../../src/protocol/events.ts';

const names = fc.constantFrom('mail', 'video', '__proto__', 'constructor', 'toString', '7', '');
const anyIds = fc.constantFrom('1', '2', '3', 'a', 'b', '10', '__proto__', 'hasOwnProperty');
const counts = fc.nat(1_000_000);
const texts = fc.constantFrom('', 'x', 'ein Wort', '\u001b[31m', '\ud83d');
const jobClasses = fc.option(fc.constantFrom('Send', 'Resize'), { nil: null });

const pauses: fc.Arbitrary<PauseReason[]> = fc.array(
  fc.record({
    kind: fc.constantFrom('operator', 'all', 'cluster', 'unstartable', 'unreadable'),
    detail: texts,
    sinceMs: counts,
  }),
  { maxLength: 2 },
);
const overrides: fc.Arbitrary<OverrideView[]> = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant('pause' as const),
      queue: fc.option(names, { nil: null }),
      by: texts,
      sinceMs: counts,
    }),
    fc.record({
      kind: fc.constant('slots' as const),
      runner: names,
      slots: counts,
      configured: counts,
      by: texts,
      sinceMs: counts,
    }),
  ),
  { maxLength: 2 },
);
const queueViews = fc.record({ name: names, runner: names, pauses });
const throttled = fc.record({
  exitCode: fc.option(fc.nat(255)),
  signal: fc.option(fc.constant('SIGKILL')),
  lastWords: texts,
  shortage: fc.option(texts),
  pauseMs: fc.nat(),
  sinceMs: fc.nat(),
});
const runnerViews = fc.record({
  key: names,
  concurrency: fc.nat(9),
  configuredConcurrency: fc.nat(9),
  throttled: fc.option(throttled),
});
const failures = fc.record({
  queue: names,
  jobId: fc.option(anyIds, { nil: null }),
  jobClass: jobClasses,
  exception: texts,
  error: texts,
  exitCode: fc.option(fc.nat(255), { nil: null }),
  signal: fc.constantFrom(null, 'SIGKILL'),
});
const jobs = fc.record({
  id: anyIds,
  queue: names,
  runner: names,
  worker: texts,
  jobClass: jobClasses,
  args: texts,
  payloadBytes: counts,
  startedAtMs: counts,
  pid: counts,
});
const counters = { processed: counts, failed: counts, unwritten: counts };
const entries = { count: counts, queues: fc.array(names, { maxLength: 2 }), jobClass: jobClasses };

/** A table, so that no type of event can be left out. */
const factsByType: {
  [T in EngineFact['type']]: fc.Arbitrary<Omit<Extract<EngineFact, { type: T }>, 'type'>>;
} = {
  'engine.started': fc.record({
    version: texts,
    pid: counts,
    workerHost: texts,
    namespace: texts,
    redis: texts,
    runners: fc.uniqueArray(runnerViews, { selector: ({ key }) => key, maxLength: 4 }),
  }),
  'engine.stopping': fc.record({
    mode: fc.constantFrom('quit', 'terminate', 'kill', 'drained'),
    running: counts,
  }),
  'engine.stopped': fc.record(counters),
  'redis.up': fc.record({ serverVersion: texts, awayMs: fc.option(counts, { nil: null }) }),
  'redis.down': fc.record({ reason: texts }),
  'steps.forgotten': fc.record({
    steps: counts,
    isEverything: fc.boolean(),
    rewritten: counts,
    running: counts,
    settled: counts,
  }),
  'engine.declared-dead': fc.record({ killed: counts, dropped: counts }),
  'retries.refused': fc.record({ count: counts }),
  'counter.refused': fc.record({ reason: texts }),
  'scheduler.changed': fc.record({ state: fc.constantFrom('moving', 'standby', 'failing'), detail: texts }),
  'schedule.enqueued': fc.record({ name: texts, queue: texts, jobClass: texts }),
  'schedule.skipped': fc.record({ name: texts, queue: texts, jobClass: texts }),
  'schedule.failed': fc.record({ name: texts, reason: texts }),
  'jobs.undeliverable': fc.record({ count: counts, key: texts }),
  'overrides.kept': fc.record({ kept: overrides }),
  'overrides.refused': fc.record({ reason: texts }),
  'runner.added': fc.record({ runner: runnerViews }),
  'runner.changed': fc.record({ runner: runnerViews }),
  'runner.removed': fc.record({ runner: names }),
  'runner.throttled': fc.record({ runner: names, throttled }),
  'runner.unthrottled': fc.record({ runner: names }),
  'queue.added': fc.record({ queue: queueViews }),
  'queue.removed': fc.record({ queue: names }),
  'queue.paused': fc.record({ queue: names, pauses }),
  'queue.resumed': fc.record({ queue: names }),
  'queues.paused': fc.record({ runner: fc.option(names, { nil: null }), pauses }),
  'queues.resumed': fc.record({ runner: fc.option(names, { nil: null }) }),
  'queue.limited': fc.record({ queue: names, by: fc.constantFrom('limit' as const, 'rate' as const, null) }),
  'queue.backlog': fc.record({ queue: names, backlog: fc.integer({ min: -1, max: 99 }) }),
  'queues.measured': fc.record({
    queues: fc.array(
      fc.record({
        queue: names,
        statistics: fc.record({
          windows: fc.constant(null),
          drainMs: fc.option(counts, { nil: null }),
          oldest: fc.option(fc.record({ sinceMs: counts, isKnown: fc.boolean() }), { nil: null }),
        }),
      }),
      { maxLength: 3 },
    ),
  }),
  'job.started': fc.record({ job: jobs }),
  'job.printed': fc.record({ jobId: anyIds, stream: fc.constantFrom('stdout', 'stderr'), line: texts }),
  'output.logged': fc.record({
    ...{ jobId: anyIds, queue: names, jobClass: jobClasses, line: texts },
    stream: fc.constantFrom('stdout', 'stderr'),
  }),
  'output.left-out': fc.record({
    ...{ jobId: anyIds, queue: names, jobClass: jobClasses },
    lines: fc.option(counts, { nil: null }),
  }),
  'job.killed': fc.record({
    jobId: anyIds,
    queue: names,
    signal: texts,
    reason: fc.constantFrom('operator', 'signal', 'timeout', 'shutdown', 'taken-over'),
  }),
  'job.finished': fc.record({
    jobId: anyIds,
    queue: names,
    jobClass: jobClasses,
    outcome: fc.constantFrom('succeeded', 'failed', 'requeued'),
    durationMs: counts,
    exitCode: fc.option(fc.nat(255), { nil: null }),
    signal: fc.constantFrom(null, 'SIGKILL'),
    failure: fc.option(failures, { nil: null }),
  }),
  'failure.recorded': fc.record({ failure: failures }),
  'failures.retried': fc.record(entries),
  'failures.removed': fc.record(entries),
  'failures.trimmed': fc.record({ count: counts, day: texts, limit: counts }),
  'notice.failed': fc.record({ runner: names, count: counts, queue: names, reason: texts }),
  'notice.dropped': fc.record({
    runner: names,
    count: counts,
    reason: fc.constantFrom('busy', 'stopping'),
  }),
  'failures.counted': fc.record({ total: counts }),
  'delayed.counted': fc.record({ jobs: counts, isComplete: fc.boolean(), hasSchedules: fc.boolean() }),
  'command.executed': fc.record({
    by: texts,
    command: fc.constantFrom('pause-all', 'stop'),
    isDone: fc.boolean(),
    outcome: texts,
  }),
  'config.reloaded': fc.record({
    changes: fc.array(texts, { maxLength: 2 }),
    needsRestart: fc.array(texts, { maxLength: 2 }),
    kept: overrides,
  }),
  'config.rejected': fc.record({ problems: fc.array(texts, { maxLength: 2 }) }),
  'metrics.opened': fc.record({ address: texts }),
  'metrics.closed': fc.record({ address: texts }),
  'metrics.failed': fc.record({ address: texts, reason: texts }),
  'metrics.folded': fc.record({ label: fc.constantFrom('queue', 'class'), limit: counts }),
  'peer.recovered': fc.record({ peer: texts, failed: fc.nat(), requeued: fc.nat() }),
  'peer.deferred': fc.record({ peer: texts, pids: fc.array(fc.nat(), { maxLength: 2 }), waitMs: fc.nat() }),
  'outcomes.spooled': fc.record({ count: counts, unrun: counts, file: texts }),
  'outcomes.restored': fc.record({ peer: texts, count: counts, unrun: counts }),
  'spool.failed': fc.record({ file: texts, count: counts, reason: texts }),
  'counters.changed': fc.record(counters),
};

const knownFacts = Object.entries(factsByType).map(([type, rest]) =>
  (rest as fc.Arbitrary<object>).map((fields) => ({ type, ...fields }) as EngineFact),
);
/** Jobs come and go far more often than all else. */
const jobFacts = ['job.started', 'job.finished'].map((type) => ({
  weight: 8,
  arbitrary: (factsByType[type as 'job.started'] as fc.Arbitrary<object>).map(
    (fields) => ({ type, ...fields }) as EngineFact,
  ),
}));

export const anyFacts: fc.Arbitrary<EngineFact> = fc.oneof(
  ...jobFacts,
  ...knownFacts.map((arbitrary) => ({ weight: 1, arbitrary })),
);

/** Usually a little later than the one before; now and then the clock is set. */
const clockSteps = fc.oneof(
  { weight: 20, arbitrary: fc.nat(900) },
  { weight: 2, arbitrary: fc.integer({ min: -5_000, max: 90_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: -1_000_000_000, max: 1_000_000_000 }) },
);

function numbered(facts: readonly EngineFact[], times: readonly number[], startMs: number): EngineEvent[] {
  let atMs = startMs;
  return facts.map((fact, index) => {
    atMs += times[index] ?? 1;
    return { ...fact, seq: index + 1, atMs };
  });
}

/** Numbered one by one. */
export const anyEvents: fc.Arbitrary<EngineEvent[]> = fc
  .array(fc.tuple(anyFacts, clockSteps), { maxLength: 120, size: 'max' })
  .map((steps) =>
    numbered(
      steps.map(([fact]) => fact),
      steps.map(([, time]) => time),
      1_700_000_000_000,
    ),
  );

/** Some come twice, some late, some never. */
export const anyOrder: fc.Arbitrary<EngineEvent[]> = fc
  .tuple(anyEvents, fc.array(fc.integer({ min: -3, max: 4 }), { minLength: 1, maxLength: 20, size: 'max' }))
  .map(([events, jumps]) => {
    let seq = 0;
    return events.map((event, index) => {
      seq = Math.max(0, seq + (jumps[index % jumps.length] ?? 1));
      return { ...event, seq };
    });
  });
