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

/** A change by an operator that was not stored in Redis. */
export interface LostOverride {
  /** `entry`: all queues of an entry. */
  readonly kind: 'all' | 'queue' | 'entry' | 'slots';
  /** Of a queue or an entry; '' with `all`. */
  readonly name: string;
  /** What was set; `slots` only with that kind. `null`: back to the config. */
  readonly override: { readonly by: string; readonly sinceMs: number; readonly slots?: number } | null;
}

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

interface FailuresChange {
  readonly count: number;
  /** If they were retried, those that they went back to. */
  readonly queues: readonly string[];
  /** Set if it was a single failure. */
  readonly jobClass: string | null;
}

interface ScheduledJob {
  /** Of the schedule. */
  readonly name: string;
  readonly queue: string;
  readonly jobClass: string;
}

/** The fields of each type of event. */
interface Facts {
  'engine.started': {
    readonly version: string;
    readonly pid: number;
    readonly workerHost: string;
    readonly namespace: string;
    /** Where Redis is, password masked. */
    readonly redis: string;
    readonly runners: readonly PoolView[];
  };
  'engine.stopping': { readonly mode: ShutdownMode; readonly running: number };
  'engine.stopped': {
    readonly processed: number;
    readonly failed: number;
    /** Outcomes that Redis couldn't store; 0 after a clean stop. */
    readonly unwritten: number;
  };
  'redis.up': { readonly serverVersion: string; readonly awayMs: number | null };
  'redis.down': { readonly reason: string };
  /** Redis came back without the last steps of this runner, or without all of them. */
  'steps.forgotten': {
    readonly steps: number;
    readonly isEverything: boolean;
    readonly rewritten: number;
    readonly running: number;
    /** Recorded jobs without a known end: now recorded as failed, or put back. */
    readonly settled: number;
  };
  /** Others declared this runner dead and accounted for its jobs. It continues under a new registration. */
  'engine.declared-dead': {
    /** Jobs that went back to their queues; their programs are killed here. */
    readonly killed: number;
    /** Jobs that were recorded as failed. Their programs may finish, but their outcomes are ignored. */
    readonly finishing: number;
    /** Dropped outcomes of jobs that other runners have accounted for. */
    readonly dropped: number;
  };
  /** A job's outcome is not recorded, because another runner has accounted for the job. */
  'outcome.dropped': {
    readonly worker: string;
    readonly outcome: 'success' | 'failure' | 'requeue' | 'retry' | 'snooze';
  };
  /** Another process, which may be alive, has this runner's name. */
  'engine.renamed': {
    readonly workerHost: string;
    /** `HOST:PID` */
    readonly holder: string;
  };
  /** Retries that could not wait, because a key in Redis has another type. They are recorded as failed. */
  'retries.refused': { readonly count: number };
  /** Redis refused to raise a counter. Published once. */
  'counter.refused': { readonly reason: string };
  /** What operators had set by hand before this runner started, and applies again. Published once. */
  'overrides.kept': { readonly kept: readonly OverrideView[] };
  /** Redis doesn't keep what operators set by hand, so it ends with this runner. Published when the reason changes. */
  'overrides.refused': { readonly reason: string };
  /** The runner stops before it could tell Redis these changes by hand: the next one doesn't know them. */
  'overrides.lost': { readonly lost: readonly LostOverride[] };
  'runner.added': { readonly runner: PoolView };
  'runner.changed': { readonly runner: PoolView };
  'runner.removed': { readonly runner: string };
  'runner.throttled': { readonly runner: string; readonly throttled: Throttled };
  'runner.unthrottled': { readonly runner: string };
  'queue.added': { readonly queue: QueueView };
  'queue.removed': { readonly queue: string };
  'queue.paused': {
    readonly queue: string;
    readonly pauses: readonly PauseReason[];
    /** `queues.paused` or `queues.resumed` tells it: logs and lists of events leave this one out. */
    readonly isPart?: true;
  };
  'queue.resumed': { readonly queue: string; readonly isPart?: true };
  /** All queues of an entry are paused, or all queues; also those that appear later. The parts follow. */
  'queues.paused': {
    /** `null`: all queues. */
    readonly runner: string | null;
    /** Those of this scope. */
    readonly pauses: readonly PauseReason[];
  };
  /** That is over. Queues may have pauses of their own; then their parts say so. */
  'queues.resumed': { readonly runner: string | null };
  /** A limit keeps jobs from starting, or no longer does. Changes that last less than a second may be left out. */
  'queue.limited': { readonly queue: string; readonly by: LimitedBy | null };
  'queue.backlog': { readonly queue: string; readonly backlog: number };
  /** Queues whose statistics have changed, at most once a second, and only while a client watches. */
  'queues.measured': {
    readonly queues: readonly { readonly queue: string; readonly statistics: QueueStatistics }[];
  };
  'job.started': { readonly job: JobView };
  /** The latest line of a running job, at most a few times a second, and only while a client watches. */
  'job.printed': {
    readonly jobId: string;
    readonly stream: OutputStream;
    /** At most `printedLineLimit` characters as the job wrote them. Hostile until sanitized. */
    readonly line: string;
  };
  /** A line that a job printed, for the log only, if `logOutput` asks for it. Screens read the output itself. */
  'output.logged': {
    readonly jobId: string;
    readonly queue: string;
    readonly jobClass: string | null;
    /** Set if it is told because the job has failed. */
    readonly outcome?: 'failed' | 'retried';
    readonly stream: OutputStream;
    /** At most 4,000 characters as the job wrote them. Hostile until sanitized. */
    readonly line: string;
  };
  /** Lines that a job printed and the log doesn't have, for the log only. */
  'output.left-out': {
    readonly jobId: string;
    readonly queue: string;
    readonly jobClass: string | null;
    readonly outcome?: 'failed' | 'retried';
    /** `null`: all that follow. */
    readonly lines: number | null;
  };
  'job.killed': {
    readonly jobId: string;
    readonly queue: string;
    readonly signal: string;
    readonly reason: KillReason;
  };
  'job.finished': {
    readonly jobId: string;
    readonly queue: string;
    readonly jobClass: string | null;
    readonly outcome: JobOutcome;
    readonly durationMs: number;
    readonly exitCode: number | null;
    readonly signal: string | null;
    /** Set if the outcome is `failed` or `retried`. */
    readonly failure: FailureSummary | null;
    /** Set if the outcome is `retried` or `snoozed`: the run that follows. */
    readonly next?: NextRun;
  } & JobUsage;
  'failure.recorded': { readonly failure: FailureSummary };
  'failures.retried': FailuresChange;
  'failures.removed': FailuresChange;
  /** On this day, `failedLimit` removed the oldest failures. Published by one of all runners, after the day. */
  'failures.trimmed': {
    /** By all runners. */
    readonly count: number;
    /** `2026-11-28`, UTC by Redis' clock. */
    readonly day: string;
    readonly limit: number;
  };
  /** The `onFailure` program of an entry failed. The first time is published at once, then once a minute. */
  'notice.failed': {
    readonly runner: string;
    /** How often since the last such event. */
    readonly count: number;
    /** Of the last time. */
    readonly queue: string;
    /** Of the last time, with the end of its output. Hostile until sanitized. */
    readonly reason: string;
  };
  /** Failures of which the `onFailure` program of an entry does not hear; published like `notice.failed`. */
  'notice.dropped': {
    readonly runner: string;
    readonly count: number;
    /** `busy`: too many failures for the programs; `stopping`: the runner stops. */
    readonly reason: 'busy' | 'stopping';
  };
  /** Length of the `failed` list, which all workers share; published while a client watches. */
  'failures.counted': { readonly total: number };
  /** Published while a client watches. */
  'delayed.counted': {
    /** Delayed jobs at the times that were looked at. */
    readonly jobs: number;
    /** Whether these are all. */
    readonly isComplete: boolean;
    /** In the config or in Redis. */
    readonly hasSchedules: boolean;
  };
  /** A command changed something, or failed to. Other events have the details. */
  'command.executed': {
    /** The client's name, such as `ann@pts/3`, or a signal. */
    readonly by: string;
    readonly command: CommandType;
    readonly isDone: boolean;
    /** For people: `mail: 2 → 3 slots`. */
    readonly outcome: string;
    /** An event with this `operator` says the same: lists of events leave this one out. */
    readonly isPart?: true;
  };
  /** Another runner, `HOST:PID`, had died; its jobs are accounted for. */
  'peer.recovered': {
    readonly peer: string;
    /** Jobs that were recorded as failed, and jobs that went back to their queues. */
    readonly failed: number;
    readonly requeued: number;
  };
  /** A dead runner's jobs wait before they run again, because its programs may still run. Published once for each. */
  'peer.deferred': {
    /** `HOST:PID` */
    readonly peer: string;
    /** Processes that may be these programs; empty if they aren't visible. */
    readonly pids: readonly number[];
    /** At most. The jobs continue when the programs have ended, or a runner of their user or of root ends them. */
    readonly waitMs: number;
  };
  /** Outcomes that Redis couldn't store are on the disk, until the outage ends or the next runner starts. */
  'outcomes.spooled': {
    /** Outcomes, and jobs that go back. */
    readonly count: number;
    /** Requested jobs without a reply: Redis may have handed out this many. None has run. */
    readonly unrun: number;
    readonly file: string;
  };
  /** The spooled outcomes of another runner, `HOST:PID`, are in Redis. */
  'outcomes.restored': {
    readonly peer: string;
    /** As in `outcomes.spooled`. */
    readonly count: number;
    readonly unrun: number;
  };
  /** A spool file, or the spool's directory, can't be used. */
  'spool.failed': {
    readonly file: string;
    /** Outcomes and returning jobs that Redis therefore lacks; 0 if unknown. */
    readonly count: number;
    readonly reason: string;
  };
  /**
   * Whether this runner moves delayed jobs to their queues. `standby`: another scheduler does. `failing`: Redis refuses.
   * Published when it changes, and only by a runner that should move them.
   */
  'scheduler.changed': {
    readonly state: 'moving' | 'standby' | 'failing';
    /** `standby`: the name of the other scheduler. `failing`: the reason. Otherwise ''. */
    readonly detail: string;
  };
  /** Delayed jobs could not be moved to a queue, and are on a list of their own now. */
  'jobs.undeliverable': {
    readonly count: number;
    /** Of the list. */
    readonly key: string;
  };
  'schedule.enqueued': ScheduledJob;
  /** The job of a schedule was not put on its queue, because the same job is still waiting there. */
  'schedule.skipped': ScheduledJob;
  /** A schedule can't be enqueued. Published when the reason changes. */
  'schedule.failed': {
    /** Name of the schedule; '' if none of the schedules in Redis can be read. */
    readonly name: string;
    readonly reason: string;
  };
  'config.reloaded': {
    readonly changes: readonly string[];
    /** Changed fields of the file that take effect only after a restart. */
    readonly needsRestart: readonly string[];
    /** These fields with their old and new values: `namespace ("resque" → "app")`. Left out if there are none. */
    readonly restartChanges?: readonly string[];
    /** What operators have set by hand, and still applies. Left out if there is nothing. */
    readonly kept?: readonly OverrideView[];
  };
  'config.rejected': { readonly problems: readonly string[] };
  /** Metrics can be read here: `http://127.0.0.1:9464/metrics`, `unix:/run/metrics.sock`. */
  'metrics.opened': { readonly address: string };
  'metrics.closed': { readonly address: string };
  /** A reload could not open this address for metrics. */
  'metrics.failed': {
    readonly address: string;
    readonly reason: string;
    /** Where they still are; `null`: nowhere. */
    readonly current: string | null;
  };
  /** There are more queues or classes than metrics show by name. Published once for each kind. */
  'metrics.folded': {
    readonly label: 'queue' | 'class';
    /** How many have their names. */
    readonly limit: number;
  };
  /** Totals of this engine since its start. */
  'counters.changed': {
    readonly processed: number;
    readonly failed: number;
    /** Ended jobs whose outcome is not in Redis yet. */
    readonly unwritten: number;
  };
}

export type EngineEventType = keyof Facts;
export type EngineFact = { [T in EngineEventType]: { readonly type: T } & Facts[T] }[EngineEventType];

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
