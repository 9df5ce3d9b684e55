/** What log and screen say about the list of failures, and about the programs that hear of them. */
import type { EngineFact } from '../protocol/events.ts';
import { grouped, plural } from './quantities.ts';
import { visibleWithin } from './visible.ts';

type FailuresFact = Extract<
  EngineFact,
  {
    type: 'failures.retried' | 'failures.removed' | 'failures.trimmed' | 'notice.failed' | 'notice.dropped';
  }
>;

interface FailureMessages {
  readonly subject: string;
  readonly level: 'info' | 'warn';
  readonly glyph: '↺' | '●' | '!';
  readonly text: string;
}

const classLimit = 24;
const textLimit = 200;
const listLimit = 1_000;

/** @param by whose command it was; '' if it was none */
export function failureMessages(fact: FailuresFact, by: string): FailureMessages {
  switch (fact.type) {
    case 'failures.retried':
      return changed('↺', 'retried', fact, by);
    case 'failures.removed':
      return changed('●', 'removed', fact, by);
    case 'failures.trimmed': {
      const { count, day, limit } = fact;
      const which = count === 1 ? 'the oldest failure was' : `the ${grouped(count)} oldest failures were`;
      const on = visibleWithin(day, textLimit);
      const text = `${which} removed on ${on} (UTC): "failedLimit" is ${grouped(limit)}`;
      return { subject: 'failures', level: 'info', glyph: '●', text };
    }
    case 'notice.failed': {
      const { runner: subject, count, reason } = fact;
      const often = count === 1 ? '' : ` ${grouped(count)} times, most recently`;
      const text = `"onFailure" failed${often}: ${visibleWithin(reason, textLimit)}`;
      return { subject, level: 'warn', glyph: '!', text };
    }
    case 'notice.dropped': {
      const { runner: subject, count, reason } = fact;
      const why =
        reason === 'busy' ? 'too many jobs fail at the same time' : 'the runner stops before it could run';
      const text = `"onFailure" was not run for ${plural(count, 'failure')}: ${why}`;
      return { subject, level: 'warn', glyph: '!', text };
    }
  }
}

/** A change in one queue is about that queue. Otherwise the text names the queues. */
function changed(
  glyph: '↺' | '●',
  verb: string,
  { count, queues, jobClass }: FailuresFact & { type: 'failures.retried' | 'failures.removed' },
  by: string,
): FailureMessages {
  const name = jobClass === null ? '(no class)' : visibleWithin(jobClass, classLimit);
  const what = count === 1 ? `the failed ${name}` : `${count} failures`;
  const [queue] = queues;
  const byWhom = by === '' ? '' : `, by ${by}`;
  const about = { level: 'info', glyph } as const;
  if (queue !== undefined && queues.length === 1) {
    return { ...about, subject: queue, text: `${verb} ${what}${byWhom}` };
  }
  const where = queues.length === 0 ? '' : ` of ${visibleWithin(queues.join('; '), listLimit)}`;
  return { ...about, subject: 'failures', text: `${verb} ${what}${where}${byWhom}` };
}
