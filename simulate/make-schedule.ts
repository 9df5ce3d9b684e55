/** Draws a schedule from its seed: the same seed, the same schedule. */
import { Random } from '../chaos/random.ts';
import { addLimits } from './add-limits.ts';
import { addLocks } from './add-locks.ts';
import { addRecurring } from './add-recurring.ts';
import { addRetries } from './add-retries.ts';
import {
  type Action,
  type Entry,
  type JobPlan,
  queuesOf,
  type RedisFault,
  type Schedule,
  type Seat,
  type SeatFault,
  type Step,
} from './schedule.ts';

const commands = [
  ...['EVALSHA', 'EVAL', 'SCRIPT', 'BLPOP', 'BLMOVE', 'SADD', 'SMEMBERS', 'GET', 'SET', 'DEL', 'MGET'],
  ...['HGETALL', 'HSET', 'HGET', 'EXISTS', 'LRANGE', 'MULTI', 'TIME', 'INFO', 'CLIENT|ID', 'CLIENT|UNBLOCK'],
  ...[
    'CLIENT|KILL',
    'CLIENT|LIST',
    'CONFIG',
    'LPOP',
    'LMOVE',
    'RPUSH',
    'LPUSH',
    'INCRBY',
    'SREM',
    'HDEL',
    'LREM',
    'TYPE',
    'SETNX',
  ],
  ...['HSETNX', 'SCARD', 'LLEN', 'LINDEX', 'HINCRBY', 'RPOPLPUSH', 'SISMEMBER', 'HEXISTS'],
];
const trapped = [
  null,
  'EVALSHA',
  'EVALSHA',
  'EVALSHA',
  'BLPOP',
  'BLPOP',
  'BLMOVE',
  'MULTI',
  'SMEMBERS',
  'SET',
  'HGETALL',
];

/** Each schedule has only some of these, so that over many schedules each meets many others. */
const kinds = [
  ...['kill', 'crash-host', 'suspend', 'cut', 'silence', 'stall', 'roll-back', 'flush', 'restart', 'demote'],
  ...['refuse', 'wrong-type', 'fill', 'reconfigure', 'pause', 'pause-everyone', 'concurrency', 'stop'],
  ...['jump-clock', 'unstartable', 'freeze', 'forget-scripts', 'prune', 'trap', 'trap', 'trap'],
] as const;
type Kind = (typeof kinds)[number];

export function makeSchedule(seed: number): Schedule {
  return addRecurring(addLocks(addLimits(addRetries(new ScheduleMaker(seed).make()))));
}

