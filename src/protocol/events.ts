/**
 * Events: past facts that the engine publishes, each numbered. Every event is JSON-safe, so it can cross a
 * socket as it is. Terminology: a *runner* is one entry of the config's `runners` (a queue or a pattern of
 * queues, with its slots); a *queue* is one concrete Resque queue; a *slot* runs one job at a time.
 */
import type { CommandType } from './commands.ts';
import type { JobOutcome, JobView, OutputStream } from './job.ts';

/** Why a queue takes no jobs. A queue runs only when no reason is left. */
export interface PauseReason {
  /**
   * `operator`: this queue was paused by hand; `all`: everything was (USR2 or `pause-all`); `cluster`:
   * `pause-all-workers` is set in Redis; `unstartable`: its script can't be started; `unreadable`: its key
   * in Redis is not a list.
   */
  readonly kind: 'operator' | 'all' | 'cluster' | 'unstartable' | 'unreadable';
  /** A sentence for people, '' where the kind says it all. */
  readonly detail: string;
  readonly sinceMs: number;
}

export interface QueueView {
  readonly name: string;
  readonly runner: string;
  readonly pauses: readonly PauseReason[];
}

export interface PoolView {
  readonly key: string;
  readonly concurrency: number;
  /** What the config file says; differs from `concurrency` after `set-concurrency`. */
  readonly configuredConcurrency: number;
  /** Set while it has fewer children than it should have. Jobs go on running. */
  readonly throttled: Throttled | null;
}

/** How a child ended that stood by and had no job, or why the machine could not start another child. */
export interface Throttled {
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** The end of what it printed, '' for nothing; hostile until sanitised. */
  readonly lastWords: string;
  /** What the machine lacks, and the fix, a sentence for people; `null` if a child ended. */
  readonly shortage: string | null;
  /** Until the next one is started. */
  readonly pauseMs: number;
  readonly sinceMs: number;
}

export type ShutdownMode = 'quit' | 'terminate' | 'kill' | 'drained';

/** A failure as it was recorded in Redis, shortened for people. */
export interface FailureSummary {
  readonly queue: string;
  /** `null` where it never ran: its payload is no JSON object. */
  readonly jobId: string | null;
  readonly jobClass: string | null;
  readonly exception: string;
  /** At most 1,000 characters. */
  readonly error: string;
  readonly exitCode: number | null;
  readonly signal: string | null;
}

