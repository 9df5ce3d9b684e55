/** What the log and the screen say about delayed jobs and schedules. */
import type { EngineFact } from '../protocol/events.ts';
import { plural } from './quantities.ts';
import { visibleWithin } from './visible.ts';

type SchedulerFact = Extract<
  EngineFact,
  {
    type:
      | 'scheduler.changed'
      | 'jobs.undeliverable'
      | 'schedule.enqueued'
      | 'schedule.skipped'
      | 'schedule.failed';
  }
>;

interface SchedulerMessages {
  readonly level: 'info' | 'warn' | 'error';
  readonly glyph: '▸' | '●' | '!';
  readonly text: string;
}

const textLimit = 200;
const nameLimit = 60;

export function schedulerMessages(fact: SchedulerFact): SchedulerMessages {
  if (fact.type === 'jobs.undeliverable') {
    const jobs = plural(fact.count, 'delayed job');
    const text = `${jobs} could not be moved to a queue; see the list ${visibleWithin(fact.key, textLimit)}`;
    return { level: 'warn', glyph: '!', text };
  }
  if (fact.type !== 'scheduler.changed') return scheduleMessages(fact);
  const detail = visibleWithin(fact.detail, textLimit);
  switch (fact.state) {
    case 'moving':
      return { level: 'info', glyph: '●', text: 'moves delayed jobs to their queues' };
    case 'standby':
      return { level: 'info', glyph: '●', text: `stands by, because ${detail} moves delayed jobs` };
    case 'failing':
      return { level: 'error', glyph: '!', text: `can't move delayed jobs: ${detail}; trying again` };
  }
}

function scheduleMessages(fact: Extract<SchedulerFact, { name: string }>): SchedulerMessages {
  const name = visibleWithin(fact.name, nameLimit);
  if (fact.type === 'schedule.failed') {
    const reason = visibleWithin(fact.reason, textLimit);
    const what = name === '' ? "can't read the schedules in Redis" : `can't enqueue schedule ${name}`;
    return { level: 'error', glyph: '!', text: `${what}: ${reason}` };
  }
  const [queue, jobClass] = [visibleWithin(fact.queue, nameLimit), visibleWithin(fact.jobClass, nameLimit)];
  return fact.type === 'schedule.enqueued'
    ? { level: 'info', glyph: '▸', text: `schedule ${name} enqueued ${jobClass} on ${queue}` }
    : {
        level: 'info',
        glyph: '●',
        text: `schedule ${name} enqueued nothing: the same job is still waiting on ${queue}`,
      };
}
