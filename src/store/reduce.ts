/**
 * Applies an event to the snapshot. Pure and total: events in any order, or about unknown things, leave a consistent snapshot.
 *
 * Both processes run it: the engine for each of its events, at times thousands a second, and every client for the events
 * that it receives. So nothing is copied without a change, and unchanged parts keep their identity.
 */
import type { EngineEvent, PauseReason, PoolView, Throttled } from '../protocol/events.ts';
import {
  type EndedJob,
  type EngineState,
  endedJobsLimit,
  type RecentFailure,
  type RunningJob,
  recentFailuresLimit,
  type Snapshot,
} from '../protocol/snapshot.ts';
import { withEvent } from './history.ts';
import {
  jobIn,
  type ProcessedJob,
  prepended,
  withChange,
  withFields,
  withJob,
  withoutJob,
  withoutQueue,
  withProcessed,
  withQueue,
  withStatistics,
} from './snapshot-lists.ts';
import { counted, emptyThroughput, throughputSince } from './throughput.ts';

type EventOf<Type extends EngineEvent['type']> = Extract<EngineEvent, { type: Type }>;

export const emptySnapshot: Snapshot = {
  seq: 0,
  engine: null,
  redis: { state: 'connecting', sinceMs: 0, serverVersion: null, reason: null },
  runners: [],
  queues: [],
  jobs: [],
  ended: [],
  failures: [],
  totals: { processed: 0, failed: 0, unwritten: 0 },
  throughput: emptyThroughput,
  failedTotal: null,
  history: [],
};

const noPauses: readonly PauseReason[] = [];

/** @returns the same snapshot if it has seen the event before */
export function reduce(snapshot: Snapshot, event: EngineEvent): Snapshot {
  if (event.seq <= snapshot.seq) return snapshot;
  // A new engine replaces everything that is known of an earlier one.
  const isNewEngine = event.type === 'engine.started' && snapshot.engine !== null;
  const before = isNewEngine ? emptySnapshot : snapshot;
  return { ...afterwards(event, before), seq: event.seq, history: withEvent(before.history, event) };
}

/** All but `seq` and `history`. */
function afterwards(event: EngineEvent, snapshot: Snapshot): Snapshot {
  const { queues, runners } = snapshot;
  switch (event.type) {
    case 'engine.started':
      return engineStarted(event, snapshot);
    case 'engine.stopping':
      return withEngine(snapshot, { stopping: event.mode });
    case 'engine.stopped':
      return withTotals(withEngine(snapshot, { isStopped: true }), event);
    case 'redis.up': {
      const { atMs: sinceMs, serverVersion } = event;
      return { ...snapshot, redis: { state: 'up', sinceMs, serverVersion, reason: null } };
    }
    case 'redis.down':
      return redisDown(event, snapshot);
    case 'runner.added':
      return { ...snapshot, runners: withPool(runners, event.runner) };
    case 'runner.changed':
      return hasPool(runners, event.runner.key)
        ? { ...snapshot, runners: withChangedPool(runners, event.runner) }
        : snapshot;
    case 'runner.removed':
      return hasPool(runners, event.runner)
        ? { ...snapshot, runners: runners.filter(({ key }) => key !== event.runner) }
        : snapshot;
    case 'runner.throttled':
      return { ...snapshot, runners: withThrottled(runners, event.runner, event.throttled) };
    case 'runner.unthrottled':
      return { ...snapshot, runners: withThrottled(runners, event.runner, null) };
    case 'queue.added':
      return { ...snapshot, queues: withQueue(queues, event.queue, event.atMs) };
    case 'queue.removed':
      return { ...snapshot, queues: withoutQueue(queues, event.queue) };
    case 'queue.paused':
      return { ...snapshot, queues: withChange(queues, event.queue, { pauses: event.pauses }) };
    case 'queue.resumed':
      return { ...snapshot, queues: withChange(queues, event.queue, { pauses: noPauses }) };
    case 'queues.paused':
      return { ...snapshot, runners: withPauses(runners, event.runner, event.pauses) };
    case 'queues.resumed':
      return { ...snapshot, runners: withPauses(runners, event.runner, noPauses) };
    case 'queue.limited':
      return { ...snapshot, queues: withChange(queues, event.queue, { limitedBy: event.by }) };
    case 'queue.backlog':
      return { ...snapshot, queues: withChange(queues, event.queue, { backlog: event.backlog }) };
    case 'queues.measured':
      return { ...snapshot, queues: withStatistics(queues, event.queues) };
    case 'job.started':
      return jobStarted(event, snapshot);
    case 'job.printed': {
      const { stream, line: text, atMs } = event;
      return withJobChange(snapshot, event.jobId, { lastLine: { stream, text, atMs } });
    }
    case 'job.killed': {
      const { signal, reason, atMs } = event;
      return withJobChange(snapshot, event.jobId, { killed: { signal, reason, atMs } });
    }
    case 'job.finished':
      return jobFinished(event, snapshot);
    case 'failure.recorded':
      return failureRecorded(event, snapshot);
    case 'failures.counted':
      return { ...snapshot, failedTotal: event.total };
    case 'delayed.counted': {
      const { jobs, isComplete, hasSchedules } = event;
      return { ...snapshot, delayed: { jobs, isComplete, hasSchedules } };
    }
    case 'counters.changed':
      return withTotals(snapshot, event);
    default: // Only in `history`, or for the log.
      return snapshot;
  }
}

