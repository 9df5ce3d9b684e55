/**
 * What every event makes of the snapshot. Pure and total: events of any order, about things that nobody has
 * heard of, of types from a later version, leave a snapshot that is consistent. Both processes run it: the
 * engine for each of its events, thousands a second at times, and every client for what it is sent; that is why
 * nothing is copied that doesn't change, and why what didn't change keeps its identity.
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
import { prepended } from './capped-list.ts';
import { withEvent } from './history.ts';
import { type ProcessedJob, withChange, withoutQueue, withProcessed, withQueue } from './queue-states.ts';
import { jobIn, withJob, withoutJob } from './running-jobs.ts';
import { counted, emptyThroughput, throughputSince } from './throughput.ts';
import { withFields } from './with-fields.ts';

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

/** @returns the very same snapshot where it has seen the event before */
export function reduce(snapshot: Snapshot, event: EngineEvent): Snapshot {
  if (event.seq <= snapshot.seq) return snapshot;
  // What an earlier engine did is of no interest beside a new one.
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
      return { ...snapshot, runners: withRunner(runners, event.runner) };
    case 'runner.changed':
      return hasRunner(runners, event.runner.key)
        ? { ...snapshot, runners: withRunner(runners, event.runner) }
        : snapshot;
    case 'runner.removed':
      return hasRunner(runners, event.runner)
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
    case 'queue.backlog':
      return { ...snapshot, queues: withChange(queues, event.queue, { backlog: event.backlog }) };
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
    case 'counters.changed':
      return withTotals(snapshot, event);
    case 'engine.renamed': {
      const { engine } = snapshot;
      return engine === null
        ? snapshot
        : { ...snapshot, engine: { ...engine, workerHost: event.workerHost } };
    }
    // Told by `history` alone.
    case 'steps.forgotten':
    case 'engine.declared-dead':
    case 'outcome.dropped':
    case 'counter.refused':
    case 'failures.retried':
    case 'failures.removed':
    case 'command.executed':
    case 'config.reloaded':
    case 'config.rejected':
    case 'peer.recovered':
    case 'peer.deferred':
    case 'outcomes.spooled':
    case 'outcomes.restored':
    case 'spool.failed':
      return snapshot;
    default:
      event satisfies never;
      // Of a later version: it moves `seq`, and no more.
      return snapshot;
  }
}

/** Runners and queues may have been told already: an engine knows its own before it says that it started. */
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

/** However often the reason changes, it is down since it was first. */
function redisDown({ atMs, reason }: EventOf<'redis.down'>, snapshot: Snapshot): Snapshot {
  const { redis } = snapshot;
  const sinceMs = redis.state === 'down' ? redis.sinceMs : atMs;
  return { ...snapshot, redis: withFields(redis, { state: 'down', sinceMs, reason }) };
}

function hasRunner(runners: readonly PoolView[], runner: string): boolean {
  return runners.some(({ key }) => key === runner);
}

function withRunner(runners: readonly PoolView[], runner: PoolView): readonly PoolView[] {
  const index = runners.findIndex(({ key }) => key === runner.key);
  return index === -1 ? [...runners, runner] : runners.with(index, runner);
}

function withThrottled(
  runners: readonly PoolView[],
  key: string,
  throttled: Throttled | null,
): readonly PoolView[] {
  const index = runners.findIndex((runner) => runner.key === key);
  const runner = runners[index];
  return runner === undefined ? runners : runners.with(index, { ...runner, throttled });
}

function jobStarted({ job }: EventOf<'job.started'>, snapshot: Snapshot): Snapshot {
  const { jobs, ended } = snapshot;
  // Ids are used once by an engine. Should one come again, the job runs: it can't be both.
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
  // It lies on its queue again, so that nothing was done so far.
  if (outcome === 'requeued') return moved;
  const failure = event.failure === null ? null : { atMs, failure: event.failure };
  return withProcessedJob(moved, event.queue, { atMs, isFailed: outcome === 'failed', failure });
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
  };
}

/** A failure with a job was counted when that finished; one without is all that is ever told of it. */
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
