/**
 * A schedule that others keep in `persistent_schedules`, as resque-scheduler reads it.
 *
 * Source: resque-scheduler 5.0.0, `load_schedule_job` and `enqueue_from_config` in `lib/resque/scheduler.rb`.
 */
import type { Schedule, Timing } from '../../config/config.ts';
import { CronProblem, readCron } from '../../config/times/cron.ts';
import { everyForms, readEvery } from '../../config/times/every.ts';
import { asObject, type Members, memberSpans, parsedJson } from '../format/json.ts';
import { compactJson } from './delayed-item.ts';

export type PersistentSchedule =
  | { readonly kind: 'usable'; readonly schedule: Schedule }
  /** It is for another environment. */
  | { readonly kind: 'elsewhere'; readonly environments: string }
  /** `reason` is for people. */
  | { readonly kind: 'unusable'; readonly reason: string };

/** Options of rufus-scheduler that would change when a job is enqueued. */
const unsupported = ['times', 'first', 'first_at', 'last', 'last_at', 'last_in'];

/** The environment that schedules may be for, as resque-scheduler finds it. */
export function environmentOf(env: NodeJS.ProcessEnv): string {
  return env.RAILS_ENV || 'production';
}

/** @param environment such as `production` */
export function readPersistent(name: string, json: string, environment: string): PersistentSchedule {
  const config = asObject(parsedJson(json));
  if (config === null) return { kind: 'unusable', reason: 'it is not a JSON object' };
  const environments = config.rails_env ?? config.env;
  if (typeof environments === 'string' && !environments.split(/[\s,]+/).includes(environment)) {
    return { kind: 'elsewhere', environments };
  }
  const { queue, custom_job_class: custom, description } = config;
  if (typeof queue !== 'string' || queue === '') {
    return { kind: 'unusable', reason: 'it has no "queue"; add one, because only Ruby can ask its class' };
  }
  const timing = timingOf(config);
  if (typeof timing === 'string') return { kind: 'unusable', reason: timing };
  const schedule: Schedule = {
    ...{ name, timing, queue },
    // As in Ruby if it can't load the custom class.
    jobClass:
      isText(custom) && custom !== 'Resque::Job' ? custom : isText(config.class) ? config.class : name,
    args: argsOf(Buffer.from(json), config.args),
    isUnique: config.unique === true,
    description: typeof description === 'string' ? description : '',
  };
  return { kind: 'usable', schedule };
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

/** Anything but an array becomes the only argument. Numbers keep their digits. */
function argsOf(json: Buffer, args: unknown): string {
  if (args === undefined || args === null) return '[]';
  const { start = 0, end = 0 } = memberSpans(json).get('args') ?? {};
  const text = compactJson(json.toString('utf8', start, end));
  return Array.isArray(args) ? text : `[${text}]`;
}

/** @returns the reason if it can't be used */
function timingOf(config: Members): Timing | string {
  const [kind, value] = isGiven(config.cron) ? ['cron', config.cron] : ['every', config.every];
  if (!isGiven(value)) return 'it has neither "cron" nor "every"';
  const [first, options] = Array.isArray(value) ? value : [value, null];
  const its: Record<string, unknown> = typeof options === 'object' && options !== null ? { ...options } : {};
  const refused = [...unsupported, ...(kind === 'cron' ? ['first_in'] : [])].find((name) => name in its);
  if (refused !== undefined) return `the option "${refused}" is not supported`;
  const text = String(first);
  if (kind === 'every') return everyOf(text, its.first_in);
  try {
    return { kind: 'cron', text, ...readCron(text) };
  } catch (error) {
    if (error instanceof CronProblem) return `cron: ${error.message}`;
    throw error;
  }
}

const isGiven = (value: unknown): boolean =>
  typeof value === 'number' || ((typeof value === 'string' || Array.isArray(value)) && value.length > 0);

function everyOf(text: string, first: unknown): Timing | string {
  const seconds = readEvery(text);
  if (seconds === null) return `every: must be ${everyForms}, got "${text}"`;
  if (first === undefined || first === null) return { kind: 'every', text, seconds, firstInSeconds: null };
  const firstInSeconds =
    first === 0 ? 0 : readEvery(typeof first === 'string' ? first : JSON.stringify(first));
  if (firstInSeconds === null) return `first_in: must be ${everyForms}, got ${JSON.stringify(first)}`;
  return { kind: 'every', text, seconds, firstInSeconds };
}
