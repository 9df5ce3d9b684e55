/** A runner process: the engine's whole Redis side, on a simulated machine and with simulated jobs. */
import { Redis, type RedisOptions } from 'ioredis';
import type { Random } from '../chaos/random.ts';
import type { Config, PoolConfig } from '../src/config/config.ts';
import { executeCommand } from '../src/engine/commands.ts';
import type { StopResult } from '../src/engine/lifecycle/shutdown.ts';
import type { ProcessIdentity } from '../src/engine/machine/identity.ts';
import { workerHostOf } from '../src/engine/pools/pool.ts';
import { QueueRouter } from '../src/engine/pools/queue-router.ts';
import type { EngineMeans } from '../src/engine/process/engine-means.ts';
import { RedisSide } from '../src/engine/redis-side.ts';
// Runners load it when they need it, which takes real time.
import 'croner';
import { Statistics } from '../src/engine/statistics/statistics.ts';
import { FailureCounts } from '../src/failures/changes.ts';
import { type Command, refused } from '../src/protocol/commands.ts';
import type { EngineFact } from '../src/protocol/events.ts';
import { type Clock, pause } from '../src/resque/redis/clock.ts';
import { openConnection } from '../src/resque/redis/connection.ts';
import type { Presence } from '../src/resque/workers/liveness.ts';
import type { Agenda } from './agenda.ts';
import type { JobBook, Runner } from './job-book.ts';
import type { Client } from './link.ts';
import type { Log } from './log.ts';
import { Programs } from './programs.ts';
import { recurringJob } from './recurring-watch.ts';
import type { Entry, Recurring, Seat } from './schedule.ts';
import { epochMs, type SimServer } from './sim-server.ts';
import type { SimStream } from './sim-stream.ts';
import type { Witness } from './witness.ts';

export interface ProcessOptions {
  readonly name: string;
  readonly seat: number;
  readonly place: Seat;
  readonly identity: ProcessIdentity;
  readonly entries: readonly Entry[];
}

/** The surroundings of a process. */
export interface Surroundings {
  readonly agenda: Agenda;
  readonly log: Log;
  readonly book: JobBook;
  readonly random: Random;
  readonly server: SimServer;
  readonly witness: Witness;
  /** For spools, one of each machine. */
  readonly directory: string;
  readonly maxRecoveries: number;
  readonly recurring: readonly Recurring[];
  readonly presenceOf: (observer: SimProcess, identity: Omit<ProcessIdentity, 'uid'>) => Presence;
  readonly endPrograms: (
    observer: SimProcess,
    nonce: string,
  ) => { readonly hadAny: boolean; readonly isCertain: boolean };
  readonly heard: (process: SimProcess, fact: EngineFact) => void;
  /** It has ended by itself. */
  readonly exited: (process: SimProcess) => void;
}

/** How long the programs of a dead runner take to end. */
const endMs = 10;

export class SimProcess implements Client, Runner {
  readonly name: string;
  readonly seat: number;
  readonly place: Seat;
  readonly identity: ProcessIdentity;
  readonly clock: Clock;
  readonly side: RedisSide;
  isSuspended = false;
  /** Killed, or ended by itself. */
  isDead = false;
  diedMs = 0;
  /** Those who recover it can't tell whether its programs run. */
  hidesPrograms = false;
  /** Set when it has ended by itself. */
  stopped: StopResult | null = null;
  stalledUntilMs = 0;
  clockOffsetMs = 0;
  /** Until when it was last suspended, or cut off. */
  heldUpMs = 0;
  wasDeclaredDead = false;
  /** Commands of the last ten seconds, and jobs that it has started in them. */
  readonly load = { span: 0, commands: 0, starts: 0 };
  /** By entry: as many jobs may run at once. */
  readonly limits = new Map<string, number>();
  /** By entry, as it was set by hand: it survives a change of the config. */
  readonly #slots = new Map<string, number>();
  /** Entries whose interrupted jobs go back, or did before the last change of the config. */
  readonly requeued = new Set<string>();
  readonly pausedQueues = new Set<string>();
  readonly unstartable = new Set<string>();
  readonly programs: Programs;
  /** What it was and is known by. */
  readonly nonces: string[] = [];
  readonly #world: Surroundings;

  constructor(world: Surroundings, options: ProcessOptions) {
    this.#world = world;
    const { name, seat, place, identity, entries } = options;
    this.name = name;
    this.seat = seat;
    this.place = place;
    this.identity = identity;
    this.heldUpMs = world.agenda.nowMs;
    this.clock = this.#makeClock();
    const programs = new Programs(this, world);
    this.programs = programs;
    const machine = this.#machine();
    const nonce = machine.newNonce();
    const host = workerHostOf({ workerHost: `${place.host}.runner` }, nonce);
    const router = new QueueRouter((fact) => {
      world.heard(this, fact);
      this.side.heard(fact);
    }, `${host}:${identity.pid}`);
    this.side = new RedisSide({
      config: this.#config(entries),
      redis: { kind: 'socket', path: '/simulated', db: 0, username: null, password: null },
      spoolDirectory: `${world.directory}/spool-${place.isContainer ? seat : place.machine}`,
      drain: false,
      ...{ machine, router, jobs: programs, nonce },
      publish: (fact) => world.heard(this, fact),
      onWritten: (outcomes) => {
        for (const outcome of outcomes) programs.written(outcome);
      },
    });
    void this.side.stopped.then((result) => {
      this.stopped = result;
      world.agenda.add(world.agenda.nowMs, () => world.exited(this));
    });
    this.#setLimits(entries);
    this.side.router.configure(entries.map(poolConfig));
  }

  start(): void {
    this.side.start();
  }

