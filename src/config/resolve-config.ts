/** Turns valid settings into the config: fills in the defaults of the top level and makes paths absolute. */
import { resolve } from 'node:path';
import type { Config, PoolConfig, RedisConfig, RetryPolicy, RetryRule, Schedule } from './config.ts';
import type { RetrySettings } from './retry-schema.ts';
import type { ScheduleSettings } from './schedule-schema.ts';
import type { PoolSettings, Settings } from './schema.ts';
import { readCron } from './times/cron.ts';
import { readEvery } from './times/every.ts';

/**
 * @param queueKeys the keys of `runners` in the order of the file
 * @param directory absolute; relative paths begin here
 */
export function resolveConfig(
  settings: Settings,
  redis: RedisConfig,
  queueKeys: readonly string[],
  directory: string,
): Config {
  return {
    redis,
    namespace: settings.namespace,
    runners: queueKeys.flatMap((key) => {
      const runner = settings.runners.get(key);
      return runner === undefined ? [] : [resolveRunner(key, runner, settings, directory)];
    }),
    shutdownTimeoutSeconds: settings.shutdownTimeout,
    maxRecoveries: settings.maxRecoveries,
    scheduler: settings.scheduler,
    schedulerLockPrefix: settings.schedulerLockPrefix,
    schedules: [...settings.schedules].map(([name, schedule]) => resolveSchedule(name, schedule)),
    failedLimit: unlessZero(settings.failedLimit),
    workerHost: settings.worker.host,
  };
}

function resolveRunner(key: string, runner: PoolSettings, shared: Settings, directory: string): PoolConfig {
  // `null` means none and overrides the top level, so only missing fields come from there.
  const cwd = runner.cwd === undefined ? shared.cwd : runner.cwd;
  const onFailure = runner.onFailure === undefined ? shared.onFailure : runner.onFailure;
  const timeout = runner.timeout === undefined ? shared.timeout : runner.timeout;
  return {
    key,
    concurrency: runner.concurrency,
    script: resolveScript(runner.script ?? shared.script ?? [], directory),
    args: runner.args ?? shared.args,
    env: Object.fromEntries([...shared.env, ...(runner.env ?? [])]),
    cwd: cwd === null ? null : resolve(directory, cwd),
    timeoutSeconds: unlessZero(timeout),
    killAfterSeconds: runner.killAfter ?? shared.killAfter,
    interrupted: runner.interrupted ?? shared.interrupted,
    delivery: runner.delivery ?? shared.delivery,
    mode: runner.mode ?? shared.mode,
    isPrestarted: runner.prestart ?? shared.prestart,
    prestartMaxAgeSeconds: unlessZero(
      runner.prestartMaxAge === undefined ? shared.prestartMaxAge : runner.prestartMaxAge,
    ),
    maxJobs: unlessZero(runner.maxJobs === undefined ? shared.maxJobs : runner.maxJobs),
    retry: resolveRetry(runner.retry === undefined ? shared.retry : runner.retry),
    locks: [...new Set(runner.locks ?? shared.locks)],
    limit: unlessZero(runner.limit),
    rate: runner.rate,
    onFailure: onFailure === null ? null : resolveScript(onFailure, directory),
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

/** 0 means no limit, like `null`. */
function unlessZero(limit: number | null): number | null {
  return limit === 0 ? null : limit;
}

/** A program without a "/" is found on PATH later. Arguments are not paths. */
function resolveScript([program, ...rest]: readonly string[], directory: string): string[] {
  // The schema guarantees a script for every entry.
  if (program === undefined) throw new TypeError('a runner has no script');
  return [program.includes('/') ? resolve(directory, program) : program, ...rest];
}
