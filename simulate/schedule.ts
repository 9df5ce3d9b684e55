/** The schedule of one run: runners, jobs and faults. Plain data, so that it can be printed and shrunk. */
import type { Lock, PoolConfig, RetryPolicy } from '../src/config/config.ts';

export interface JobPlan {
  readonly id: string;
  readonly ms: number;
  readonly end: 'success' | 'failure';
  /** How its first runs end; the others as `end` says. */
  readonly ends?: readonly ('failure' | 'snooze')[];
  /** `odd`: a payload that no record can hold unchanged; otherwise plain, or not JSON at all. */
  readonly shape: 'plain' | 'odd' | 'invalid';
  /** As many jobs have exactly this payload; 1 unless given. With a lock, they come one after the other. */
  readonly copies?: number;
  /** Its client takes this plugin's lock. */
  readonly lock?: Lock;
}

/** Over all runners. */
export type Limits = Pick<PoolConfig, 'limit' | 'rate'>;

export type Entry = Pick<PoolConfig, 'key' | 'concurrency' | 'delivery' | 'interrupted'> &
  Partial<Limits> & {
    /** `null` unless given. */
    readonly retry?: RetryPolicy | null;
    /** None unless given. */
    readonly locks?: readonly Lock[];
  };

/** A job that runners enqueue again and again. */
export interface Recurring {
  readonly name: string;
  readonly kind: 'cron' | 'every';
  /** The time between two. */
  readonly seconds: number;
  /** Of cron: seconds after a full minute, or after a multiple of the time between two. */
  readonly phase: number;
  /** The only one that has it; `null` if all have it. */
  readonly seat: number | null;
}

/** A fault of one runner. */
export type SeatFault =
  | { readonly kind: 'kill'; readonly restartAfterMs: number }
  | { readonly kind: 'crash-host'; readonly restartAfterMs: number }
  | { readonly kind: 'suspend'; readonly forMs: number }
  | { readonly kind: 'cut'; readonly which: 'commands' | 'waits' | 'all'; readonly isReset: boolean }
  /** Its connections are silently lost; new ones work. */
  | { readonly kind: 'silence' }
  /** Nothing gets through for a while. */
  | { readonly kind: 'stall'; readonly forMs: number };

/** A fault of Redis. */
export type RedisFault =
  | { readonly kind: 'snapshot' }
  | { readonly kind: 'roll-back'; readonly isRestart: boolean }
  | { readonly kind: 'flush'; readonly isRestart: boolean }
  | { readonly kind: 'restart'; readonly downMs: number; readonly loadingMs: number }
  | { readonly kind: 'demote'; readonly forMs: number }
  /** It doesn't answer for a while. */
  | { readonly kind: 'freeze'; readonly forMs: number }
  | { readonly kind: 'forget-scripts' }
  /** A foreign worker takes an idle one of ours off all lists. A number from 0 to 1 says which. */
  | { readonly kind: 'prune'; readonly which: number }
  | { readonly kind: 'refuse'; readonly command: string; readonly forMs: number }
  /** A number from 0 to 1 says which of the keys that there are. */
  | { readonly kind: 'wrong-type'; readonly which: number; readonly forMs: number }
  | { readonly kind: 'fill'; readonly forMs: number };

export type Action =
  | { readonly kind: 'enqueue'; readonly queue: string; readonly jobs: readonly JobPlan[] }
  | { readonly kind: 'reconfigure'; readonly seat: number; readonly config: number }
  | { readonly kind: 'pause'; readonly seat: number; readonly queue: string; readonly forMs: number }
  | { readonly kind: 'pause-everyone'; readonly forMs: number }
  | {
      readonly kind: 'concurrency';
      readonly seat: number;
      readonly entry: number;
      readonly concurrency: number;
    }
  | { readonly kind: 'stop'; readonly seat: number; readonly mode: StopMode; readonly restartAfterMs: number }
  | { readonly kind: 'jump-clock'; readonly seat: number; readonly byMs: number }
  | { readonly kind: 'unstartable'; readonly seat: number; readonly entry: number; readonly forMs: number }
  | { readonly kind: 'fault'; readonly seat: number; readonly fault: SeatFault }
  | { readonly kind: 'redis'; readonly fault: RedisFault }
  /** A fault at the moment of a command of that runner. */
  | {
      readonly kind: 'trap';
      readonly seat: number;
      /** `null` for any. */
      readonly command: string | null;
      /** How many of them pass first. */
      readonly skip: number;
      readonly moment: 'before' | 'after' | 'within-reply';
      readonly fault: SeatFault | RedisFault;
    };

export type StopMode = 'quit' | 'terminate' | 'kill';

export type Step = { readonly atMs: number } & Action;

/** Where a runner runs. */
export interface Seat {
  /** As in its worker ids. */
  readonly host: string;
  /** Of one kernel. */
  readonly machine: string;
  /** Each process is number 1 of a container of its own, which ends with it. */
  readonly isContainer: boolean;
}

export interface Schedule {
  readonly seed: number;
  /** By seat. */
  readonly seats: readonly Seat[];
  /** Whether a restarted process on a host has the pid of the former one. */
  readonly reusesPids: boolean;
  /** Whether the programs of a dead runner may be unidentifiable. */
  readonly hidesPrograms: boolean;
  /** Possible entries of runners; all start with the first. */
  readonly configs: readonly (readonly Entry[])[];
  readonly maxRecoveries: number;
  readonly latency: { readonly lowMs: number; readonly highMs: number };
  readonly steps: readonly Step[];
  /** Also in changed configs; none unless given. */
  readonly recurring?: readonly Recurring[];
}

/** Whether runners have different policies for a queue, or change them. */
export function mixesPolicies({ configs }: Schedule): boolean {
  const policies = (key: string) =>
    configs.flatMap((entries) => entries.filter((entry) => entry.key === key)).map(({ retry }) => retry);
  const differs = ({ key }: Entry) => new Set(policies(key).map((policy) => JSON.stringify(policy))).size > 1;
  return configs.flat().some(differs);
}

/** The most attempts that any job may have. */
export function mostAttempts({ configs }: Schedule): number {
  return Math.max(1, ...configs.flat().map(({ retry }) => retry?.attempts ?? 1));
}

/** The longest time between two starts of jobs, by the rates of their queues. */
export function longestIntervalMs({ configs }: Schedule): number {
  return Math.max(0, ...configs.flat().map(({ rate }) => rate?.intervalMs ?? 0));
}

/** Queues that an entry of this key has in our world. */
export function queuesOf(key: string): string[] {
  return key.split(',').flatMap((name) => (name === 'p_*' ? ['p_x', 'p_y'] : [name]));
}