  reconfigure(entries: readonly Entry[]): void {
    this.#setLimits(entries);
    this.side.reconfigure(this.#config(entries));
    this.side.dispatcher.scheduleStep();
  }

  /** Executes a command, as if a screen had sent it. */
  command(command: Command): void {
    const { router, client, shutdown, dispatcher, peers, schedules } = this.side;
    void executeCommand(command, {
      ...{ peers, schedules, lockPrefix: '' },
      ...{ router, client, dispatcher, shutdown, counts: new FailureCounts(), by: '' },
      publish: (fact) => this.#world.heard(this, fact),
      jobs: { kill: () => false },
      reload: () => refused('invalid-config', 'there is no config file'),
      liveUpdates: { recount: () => Promise.resolve() },
      statistics: new Statistics(this.clock, () => false),
      outputs: { find: () => Promise.resolve([]) },
    });
  }

  setConcurrency(key: string, concurrency: number): void {
    if (this.limits.get(key) !== concurrency) this.#slots.set(key, concurrency);
    // The config's own number is nothing that must survive.
    if (this.side.router.pool(key)?.config.concurrency === concurrency) this.#slots.delete(key);
    this.limits.set(key, concurrency);
    this.command({ type: 'set-concurrency', runner: key, concurrency });
  }

  makeStartable(key: string): void {
    this.unstartable.delete(key);
    const pool = this.side.router.pool(key);
    if (pool === undefined || this.isDead) return;
    this.side.router.setCondition(`entry:${pool.key}`, null);
  }

  #config(entries: readonly Entry[]): Config {
    const { recurring } = this.#world;
    return {
      redis: { kind: 'socket', path: '/simulated', db: 0, username: null, password: null },
      namespace: 'resque',
      runners: entries.map(poolConfig),
      shutdownTimeoutSeconds: 2,
      maxRecoveries: this.#world.maxRecoveries,
      // All runners take the locks, also those without recurring jobs.
      scheduler: recurring.length > 0 ? 'on' : 'auto',
      schedulerLockPrefix: '',
      metrics: { listen: null, hasClassLabel: false },
      schedules: recurring.filter(({ seat }) => seat === null || seat === this.seat).map(recurringJob),
      failedLimit: null,
      workerHost: `${this.place.host}.runner`,
    };
  }

  #setLimits(entries: readonly Entry[]): void {
    for (const { key, concurrency, interrupted } of entries) {
      if (this.#slots.get(key) === concurrency) this.#slots.delete(key);
      this.limits.set(key, this.#slots.get(key) ?? concurrency);
      if (interrupted === 'requeue') this.requeued.add(key);
    }
  }

  #machine(): EngineMeans {
    const world = this.#world;
    const connect = () => world.server.open(this);
    return {
      clock: this.clock,
      random: () => world.random.next(),
      newNonce: () => {
        // The beginning is part of the runner's name.
        const [process, life] = [Number(this.identity.startedAt), this.nonces.length];
        const nonce = `${String(process * 100 + life).padStart(8, '0')}-${this.name}`;
        this.nonces.push(nonce);
        return nonce;
      },
      identity: this.identity,
      presenceOf: (identity) => world.presenceOf(this, identity),
      endPrograms: async ({ nonce, mark = nonce }) => {
        const end = world.endPrograms(this, mark);
        if (end.hadAny) await pause(this.clock, endMs);
        return end.isCertain ? { kind: 'ended' } : { kind: 'uncertain', pids: [1] };
      },
      openConnection: (redis, use) => {
        const { options } = openConnection(redis, use);
        return new Redis({
          ...(options as Omit<RedisOptions, 'replyMapping' | 'protocol'>),
          protocol: 2,
          Connector: connectorOf(connect) as unknown as NonNullable<RedisOptions['Connector']>,
        });
      },
    };
  }

  #makeClock(): Clock {
    const { agenda } = this.#world;
    const after = (ms: number, act: () => void) => agenda.add(agenda.nowMs + Math.max(1, ms), act, this);
    return {
      nowMs: () => Math.floor(epochMs + agenda.nowMs + this.clockOffsetMs),
      // It had begun before there was anything else.
      elapsedMs: () => agenda.nowMs + 1_000,
      after,
      every: (ms, act) => {
        let cancel = () => {};
        const again = () => {
          cancel = after(ms, again);
          act();
        };
        cancel = after(ms, again);
        return () => cancel();
      },
    };
  }
}

function poolConfig(entry: Entry): PoolConfig {
  return {
    ...{ retry: null, limit: null, rate: null, locks: [] },
    ...entry,
    ...{ script: ['/bin/true'], args: [], env: {}, cwd: null, timeoutSeconds: null, killAfterSeconds: 4 },
    ...{ mode: 'process', isPrestarted: false, prestartMaxAgeSeconds: null, maxJobs: null },
    onFailure: null,
    logOutput: 'none',
  };
}

/** Creates the sockets of ioredis. */
export function connectorOf(connect: () => SimStream) {
  return class {
    connecting = false;
    #stream: SimStream | null = null;

    check(): boolean {
      return true;
    }

    disconnect(): void {
      this.connecting = false;
      const stream = this.#stream;
      stream?.end();
      process.nextTick(() => stream?.destroy());
    }

    /** As ioredis' own does: not at once, and not if it was disconnected in between. */
    connect(): Promise<SimStream> {
      this.connecting = true;
      return new Promise((resolve, reject) => {
        process.nextTick(() => {
          if (!this.connecting) {
            reject(new Error('Connection is closed.'));
            return;
          }
          this.#stream = connect();
          resolve(this.#stream);
        });
      });
    }
  };
}
