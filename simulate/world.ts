/** One run of a schedule: a Redis, runner processes, jobs and faults, all in simulated time. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../chaos/random.ts';
import type { EngineFact } from '../src/protocol/events.ts';
import { silentLimitMs } from '../src/resque/workers/liveness.ts';
import { Agenda } from './agenda.ts';
import { type Dump, readDump } from './dump.ts';
import { type Job, JobBook } from './job-book.ts';
import type { Link } from './link.ts';
import { lockOf } from './lock-watch.ts';
import { Log } from './log.ts';
import { Ongoing } from './ongoing.ts';
import type { RealRedis } from './real-redis.ts';
import { pauseKey, RedisFaults } from './redis-faults.ts';
import { restOf } from './rest.ts';
import {
  type Action,
  type Entry,
  longestIntervalMs,
  type RedisFault,
  type Schedule,
  type SeatFault,
} from './schedule.ts';
import { Seats } from './seats.ts';
import type { SimProcess } from './sim-process.ts';
import { SimServer } from './sim-server.ts';
import { Traps } from './traps.ts';
import { brokenRecords } from './wire.ts';
import { Witness } from './witness.ts';

type Trap = Extract<Action, { kind: 'trap' }>;

/** Dead connections are noticed within 70 s. After that, nothing delays the drain. */
const drainLimitMs = 100_000;
/** If a runner has died: others declare a silent runner dead after five minutes, and check every 45 s. */
const recoveryLimitMs = 15 * 60_000;
/** Nothing runs by then. */
const stopLimitMs = 20_000;
const looksMs = 1_000;
/** Clients try so often to enqueue a job whose lock is taken. */
const unlockedMs = 300;
/** Nothing that is due is late by more. */
const dueLimitMs = 100_000;

export class World {
  readonly agenda = new Agenda();
  readonly log = new Log(this.agenda);
  readonly book = new JobBook();
  readonly witness: Witness;
  readonly #schedule: Schedule;
  readonly #redis: RealRedis;
  readonly #directory: string;
  readonly #processes: SimProcess[] = [];
  readonly #ongoing = new Ongoing(this.agenda, this.log);
  readonly #traps = new Traps();
  readonly #server: SimServer;
  readonly #seats: Seats;
  readonly #faults: RedisFaults;
  /** Jobs that wait for their lock. */
  #locked = 0;

