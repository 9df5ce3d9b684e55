/** Commands about delayed jobs and schedules. Each does a bounded amount of work. */

import type { Schedule } from '../../config/config.ts';
import { type CommandOf, type CommandReply, done, refused } from '../../protocol/commands.ts';
import { wordsMatcher } from '../../protocol/matching.ts';
import {
  type DelayedInfo,
  type DelayedRef,
  type ScheduleInfo,
  schedulesLimit,
} from '../../protocol/redis-views.ts';
import {
  cursorText,
  type DelayedJob,
  DelayedList,
  firstCursor,
  readCursor,
  viewDelayed,
} from '../../resque/delayed/delayed-list.ts';
import { environmentOf } from '../../resque/delayed/persistent-schedule.ts';
import { RecurringJobs } from '../../resque/delayed/recurring-jobs.ts';
import { cut } from '../../resque/format/payload.ts';
import type { ResqueClient } from '../../resque/steps/client.ts';
import { ruleFor } from '../jobs/retry.ts';
import type { QueueRouter } from '../pools/queue-router.ts';
import { knownSchedules, type TimedSchedule, timingText, withTimes } from './known-schedules.ts';

export interface DelayedContext {
  readonly client: ResqueClient;
  readonly router: QueueRouter;
  /** The schedules of the config. */
  readonly schedules: readonly Schedule[];
  /** Of resque-scheduler's lock; '' for none. */
  readonly lockPrefix: string;
}

const pageSize = 250;
/** Jobs that one command looks at; the screen asks again for more. */
const lookLimit = 1_000;
/** Characters of a job's args. */
const argsLimit = 500;

export async function readDelayed(
  { text, without = [], after, count }: CommandOf<'read-delayed'>,
  { client, router }: DelayedContext,
): Promise<CommandReply> {
  const from = after === null ? firstCursor : readCursor(after);
  if (from === null) return refused('out-of-range', 'after must be "next" of the page before');
  const list = new DelayedList(client.session, client.keys);
  const jobs: DelayedInfo[] = [];
  const isWhole = text === '' && without.length === 0;
  const matches = wordsMatcher(text, without);
  let next = from as typeof from | null;
  for (let looked = 0; next !== null && jobs.length < count && looked < lookLimit; ) {
    const size = Math.min(pageSize, isWhole ? count - jobs.length : pageSize);
    const page = await list.page(next, size);
    looked += page.jobs.length;
    next = page.next;
    for (const job of await list.withRetries(page.jobs)) {
      const info = infoOf(job, router);
      if (!isWhole && !matches(textsOf(info))) continue;
      jobs.push(info);
      if (jobs.length < count) continue;
      const { score, time, index } = job;
      if (job !== page.jobs.at(-1) || next !== null) next = { score, time, index: index + 1 };
      break;
    }
  }
  const reply = { nowMs: await list.nowMs(), jobs, next: next === null ? null : cursorText(next) };
  return done(`${jobs.length} delayed jobs`, { kind: 'delayed', ...reply });
}

function textsOf({ queue, jobClass, args, retry, id }: DelayedInfo): (string | null | undefined)[] {
  return [queue, jobClass, args, retry?.lastError, id];
}

function infoOf(job: DelayedJob, router: QueueRouter): DelayedInfo {
  const { time, index, sha1, item, retry } = job;
  const { id, dueAtMs, queue, jobClass, args, isReadable } = viewDelayed(job);
  const policy = queue === null ? null : (router.ownerOf(queue)?.config.retry ?? null);
  return {
    ...{ time, index, sha1, id, dueAtMs, queue, jobClass, isReadable },
    args: cut(isReadable ? args : item.toString('utf8', 0, 4 * argsLimit), argsLimit),
    retry: retry ? { ...retry, of: policy === null ? null : ruleFor(policy, jobClass).attempts } : null,
  };
}

export async function changeDelayed(
  kind: 'run' | 'remove',
  job: DelayedRef,
  { client }: DelayedContext,
): Promise<CommandReply> {
  const list = new DelayedList(client.session, client.keys);
  const [result] = await list.change({ kind, jobs: [job] });
  switch (result) {
    case 'done':
      return done(kind === 'run' ? 'moved the delayed job to its queue' : 'deleted the delayed job');
    case 'undeliverable':
      return refused(
        'delayed-undeliverable',
        "the delayed job can't be moved: it names no queue, or the queue's key is not a list",
      );
    default:
      return refused('delayed-gone', 'the delayed job was gone: it was moved or deleted');
  }
}

export async function readSchedules({
  client,
  schedules: own,
  lockPrefix,
}: DelayedContext): Promise<CommandReply> {
  const jobs = new RecurringJobs(client.session, client.keys, lockPrefix);
  const known = await knownSchedules(jobs, own, environmentOf(process.env));
  const { nowMs, schedules } = await withTimes(client.session, jobs, known.slice(0, schedulesLimit));
  const data = { nowMs, total: known.length, schedules: schedules.map(scheduleInfo) };
  return done(`${schedules.length} of ${known.length} schedules`, { kind: 'schedules', ...data });
}

function scheduleInfo({ name, source, schedule, problem, next, last }: TimedSchedule): ScheduleInfo {
  const ms = (seconds: number | null) => (seconds === null ? null : seconds * 1_000);
  return {
    ...{ name, source, problem },
    timing: schedule === null ? '' : timingText(schedule),
    queue: schedule?.queue ?? null,
    jobClass: schedule?.jobClass ?? null,
    args: cut(schedule?.args ?? '', argsLimit),
    description: cut(schedule?.description ?? '', argsLimit),
    ...{ nextAtMs: ms(next), lastAtMs: ms(last) },
  };
}
