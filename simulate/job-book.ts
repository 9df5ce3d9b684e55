/** What became of each job, as the world saw it: every run, and every event that explains one more run or none at all. */
import type { JobPlan } from './schedule.ts';
import type { SimProcess } from './sim-process.ts';

export interface Run {
  readonly job: Job;
  readonly process: SimProcess;
  readonly entry: string;
  readonly isHeld: boolean;
  readonly startedMs: number;
  /** When its program had ended; it may go on after its runner has died. */
  programEndMs: number | null;
  outcome: 'success' | 'failure' | 'requeue' | null;
  /** When the engine said that Redis has the outcome. */
  writtenMs: number | null;
  /** When Redis gave the job away. */
  readonly takenMs: number;
  /** Whether Redis ever had it on record. Not so for what BLPOP brought, until a step has written it. */
  isRecorded: boolean;
  /** Its runner was killed before it knew that Redis has the outcome. */
  isAbandoned: boolean;
  /** Others have recovered its runner. */
  isRecovered: boolean;
  /** They could not end its program: it ran on another machine. */
  mayOverlap: boolean;
}

export interface Job extends JobPlan {
  readonly queue: string;
  readonly payload: Buffer;
  readonly enqueuedMs: number;
  isEnqueued: boolean;
  readonly runs: Run[];
  /** Who took it with BLPOP, until it runs. */
  poppedBy: SimProcess | null;
  /** BLPOP took it, and its answer has not come to the runner. */
  isInFlight: boolean;
  /** When Redis last gave it away. */
  takenMs: number;
  /** Why it may be lost; `null` if it may not. */
  mayBeLost: string | null;
  /** When Redis last forgot something about it: what was taken before may be taken again. */
  forgottenMs: number;
}

export class JobBook {
  readonly jobs = new Map<string, Job>();

  add(plan: JobPlan, queue: string, nowMs: number): Job {
    const job: Job = {
      ...{ ...plan, queue, payload: payloadOf(plan), enqueuedMs: nowMs, runs: [] },
      ...{ isEnqueued: false, poppedBy: null, isInFlight: false, takenMs: nowMs },
      ...{ mayBeLost: null, forgottenMs: -1 },
    };
    this.jobs.set(job.id, job);
    return job;
  }

  of(bytes: Buffer): Job | null {
    const id = idIn(bytes);
    return (id === null ? undefined : this.jobs.get(id)) ?? null;
  }

  /** How long all of them take, one after the other. */
  get runtimeMs(): number {
    return [...this.jobs.values()].reduce((sum, { ms, copies = 1 }) => sum + ms * copies, 0);
  }

  get runs(): Run[] {
    return [...this.jobs.values()].flatMap(({ runs }) => runs);
  }
}

/** Ids of all jobs that these bytes tell of. */
export function idsOf(bytes: Buffer): string[] {
  return [...bytes.toString('latin1').matchAll(/\(id (j\d+)\)/g)].map(([, id]) => id ?? '');
}

export function idIn(bytes: Buffer): string | null {
  return idsOf(bytes)[0] ?? null;
}

function payloadOf({ id, shape }: JobPlan): Buffer {
  // With brackets around it, no id is the beginning of another.
  if (shape === 'plain') return Buffer.from(JSON.stringify({ class: 'SimulatedJob', args: [`(id ${id})`] }));
  if (shape === 'odd') return Buffer.from(` {"class":"SimulatedJob", "args":["(id ${id})","\\ud800",1.0]}`);
  return Buffer.from(`no JSON (id ${id})`);
}
