/**
 * The entries of `runners`, and the fields that all entries can share: the type, default and description of each.
 */
import * as v from 'valibot';
import { problems } from './problems.ts';
import { retryFields } from './retry-schema.ts';
import { argument, flag, line, oneOf, path, seconds, wholeNumber } from './scalars.ts';
import { choice, dictionary, type Fault, fields, isObject } from './shapes.ts';
import { rateForm, rateOf } from './times/rate.ts';

/** Far more than one machine can run. Detects a timeout in the wrong field. */
const MOST_SLOTS = 10_000;

const scriptWhat = 'a path, or an array of a program and its first arguments';

const scriptText = v.pipe(
  path('Path of the program, relative to this file. Without a "/", it is looked up on PATH.', scriptWhat),
  v.transform((program) => [program]),
);

const scriptWords = v.pipe(
  v.array(argument(), (issue) => problems.notA(issue.input, scriptWhat)),
  v.minLength(1, () => problems.emptyList(scriptWhat)),
  v.check(
    (words) => words[0] !== '',
    () => problems.emptyProgram(),
  ),
  v.check(
    ([program = '']) => !/^~(\/|$)/.test(program),
    ({ input }) => problems.tilde(input[0] ?? ''),
  ),
  v.description('The program and its first arguments.'),
);

const script = choice<string[]>(
  'The program that runs the jobs. It gets the queue as its next argument and the job on its standard input.',
  [scriptText, scriptWords],
  (input) => (typeof input === 'string' ? scriptText : scriptWords),
);

const onFailure = v.nullable(
  choice<string[]>(
    'A program that is started for each job that failed for good. It gets the queue as its next argument and the failure record on its standard input. null: none.',
    [scriptText, scriptWords],
    (input) => (typeof input === 'string' ? scriptText : scriptWords),
  ),
);

const args = v.pipe(
  v.array(argument(), (issue) => problems.notA(issue.input, 'an array of strings')),
  v.description('Arguments after the name of the queue. Those of an entry replace those of the top level.'),
);

const envWhat = 'a string, a number, true or false';
const envText = v.pipe(
  v.string((issue) => problems.secretNotA(issue.input, envWhat)),
  v.check((text) => !text.includes('\0'), problems.hasNul),
);
const envNumber = v.pipe(v.number(), v.transform(String));
const envFlag = v.pipe(v.boolean(), v.transform(String));

const env = dictionary<string>(
  'Environment variables for the program, in addition to those of the runner. Those of an entry are merged with those of the top level.',
  'an object of environment variables',
  choice('Value of the variable.', [envText, envNumber, envFlag], (input) => {
    if (typeof input === 'number') return envNumber;
    return typeof input === 'boolean' ? envFlag : envText;
  }),
  { checkKey: (name) => (/^[^=\0]+$/.test(name) ? null : problems.envName()) },
);

const cwd = v.nullable(
  path("Working directory of the program, relative to this file. null: the runner's own.", 'a path or null'),
);
const timeout = v.nullable(
  seconds('How many seconds a job may run before it is killed and recorded as failed. 0 or null: no limit.'),
);
const killAfter = seconds('Seconds between TERM and KILL when the runner kills a job.');
const interrupted = oneOf(
  'What happens to a job that a shutdown killed, or that was running when its runner died. "fail": it is recorded as failed. "requeue": it goes back to the head of its queue.',
  ['fail', 'requeue'],
);
const delivery = oneOf(
  'What a crash of the runner may do to a job. "at-most-once": the job fails or is lost. "at-least-once": it runs again; needs Redis 6.2.',
  ['at-most-once', 'at-least-once'],
);

const mode = oneOf(
  '"process": a child for each job. "persistent": a child stays for many jobs, reads one payload per line, and writes one result per line to descriptor 3.',
  ['process', 'persistent'],
);
const prestart = flag(
  'Start a child before its job arrives. It boots, then waits for the job on its standard input.',
);
const prestartMaxAge = v.nullable(
  seconds('Seconds that a prestarted child may wait for a job before it is replaced. 0 or null: no limit.'),
);
const maxJobs = v.nullable(
  wholeNumber(
    'How many jobs a persistent child runs before it is replaced. 0 or null: no limit.',
    0,
    Number.MAX_SAFE_INTEGER,
  ),
);

const retry = v.nullable(retryFields);

const locks = v.pipe(
  v.array(
    oneOf(
      '"loner": resque-loner. "resque-lock": resque-lock. "node": QueueLock of node-resque, and `enqueue --unique`.',
      ['loner', 'resque-lock', 'node'],
    ),
    (issue) => problems.notA(issue.input, 'an array of "loner", "resque-lock" and "node"'),
  ),
  v.description(
    'Locks of other clients that the runner releases, so that the same job can be enqueued again.',
  ),
);

const limit = v.nullable(
  wholeNumber(
    'How many jobs of each queue can run at the same time, over all runners. 0 or null: no limit. Needs Redis 6.2.',
    0,
    100_000,
  ),
);

