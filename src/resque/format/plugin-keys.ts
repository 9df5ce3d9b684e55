/**
 * Keys that plugins of other clients set for a job when it is enqueued or fails, and that their own workers delete:
 *
 *     loner         loners:queue:QUEUE:job:MD5     resque-loner; of its JSON, with sorted hashes
 *     node          lock:CLASS:QUEUE:ARGS          node-resque's QueueLock; args as JSON.stringify writes them
 *     resque-lock   lock:CLASS-ARGS                args as Ruby's inspect writes them
 *     resque-retry  resque-retry:CLASS:SHA1        its count of runs, of the joined args; and `failure-…`, the last failure
 *
 * All take the namespace prefix. Versions and locales of Ruby differ in `inspect`, so a job may have several possible keys.
 *
 * Source: resque-loner 1.3.0, `lib/resque-loner/unique_job.rb`; resque-lock 1.1.0, `lib/resque/plugins/lock.rb`;
 * resque-retry f75421a, `lib/resque/plugins/retry.rb`; node-resque 9.7.1, `plugins/QueueLock`.
 */
import { createHash } from 'node:crypto';
import { canonicalJson, isDeeperThan, memberSpans } from './json.ts';
import { type InspectStyle, inspect, join, jsonOf, type RubyValue, readRuby } from './ruby-text.ts';

/**
 * When a key is deleted. `taken`: the job starts. `ended`: a run ends, even if the job is retried. `over`: the job has
 * succeeded, or failed for good. Jobs that go back to their queues keep their keys.
 */
export type Moment = 'taken' | 'ended' | 'over';

interface Job {
  readonly jobClass: string;
  readonly queue: string;
  /** JSON text. */
  readonly args: string;
  readonly values: RubyValue[];
  /** Those in which Ruby may have written the args. */
  readonly styles: readonly InspectStyle[];
}

interface PluginKeys {
  readonly moment: Moment;
  /** What all its keys begin with. */
  readonly prefixes: readonly string[];
  readonly keysOf: (job: Job) => readonly string[];
}

const plugins = {
  loner: { moment: 'taken', prefixes: ['loners:queue:'], keysOf: lonerKeys },
  node: { moment: 'taken', prefixes: ['lock:'], keysOf: nodeKeys },
  'resque-lock': { moment: 'ended', prefixes: ['lock:'], keysOf: resqueLockKeys },
  'resque-retry': { moment: 'over', prefixes: ['resque-retry:', 'failure-resque-retry:'], keysOf: retryKeys },
} as const satisfies Readonly<Record<string, PluginKeys>>;

export type Plugin = keyof typeof plugins;

export function isPlugin(name: string): name is Plugin {
  return Object.hasOwn(plugins, name);
}

/** Ruby's parser takes no more levels than this. */
const deepest = 100;

/** No key contains it. */
const separator = '\0';

/**
 * The keys to delete, without the namespace prefix, in one text for `deleteKeys`.
 *
 * @returns '' if there are none, or if the payload names no job of Resque
 */
export function keysToDelete(
  payload: Buffer,
  queue: string,
  names: readonly Plugin[],
  moments: readonly Moment[],
): string {
  const due = names.map((name) => plugins[name]).filter(({ moment }) => moments.includes(moment));
  const job = due.length === 0 ? null : jobOf(payload, queue);
  if (job === null) return '';
  const keys = new Set(due.flatMap(({ keysOf }) => keysOf(job)));
  return [...keys].filter((key) => !key.includes(separator)).join(separator);
}

/** Each of them. @param keys what `keysToDelete` returns */
export function eachKey(keys: string): string[] {
  return keys.split(separator).filter((key) => key !== '');
}

/** What the keys of these plugins begin with, for checks of permissions. */
export function keyPrefixesOf(names: readonly Plugin[]): string[] {
  return [...new Set(names.flatMap((name) => plugins[name].prefixes))];
}

/** Lua for the writing part of scripts; needs the local `prefix`. A key that can't be deleted affects nothing else. */
export const pluginKeyWrites = `
local function deleteKeys(keys)
  for key in keys:gmatch('[^%z]+') do redis.pcall('DEL', prefix .. key) end
end
`;

function jobOf(payload: Buffer, queue: string): Job | null {
  const { class: jobClass, args } = JSON.parse(payload.toString()) as { class?: unknown; args?: unknown };
  if (typeof jobClass !== 'string' || !Array.isArray(args)) return null;
  const { start, end } = memberSpans(payload).get('args') ?? { start: 0, end: 0 };
  const text = payload.toString('utf8', start, end);
  if (isDeeperThan(text, deepest)) return null;
  const isSame = /^[^{\\\u0080-\uffff]*$/.test(text);
  const styles = isSame ? inspectStyles.slice(0, 1) : inspectStyles;
  return { jobClass, queue, args: text, values: readRuby(text) as RubyValue[], styles };
}

/** The key of QueueLock for a job that `enqueue` makes, without the namespace prefix. */
export function queueLockOf(payload: Buffer, queue: string): string {
  const job = jobOf(payload, queue);
  return job === null ? '' : (nodeKeys(job)[0] ?? '');
}

/** node-resque rounds integers above 2^53. Ours keep them, so that two jobs don't share a lock. */
function nodeKeys({ jobClass, queue, args }: Job): string[] {
  return [canonicalJson(args), JSON.stringify(JSON.parse(args))].map(
    (text) => `lock:${jobClass}:${queue}:${text}`,
  );
}

function lonerKeys({ jobClass, queue, values }: Job): string[] {
  const sorted = values.map((value) =>
    typeof value === 'object' && value !== null && !Array.isArray(value) ? sortedPairs(value) : value,
  );
  const json = `{"class":${JSON.stringify(jobClass)},"args":${jsonOf(sorted)}}`;
  return [`loners:queue:${queue}:job:${createHash('md5').update(json).digest('hex')}`];
}

/** Ruby compares strings by their bytes. */
function sortedPairs(value: Readonly<Record<string, RubyValue>>): RubyValue {
  return Object.entries(value).sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

function resqueLockKeys({ jobClass, values, styles }: Job): string[] {
  return styles.map((style) => `lock:${jobClass}-${inspect(values, style)}`);
}

function retryKeys({ jobClass, values, styles }: Job): string[] {
  return styles.flatMap((style) => {
    const text = join(values, '-', style);
    const id = text === '' ? '' : `:${createHash('sha1').update(text).digest('hex')}`;
    const key = `resque-retry:${jobClass}${id}`.replace(/[ \t\r\n\f\v]/g, '');
    return [key, `failure-${key}`];
  });
}

const inspectStyles: readonly InspectStyle[] = ['=>', ' => '].flatMap((arrow) =>
  [false, true].map((isAscii) => ({ arrow, isAscii })),
);
