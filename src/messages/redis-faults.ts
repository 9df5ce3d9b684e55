/** What log and screen say if Redis is away, or did not keep what this runner had written. */
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

/** What a file holds, with its verb: `how 3 jobs ended is`. @param peer the process that wrote it, if it isn't ours */
export function spoolContents({ count, unrun }: SpoolCounts, peer: string | null): string {
  const ends = `how ${plural(count, 'job')}${peer === null ? '' : ` of ${peer}`} ended`;
  const starter = peer === null ? `${unrun === 1 ? 'was' : 'were'} taken` : `${peer} had taken`;
  const jobs = `at most ${plural(unrun, 'job')} that ${starter} but not started`;
  if (unrun === 0) return `${ends} is`;
  return count === 0 ? `${jobs} ${unrun === 1 ? 'is' : 'are'}` : `${ends} and ${jobs} are`;
}

function restored({ count, unrun }: SpoolCounts): string {
  const ends = `${spoolContents({ count, unrun: 0 }, null)} written now`;
  const back = unrun === 1 ? 'back on its queue' : 'back on their queues';
  const jobs = `${spoolContents({ count: 0, unrun }, null)} ${back}`;
  if (unrun === 0) return ends;
  return count === 0 ? jobs : `${ends}, and ${jobs}`;
}

export function spoolMessages(fact: SpoolFact): SpoolMessages {
  switch (fact.type) {
    case 'outcomes.spooled': {
      const text = `${spoolContents(fact, null)} in ${visible(fact.file)} until Redis can be told`;
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
      const about = fact.count > 0 ? ` (${plural(fact.count, 'job')})` : '';
      const text = `${visible(fact.file)}${about}: ${visibleWithin(fact.reason, textLimit)}`;
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

/** What log and screen say when Redis, or other runners, did not keep what this runner had written. */
export function faultMessages(fault: Fault): string {
  switch (fault.type) {
    case 'steps.forgotten': {
      const { steps, isEverything, rewritten, running, settled } = fault;
      const what = isEverything
        ? `came back without this runner's data (${plural(steps, 'step')})`
        : `came back older: it forgot the last ${plural(steps, 'step')} of this runner`;
      const done = [
        `${plural(rewritten, 'outcome')} written again`,
        `${plural(running, 'running job')} back on record`,
        ...(settled > 0 ? [`${plural(settled, 'job')} without a known end settled`] : []),
      ];
      return `${what}; ${done.join(', ')}; jobs that Redis hands out again run again`;
    }
    case 'engine.declared-dead': {
      const { killed, finishing, dropped } = fault;
      const done = [
        ...(killed > 0 ? [`${plural(killed, 'program')} of jobs that went back killed`] : []),
        ...(finishing > 0 ? [`${plural(finishing, 'job')} recorded as failed may finish`] : []),
        ...(dropped > 0 ? [`${plural(dropped, 'outcome')} dropped`] : []),
      ];
      const details = done.length === 0 ? '' : `: ${done.join(', ')}`;
      return `another runner took this one for dead and accounted for its jobs${details}; going on under a new registration`;
    }
    case 'outcome.dropped':
      return `${fault.outcome} of a job of ${visibleWithin(fault.worker, textLimit)} not recorded: another runner has accounted for it`;
    case 'engine.renamed':
      return `${visibleWithin(fault.holder, textLimit)} is another process that may be alive; going on as ${visibleWithin(fault.workerHost, textLimit)}`;
    case 'retries.refused':
      return `${plural(fault.count, 'retry', 'retries')} recorded as failed: a key of the delayed jobs is of the wrong type; find it with: resque-runner check`;
    case 'counter.refused':
      return `a counter was not raised, jobs go on: ${visibleWithin(fault.reason, textLimit)}`;
  }
}
