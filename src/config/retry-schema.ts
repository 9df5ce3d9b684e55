/** The field `retry` of the config: the type, default and description of each of its settings. */
import * as v from 'valibot';
import { problems } from './problems.ts';
import { line, seconds, share, wholeNumber } from './scalars.ts';
import { choice, dictionary, fields } from './shapes.ts';

const attempts = wholeNumber('How many times a job may run in total, including the first time.', 1, 1_000);

const causesWhat = '"any", or an array of exit codes and exceptions such as [75, "TimeoutError"]';
const anyFailure = v.pipe(
  v.literal('any', (issue) => problems.notA(issue.input, causesWhat)),
  v.description('Every failure.'),
);
const exitCodeCause = wholeNumber('An exit code.', 1, 255);
const exceptionCause = line('An exception.', 'the name of an exception', /\S/);
const causes = v.pipe(
  v.array(
    choice<number | string>('An exit code or an exception.', [exitCodeCause, exceptionCause], (input) =>
      typeof input === 'number' ? exitCodeCause : exceptionCause,
    ),
    (issue) => problems.notA(issue.input, causesWhat),
  ),
  v.minLength(1, () => problems.emptyList(causesWhat)),
  v.description('Exit codes and exceptions, as they are in failure records.'),
);

const delay = seconds('Seconds.');
const backoffWhat = 'an array of two numbers of seconds, the first delay and the longest, such as [15, 3600]';
const backoff = v.pipe(
  v.strictTuple([delay, delay], (issue) => problems.notA(issue.input, backoffWhat)),
  v.check(
    ([first, longest]) => first <= longest,
    ({ input }) => problems.backoffOrder(...input),
  ),
  v.description(
    'Seconds before the second run, and the longest delay. Each delay is twice as long as the one before.',
  ),
);

const retryOn = choice<'any' | (number | string)[]>(
  'Which failures are retried: "any", or a list of exit codes and exceptions.',
  [anyFailure, causes],
  (input) => (typeof input === 'string' ? anyFailure : causes),
);
const jitter = share('How much of the delay is added at random, from 0 to 1.');
const retryQueue = v.nullable(
  line('Queue for the retries. null: the same queue.', 'the name of a queue', /^[^*?,]+$/),
);

const retryOfClass = fields('What differs for jobs of this class.', 'an object', {
  attempts: v.exactOptional(attempts),
  on: v.exactOptional(retryOn),
  backoff: v.exactOptional(backoff),
  jitter: v.exactOptional(jitter),
  queue: v.exactOptional(retryQueue),
});

export const retryFields = fields(
  'Run failed jobs again, after a delay. null: jobs fail at once.',
  'an object such as { "attempts": 5 }, or null',
  {
    attempts,
    on: v.optional(retryOn, 'any'),
    backoff: v.optional(backoff, [15, 3600]),
    jitter: v.optional(jitter, 0.2),
    queue: v.optional(retryQueue, null),
    classes: v.optional(
      dictionary(
        'Settings for jobs of a class. They replace those above.',
        'an object of classes',
        retryOfClass,
        { checkKey: (name) => (name === '' ? problems.emptyText() : null) },
      ),
      {},
    ),
  },
);

export type RetrySettings = v.InferOutput<typeof retryFields>;
