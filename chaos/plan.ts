/** The plan of a run, drawn from its seed: jobs and faults. */
import { Random } from './random.ts';

export type Fault =
  | { readonly kind: 'kill-runner'; readonly seat: number }
  /** CLIENT KILL of this many connections of runners. */
  | { readonly kind: 'cut-connections'; readonly count: number; readonly seed: number }
  | { readonly kind: 'freeze-runner'; readonly seat: number; readonly forMs: number }
  | { readonly kind: 'freeze-redis'; readonly forMs: number }
  | { readonly kind: 'restart-redis'; readonly signal: 'SIGTERM' | 'SIGKILL' };

export interface PlannedJob {
  readonly id: string;
  readonly queue: string;
  /** So many of its attempts fail. */
  readonly failures: number;
  /** 0 for most. */
  readonly seconds: number;
}

export interface PlannedFault {
  readonly fault: Fault;
  /** The time before the fault, in which its share of the jobs is enqueued. */
  readonly afterMs: number;
}

export interface Plan {
  readonly jobs: readonly PlannedJob[];
  readonly faults: readonly PlannedFault[];
}

/** Slots by queue or pattern; `burst-*` has two queues. */
export const limits: Readonly<Record<string, number>> = { mail: 4, slow: 3, single: 1, 'burst-*': 2 };

export interface Shared {
  readonly limit?: number;
  readonly rate?: string;
  readonly locks?: readonly ['resque-lock' | 'node'];
}

/** By entry, if jobs have several attempts: what holds over both runners, and the lock that the jobs take. */
export const shared: Readonly<Record<string, Shared>> = {
  mail: { limit: 5, locks: ['resque-lock'] },
  slow: { limit: 4, locks: ['node'] },
  single: { limit: 1 },
  'burst-*': { rate: '100/s burst 20' },
};
const queues = ['mail', 'mail', 'mail', 'slow', 'single', 'burst-a', 'burst-b'];
const longShare = 0.02;
/** Of the jobs, if each has one attempt; of their runs, if they have more. */
const failingShare = { once: 0.05, again: 0.4 };

/**
 * @param longestPauseMs between one fault and the next
 * @param attempts of each job
 */
export function makePlan(
  seed: number,
  jobCount: number,
  kills: number,
  longestPauseMs: number,
  attempts: number,
): Plan {
  const random = new Random(seed);
  const failures = () => {
    let count = 0;
    while (count < attempts && random.next() < (attempts === 1 ? failingShare.once : failingShare.again))
      count += 1;
    return count;
  };
  const jobs = Array.from({ length: jobCount }, (_, at) => {
    const isLong = random.next() < longShare;
    return {
      id: String(at + 1),
      queue: random.pick(queues),
      failures: failures(),
      seconds: isLong ? Number(random.between(0.2, 2).toFixed(2)) : 0,
    };
  });
  const times = (count: number, make: () => Fault) => Array.from({ length: count }, make);
  const seat = () => random.below(2);
  const faults = random.shuffle([
    ...times(kills, () => ({ kind: 'kill-runner', seat: seat() })),
    ...times(Math.ceil(kills / 3), () => ({
      kind: 'cut-connections',
      count: 1 + random.below(4),
      seed: random.below(2 ** 31),
    })),
    ...times(Math.ceil(kills / 10), () => ({
      kind: 'freeze-runner',
      seat: seat(),
      forMs: random.between(50, 1500),
    })),
    ...times(Math.ceil(kills / 10), () => ({ kind: 'freeze-redis', forMs: random.between(50, 2000) })),
    ...times(Math.ceil(kills / 15), () => ({ kind: 'restart-redis', signal: 'SIGTERM' as const })),
    ...times(Math.ceil(kills / 15), () => ({ kind: 'restart-redis', signal: 'SIGKILL' as const })),
  ]);
  return {
    jobs,
    faults: faults.map((fault) => ({ fault, afterMs: random.between(longestPauseMs / 20, longestPauseMs) })),
  };
}
