/**
 * The effective config for people: a list of its fields, named as in a file, with all defaults. Values that may be secret are
 * masked before they are shown.
 */
import type { Config, PoolConfig, RedisConfig, RetryPolicy, RetryRule, Schedule } from './config.ts';

export interface EffectiveField {
  /** Such as `['redis', 'port']`, `['runners', 'mail', 'timeout']` or `['schedules', 'nightly']`. */
  readonly path: readonly string[];
  /** A JSON value as in a file. Paths are absolute. */
  readonly value: unknown;
}

/** Names of the fields in a file. The type makes sure that none is missing. */
const topFields: Readonly<
  Record<Exclude<keyof Config, 'redis' | 'runners' | 'schedules' | 'metrics'>, string[]>
> = {
  namespace: ['namespace'],
  shutdownTimeoutSeconds: ['shutdownTimeout'],
  maxRecoveries: ['maxRecoveries'],
  scheduler: ['scheduler'],
  schedulerLockPrefix: ['schedulerLockPrefix'],
  failedLimit: ['failedLimit'],
  workerHost: ['worker', 'host'],
};
const entryFields: Readonly<Record<Exclude<keyof PoolConfig, 'key' | 'env'>, string>> = {
  concurrency: 'concurrency',
  script: 'script',
  args: 'args',
  cwd: 'cwd',
  timeoutSeconds: 'timeout',
  killAfterSeconds: 'killAfter',
  interrupted: 'interrupted',
  delivery: 'delivery',
  mode: 'mode',
  isPrestarted: 'prestart',
  prestartMaxAgeSeconds: 'prestartMaxAge',
  maxJobs: 'maxJobs',
  retry: 'retry',
  locks: 'locks',
  limit: 'limit',
  rate: 'rate',
  onFailure: 'onFailure',
  logOutput: 'logOutput',
};

const secretFields = ['password', 'sentinelPassword'];
/** Names of environment variables whose values must not end up in a ticket. */
const secretName = /pass|pwd|secret|token|key|credential|auth|private|cookie|salt/i;
const mask = '***';
/** Longer values are cut in a list of changes. */
const longestShown = 200;

/** All fields: Redis first, then the other fields, the entries and the schedules. */
export function effectiveFields(config: Config): EffectiveField[] {
  return [
    ...topLevelFields(config),
    ...config.runners.flatMap(entryFieldsOf),
    ...config.schedules.map((each) => ({ path: ['schedules', each.name], value: scheduleValue(each) })),
  ];
}

function topLevelFields(config: Config): EffectiveField[] {
  const names = Object.keys(topFields) as (keyof typeof topFields)[];
  return [
    ...redisFields(config.redis),
    ...names.map((name) => ({ path: topFields[name], value: config[name] })),
    { path: ['metrics', 'listen'], value: config.metrics.listen?.text ?? null },
    { path: ['metrics', 'classLabel'], value: config.metrics.hasClassLabel },
  ];
}

function redisFields(redis: RedisConfig): EffectiveField[] {
  if (redis.kind === 'embedded') return [{ path: ['redis'], value: 'embedded' }];
  const { kind: _, ...fields } = redis;
  return Object.entries(fields).map(([name, value]) => ({ path: ['redis', name], value }));
}

function entryFieldsOf(pool: PoolConfig): EffectiveField[] {
  const names = Object.keys(entryFields) as (keyof typeof entryFields)[];
  const at = (...path: string[]) => ['runners', pool.key, ...path];
  return [
    ...names.map((name) => ({ path: at(entryFields[name]), value: entryValue(pool, name) })),
    ...Object.entries(pool.env).map(([name, value]) => ({ path: at('env', name), value })),
  ];
}

function entryValue(pool: PoolConfig, name: keyof typeof entryFields): unknown {
  if (name === 'rate') return pool.rate?.text ?? null;
  return name === 'retry' && pool.retry !== null ? retryValue(pool.retry) : pool[name];
}

