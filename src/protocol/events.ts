/**
 * Events: numbered past facts that the engine publishes. Every event is JSON-safe, so it can cross a socket unchanged.
 *
 * A *pool* is an entry of the config's `runners`: a queue or a pattern of queues, with its slots. In events, `runner` is the
 * key of a pool. A *queue* is one concrete Resque queue. A *slot* runs one job at a time.
 *
 * Long because it is one table.
 */
import type { CommandType } from './commands.ts';
import type { JobOutcome, JobUsage, JobView, NextRun, OutputStream } from './job.ts';
import type { QueueStatistics } from './statistics.ts';

/** Why a queue takes no jobs. A queue runs only if no reason is left. */
export interface PauseReason {
  /**
   * `operator`: an operator paused this queue; `all`: USR2 or `pause-all` paused every queue; `cluster`:
   * `pause-all-workers` is set in Redis; `unstartable`: its script can't be started; `unreadable`: its key
   * in Redis is not a list.
   */
  readonly kind: 'operator' | 'all' | 'cluster' | 'unstartable' | 'unreadable';
  /** A sentence for people; '' if the kind is enough. */
  readonly detail: string;
  readonly sinceMs: number;
  /** Set if an operator paused this entry of the config, with all its queues. */
  readonly entry?: string;
}

export interface QueueView {
  readonly name: string;
  readonly runner: string;
  readonly pauses: readonly PauseReason[];
  /** The limit over all runners that keeps its next job from starting; left out or `null` if none does. */
  readonly limitedBy?: LimitedBy | null;
}

/** `limit`: as many jobs run as are allowed. `rate`: the next one can't start for a second or more. */
export type LimitedBy = 'limit' | 'rate';

/** A pause or a number of slots that an operator set by hand. It lasts until someone goes back to the config. */
export type OverrideView = {
  /** Who set it; '' if unknown. */
  readonly by: string;
  readonly sinceMs: number;
} & (
  | {
      readonly kind: 'pause';
      /** `null`: every queue. */
      readonly queue: string | null;
    }
  | {
      readonly kind: 'slots';
      readonly runner: string;
      readonly slots: number;
      /** What the config says. */
      readonly configured: number;
    }
);

export interface PoolView {
  readonly key: string;
  readonly concurrency: number;
  /** What the config file says; differs from `concurrency` after `set-concurrency`. */
  readonly configuredConcurrency: number;
  /** Who set `concurrency` by hand, and when; left out if it is the config's. */
  readonly override?: { readonly by: string; readonly sinceMs: number };
  /** Set while it has fewer children than it should have. Jobs still run. */
  readonly throttled: Throttled | null;
  /** Patterns in its key; left out if there are none. Each of them is also on the list of queues, as a name. */
  readonly patterns?: readonly string[];
  /** Pauses of the whole entry; left out if there are none, and for an entry that is one queue. */
  readonly pauses?: readonly PauseReason[];
  /** Limits of each of its queues over all runners; left out if it has none. `rate` as in the config: `100/m burst 20`. */
  readonly limits?: { readonly limit: number | null; readonly rate: string | null };
}

/** How a child ended that waited for a job, or why the machine couldn't start another child. */
export interface Throttled {
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** The end of its output; '' if it printed nothing. Hostile until sanitized. */
  readonly lastWords: string;
  /** What the machine lacks and the fix, for people; `null` if a child ended. */
  readonly shortage: string | null;
  /** The pause before the next start. */
  readonly pauseMs: number;
  readonly sinceMs: number;
}

export type ShutdownMode = 'quit' | 'terminate' | 'kill' | 'drained';

/** A failure as it was recorded in Redis, shortened for people. */
export interface FailureSummary {
  readonly queue: string;
  /** `null` if it never ran, because its payload is not a JSON object. */
  readonly jobId: string | null;
  readonly jobClass: string | null;
  readonly exception: string;
  /** At most 1,000 characters. */
  readonly error: string;
  readonly exitCode: number | null;
  readonly signal: string | null;
}

/** `queues`: if they were retried, those that they went back to. `jobClass`: set if it was a single failure. */
type FailuresChange = { count: number; queues: readonly string[]; jobClass: string | null };
/** `name`: of the schedule. */
type ScheduledJob = { name: string; queue: string; jobClass: string };
/** `outcome`: set if it is told because the job has failed. For the log only: screens read the output itself. */
type LoggedOutput = { jobId: string; queue: string; jobClass: string | null; outcome?: 'failed' | 'retried' };
/** `count`: outcomes, and jobs that go back. `unrun`: as many jobs Redis may have handed out without a reply. None has run. */
type Spooled = { count: number; unrun: number };

