import type { EngineFact } from '../protocol/events.ts';
import { plural } from './quantities.ts';
import { visibleWithin } from './visible.ts';

type Fault = Extract<
  EngineFact,
  {
    type:
      | 'steps.forgotten'
      | 'engine.declared-dead'
      | 'outcome.dropped'
      | 'engine.renamed'
      | 'counter.refused';
  }
>;

const textLimit = 200;

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
      return `${fault.outcome} of a job of ${short(fault.worker)} not recorded: another runner has accounted for it`;
    case 'engine.renamed':
      return `${short(fault.holder)} is another process that may be alive; going on as ${short(fault.workerHost)}`;
    case 'counter.refused':
      return `a counter was not raised, jobs go on: ${short(fault.reason)}`;
  }
}

function short(text: string): string {
  return visibleWithin(text, textLimit);
}