function retryValue({ classes, ...rule }: RetryPolicy): unknown {
  const ofClasses = Object.entries(classes).map(([name, own]) => [name, ruleValue(own)]);
  return {
    ...ruleValue(rule),
    ...(ofClasses.length === 0 ? {} : { classes: Object.fromEntries(ofClasses) }),
  };
}

function ruleValue({ firstDelaySeconds, longestDelaySeconds, ...rule }: RetryRule) {
  return { ...rule, backoff: [firstDelaySeconds, longestDelaySeconds] };
}

function scheduleValue({ timing, queue, jobClass, args, isUnique, description }: Schedule): unknown {
  return {
    [timing.kind]: timing.text,
    ...{ queue, class: jobClass, args: JSON.parse(args) as unknown, unique: isUnique },
    ...(description === '' ? {} : { description }),
  };
}

/**
 * The value for people and logs.
 *
 * @param hasVariables whether its text in the file has environment variables: in `env`, these are mostly secrets
 */
export function maskedValue({ path, value }: EffectiveField, hasVariables: boolean): unknown {
  if (isSecret(path)) return value === null ? null : mask;
  const name = envName(path);
  if (name !== null && (hasVariables || secretName.test(name))) return mask;
  return withoutCredentials(value);
}

function isSecret([top = '', name = '']: readonly string[]): boolean {
  return top === 'redis' && secretFields.includes(name);
}

function envName([top, , field, name]: readonly string[]): string | null {
  return top === 'runners' && field === 'env' ? (name ?? null) : null;
}

/** Hides user and password of all URLs in a value. */
function withoutCredentials(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/]*@/gi, `$1${mask}@`);
  if (Array.isArray(value)) return value.map(withoutCredentials);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, own]) => [key, withoutCredentials(own)]));
}

/** A field whose value differs between two configs. */
export interface FieldChange {
  readonly path: readonly string[];
  /** `60 → 90`, `added`, `removed`, or `changed` for a value that may be secret. */
  readonly text: string;
}

/** The differences between two versions of an entry. */
export function entryChanges(before: PoolConfig, after: PoolConfig): FieldChange[] {
  return changesBetween(entryFieldsOf(before), entryFieldsOf(after));
}

/** The differences between two configs outside of `runners` and `schedules`. */
export function topLevelChanges(before: Config, after: Config): FieldChange[] {
  return changesBetween(topLevelFields(before), topLevelFields(after));
}

/** The differences between two versions of all schedules. */
export function scheduleChanges(before: readonly Schedule[], after: readonly Schedule[]): FieldChange[] {
  const fieldsOf = (all: readonly Schedule[]) =>
    all.map((each) => ({ path: ['schedules', each.name], value: scheduleValue(each) }));
  return changesBetween(fieldsOf(before), fieldsOf(after));
}

function changesBetween(before: readonly EffectiveField[], after: readonly EffectiveField[]): FieldChange[] {
  const keyOf = ({ path }: EffectiveField) => JSON.stringify(path);
  const old = new Map(before.map((field) => [keyOf(field), field]));
  const now = new Map(after.map((field) => [keyOf(field), field]));
  return [...new Set([...old.keys(), ...now.keys()])].flatMap((key) => {
    const [was, is] = [old.get(key), now.get(key)];
    const { path = [] } = is ?? was ?? {};
    if (was === undefined) return [{ path, text: 'added' }];
    if (is === undefined) return [{ path, text: 'removed' }];
    if (JSON.stringify(was.value) === JSON.stringify(is.value)) return [];
    return [{ path, text: changeText(was, is) }];
  });
}

function changeText(was: EffectiveField, is: EffectiveField): string {
  const { path } = is;
  // A log is read by more people than a config. Schedules are too long for a line.
  if (isSecret(path) || envName(path) !== null || path[0] === 'schedules') return 'changed';
  return `${shown(was)} → ${shown(is)}`;
}

function shown(field: EffectiveField): string {
  const text = JSON.stringify(maskedValue(field, false));
  return text.length > longestShown ? `${text.slice(0, longestShown)}…` : text;
}
