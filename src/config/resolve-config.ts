/** Turns valid settings into the config: fills in the defaults of the top level and makes paths absolute. */
import { resolve } from 'node:path';
import type {
  Config,
  MetricsConfig,
  PoolConfig,
  RedisConfig,
  RetryPolicy,
  RetryRule,
  Schedule,
} from './config.ts';
import { readListenAddress, resolveListenAddress } from './metrics.ts';
import type { RetrySettings } from './retry-schema.ts';
import type { JobSettings, PoolSettings } from './runner-schema.ts';
import type { ScheduleSettings } from './schedule-schema.ts';
import type { IncludedSettings, Settings } from './schema.ts';
import { readCron } from './times/cron.ts';
import { readEvery } from './times/every.ts';

/** A file, and the files that it includes. */
export interface ConfigPart<TSettings = IncludedSettings> {
  readonly settings: TSettings;
  /** The keys of `runners` in the order of the file. */
  readonly queueKeys: readonly string[];
  /** Absolute; relative paths begin here. */
  readonly directory: string;
  readonly includes: readonly ConfigPart[];
}

/** What applies to all entries of a file. Paths are absolute. */
type Shared = Pick<Settings, keyof JobSettings>;

export function resolveConfig(main: ConfigPart<Settings>, redis: RedisConfig): Config {
  const { settings } = main;
  const shared = inherit(settings, settings, main.directory);
  return {
    redis,
    namespace: settings.namespace,
    runners: poolsOf(main, shared),
    shutdownTimeoutSeconds: settings.shutdownTimeout,
    maxRecoveries: settings.maxRecoveries,
    scheduler: settings.scheduler,
    schedulerLockPrefix: settings.schedulerLockPrefix,
    schedules: schedulesOf(main),
    failedLimit: unlessZero(settings.failedLimit),
    workerHost: settings.worker.host,
    metrics: resolveMetrics(settings.metrics, main.directory),
  };
}

/** Those of the file, then those of the files that it includes. */
function poolsOf(part: ConfigPart, shared: Shared): PoolConfig[] {
  const { settings, queueKeys, directory, includes } = part;
  const own = queueKeys.flatMap((key) => {
    const runner = settings.runners.get(key);
    return runner === undefined ? [] : [resolveRunner(key, runner, inherit(shared, runner, directory))];
  });
  const included = includes.flatMap((each) => poolsOf(each, inherit(shared, each.settings, each.directory)));
  return [...own, ...included];
}

function schedulesOf({ settings, includes }: ConfigPart): Schedule[] {
  const own = [...settings.schedules].map(([name, schedule]) => resolveSchedule(name, schedule));
  return [...own, ...includes.flatMap(schedulesOf)];
}

/**
 * The fields of an entry or an included file, and for missing ones those around it. `null` is not missing: it means none.
 *
 * @param directory base of relative paths in `own`
 */
function inherit(outer: Shared, own: JobSettings, directory: string): Shared {
  const { script, cwd, onFailure } = own;
  return {
    ...outer,
    ...own,
    env: new Map([...outer.env, ...(own.env ?? [])]),
    ...(script === undefined ? {} : { script: resolveScript(script, directory) }),
    ...(cwd === undefined ? {} : { cwd: cwd === null ? null : resolve(directory, cwd) }),
    ...(onFailure === undefined
      ? {}
      : { onFailure: onFailure === null ? null : resolveScript(onFailure, directory) }),
  };
}

/** @param all its fields, and those around it */
function resolveRunner(key: string, { concurrency, limit, rate }: PoolSettings, all: Shared): PoolConfig {
  // The schema guarantees a script for every entry.
  if (all.script === undefined) throw new TypeError('a runner has no script');
  return {
    key,
    concurrency,
    script: all.script,
    args: all.args,
    env: Object.fromEntries(all.env),
    cwd: all.cwd,
    timeoutSeconds: unlessZero(all.timeout),
    killAfterSeconds: all.killAfter,
    interrupted: all.interrupted,
    delivery: all.delivery,
    mode: all.mode,
    isPrestarted: all.prestart,
    prestartMaxAgeSeconds: unlessZero(all.prestartMaxAge),
    maxJobs: unlessZero(all.maxJobs),
    retry: resolveRetry(all.retry),
    locks: [...new Set(all.locks)],
    limit: unlessZero(limit),
    rate,
    onFailure: all.onFailure,
    logOutput: all.logOutput,
  };
}

function resolveRetry(settings: RetrySettings | null): RetryPolicy | null {
  if (settings === null) return null;
  const rules = [...settings.classes].map(([name, own]): [string, RetryRule] => [
    name,
    resolveRule({ ...settings, ...own }),
  ]);
  return { ...resolveRule(settings), classes: Object.fromEntries(rules) };
}

function resolveRule({ attempts, on, backoff, jitter, queue }: Omit<RetrySettings, 'classes'>): RetryRule {
  const [firstDelaySeconds, longestDelaySeconds] = backoff;
  return { attempts, on, firstDelaySeconds, longestDelaySeconds, jitter, queue };
}

function resolveSchedule(name: string, settings: ScheduleSettings): Schedule {
  const { cron, every = '', queue, class: jobClass, args, unique, description = '' } = settings;
  const timing =
    cron === undefined
      ? { kind: 'every' as const, text: every, seconds: readEvery(every) ?? 0, firstInSeconds: null }
      : { kind: 'cron' as const, text: cron, ...readCron(cron) };
  return { name, timing, queue, jobClass, args: JSON.stringify(args), isUnique: unique, description };
}

function resolveMetrics({ listen, classLabel }: Settings['metrics'], directory: string): MetricsConfig {
  const address = listen === null ? null : readListenAddress(listen);
  return {
    listen: address === null ? null : resolveListenAddress(address, directory),
    hasClassLabel: classLabel,
  };
}

/** 0 means no limit, like `null`. */
function unlessZero(limit: number | null): number | null {
  return limit === 0 ? null : limit;
}

/** A program without a "/" is found on PATH later. Arguments are not paths. */
function resolveScript([program = '', ...rest]: readonly string[], directory: string): string[] {
  return [program.includes('/') ? resolve(directory, program) : program, ...rest];
}