/** Pools and queues may be known already: an engine publishes them before it says that it started. */
function engineStarted(event: EventOf<'engine.started'>, snapshot: Snapshot): Snapshot {
  const { version, pid, workerHost, namespace, atMs } = event;
  const engine = { version, pid, workerHost, namespace, redis: event.redis, startedAtMs: atMs };
  const { redis } = snapshot;
  return {
    ...snapshot,
    engine: { ...engine, stopping: null, isStopped: false },
    runners: event.runners,
    redis: redis.state === 'connecting' ? { ...redis, sinceMs: atMs } : redis,
    throughput: throughputSince(atMs),
  };
}

function withEngine(snapshot: Snapshot, change: Partial<EngineState>): Snapshot {
  const { engine } = snapshot;
  return engine === null ? snapshot : { ...snapshot, engine: withFields(engine, change) };
}

function withTotals(snapshot: Snapshot, told: EventOf<'counters.changed' | 'engine.stopped'>): Snapshot {
  const { processed, failed, unwritten } = told;
  return { ...snapshot, totals: withFields(snapshot.totals, { processed, failed, unwritten }) };
}

/** A new reason doesn't change since when Redis is down. */
function redisDown({ atMs, reason }: EventOf<'redis.down'>, snapshot: Snapshot): Snapshot {
  const { redis } = snapshot;
  const sinceMs = redis.state === 'down' ? redis.sinceMs : atMs;
  return { ...snapshot, redis: withFields(redis, { state: 'down', sinceMs, reason }) };
}

function hasPool(pools: readonly PoolView[], wanted: string): boolean {
  return pools.some(({ key }) => key === wanted);
}

function withPool(pools: readonly PoolView[], pool: PoolView): readonly PoolView[] {
  const index = pools.findIndex(({ key }) => key === pool.key);
  return index === -1 ? [...pools, pool] : pools.with(index, pool);
}

/** Other events tell its pauses. */
function withChangedPool(pools: readonly PoolView[], pool: PoolView): readonly PoolView[] {
  const pauses = pools.find(({ key }) => key === pool.key)?.pauses;
  return withPool(pools, pauses === undefined ? pool : { ...pool, pauses });
}

/** @param key `null`: all queues; then each queue tells it */
function withPauses(
  pools: readonly PoolView[],
  key: string | null,
  pauses: readonly PauseReason[],
): readonly PoolView[] {
  const index = pools.findIndex((pool) => pool.key === key);
  const pool = pools[index];
  return pool === undefined ? pools : pools.with(index, { ...pool, pauses });
}

