/** The field `schedules` of the config: the type, default and description of each of its settings. */
import * as v from 'valibot';
import { problems } from './problems.ts';
import { flag, line } from './scalars.ts';
import { choice, dictionary, type Fault, fields } from './shapes.ts';
import { CronProblem, readCron } from './times/cron.ts';
import { everyForms, readEvery } from './times/every.ts';

const cron = v.pipe(
  line(
    'When: five cron fields, or six with seconds, and an optional time zone.',
    'a cron line such as "0 3 * * *"',
    /\S/,
  ),
  v.check(
    (text) => cronProblem(text) === null,
    ({ input }) => cronProblem(input) ?? '',
  ),
);

function cronProblem(text: string): string | null {
  try {
    readCron(text);
    return null;
  } catch (error) {
    if (error instanceof CronProblem) return error.message;
    throw error;
  }
}

const isEvery = (text: string): boolean => readEvery(text) !== null;
const everyText = v.pipe(
  v.string(),
  v.check(isEvery, (issue) => problems.notA(issue.input, everyForms)),
  v.description('A duration, such as "30s", "15min", "1h30m", "1d" or "2w".'),
);
const everyNumber = v.pipe(
  v.number((issue) => problems.notA(issue.input, everyForms)),
  v.transform(String),
  v.check(isEvery, (issue) => problems.notA(Number(issue.input), everyForms)),
);
const every = choice<string>(
  'How often.',
  [everyText, v.pipe(v.number(), v.description('Seconds.'))],
  (input) => (typeof input === 'string' ? everyText : everyNumber),
);

const scheduleFields = fields(
  'A recurring job.',
  'an object such as { "cron": "0 3 * * *", "queue": "reports", "class": "Nightly" }',
  {
    cron: v.exactOptional(cron),
    every: v.exactOptional(every),
    queue: line('Queue of the job.', 'the name of a queue', /^[^*?,]+$/),
    class: line('Class of the job.', 'the name of a class', /\S/),
    args: v.optional(
      v.pipe(
        v.array(v.unknown(), (issue) => problems.notA(issue.input, 'an array')),
        v.description('Args of the job: any JSON values.'),
      ),
      [],
    ),
    unique: v.optional(
      flag('Enqueue nothing while the same job, with the same args, is still waiting in the queue.'),
      false,
    ),
    description: v.optional(line('What the schedule is for. Only for people.', 'a line of text', /^/)),
  },
  cronOrEvery,
);

function* cronOrEvery(input: Readonly<Record<string, unknown>>): Iterable<Fault> {
  if (input.cron !== undefined && input.every !== undefined) {
    yield { path: ['every'], message: problems.conflict('cron') };
  } else if (input.cron === undefined && input.every === undefined) {
    yield { path: [], message: problems.noTime() };
  }
}

export const schedules = dictionary(
  'Recurring jobs that the runner enqueues. Each key is a name of your choice.',
  'an object such as { "nightly": { "cron": … } }',
  scheduleFields,
  { checkKey: (name) => (name === '' ? problems.emptyText() : null) },
);

export type ScheduleSettings = v.InferOutput<typeof scheduleFields>;
