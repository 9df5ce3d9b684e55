/**
 * The validated configuration, for the rest of the program. It has all defaults and absolute paths, and needs no further
 * checks.
 */
import type { ListenAddress } from './metrics.ts';
import type { Rate } from './times/rate.ts';

/** What happens to a job that was killed in a shutdown of the runner. */
export type Interrupted = 'fail' | 'requeue';

/**
 * What a crash of the runner may do to a job. `at-most-once`: it may be lost, or is recorded as failed;
 * `at-least-once`: it runs again.
 */
export type Delivery = 'at-most-once' | 'at-least-once';

/**
 * `process`: a child runs one job, with its payload as STDIN. `persistent`: a child runs many jobs, reads one payload per
 * line, and writes one result per line to descriptor 3.
 */
export type Mode = 'process' | 'persistent';

/**
 * `auto`: moves delayed jobs if this config makes any, and enqueues the jobs of its schedules. `on`: does both, and holds the
 * locks of other schedulers, which then stand by. `off`: leaves them to others.
 */
export type Scheduler = 'auto' | 'on' | 'off';

/** A recurring job. */
export interface Schedule {
  readonly name: string;
  readonly timing: Timing;
  readonly queue: string;
  readonly jobClass: string;
  /** JSON text of the job's args, an array. */
  readonly args: string;
  /** Whether to enqueue nothing while the same job is still waiting. */
  readonly isUnique: boolean;
  /** '' if there is none. */
  readonly description: string;
}

/** When a job is enqueued. `text` is as it was written. */
export type Timing =
  | {
      readonly kind: 'cron';
      readonly text: string;
      /** In croner's dialect. */
      readonly pattern: string;
      /** `null`: the runner's own. */
      readonly zone: string | null;
    }
  | {
      readonly kind: 'every';
      readonly text: string;
      readonly seconds: number;
      /** Delay of the first time, after the schedule appeared; `null`: a time that follows from its name. */
      readonly firstInSeconds: number | null;
    };

/** Whether and when a failed job runs again. */
export interface RetryRule {
  /** How many times a job may run in total, at least 1. */
  readonly attempts: number;
  /** The failures that are retried: all of them, or those with these exit codes and exceptions. */
  readonly on: 'any' | readonly (number | string)[];
  /** The delay before the second run. It doubles with each run. */
  readonly firstDelaySeconds: number;
  readonly longestDelaySeconds: number;
  /** How much of the delay is added at random, from 0 to 1. */
  readonly jitter: number;
  /** The queue for retries; `null` for the job's own. */
  readonly queue: string | null;
}

export interface RetryPolicy extends RetryRule {
  /** Rules for jobs of a class, by its name. */
  readonly classes: Readonly<Record<string, RetryRule>>;
}

export type LogOutput = 'none' | 'failed' | 'all';

/** Plugins whose locks a runner can release: resque-loner, resque-lock, and QueueLock of node-resque. */
export type Lock = 'loner' | 'resque-lock' | 'node';

/** One entry of `runners`: a queue (or a pattern of queues), its slots, and the program that runs its jobs. */
export interface PoolConfig {
  /** The key as written in the file: a queue name, a pattern (`mail_*`), or a list (`high,*,!low`). */
  readonly key: string;
  /** Slots: how many jobs of this entry may run at the same time, at least 1. */
  readonly concurrency: number;
  /** The program and its fixed leading arguments; never empty. The queue's name follows, then `args`. */
  readonly script: readonly string[];
  /** Arguments that follow the queue's name. */
  readonly args: readonly string[];
  /** Added to the runner's own environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Working directory of the program, absolute; `null` for the runner's own. */
  readonly cwd: string | null;
  /** Seconds that a job may run; `null` for no limit. */
  readonly timeoutSeconds: number | null;
  /** Seconds between TERM and KILL. */
  readonly killAfterSeconds: number;
  readonly interrupted: Interrupted;
  readonly delivery: Delivery;
  readonly mode: Mode;
  /** `process`: a child starts before its job arrives, and waits on STDIN. */
  readonly isPrestarted: boolean;
  /** Seconds that a prestarted child may wait before it is replaced; `null` for no limit. */
  readonly prestartMaxAgeSeconds: number | null;
  /** `persistent`: how many jobs a child runs before it is replaced; `null` for no limit. */
  readonly maxJobs: number | null;
  /** `null` if failed jobs are not retried. */
  readonly retry: RetryPolicy | null;
  /** The locks that the runner releases for jobs. */
  readonly locks: readonly Lock[];
  /** How many jobs of each queue can run at the same time, over all runners; `null` for no limit. */
  readonly limit: number | null;
  /** How often jobs of each queue can start, over all runners; `null` for no limit. */
  readonly rate: Rate | null;
  /** The program that hears of failures, like `script`; `null` for none. */
  readonly onFailure: readonly string[] | null;
  /** Whether the output of jobs goes into the log: not at all, once they have failed, or while they run. */
  readonly logOutput: LogOutput;
}

