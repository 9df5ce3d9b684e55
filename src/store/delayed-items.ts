/** The rows of the Delayed tab: delayed jobs, and between them the next times of the schedules. */
import type { DelayedInfo, ScheduleInfo } from '../protocol/redis-views.ts';
import { parseWords, textMatcher } from './filter-language.ts';

export type DelayedItem =
  | { readonly kind: 'job'; readonly key: string; readonly job: DelayedInfo }
  | { readonly kind: 'schedule'; readonly key: string; readonly schedule: ScheduleInfo };

/** In milliseconds since the epoch; `null` if never. */
export function dueAtOf(item: DelayedItem): number | null {
  return item.kind === 'job' ? item.job.dueAtMs : item.schedule.nextAtMs;
}

/** By time; what is never due comes last. */
export function delayedItems(
  jobs: readonly DelayedInfo[],
  schedules: readonly ScheduleInfo[],
  filter: string,
): readonly DelayedItem[] {
  const seen = new Map<string, number>();
  const items: DelayedItem[] = jobs.map((job) => {
    // Equal jobs of a time can't be told apart, except by their order.
    const name = `${job.time} ${job.sha1}`;
    const count = seen.get(name) ?? 0;
    seen.set(name, count + 1);
    return { kind: 'job', key: `job ${name} ${count}`, job };
  });
  const matches = textMatcher({ without: [], ...parseWords(filter) });
  for (const schedule of schedules) {
    const { name, queue, jobClass, args, timing } = schedule;
    const text = `${name} ${queue ?? ''} ${jobClass ?? ''} ${args} ${timing}`;
    if (matches(text)) items.push({ kind: 'schedule', key: `schedule ${name}`, schedule });
  }
  const order = (item: DelayedItem) => dueAtOf(item) ?? Number.POSITIVE_INFINITY;
  // Infinity minus infinity is not a number.
  return items.sort((a, b) => (order(a) === order(b) ? 0 : order(a) - order(b)));
}
