/** What log and screen say if Redis is away, or if it or other runners changed what this runner had written. */
import type { EngineFact } from '../protocol/events.ts';
import { plural } from './quantities.ts';
import { visible, visibleWithin } from './visible.ts';

type SpoolFact = Extract<EngineFact, { type: 'outcomes.spooled' | 'outcomes.restored' | 'spool.failed' }>;

interface SpoolMessages {
  readonly level: 'info' | 'warn' | 'error';
  readonly glyph: '!' | '●';
  readonly text: string;
}

const textLimit = 200;

interface SpoolCounts {
  readonly count: number;
  readonly unrun: number;
}

/** What a spool file holds: `3 outcomes and up to 1 job that was taken but not started`. */
export function spoolContents({ count, unrun }: SpoolCounts): string {
  const outcomes = plural(count, 'outcome');
  const jobs = `up to ${plural(unrun, 'job')} that ${unrun === 1 ? 'was' : 'were'} taken but not started`;
  if (unrun === 0) return outcomes;
  return count === 0 ? jobs : `${outcomes} and ${jobs}`;
}

function restored({ count, unrun }: SpoolCounts): string {
  const outcomes = `${plural(count, 'outcome')} ${count === 1 ? 'is' : 'are'} recorded now`;
  const back = unrun === 1 ? 'is back on its queue' : 'are back on their queues';
  const jobs = `${spoolContents({ count: 0, unrun })} ${back}`;
  if (unrun === 0) return outcomes;
  return count === 0 ? jobs : `${outcomes}, and ${jobs}`;
}

export function spoolMessages(fact: SpoolFact): SpoolMessages {
  switch (fact.type) {
    case 'outcomes.spooled': {
      const text = `saved ${spoolContents(fact)} to ${visible(fact.file)} until Redis is back`;
      return { level: 'warn', glyph: '!', text };
    }
    case 'outcomes.restored': {
      const peer = visibleWithin(fact.peer, textLimit);
      return {
        level: 'info',
        glyph: '●',
        text: `${peer} stopped while Redis was away; ${restored(fact)}`,
      };
    }
    case 'spool.failed': {
      const about = fact.count > 0 ? ` (${plural(fact.count, 'outcome')})` : '';
      const text = `can't use ${visible(fact.file)}${about}: ${visibleWithin(fact.reason, textLimit)}`;
      return { level: 'error', glyph: '!', text };
    }
  }
}

type Fault = Extract<
  EngineFact,
  {
    type:
      | 'steps.forgotten'
      | 'engine.declared-dead'
      | 'outcome.dropped'
      | 'engine.renamed'
      | 'counter.refused'
      | 'retries.refused';
  }
>;

export function faultMessages(fault: Fault): string {
  switch (fault.type) {
    case 'steps.forgotten': {
      const { steps, isEverything, rewritten, running, settled } = fault;
      const what = isEverything
        ? `came back without this runner's data (${plural(steps, 'step')})`
        : `came back with older data, without the last ${plural(steps, 'step')} of this runner`;
      const done = [
        ...(rewritten > 0 ? [`${plural(rewritten, 'outcome')} recorded again`] : []),
        ...(running > 0 ? [`${plural(running, 'running job')} recorded again`] : []),
        ...(settled > 0 ? [`${plural(settled, 'job')} with an unknown outcome settled`] : []),
      ];
      const details = done.length === 0 ? '' : `${done.join(', ')}; `;
      return `${what}; ${details}jobs that Redis hands out again will run again`;
    }
    case 'engine.declared-dead': {
      const { killed, finishing, dropped } = fault;
      const done = [
        ...(killed > 0 ? [`killed ${plural(killed, 'program')} of jobs that were put back`] : []),
        ...(finishing > 0 ? [`${plural(finishing, 'job')} recorded as failed may finish`] : []),
        ...(dropped > 0 ? [`dropped ${plural(dropped, 'outcome')}`] : []),
      ];
      const details = done.length === 0 ? '' : `: ${done.join(', ')}`;
      return `another runner declared this one dead and recovered its jobs${details}; continuing under a new registration`;
    }
    case 'outcome.dropped':
      return `a job of ${visibleWithin(fault.worker, textLimit)} ${fault.outcome}; not recorded, because another runner has already recovered the job`;
    case 'engine.renamed':
      return `${visibleWithin(fault.holder, textLimit)} is another process that may be alive; continuing as ${visibleWithin(fault.workerHost, textLimit)}`;
    case 'retries.refused':
      return `${plural(fault.count, 'retry', 'retries')} recorded as failed: a key of the delayed jobs is of the wrong type; find it with: resque-runner check`;
    case 'counter.refused':
      return `Redis didn't increase a counter; jobs continue: ${visibleWithin(fault.reason, textLimit)}`;
  }
}