export type EngineFact =
  | {
      readonly type: 'engine.started';
      readonly version: string;
      readonly pid: number;
      readonly workerHost: string;
      readonly namespace: string;
      /** Where Redis is, password masked. */
      readonly redis: string;
      readonly runners: readonly PoolView[];
    }
  | { readonly type: 'engine.stopping'; readonly mode: ShutdownMode; readonly running: number }
  | {
      readonly type: 'engine.stopped';
      readonly processed: number;
      readonly failed: number;
      /** Outcomes that Redis could not take; 0 on a clean stop. */
      readonly unwritten: number;
    }
  | { readonly type: 'redis.up'; readonly serverVersion: string; readonly awayMs: number | null }
  | { readonly type: 'redis.down'; readonly reason: string }
  | {
      /** Redis came back without the last steps of this runner, or without all of them. */
      readonly type: 'steps.forgotten';
      readonly steps: number;
      /** It knows nothing of this runner any more. */
      readonly isEverything: boolean;
      /** Outcomes that were written again. */
      readonly rewritten: number;
      /** Running jobs that are back on record. */
      readonly running: number;
      /** Jobs that Redis had on record without a known end: recorded as failed, or put back. */
      readonly settled: number;
    }
  | {
      /** Others took this runner for dead and accounted for its jobs. It goes on under a new registration. */
      readonly type: 'engine.declared-dead';
      /** Jobs that went back to their queues; their programs are killed here. */
      readonly killed: number;
      /** Jobs that were recorded as failed; their programs may finish, and their outcomes count nowhere. */
      readonly finishing: number;
      /** Outcomes that are dropped, since others have accounted for their jobs. */
      readonly dropped: number;
    }
  | {
      /** A job's outcome is not recorded, since others have accounted for the job. */
      readonly type: 'outcome.dropped';
      readonly worker: string;
      readonly outcome: 'success' | 'failure' | 'requeue';
    }
  | {
      /** Another process, which may live, has this runner's name. */
      readonly type: 'engine.renamed';
      readonly workerHost: string;
      /** `HOST:PID` */
      readonly holder: string;
    }
  | {
      /** Redis did not raise a counter. Told once. */
      readonly type: 'counter.refused';
      readonly reason: string;
    }
  | { readonly type: 'runner.added'; readonly runner: PoolView }
  | { readonly type: 'runner.changed'; readonly runner: PoolView }
  | { readonly type: 'runner.removed'; readonly runner: string }
  | { readonly type: 'runner.throttled'; readonly runner: string; readonly throttled: Throttled }
  | { readonly type: 'runner.unthrottled'; readonly runner: string }
  | { readonly type: 'queue.added'; readonly queue: QueueView }
  | { readonly type: 'queue.removed'; readonly queue: string }
  | { readonly type: 'queue.paused'; readonly queue: string; readonly pauses: readonly PauseReason[] }
  | { readonly type: 'queue.resumed'; readonly queue: string }
  | { readonly type: 'queue.backlog'; readonly queue: string; readonly backlog: number }
  | { readonly type: 'job.started'; readonly job: JobView }
  | {
      /** The latest line of a running job, told at most a few times a second, and only while somebody looks. */
      readonly type: 'job.printed';
      readonly jobId: string;
      readonly stream: OutputStream;
      /** At most `printedLineLimit` characters, as the job wrote them: hostile until sanitised. */
      readonly line: string;
    }
  | {
      readonly type: 'job.killed';
      readonly jobId: string;
      readonly queue: string;
      readonly signal: string;
      readonly reason: KillReason;
    }
  | {
      readonly type: 'job.finished';
      readonly jobId: string;
      readonly queue: string;
      readonly jobClass: string | null;
      readonly outcome: JobOutcome;
      readonly durationMs: number;
      readonly exitCode: number | null;
      readonly signal: string | null;
      /** Set where the outcome is `failed`. */
      readonly failure: FailureSummary | null;
    }
  | { readonly type: 'failure.recorded'; readonly failure: FailureSummary }
  | {
      readonly type: 'failures.retried';
      readonly count: number;
      /** Where they were put back. */
      readonly queues: readonly string[];
      /** Set where it was one. */
      readonly jobClass: string | null;
    }
  | {
      readonly type: 'failures.removed';
      readonly count: number;
      readonly queues: readonly string[];
      readonly jobClass: string | null;
    }
  | {
      /** Length of the `failed` list, which all workers share; told while somebody looks. */
      readonly type: 'failures.counted';
      readonly total: number;
    }
  | {
      /** Somebody changed something, or tried to. What came of it in detail, other events tell. */
      readonly type: 'command.executed';
      /** Who: the name that a user interface gave, such as `ann@pts/3`, or a signal. */
      readonly by: string;
      readonly command: CommandType;
      readonly isDone: boolean;
      /** For people: `mail: 2 → 3 slots`. */
      readonly outcome: string;
    }
  | {
      /** Another runner's process, `HOST:PID`, had died; its jobs are accounted for. */
      readonly type: 'peer.recovered';
      readonly peer: string;
      /** Jobs that were recorded as failed, and that went back to their queues. */
      readonly failed: number;
      readonly requeued: number;
    }
  | {
      /** A dead runner's jobs wait before they run again: programs of it may still run. Told once of each. */
      readonly type: 'peer.deferred';
      /** `HOST:PID` */
      readonly peer: string;
      /** Processes that may be these programs; none if they can't be seen. */
      readonly pids: readonly number[];
      /** At most: they go on once the programs are gone, or a runner of their user, or of root, ends these. */
      readonly waitMs: number;
    }
  | {
      /** What Redis could not be told is on the disk; the next start, or the end of the outage, tells it. */
      readonly type: 'outcomes.spooled';
      /** How jobs ended, and jobs that go back. */
      readonly count: number;
      /** Jobs that were asked for without an answer: Redis may have given so many of them. None has run. */
      readonly unrun: number;
      readonly file: string;
    }
  | {
      /** What another runner's process, `HOST:PID`, had left on the disk is in Redis. */
      readonly type: 'outcomes.restored';
      readonly peer: string;
      /** As in `outcomes.spooled`. */
      readonly count: number;
      readonly unrun: number;
    }
  | {
      /** A file of the spool, or its directory, is no good. */
      readonly type: 'spool.failed';
      readonly file: string;
      /** How jobs ended, and jobs that go back: those that Redis doesn't know for that; 0 where nobody can tell. */
      readonly count: number;
      readonly reason: string;
    }
  | {
      readonly type: 'config.reloaded';
      readonly changes: readonly string[];
      /** Fields of the file that differ and take effect only after a restart; older engines leave it out. */
      readonly needsRestart?: readonly string[];
    }
  | { readonly type: 'config.rejected'; readonly problems: readonly string[] }
  | {
      /** Totals of this engine since its start. */
      readonly type: 'counters.changed';
      readonly processed: number;
      readonly failed: number;
      /** Finished, but their outcome is not in Redis yet. */
      readonly unwritten: number;
    };

/** Characters of a `job.printed`'s line: wider than any panel. */
export const printedLineLimit = 500;

/**
 * `operator`: a command; `signal`: USR1; `timeout`: the job's own limit; `shutdown`: the runner stops; `taken-over`: the
 * job went back to its queue, because others took this runner for dead.
 */
export type KillReason = 'operator' | 'signal' | 'timeout' | 'shutdown' | 'taken-over';

/** A numbered fact. `seq` rises by one from 1 within one engine; `atMs` is milliseconds since the epoch. */
export type EngineEvent = EngineFact & { readonly seq: number; readonly atMs: number };

export type EngineEventType = EngineFact['type'];
