/**
 * Defines the config file: the type, default and description of every field. The types of the settings, the error
 * messages and cfg.schema.json follow from these definitions.
 */
import * as v from 'valibot';
import { metrics } from './metrics.ts';
import { problems } from './problems.ts';
import { redisSchema } from './redis-schema.ts';
import { jobDefaults, jobEntries, runnerEntries, runners, scriptForEveryRunner } from './runner-schema.ts';
import { argument, line, oneOf, path, seconds, wholeNumber } from './scalars.ts';
import { schedules } from './schedule-schema.ts';
import { choice, type Fault, fields, isObject, unknownKey } from './shapes.ts';

const includeWhat = 'a path, or an array of paths';
const includePath = v.pipe(
  path('Path of a file. In its last part, "*" stands for any characters.', includeWhat),
  v.check((text) => !/\*.*\//.test(text), problems.starInDirectory),
);
const includeText = v.pipe(
  includePath,
  v.transform((text) => [text]),
);
const includeList = v.pipe(
  v.array(includePath, (issue) => problems.notA(issue.input, includeWhat)),
  v.description('Several paths.'),
);
export const includeSchema = v.optional(
  choice<string[]>(
    'More files with queues and schedules, such as "conf.d/*.json", relative to this file.',
    [includeText, includeList],
    (input) => (typeof input === 'string' ? includeText : includeList),
  ),
  [],
);
const $schema = v.optional(v.pipe(argument(), v.description('JSON Schema of this file, for editors.')));
const allSchedules = v.optional(schedules, {});

const worker = fields('How the runner appears in Redis.', 'an object', {
  host: v.nullish(
    line(
      'Host part of the worker ids. null: "<host name>.runner". The runner adds 8 digits of its own, so that no two runners share a name.',
      'a name without ":" and spaces',
      /^[^\s:]+$/,
    ),
    null,
  ),
});

const entries = {
  $schema,
  redis: v.optional(redisSchema, {}),
  namespace: v.optional(line('Prefix of all keys in Redis, without its colon.', 'a string', /^/), 'resque'),
  runners,
  include: includeSchema,
  ...jobDefaults,
  maxRecoveries: v.optional(
    wholeNumber(
      'How many times an at-least-once job may be recovered from dead runners before it is recorded as failed.',
      0,
      1_000,
    ),
    3,
  ),
  schedules: allSchedules,
  scheduler: v.optional(
    oneOf(
      'Whether the runner moves delayed jobs to their queues when they are due, and enqueues the jobs of schedules. "auto": if this config needs it. "on": always, and resque-scheduler and node-resque\'s scheduler stand by. "off": never.',
      ['auto', 'on', 'off'],
    ),
    'auto',
  ),
  schedulerLockPrefix: v.optional(
    v.pipe(
      argument(),
      v.description("Prefix of resque-scheduler's lock, as in its RESQUE_SCHEDULER_MASTER_LOCK_PREFIX."),
    ),
    '',
  ),
  failedLimit: v.optional(
    v.nullable(
      wholeNumber(
        'How many failures the list in Redis keeps. Each new failure removes the oldest ones beyond that. 0 or null: no limit.',
        0,
        Number.MAX_SAFE_INTEGER,
      ),
    ),
    null,
  ),
  shutdownTimeout: v.optional(
    seconds(
      'How many seconds running jobs may continue after the runner gets TERM or INT. Then they get TERM, too.',
    ),
    8,
  ),
  worker: v.optional(worker, {}),
  metrics: v.optional(metrics, {}),
};

/** The whole file. Paths in the output are as in the file. */
export const configSchema = fields(
  'Configuration of resque-runner.',
  'an object',
  entries,
  rules,
  (key, known) => (Object.hasOwn(runnerEntries, key) ? problems.onlyInEntries() : unknownKey(key, known)),
);

/**
 * A file that another one includes: queues and schedules, and what applies to all its queues.
 *
 * @param hasScript whether a file that includes it has a script for all queues
 */
export function includedSchema(hasScript: boolean) {
  return fields(
    'Queues and schedules.',
    'an object',
    { $schema, include: includeSchema, runners, ...jobEntries, schedules: allSchedules },
    hasScript ? undefined : scriptForEveryRunner,
    (key, known) => {
      if (Object.hasOwn(runnerEntries, key)) return problems.onlyInEntries();
      return Object.hasOwn(entries, key) ? problems.notInIncluded() : unknownKey(key, known);
    },
  );
}

/** The fields that a connection needs, for commands that run without a config. */
export const connectionSchema = v.object({ redis: entries.redis, namespace: entries.namespace });

export type Settings = v.InferOutput<typeof configSchema>;
export type IncludedSettings = v.InferOutput<ReturnType<typeof includedSchema>>;

function* rules(input: Readonly<Record<string, unknown>>): Iterable<Fault> {
  yield* scriptForEveryRunner(input);
  const { scheduler, schedules: some } = input;
  if (scheduler === 'off' && isObject(some) && Object.keys(some).length > 0) {
    yield { path: ['schedules'], message: problems.schedulerOff() };
  }
}