  constructor(schedule: Schedule, redis: RealRedis) {
    this.#schedule = schedule;
    this.#redis = redis;
    this.#directory = mkdtempSync(join(redis.directory, 'world-'));
    const { agenda, log, book } = this;
    const ongoing = this.#ongoing;
    const processes = this.#processes;
    const random = new Random(schedule.seed ^ 0x5eed);
    const witness = new Witness(schedule, agenda, log, book, processes);
    const server = new SimServer(agenda, redis.clients, redis.admin, {
      latencyMs: () => random.between(schedule.latency.lowMs, schedule.latency.highMs),
      onArrived: async (link, commands) => {
        for (const trap of this.#sprung(link, commands, 'before')) await this.#spring(trap, link);
      },
      onExecuted: async (link, commands, replies) => {
        witness.executed(link.client as SimProcess, commands, replies);
        for (const trap of this.#sprung(link, commands, 'after')) await this.#spring(trap, link);
        const within = this.#sprung(link, commands, 'within-reply');
        if (within.some(({ fault }) => fault.kind === 'cut')) return random.next();
        for (const trap of within) await this.#spring(trap, link);
        return null;
      },
      onPopped: (link, payload, isMove) => witness.popped(link.client as SimProcess, payload, isMove),
      onPopReceived: (payload) => witness.popReceived(payload),
      onTrace: (line) => log.trace(line),
    });
    const surroundings = {
      ...{ agenda, log, book, random, server, witness, directory: this.#directory },
      maxRecoveries: schedule.maxRecoveries,
      recurring: schedule.recurring ?? [],
      presenceOf: (...args: Parameters<Seats['presenceOf']>) => this.#seats.presenceOf(...args),
      endPrograms: (...args: Parameters<Seats['endPrograms']>) => this.#seats.endPrograms(...args),
      heard: (process: SimProcess, fact: EngineFact) => this.#heard(process, fact),
      exited: (process: SimProcess) => this.#seats.exited(process),
    };
    const dump = () => this.dump();
    this.witness = witness;
    this.#server = server;
    this.#seats = new Seats({
      ...{ schedule, agenda, log, ongoing, witness, server, processes, surroundings, dump },
    });
    this.#faults = new RedisFaults({ agenda, redis, server, witness, ongoing, log });
  }

  /** Stops at the first broken promise. */
  async run(): Promise<void> {
    const { agenda, log, book } = this;
    await this.#redis.reset();
    this.#seats.fill();
    const { limits, recurring } = this.witness;
    const { steps, configs } = this.#schedule;
    const hasLocks = configs.flat().some(({ locks = [] }) => locks.length > 0);
    if (limits.isNeeded || recurring.isNeeded || hasLocks) agenda.add(looksMs, () => this.#look());
    for (const step of steps) agenda.add(step.atMs, () => this.#act(step));
    const lastMs = Math.max(0, ...steps.map(({ atMs }) => atMs)) + 1;
    while (await agenda.next(lastMs)) if (log.isBroken) return;
    await this.#endFaults();
    // Also a runner that stops while Redis is down, without unregistering.
    const mayBeRecovered = ({ isDead, stopped, side }: SimProcess) =>
      isDead ? stopped?.isUnregistered !== true : side.shutdown.mode !== null;
    const hadDeaths = this.#processes.some(mayBeRecovered);
    const leastMs = book.runtimeMs + longestIntervalMs(this.#schedule) * book.plannedRuns;
    const limitMs = (hadDeaths || this.witness.hasForgotten ? recoveryLimitMs : drainLimitMs) + leastMs;
    const isDrained = await this.#comes(() => this.#isDrained(), limitMs, looksMs);
    if (log.isBroken) return;
    if (!isDrained) log.broken(`there is still something to do: ${(await this.#rest()).join(', ')}`);
    await this.#comes(() => !recurring.isWaiting, dueLimitMs, looksMs);
    await this.#checkRecords();
    await this.#stopAll();
    if (log.isBroken || this.spoolFiles.length === 0) return;
    // Files of a recovered container: a start in its directory reads them when they are old enough.
    await this.#comes(() => false, silentLimitMs, silentLimitMs);
    this.#seats.fill();
    await this.#comes(() => this.#isDrained(), drainLimitMs + leastMs, looksMs);
    await this.#stopAll();
  }

  async #stopAll(): Promise<void> {
    const { log } = this;
    for (const { side } of this.#seats.live) side.shutdown.request('quit');
    const isStopped = await this.#comes(() => this.#seats.live.length === 0, stopLimitMs, looksMs / 10);
    if (!log.isBroken && !isStopped)
      log.broken(`${this.#seats.live.map(({ name }) => name).join()} doesn't stop`);
  }

  /** All that is in Redis now. */
  dump(): Promise<Dump> {
    return readDump(this.#redis.admin);
  }

  /** Names of runners that have left Redis in good order. */
  get stoppedOwners(): string[] {
    const stopped = this.#processes.filter((process) => process.stopped?.isUnregistered === true);
    return stopped.map(({ side }) => side.client.owner);
  }

  /** Whether runners take jobs of a queue with different deliveries, or change that. */
  get mixesDeliveries(): boolean {
    const { configs, steps } = this.#schedule;
    const deliveries = (key: string) =>
      configs.flatMap((entries) => entries.filter((entry) => entry.key === key));
    const isMixed = ({ key, delivery }: Entry) =>
      deliveries(key).some((entry) => entry.delivery !== delivery);
    return steps.some(({ kind }) => kind === 'reconfigure') && (configs[0] ?? []).some(isMixed);
  }

  /** Without late files, which are for people. */
  get spoolFiles(): string[] {
    const files = readdirSync(this.#directory).flatMap((host) => readdirSync(join(this.#directory, host)));
    return files.filter((file) => !file.endsWith('.late'));
  }

  dispose(): void {
    for (const process of this.#processes) process.isDead = true;
    this.agenda.clear();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #look(): Promise<void> {
    const { limits, locks, recurring } = this.witness;
    const dump = await this.dump();
    limits.look(dump, this.#processes, !this.#ongoing.isEmpty);
    locks.look(dump, this.#seats.live);
    const well = this.#isRedisWell ? this.#seats.live.filter((each) => this.#isWell(each)) : [];
    recurring.look(well, limits.isCalm);
    this.agenda.add(this.agenda.nowMs + looksMs, () => this.#look());
  }

  get #isRedisWell(): boolean {
    const { isReachable, isLoading, isReplica, isFull, frozenUntilMs } = this.#server.state;
    const isUp = isReachable && !isLoading && frozenUntilMs <= this.agenda.nowMs;
    return isUp && !isReplica && !isFull && this.witness.spoilt.size === 0;
  }

  /** Whether it has connections that work. */
  #isWell(process: SimProcess): boolean {
    const { isSuspended, stalledUntilMs, side } = process;
    const isReached = this.#server.linksOf(process).every(({ isSilent }) => !isSilent);
    const isHere = !isSuspended && stalledUntilMs <= this.agenda.nowMs && isReached;
    return isHere && side.shutdown.mode === null && side.client.session.isUp;
  }

  async #checkRecords(): Promise<void> {
    for (const what of brokenRecords(await this.dump(), this.witness.spoilt)) this.log.broken(what);
  }

  #heard(process: SimProcess, fact: EngineFact): void {
    // The engine takes this time from the system clock, because it is only for people.
    const shown = JSON.stringify(fact, (name, value: unknown) => (name === 'sinceMs' ? undefined : value));
    this.log.trace(`${process.name} says ${shown}`);
    if (fact.type === 'engine.declared-dead') process.wasDeclaredDead = true;
    // A queue of a pattern is no longer paused after it was gone for a while.
    if (fact.type === 'queue.removed') process.pausedQueues.delete(fact.queue);
  }

  #sprung(link: Link, commands: Parameters<Traps['sprung']>[1], moment: Trap['moment']): Trap[] {
    const { seat, isDead } = link.client as SimProcess;
    return isDead ? [] : this.#traps.sprung(seat, commands, moment);
  }

  async #spring({ fault, seat }: Trap, link: Link): Promise<void> {
    this.witness.limits.disturbed(fault);
    if (fault.kind === 'cut' && fault.which !== 'all') this.#server.cut(link, fault.isReset);
    else if (isSeatFault(fault)) await this.#seats.commit(seat, fault);
    else await this.#faults.commit(fault);
  }

  async #act(action: Action): Promise<void> {
    const { book, agenda, log } = this;
    log.trace(`── ${JSON.stringify(action)}`);
    await this.#checkRecords();
    switch (action.kind) {
      case 'enqueue': {
        const jobs = action.jobs.map((plan) => book.add(plan, action.queue, agenda.nowMs));
        const isLocked = ({ lock }: Job) => lock !== undefined;
        await this.#enqueue(
          action.queue,
          jobs.filter((job) => !isLocked(job)),
        );
        for (const job of jobs.filter(isLocked)) await this.#enqueueLocked(job, job.copies);
        return;
      }
      case 'reconfigure':
        this.#seats.configure(action.seat, action.config);
        return;
      case 'pause':
        this.#seats.tell(action.seat, (process) => this.#pause(process, action.queue, action.forMs));
        return;
      case 'pause-everyone':
        await this.#pauseEveryone(action.forMs);
        return;
      case 'concurrency':
        this.#seats.tell(action.seat, (process) => {
          const runner = process.side.router.pools[action.entry];
          if (runner === undefined || runner.isRemoved) return;
          process.setConcurrency(runner.key, action.concurrency);
        });
        return;
      case 'stop':
        this.#seats.tell(action.seat, ({ side }) => side.shutdown.request(action.mode));
        this.#seats.startLater(action.seat, action.restartAfterMs);
        return;
      case 'jump-clock':
        this.#seats.tell(action.seat, (process) => {
          process.clockOffsetMs += action.byMs;
        });
        return;
      case 'unstartable':
        this.#seats.tell(action.seat, (process) => {
          const { key } = process.side.router.pools[action.entry] ?? { key: '' };
          process.unstartable.add(key);
          this.#ongoing.until(action.forMs, () => process.makeStartable(key));
        });
        return;
      case 'trap':
        this.#traps.arm(action);
        return;
      case 'fault':
        this.witness.limits.disturbed(action.fault);
        await this.#seats.commit(action.seat, action.fault);
        return;
      case 'redis':
        this.witness.limits.disturbed(action.fault);
        await this.#faults.commit(action.fault);
    }
  }

  /** As clients do that take a lock: the next equal job follows when the lock has been released. */
  async #enqueueLocked(job: Job, left: number): Promise<void> {
    const { locks } = this.witness;
    const dump = await this.dump();
    locks.look(dump, this.#seats.live);
    // Then the lock may stay.
    if (job.isEnqueued && !locks.isSound) job.copies -= left;
    else if (dump.has(lockOf(job))) this.#enqueueLater(job, left);
    else {
      await this.#redis.asMaster(() => this.#redis.admin.call('SET', lockOf(job), 'true'));
      locks.enqueued(job);
      job.enqueuedMs = this.agenda.nowMs;
      await this.#enqueue(job.queue, [job], 1);
      if (left > 1) this.#enqueueLater(job, left - 1);
    }
  }

  #enqueueLater(job: Job, left: number): void {
    this.#locked += 1;
    this.agenda.add(this.agenda.nowMs + unlockedMs, async () => {
      await this.#enqueueLocked(job, left);
      this.#locked -= 1;
    });
  }

  /** @param count of each job; `null` for all copies */
  async #enqueue(queue: string, jobs: readonly Job[], count: number | null = null): Promise<void> {
    if (jobs.length === 0) return;
    const { admin } = this.#redis;
    const key = `resque:queue:${queue}`;
    const dump = await this.dump();
    const isKind = (name: string, kind: string) => (dump.get(name)?.kind ?? kind) === kind;
    if (!isKind(key, 'list') || !isKind('resque:queues', 'set')) {
      // The program that has the jobs tries again.
      this.agenda.add(this.agenda.nowMs + looksMs, () => this.#enqueue(queue, jobs, count));
      return;
    }
    await this.#redis.asMaster(async () => {
      await admin.call('SADD', 'resque:queues', queue);
      await admin.call(
        'RPUSH',
        key,
        ...jobs.flatMap(({ payload, copies }) => Array(count ?? copies).fill(payload)),
      );
    });
    for (const job of jobs) job.isEnqueued = true;
    await this.#server.servePushed();
  }

  #pause(process: SimProcess, queue: string, forMs: number): void {
    if (process.side.router.ownerOf(queue) === undefined) return;
    process.command({ type: 'pause-queue', queue });
    process.pausedQueues.add(queue);
    this.#ongoing.until(forMs, () => {
      process.pausedQueues.delete(queue);
      if (!process.isDead) process.command({ type: 'resume-queue', queue });
    });
  }

  async #pauseEveryone(forMs: number): Promise<void> {
    const { witness } = this;
    const { admin } = this.#redis;
    const key = pauseKey;
    if (witness.spoilt.has(key)) return;
    await this.#redis.asMaster(() => admin.call('SET', key, 'true'));
    witness.pausedSinceMs ??= this.agenda.nowMs;
    this.#ongoing.until(forMs, async () => {
      witness.pausedSinceMs = null;
      await this.#redis.asMaster(() => admin.call('DEL', key));
    });
  }

  async #endFaults(): Promise<void> {
    this.log.trace('── all faults end');
    this.#traps.disarm();
    this.#seats.close();
    await this.#ongoing.endAll();
    await this.#seats.reconnect();
    for (const seat of this.#schedule.seats.keys()) this.#seats.configure(seat, 0);
    this.#seats.fill();
  }

  async #isDrained(): Promise<boolean> {
    if (
      this.#seats.live.some(
        ({ programs, side }) => programs.running.size > 0 || side.dispatcher.unwritten > 0,
      )
    )
      return false;
    // Replaces a runner that was stopping when the faults ended.
    this.#seats.fill();
    return (await this.#rest()).length === 0;
  }

  async #rest(): Promise<string[]> {
    const rest = restOf(await this.dump(), this.#seats, this.witness.hasForgotten);
    return this.#locked === 0 ? rest : [...rest, `${this.#locked} jobs whose lock is taken`];
  }

  /** Whether the condition becomes true within this time, without a broken promise. */
  async #comes(
    condition: () => boolean | Promise<boolean>,
    limitMs: number,
    everyMs: number,
  ): Promise<boolean> {
    const endMs = this.agenda.nowMs + limitMs;
    while (this.agenda.nowMs < endMs) {
      const untilMs = this.agenda.nowMs + everyMs;
      while (await this.agenda.next(untilMs)) if (this.log.isBroken) return false;
      if (await condition()) return true;
    }
    return false;
  }
}

function isSeatFault(fault: SeatFault | RedisFault): fault is SeatFault {
  return ['kill', 'crash-host', 'suspend', 'cut', 'silence', 'stall'].includes(fault.kind);
}