const rate = v.nullable(
  v.pipe(
    line(
      'How many jobs of each queue can start per second, minute, hour or day, over all runners, such as "10/s" or "100/m burst 20". "burst" is how many can start at once after a pause; 1 by default. null: no limit. Needs Redis 6.2.',
      'a rate such as "10/s", "100/m" or "100/m burst 20", or null',
      rateForm,
    ),
    v.transform(rateOf),
  ),
);

const logOutput = oneOf(
  'Which output of jobs goes into the log, line by line, up to 1,000 lines per job. "none": none. "failed": what is kept of it, when a job fails. "all": everything, while jobs run.',
  ['none', 'failed', 'all'],
);

const concurrency = wholeNumber('How many jobs of this entry may run at the same time.', 1, MOST_SLOTS);

/** Fields of an entry that can also stand at the top level of a file, for all of its entries. */
export const jobEntries = {
  script: v.exactOptional(script),
  args: v.exactOptional(args),
  env: v.exactOptional(env),
  cwd: v.exactOptional(cwd),
  timeout: v.exactOptional(timeout),
  killAfter: v.exactOptional(killAfter),
  interrupted: v.exactOptional(interrupted),
  delivery: v.exactOptional(delivery),
  mode: v.exactOptional(mode),
  prestart: v.exactOptional(prestart),
  prestartMaxAge: v.exactOptional(prestartMaxAge),
  maxJobs: v.exactOptional(maxJobs),
  retry: v.exactOptional(retry),
  locks: v.exactOptional(locks),
  onFailure: v.exactOptional(onFailure),
  logOutput: v.exactOptional(logOutput),
};

/** The same at the top level of the config, with defaults. */
export const jobDefaults = {
  script: v.exactOptional(script),
  args: v.optional(args, []),
  env: v.optional(env, {}),
  cwd: v.optional(cwd, null),
  timeout: v.optional(timeout, null),
  killAfter: v.optional(killAfter, 4),
  interrupted: v.optional(interrupted, 'fail'),
  delivery: v.optional(delivery, 'at-most-once'),
  mode: v.optional(mode, 'process'),
  prestart: v.optional(prestart, false),
  prestartMaxAge: v.optional(prestartMaxAge, 600),
  maxJobs: v.optional(maxJobs, null),
  retry: v.optional(retry, null),
  locks: v.optional(locks, []),
  onFailure: v.optional(onFailure, null),
  logOutput: v.optional(logOutput, 'none'),
};

export const runnerEntries = {
  concurrency: v.optional(concurrency, 1),
  ...jobEntries,
  limit: v.optional(limit, null),
  rate: v.optional(rate, null),
};

const runnerFields = fields(
  'The number of slots, with other settings.',
  `a whole number from 1 to ${MOST_SLOTS}, or an object`,
  runnerEntries,
);

/** A number is short for an object with only `concurrency`, and gets the same messages. */
const runnerNumber = v.pipe(
  v.number(),
  v.transform((slots): unknown => ({ concurrency: slots })),
  runnerFields,
);

const runner = choice<v.InferOutput<typeof runnerFields>>(
  'How many jobs may run at the same time, or an object with this and other settings.',
  [concurrency, runnerFields],
  (input) => (typeof input === 'number' ? runnerNumber : runnerFields),
);

export const runners = v.optional(
  dictionary(
    'What to run. Each key is a queue, a pattern such as "mail_*", or a list such as "high,*,!low". Their order is the priority. Required, here or in an included file.',
    'an object of queues, such as { "default": 5 }',
    runner,
    { checkKey: queueKeyProblem },
  ),
  {},
);

export type PoolSettings = v.InferOutput<typeof runnerFields>;
/** Fields for all entries of a file, as far as it has them. */
export type JobSettings = Pick<PoolSettings, keyof typeof jobEntries>;

function queueKeyProblem(key: string): string | null {
  if (key.includes('\0')) return problems.hasNul();
  if (!key.isWellFormed()) return problems.notUnicode();
  const names = key.split(',').map((name) => name.trim());
  if (names.some((name) => name === '' || name === '!')) return problems.emptyQueueName();
  return names.every((name) => name.startsWith('!')) ? problems.onlyNegations() : null;
}

/** The rule that every entry of a file has a script, of its own or from the top level. */
export function* scriptForEveryRunner(input: Readonly<Record<string, unknown>>): Iterable<Fault> {
  if (input.script !== undefined || !isObject(input.runners)) return;
  const entriesOfRunners = Object.entries(input.runners);
  const bare = entriesOfRunners.filter(([, value]) => !isObject(value) || value.script === undefined);
  if (bare.length === 0) return;
  // If no entry has a script, report only the missing one at the top level.
  if (bare.length === entriesOfRunners.length) {
    yield { path: ['script'], message: problems.noScript() };
    return;
  }
  for (const [key] of bare) yield { path: ['runners', key, 'script'], message: problems.noScriptOfItsOwn() };
}