/** The fields of each type of event. `peer` and `holder` are processes, `HOST:PID`. */
interface Facts {
  'engine.started': {
    version: string;
    pid: number;
    workerHost: string;
    namespace: string;
    /** Where Redis is, password masked. */
    redis: string;
    runners: readonly PoolView[];
  };
  'engine.stopping': { mode: ShutdownMode; running: number };
  /** `unwritten`: outcomes that Redis couldn't store; 0 after a clean stop. */
  'engine.stopped': { processed: number; failed: number; unwritten: number };
  'redis.up': { serverVersion: string; awayMs: number | null };
  'redis.down': { reason: string };
  /** Redis came back without the last steps of this runner, or without all of them. */
  'steps.forgotten': {
    steps: number;
    isEverything: boolean;
    rewritten: number;
    running: number;
    /** Recorded jobs without a known end: now recorded as failed, or put back. */
    settled: number;
  };
  /** Others declared this runner dead and accounted for its jobs. It continues under a new registration. */
  'engine.declared-dead': {
    /** Jobs that ran; their programs are killed here. */
    killed: number;
    /** Outcomes of jobs that had ended; they are not recorded. */
    dropped: number;
  };
  /** Retries that could not wait, because a key in Redis has another type. They are recorded as failed. */
  'retries.refused': { count: number };
  /** Redis refused to raise a counter. Published once. */
  'counter.refused': { reason: string };
  /** What operators had set by hand before this runner started, and applies again. Published once. */
  'overrides.kept': { kept: readonly OverrideView[] };
  /** Redis doesn't keep what operators set by hand, so it ends with this runner. Published when the reason changes. */
  'overrides.refused': { reason: string };
  'runner.added': { runner: PoolView };
  'runner.changed': { runner: PoolView };
  'runner.removed': { runner: string };
  'runner.throttled': { runner: string; throttled: Throttled };
  'runner.unthrottled': { runner: string };
  'queue.added': { queue: QueueView };
  'queue.removed': { queue: string };
  /** `isPart`: `queues.paused` or `queues.resumed` tells it, and logs and lists of events leave this one out. */
  'queue.paused': { queue: string; pauses: readonly PauseReason[]; isPart?: true };
  'queue.resumed': { queue: string; isPart?: true };
  /**
   * All queues of an entry are paused, or all queues (`null`); also those that appear later. The pauses are those of this
   * scope. The parts follow.
   */
  'queues.paused': { runner: string | null; pauses: readonly PauseReason[] };
  /** That is over. Queues may have pauses of their own; then their parts say so. */
  'queues.resumed': { runner: string | null };
  /** A limit keeps jobs from starting, or no longer does. Changes that last less than a second may be left out. */
  'queue.limited': { queue: string; by: LimitedBy | null };
  'queue.backlog': { queue: string; backlog: number };
  /** Queues whose statistics have changed, at most once a second, and only while a client watches. */
  'queues.measured': { queues: readonly { readonly queue: string; readonly statistics: QueueStatistics }[] };
  'job.started': { job: JobView };
  /**
   * The latest line of a running job, at most a few times a second, and only while a client watches: at most
   * `printedLineLimit` characters. Hostile until sanitized.
   */
  'job.printed': { jobId: string; stream: OutputStream; line: string };
  /** A line that a job printed, if `logOutput` asks for it: at most 4,000 characters. Hostile until sanitized. */
  'output.logged': LoggedOutput & { stream: OutputStream; line: string };
  /** Lines that a job printed and the log doesn't have. `null`: all that follow. */
  'output.left-out': LoggedOutput & { lines: number | null };
  'job.killed': { jobId: string; queue: string; signal: string; reason: KillReason };
  'job.finished': {
    jobId: string;
    queue: string;
    jobClass: string | null;
    outcome: JobOutcome;
    durationMs: number;
    exitCode: number | null;
    signal: string | null;
    /** Set if the outcome is `failed` or `retried`. */
    failure: FailureSummary | null;
    /** Set if the outcome is `retried` or `snoozed`: the run that follows. */
    next?: NextRun;
  } & JobUsage;
  'failure.recorded': { failure: FailureSummary };
  'failures.retried': FailuresChange;
  'failures.removed': FailuresChange;
  /**
   * So many of the oldest failures were removed for `failedLimit` by all runners on this day, `2026-11-28` by Redis' clock.
   * Published by one of the runners, after the day.
   */
  'failures.trimmed': { count: number; day: string; limit: number };
  /**
   * The `onFailure` program of an entry failed: how often since the last such event; queue and reason of the last time, with
   * the end of its output, hostile until sanitized. The first time is published at once, then once a minute.
   */
  'notice.failed': { runner: string; count: number; queue: string; reason: string };
  /**
   * Failures of which the `onFailure` program of an entry does not hear, because too many jobs fail or the runner stops.
   * Published like `notice.failed`.
   */
  'notice.dropped': { runner: string; count: number; reason: 'busy' | 'stopping' };
  /** Length of the `failed` list, which all workers share; published while a client watches. */
  'failures.counted': { total: number };
  /** Delayed jobs at the times that were looked at, and whether these are all. Published while a client watches. */
  'delayed.counted': {
    jobs: number;
    isComplete: boolean;
    /** In the config or in Redis. */
    hasSchedules: boolean;
  };
  /** A command changed something, or failed to. Other events have the details. */
  'command.executed': {
    /** The client's name, such as `ann@pts/3`, or a signal. */
    by: string;
    command: CommandType;
    isDone: boolean;
    /** For people: `mail: 2 → 3 slots`. */
    outcome: string;
    /** An event with this `operator` says the same: lists of events leave this one out. */
    isPart?: true;
  };
  /** Another runner had died; so many of its jobs were recorded as failed, or went back to their queues. */
  'peer.recovered': { peer: string; failed: number; requeued: number };
  /** A dead runner's jobs wait before they run again, because its programs may still run. Published once for each. */
  'peer.deferred': {
    peer: string;
    /** Processes that may be these programs; empty if they aren't visible. */
    pids: readonly number[];
    /** At most. The jobs continue when the programs have ended, or a runner of their user or of root ends them. */
    waitMs: number;
  };
  /** Outcomes that Redis couldn't store are on the disk, until the outage ends or the next runner starts. */
  'outcomes.spooled': Spooled & { file: string };
  /** The spooled outcomes of another runner are in Redis. */
  'outcomes.restored': Spooled & { peer: string };
  /** A spool file, or the spool's directory, can't be used. Redis lacks so many outcomes and returning jobs, 0 if unknown. */
  'spool.failed': { file: string; count: number; reason: string };
  /**
   * Whether this runner moves delayed jobs to their queues. `standby`: another scheduler does. `failing`: Redis refuses.
   * `detail` is the name of the other scheduler, the reason, or ''. Published when it changes, and only by a runner that
   * should move them.
   */
  'scheduler.changed': { state: 'moving' | 'standby' | 'failing'; detail: string };
  /** Delayed jobs could not be moved to a queue, and are on the list with this key now. */
  'jobs.undeliverable': { count: number; key: string };
  'schedule.enqueued': ScheduledJob;
  /** The job of a schedule was not put on its queue, because the same job is still waiting there. */
  'schedule.skipped': ScheduledJob;
  /** The schedule can't be enqueued, or none of those in Redis can be read (''). Published when the reason changes. */
  'schedule.failed': { name: string; reason: string };
  'config.reloaded': {
    changes: readonly string[];
    /** Changed fields of the file that take effect only after a restart. */
    needsRestart: readonly string[];
    /** These fields with their old and new values: `namespace ("resque" → "app")`. Left out if there are none. */
    restartChanges?: readonly string[];
    /** What operators have set by hand, and still applies. Left out if there is nothing. */
    kept?: readonly OverrideView[];
  };
  'config.rejected': { problems: readonly string[] };
  /** Metrics can be read here: `http://127.0.0.1:9464/metrics`, `unix:/run/metrics.sock`. */
  'metrics.opened': { address: string };
  'metrics.closed': { address: string };
  /** A reload could not open this address for metrics: they are off. */
  'metrics.failed': { address: string; reason: string };
  /** There are more queues or classes than metrics show by name. Published once for each kind. */
  'metrics.folded': { label: 'queue' | 'class'; limit: number };
  /** Totals of this engine since its start. `unwritten`: ended jobs whose outcome is not in Redis yet. */
  'counters.changed': { processed: number; failed: number; unwritten: number };
}

export type EngineEventType = keyof Facts;
export type EngineFact = {
  [T in EngineEventType]: { readonly type: T } & Readonly<Facts[T]>;
}[EngineEventType];

/** Characters of the line in `job.printed`: wider than any panel. */
export const printedLineLimit = 500;

/**
 * `operator`: a command; `signal`: USR1; `timeout`: the job's own limit; `shutdown`: the runner stops; `taken-over`: the
 * job went back to its queue, because others declared this runner dead.
 */
export type KillReason = 'operator' | 'signal' | 'timeout' | 'shutdown' | 'taken-over';

/** A numbered fact. `seq` rises by one from 1 within one engine; `atMs` is milliseconds since the epoch. */
export type EngineEvent = EngineFact & {
  readonly seq: number;
  readonly atMs: number;
  /** Whose command it was: `ann@pts/3`. Left out if it was none. */
  readonly operator?: string;
};

/** Facts that the engine's owner reports, not the engine itself. */
export type OwnersFact = Extract<EngineFact, { readonly type: `metrics.${string}` }>;