function withThrottled(
  pools: readonly PoolView[],
  key: string,
  throttled: Throttled | null,
): readonly PoolView[] {
  const index = pools.findIndex((pool) => pool.key === key);
  const pool = pools[index];
  return pool === undefined ? pools : pools.with(index, { ...pool, throttled });
}

function jobStarted({ job }: EventOf<'job.started'>, snapshot: Snapshot): Snapshot {
  const { jobs, ended } = snapshot;
  // An engine uses an id once. If one comes again, the job runs and can't also have ended.
  const isKnownAsEnded = ended.some(({ id }) => id === job.id);
  return {
    ...snapshot,
    jobs: withJob(jobs, { ...job, lastLine: null, killed: null }),
    ended: isKnownAsEnded ? ended.filter(({ id }) => id !== job.id) : ended,
  };
}

function withJobChange(snapshot: Snapshot, id: string, change: Partial<RunningJob>): Snapshot {
  const job = jobIn(snapshot.jobs, id);
  return job === undefined ? snapshot : { ...snapshot, jobs: withJob(snapshot.jobs, { ...job, ...change }) };
}

function jobFinished(event: EventOf<'job.finished'>, snapshot: Snapshot): Snapshot {
  const { atMs, outcome, jobId } = event;
  const job = jobIn(snapshot.jobs, jobId);
  const jobs = job === undefined ? snapshot.jobs : withoutJob(snapshot.jobs, jobId);
  const ended =
    job === undefined ? snapshot.ended : prepended(snapshot.ended, endedJob(job, event), endedJobsLimit);
  const moved = { ...snapshot, jobs, ended };
  // It runs again and counts as not processed.
  if (outcome === 'requeued' || outcome === 'snoozed') return moved;
  // A retry counts as failed, as in Redis. It is no failure to look into: that comes with the last attempt.
  const isFailed = outcome === 'failed' || outcome === 'retried';
  const isLast = event.failure !== null && outcome === 'failed';
  const failure = isLast ? { atMs, failure: event.failure } : null;
  return withProcessedJob(moved, event.queue, { atMs, isFailed, failure });
}

function endedJob(job: RunningJob, event: EventOf<'job.finished'>): EndedJob {
  return {
    id: job.id,
    queue: job.queue,
    runner: job.runner,
    worker: job.worker,
    jobClass: job.jobClass,
    args: job.args,
    payloadBytes: job.payloadBytes,
    startedAtMs: job.startedAtMs,
    pid: job.pid,
    endedAtMs: event.atMs,
    durationMs: event.durationMs,
    outcome: event.outcome,
    exitCode: event.exitCode,
    signal: event.signal,
    failure: event.failure,
    ...(event.next === undefined ? {} : { next: event.next }),
    ...(event.cpuMs === undefined ? {} : { cpuMs: event.cpuMs }),
    ...(event.peakMemoryBytes === undefined ? {} : { peakMemoryBytes: event.peakMemoryBytes }),
    ...(job.attempt === undefined ? {} : { attempt: job.attempt }),
  };
}

/** `job.finished` has counted a failure with a job; for one without, this is the only event. */
function failureRecorded({ atMs, failure }: EventOf<'failure.recorded'>, snapshot: Snapshot): Snapshot {
  const recent: RecentFailure = { atMs, failure };
  const listed = { ...snapshot, failures: prepended(snapshot.failures, recent, recentFailuresLimit) };
  if (failure.jobId !== null) return listed;
  return withProcessedJob(listed, failure.queue, { atMs, isFailed: true, failure: recent });
}

function withProcessedJob(snapshot: Snapshot, queue: string, end: ProcessedJob): Snapshot {
  const queues = withProcessed(snapshot.queues, queue, end);
  return { ...snapshot, queues, throughput: counted(snapshot.throughput, end.atMs) };
}