export interface RedisAuth {
  readonly username: string | null;
  readonly password: string | null;
}

/** TLS to Redis. Files are absolute paths to PEM files; `null` if not given. */
export interface TlsConfig {
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
  readonly servername: string | null;
  readonly rejectUnauthorized: boolean;
}

export interface RedisServerConfig extends RedisAuth {
  readonly kind: 'server';
  readonly host: string;
  readonly port: number;
  readonly db: number;
  readonly tls: TlsConfig | null;
}

export interface RedisSocketConfig extends RedisAuth {
  readonly kind: 'socket';
  /** Absolute path of the Unix socket. */
  readonly path: string;
  readonly db: number;
}

export interface RedisSentinelConfig extends RedisAuth {
  readonly kind: 'sentinel';
  readonly sentinels: readonly { readonly host: string; readonly port: number }[];
  /** Name of the master group. */
  readonly master: string;
  readonly sentinelUsername: string | null;
  readonly sentinelPassword: string | null;
  readonly db: number;
  readonly tls: TlsConfig | null;
}

/** A private redis-server or valkey-server that the program starts itself. */
export interface RedisEmbeddedConfig {
  readonly kind: 'embedded';
  /** Absolute directory for its data and socket. */
  readonly directory: string;
}

export type RedisConfig = RedisServerConfig | RedisSocketConfig | RedisSentinelConfig | RedisEmbeddedConfig;

export interface Config {
  readonly redis: RedisConfig;
  /** Key prefix without its colon, `resque` by default. */
  readonly namespace: string;
  /** In the order of the file, which is their order of priority. Never empty. */
  readonly runners: readonly PoolConfig[];
  /** Seconds that running jobs may continue after TERM. */
  readonly shutdownTimeoutSeconds: number;
  /** How many times an at-least-once job may be recovered from dead runners before it is recorded as failed. */
  readonly maxRecoveries: number;
  /** Whether this runner moves due delayed jobs to their queues: if the config needs it, always, or never. */
  readonly scheduler: Scheduler;
  /** Prefix of resque-scheduler's lock; '' for none. */
  readonly schedulerLockPrefix: string;
  readonly schedules: readonly Schedule[];
  /** How many failures the `failed` list keeps; `null` for no limit. */
  readonly failedLimit: number | null;
  /** Host part of the worker ids, without the digits of the process; `null` for `<host name>.runner`. */
  readonly workerHost: string | null;
  readonly metrics: MetricsConfig;
}

export interface MetricsConfig {
  /** Paths are absolute. `null`: metrics are off. */
  readonly listen: ListenAddress | null;
  /** Whether metrics of jobs have a label with their class. */
  readonly hasClassLabel: boolean;
}

/** Whether this config delays jobs. */
function usesDelayedJobs({ runners }: Config): boolean {
  return runners.some(({ retry }) => retry !== null);
}

/**
 * Whether a runner takes the locks of other schedulers, so that those stand by. Then it enqueues the jobs of all schedules that
 * are in Redis, too, because no other scheduler would.
 */
export function holdsSchedulerLocks({
  scheduler,
  schedules,
}: Pick<Config, 'scheduler' | 'schedules'>): boolean {
  return scheduler === 'on' || (scheduler === 'auto' && schedules.length > 0);
}

/** Whether a runner has to move delayed jobs. */
export function movesDelayedJobs(config: Config): boolean {
  return holdsSchedulerLocks(config) || (config.scheduler === 'auto' && usesDelayedJobs(config));
}
