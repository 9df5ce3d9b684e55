/** The history of each job, as the world saw it: every run, and every event that explains another run or none at all. */
import type { StopResult } from '../src/engine/lifecycle/shutdown.ts';
import type { ProcessIdentity } from '../src/engine/machine/identity.ts';
import type { TakenJob } from '../src/engine/pools/taken-job.ts';
import type { RedisSide } from '../src/engine/redis-side.ts';
import type { Clock } from '../src/resque/redis/clock.ts';
import type { JobPlan } from './schedule.ts';

/** A runner process, as far as the fate of jobs depends on it. */
export interface Runner {
  readonly name: string;
  readonly identity: ProcessIdentity;
  readonly side: RedisSide;
  /** Killed, or ended by itself. */
  readonly isDead: boolean;
  readonly diedMs: number;
  /** Runners that recover it can't tell whether its programs run. */
  readonly hidesPrograms: boolean;
  /** Until when it was last suspended, or cut off. */
  readonly heldUpMs: number;
  /** Commands of the last ten seconds, and the jobs that it has started in them. */
  readonly load: { readonly span: number; commands: number; starts: number };
  /** By entry, how many jobs may run at once. */
  readonly limits: ReadonlyMap<string, number>;
  /** Entries whose interrupted jobs go back, or did before the last change of the config. */
  readonly requeued: ReadonlySet<string>;
  readonly pausedQueues: ReadonlySet<string>;
  readonly unstartable: ReadonlySet<string>;
  /** Its present nonce and all former ones. */
  readonly nonces: readonly string[];
  readonly programs: {
    readonly running: ReadonlyMap<Run, TakenJob>;
    /** Runs that have ended, but aren't known to be in Redis. */
    readonly unwritten: readonly Run[];
    /** When Redis was last known to have an outcome. */
    readonly lastWrittenMs: number;
  };
  readonly clock: Clock;
  /** Set after it has ended by itself. */
  readonly stopped: StopResult | null;
  readonly wasDeclaredDead: boolean;
}

export interface Run {
  readonly job: Job;
  readonly process: Runner;
  readonly entry: string;
  readonly isHeld: boolean;
  readonly startedMs: number;
  /** When its program ended; it may outlive its runner. */
  programEndMs: number | null;
  /** From 1. */
  readonly attempt: number;
  outcome: 'success' | 'failure' | 'requeue' | 'retry' | 'snooze' | null;
  /** Not before this time may the next run start. */
  dueMs: number | null;
  /** When the engine reported that Redis has the outcome. */
  writtenMs: number | null;
  /** When Redis handed out the job. */
  readonly takenMs: number;
  /** Whether Redis ever had it on record. A job from BLPOP is on record only after a step has written it. */
  isRecorded: boolean;
  /** Its runner was killed before it learned that Redis has the outcome. */
  isAbandoned: boolean;
  /** Others have recovered its runner. */
  isRecovered: boolean;
  /** They couldn't end its program, because it ran on another machine. */
  mayOverlap: boolean;
}

export interface Job extends Omit<JobPlan, 'copies'> {
  /** As many are enqueued, or will be. */
  copies: number;
  readonly queue: string;
  readonly payload: Buffer;
  /** When it was last enqueued. */
  enqueuedMs: number;
  isEnqueued: boolean;
  readonly runs: Run[];
  /** The runner that took it with BLPOP, until it runs. */
  poppedBy: Runner | null;
  /** BLPOP took it, and the reply hasn't reached the runner. */
  isInFlight: boolean;
  /** When Redis last handed it out. */
  takenMs: number;
  /** Why it may be lost; `null` if it must not be. */
  mayBeLost: string | null;
  /** When Redis last forgot something about it: a job taken before that may be taken again. */
  forgottenMs: number;
}

export class JobBook {
  readonly jobs = new Map<string, Job>();

  add(plan: JobPlan, queue: string, nowMs: number): Job {
    const job: Job = {
      ...{ ...plan, copies: plan.copies ?? 1, queue, payload: payloadOf(plan), enqueuedMs: nowMs, runs: [] },
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

  /** How long all jobs take, one after the other. */
  get runtimeMs(): number {
    const runs = ({ copies, ends = [] }: Job) => copies * (1 + ends.length);
    return [...this.jobs.values()].reduce((sum, job) => sum + job.ms * runs(job), 0);
  }

  /** How often jobs run, if nothing interrupts them. */
  get plannedRuns(): number {
    return [...this.jobs.values()].reduce(
      (sum, { copies, ends = [] }) => sum + copies * (1 + ends.length),
      0,
    );
  }

  get runs(): Run[] {
    return [...this.jobs.values()].flatMap(({ runs }) => runs);
  }
}

/** Ids of all jobs in these bytes. */
export function idsOf(bytes: Buffer): string[] {
  return [...bytes.toString('latin1').matchAll(/\(id (j\d+)\)/g)].map(([, id]) => id ?? '');
}

export function idIn(bytes: Buffer): string | null {
  return idsOf(bytes)[0] ?? null;
}

function payloadOf({ id, shape }: JobPlan): Buffer {
  // The brackets keep an id from being the beginning of another.
  if (shape === 'plain') return Buffer.from(JSON.stringify({ class: 'SimulatedJob', args: [`(id ${id})`] }));
  if (shape === 'odd') return Buffer.from(` {"class":"SimulatedJob", "args":["(id ${id})","\\ud800",1.0]}`);
  return Buffer.from(`no JSON (id ${id})`);
}