class ScheduleMaker {
  readonly #seed: number;
  readonly #random: Random;
  #jobs = 0;

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = new Random(seed);
    // The first numbers of neighboring seeds are alike.
    for (let skipped = 0; skipped < 5; skipped += 1) this.#random.next();
  }

  make(): Schedule {
    const random = this.#random;
    const seatCount = 2 + random.below(2);
    const isOneMachine = random.next() < 0.6;
    const isContainer = random.next() < 0.3;
    // Containers may all have the name of their host.
    const hasOneName = isContainer && random.next() < 0.3;
    const seats = Array.from({ length: seatCount }, (_, seat): Seat => {
      const machine = isOneMachine ? 'm0' : `m${seat % 2}`;
      return { machine, isContainer, host: isContainer && !hasOneName ? `c${seat}` : machine };
    });
    const entries = this.#entries();
    const configs = [entries, this.#variant(entries), this.#variant(entries)];
    const isHeld = configs.flat().every(({ delivery }) => delivery === 'at-least-once');
    const latency = random.pick([
      { lowMs: 0.02, highMs: 0.2 },
      { lowMs: 0.1, highMs: 5 },
      { lowMs: 1, highMs: 60 },
    ]);
    const lengthMs = random.pick([2_000, 10_000, 60_000]);
    const wanted = random.shuffle(kinds).slice(0, 1 + random.below(5));
    const steps: Step[] = [];
    const queues = entries.flatMap(({ key }) => queuesOf(key));
    for (let batch = 2 + random.below(8); batch > 0; batch -= 1)
      steps.push({ atMs: this.#time(lengthMs), ...this.#enqueue(random.pick(queues), isHeld) });
    const enqueued = steps.map(({ atMs }) => atMs);
    for (let count = 1 + random.below(8); count > 0; count -= 1) {
      // Many come while something is done.
      const atMs = random.next() < 0.4 ? this.#time(lengthMs) : this.#timeAfter(random.pick(enqueued));
      const kind = random.pick(wanted);
      // A snapshot precedes the roll-back to it.
      if (kind === 'roll-back')
        steps.push({ atMs: this.#time(atMs), kind: 'redis', fault: { kind: 'snapshot' } });
      steps.push({ atMs, ...this.#action(kind, random.below(seatCount), queues, entries.length, lengthMs) });
    }
    return {
      seed: this.#seed,
      seats,
      reusesPids: random.next() < 0.3,
      hidesPrograms: random.next() < 0.2,
      configs,
      maxRecoveries: random.pick([0, 1, 3, 100]),
      latency,
      steps: steps.sort((a, b) => a.atMs - b.atMs),
    };
  }

  #entries(): Entry[] {
    const random = this.#random;
    const keys = random.pick([['a'], ['a', 'b'], ['a,b', 'p_*'], ['a', 'p_*'], ['a', 'b', 'c'], ['p_*']]);
    const deliveries = random.pick([
      ['at-most-once'],
      ['at-least-once'],
      ['at-most-once', 'at-least-once'],
    ] as const);
    return keys.map((key) => ({
      key,
      concurrency: 1 + random.below(3),
      delivery: random.pick<Entry['delivery']>(deliveries),
      interrupted: random.pick(['fail', 'requeue'] as const),
    }));
  }

  /** The same after a change of the file. */
  #variant(entries: readonly Entry[]): Entry[] {
    const random = this.#random;
    const changed = entries.map((entry) => {
      const { concurrency, delivery, interrupted } = entry;
      switch (random.below(5)) {
        case 0:
          return { ...entry, concurrency: 1 + random.below(4) };
        case 1:
          return {
            ...entry,
            delivery: delivery === 'at-most-once' ? ('at-least-once' as const) : ('at-most-once' as const),
          };
        case 2:
          return { ...entry, interrupted: interrupted === 'fail' ? ('requeue' as const) : ('fail' as const) };
        default:
          return { ...entry, concurrency };
      }
    });
    if (changed.length > 1 && random.next() < 0.3) changed.splice(random.below(changed.length), 1);
    return changed;
  }

  /** @param isHeld whether all runners take jobs of this queue at least once */
  #enqueue(queue: string, isHeld: boolean): Action {
    const random = this.#random;
    const longestMs = random.pick([0, 20, 500, 3_000]);
    const jobs = Array.from({ length: 1 + random.below(6) }, (): JobPlan => {
      this.#jobs += 1;
      return {
        id: `j${this.#jobs}`,
        ms: Math.round(random.between(0, longestMs)),
        end: random.next() < 0.3 ? 'failure' : 'success',
        shape: random.next() < 0.8 ? 'plain' : random.pick(['odd', 'invalid'] as const),
        // What a wait takes to nowhere can't be told from its twin.
        ...(isHeld && random.next() < 0.2 ? { copies: 2 + random.below(2) } : {}),
      };
    });
    return { kind: 'enqueue', queue, jobs };
  }

  #action(kind: Kind, seat: number, queues: readonly string[], entryCount: number, lengthMs: number): Action {
    const random = this.#random;
    const forMs = this.#duration();
    switch (kind) {
      case 'reconfigure':
        return { kind, seat, config: random.below(3) };
      case 'pause':
        return { kind, seat, queue: random.pick(queues), forMs };
      case 'pause-everyone':
        return { kind, forMs };
      case 'concurrency':
        return { kind, seat, entry: random.below(entryCount), concurrency: 1 + random.below(4) };
      case 'stop': {
        const mode = random.pick(['quit', 'terminate', 'kill'] as const);
        return { kind, seat, mode, restartAfterMs: random.between(0, lengthMs) };
      }
      case 'jump-clock':
        return {
          kind,
          seat,
          byMs: Math.round(random.between(-1, 1) * random.pick([1_000, 400_000, 90_000_000])),
        };
      case 'unstartable':
        return { kind, seat, entry: random.below(entryCount), forMs };
      case 'trap':
        return {
          kind,
          seat,
          command: random.pick(trapped),
          skip: random.below(random.pick([1, 5, 30])),
          moment: random.pick(['before', 'after', 'within-reply'] as const),
          fault: this.#trapped(),
        };
      case 'kill':
      case 'crash-host':
      case 'suspend':
      case 'cut':
      case 'silence':
      case 'stall':
        return { kind: 'fault', seat, fault: this.#seatFault(kind) };
      default:
        return { kind: 'redis', fault: this.#redisFault(kind) };
    }
  }

  #trapped(): SeatFault | RedisFault {
    const random = this.#random;
    const kind = random.pick([
      ...(['cut', 'cut', 'cut', 'kill', 'kill', 'suspend', 'silence', 'stall'] as const),
      ...(['roll-back', 'flush', 'restart', 'demote', 'fill', 'freeze', 'forget-scripts'] as const),
    ]);
    switch (kind) {
      case 'cut':
      case 'kill':
      case 'suspend':
      case 'silence':
      case 'stall':
        return this.#seatFault(kind);
      default:
        return this.#redisFault(kind);
    }
  }

  #seatFault(kind: SeatFault['kind']): SeatFault {
    const random = this.#random;
    const restartAfterMs = random.pick([0, 100, 5_000, 400_000]);
    switch (kind) {
      case 'kill':
      case 'crash-host':
        return { kind, restartAfterMs };
      case 'suspend':
      case 'stall':
        return { kind, forMs: this.#duration() };
      case 'cut':
        return {
          kind,
          which: random.pick(['commands', 'waits', 'all'] as const),
          isReset: random.next() < 0.5,
        };
      case 'silence':
        return { kind };
    }
  }

  #redisFault(kind: Exclude<RedisFault['kind'], 'snapshot'>): RedisFault {
    const random = this.#random;
    const forMs = this.#duration();
    switch (kind) {
      case 'roll-back':
      case 'flush':
        return { kind, isRestart: random.next() < 0.6 };
      case 'restart':
        return { kind, downMs: forMs, loadingMs: random.pick([0, 0, 500]) };
      case 'refuse':
        return { kind, command: random.pick(commands), forMs };
      case 'wrong-type':
        return { kind, which: random.next(), forMs };
      case 'prune':
        return { kind, which: random.next() };
      case 'forget-scripts':
        return { kind };
      case 'demote':
      case 'freeze':
      case 'fill':
        return { kind, forMs };
    }
  }

  #time(lengthMs: number): number {
    return Number(this.#random.between(50, lengthMs).toFixed(3));
  }

  #timeAfter(ms: number): number {
    return Number((ms + this.#random.between(0, this.#random.pick([20, 300, 3_000]))).toFixed(3));
  }

  #duration(): number {
    return Math.round(this.#random.between(1, this.#random.pick([50, 2_000, 20_000, 90_000, 400_000])));
  }
}
