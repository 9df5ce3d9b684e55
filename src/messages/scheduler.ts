/** What the log and the screen say about moving delayed jobs. */
import type { EngineFact } from '../protocol/events.ts';
import { plural } from './quantities.ts';
import { visibleWithin } from './visible.ts';

type SchedulerFact = Extract<EngineFact, { type: 'scheduler.changed' | 'jobs.undeliverable' }>;

interface SchedulerMessages {
  readonly level: 'info' | 'warn' | 'error';
  readonly glyph: '●' | '!';
  readonly text: string;
}

const textLimit = 200;

export function schedulerMessages(fact: SchedulerFact): SchedulerMessages {
  if (fact.type === 'jobs.undeliverable') {
    const jobs = plural(fact.count, 'delayed job');
    const text = `${jobs} could not be moved to a queue; see the list ${visibleWithin(fact.key, textLimit)}`;
    return { level: 'warn', glyph: '!', text };
  }
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
