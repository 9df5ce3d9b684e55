/**
 * One run of a schedule: a Redis, runner processes, jobs and faults, all in simulated time. What must hold at every moment
 * is looked at here; what must hold in the end is checker.ts' business.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random } from '../chaos/random.ts';
import { executeCommand } from '../src/engine/commands.ts';
import { FailureCounts } from '../src/engine/failure-counts.ts';
import type { ProcessIdentity } from '../src/engine/process-identity.ts';
import type { Presence } from '../src/resque/liveness.ts';
import type { Command as EngineCommand } from '../src/protocol/commands.ts';
import type { EngineFact } from '../src/protocol/events.ts';
import { Agenda } from './agenda.ts';
import { type Dump, idsIn, readDump } from './dump.ts';
import { idsOf, type Job, JobBook, type Run } from './job-book.ts';
import type { RealRedis } from './real-redis.ts';
import { type Command, isError, type Reply } from './resp.ts';
import type { Action, Entry, RedisFault, Schedule, SeatFault, StopMode } from './schedule.ts';
import { SimProcess } from './sim-process.ts';
import { type Link, SimServer } from './sim-server.ts';
import { brokenRecords } from './wire.ts';

type Trap = Extract<Action, { kind: 'trap' }> & { left: number };

const drainLimitMs = 40 * 60_000;
const stopLimitMs = 120_000;
const looksMs = 1_000;
/** Commands of one process in ten seconds: for what it does by itself, and for each job. */
const idleCommands = 600;
const commandsPerStart = 60;
const spanMs = 10_000;
/** A runner that has been silent for so long is recovered even if it can't be told whether its programs run. */
const silentMs = 270_000;

export class World {
  readonly agenda = new Agenda();
  readonly random: Random;
  readonly book = new JobBook();
  readonly server: SimServer;
  readonly schedule: Schedule;
  readonly directory: string;
  readonly processes: SimProcess[] = [];
  readonly lines: string[] = [];
  readonly violations: string[] = [];
  /** Whether Redis has lost something: then its counters and lists may say less than what was. */
  hasForgotten = false;
  /** Keys that had a wrong type, commands that were refused. */
  readonly spoilt = new Set<string>();
  #redis: RealRedis;
  /** What ends each fault that goes on. */
  readonly #active = new Set<() => Promise<void> | void>();
  #traps: Trap[] = [];
  /** By seat. */
  readonly #seats: (SimProcess | null)[] = [];
  readonly #entries: (readonly Entry[])[] = [];
  readonly #boots = new Map<string, number>();
  #lastPid = 100;
  #runs = 0;
  #kept = 0;
  #isEnding = false;
  #snapshots = 0;

  constructor(schedule: Schedule, redis: RealRedis) {
    this.schedule = schedule;
    this.random = new Random(schedule.seed ^ 0x5eed);
    this.#redis = redis;
    this.directory = mkdtempSync(join(tmpdir(), 'rr-simulated-'));
    this.server = new SimServer(this.agenda, redis.clients, redis.admin, {
      latencyMs: () => this.random.between(schedule.latency.lowMs, schedule.latency.highMs),
      onArrived: (link, commands) => this.#arrived(link, commands),
      onExecuted: (link, commands, replies) => this.#executed(link, commands, replies),
      onPopped: (link, payload, isMove) => {
        const job = this.book.of(payload);
        if (job === null) return;
        job.takenMs = this.agenda.nowMs;
        job.isInFlight = !isMove;
        job.poppedBy = isMove ? null : (link.client as SimProcess);
      },
      onPopReceived: (_, payload) => {
        const job = this.book.of(payload);
        if (job !== null) job.isInFlight = false;
      },
      onTrace: (line) => this.trace(line),
    });
  }

  get live(): SimProcess[] {
    return this.processes.filter(({ isDead }) => !isDead);
  }

  trace(line: string): void {
    this.lines.push(`${this.agenda.nowMs.toFixed(3).padStart(12)} ${line}`);
  }

  broken(what: string): void {
    this.violations.push(what);
    this.trace(`BROKEN: ${what}`);
  }

  heard(process: SimProcess, fact: EngineFact): void {
    // The engine takes this one time from the system: it is for people only.
    const shown = JSON.stringify(fact, (name, value: unknown) => (name === 'sinceMs' ? undefined : value));
    this.trace(`${process.name} says ${shown}`);
  }

  presenceOf(observer: SimProcess, { machine, pid, startedAt }: Omit<ProcessIdentity, 'uid'>): Presence {
    if (machine !== observer.identity.machine) return 'unknown';
    const isThere = this.live.some(({ identity }) => identity.pid === pid && identity.startedAt === startedAt);
    return isThere ? 'running' : 'gone';
  }

  endPrograms(observer: SimProcess, nonce: string): { readonly hadAny: boolean; readonly isCertain: boolean } {
    const peer = this.processes.find(({ nonces }) => nonces.includes(nonce));
    // A container's programs end with it, and those of other machines are out of reach.
    if (peer === undefined || peer.identity.machine !== observer.identity.machine) return { hadAny: false, isCertain: true };
    const hadAny = [...peer.running.keys()].some(({ programEndMs }) => programEndMs === null);
    peer.hidesPrograms ||= this.schedule.hidesPrograms && this.random.next() < 0.5;
    if (!peer.hidesPrograms) peer.endPrograms();
    return { hadAny, isCertain: !peer.hidesPrograms };
  }

  /** It has ended by itself. */
  exited(process: SimProcess): void {
    this.trace(`${process.name} has stopped: ${JSON.stringify(process.stopped)}`);
    if (process.running.size > 0) this.broken(`${process.name} has stopped with jobs that run`);
    if ((process.stopped?.unwritten ?? 0) > 0) this.broken(`${process.name} has stopped without telling all outcomes`);
    this.#end(process);
  }

  /** A job is about to run. */
  starting(run: Run, queue: string): void {
    const { job, process, entry } = run;
    this.trace(`${process.name} starts ${job.id} of ${queue}`);
    const span = Math.floor(this.agenda.nowMs / spanMs);
    process.starts.set(span, (process.starts.get(span) ?? 0) + 1);
    job.poppedBy = null;
    const active = [...process.running.keys()].filter((other) => other.entry === entry);
    const limit = process.limits.get(entry) ?? 0;
    if (active.length >= limit) this.broken(`${process.name} runs ${active.length + 1} jobs of ${entry}, limit ${limit}`);
    if (process.pausedQueues.has(queue)) this.broken(`${process.name} starts ${job.id} of ${queue}, which is paused`);
    if (queue !== job.queue) this.broken(`${process.name} starts ${job.id} of ${job.queue} as one of ${queue}`);
    this.#checkRepetition(run);
    job.runs.push(run);
  }

  async run(): Promise<void> {
    mkdirSync(this.directory, { recursive: true });
    const { seats, configs, steps } = this.schedule;
    await this.#redis.reset();
    for (const seat of seats.keys()) {
      this.#entries[seat] = configs[0] ?? [];
      this.#startSeat(seat);
    }
    for (const step of steps) this.agenda.add(step.atMs, () => this.#act(step));
    const lastMs = (steps.at(-1)?.atMs ?? 0) + 1;
    while (await this.agenda.next(lastMs)) if (this.violations.length > 0) return;
    await this.#endFaults();
    if (!(await this.#holds(() => this.#isDrained(), drainLimitMs, looksMs))) {
      if (this.violations.length === 0) this.broken(`there is still something to do: ${await this.#rest()}`);
      return;
    }
    await this.#checkRecords();
    for (const process of this.live) this.#stop(process, 'quit');
    if (!(await this.#holds(() => this.live.length === 0, stopLimitMs, 100))) {
      if (this.violations.length === 0) this.broken(`${this.live.map(({ name }) => name).join()} doesn't stop`);
    }
  }

  /** All that is in Redis now. */
  dump(): Promise<Dump> {
    return readDump(this.#redis.admin);
  }

  get spoolFiles(): string[] {
    return readdirSync(this.directory).flatMap((host) => readdirSync(join(this.directory, host)));
  }

  dispose(): void {
    for (const process of this.processes) process.isDead = true;
    this.agenda.clear();
    rmSync(this.directory, { recursive: true, force: true });
  }

  // ── what must hold at every moment ──

  #checkRepetition({ job, process }: Run): void {
    const before = job.runs.at(-1);
    // What Redis has forgotten since it gave the job away, it may give away again.
    if (before === undefined || job.forgottenMs >= before.takenMs) return;
    const { process: other, outcome, isHeld } = before;
    if (before.programEndMs === null && !before.mayOverlap)
      this.broken(`${process.name} starts ${job.id}, which ${other.name} still runs`);
    if (outcome === 'requeue') return;
    if (before.isWritten) this.broken(`${process.name} starts ${job.id} again, whose outcome is in Redis`);
    const goesBack = isHeld || other.requeued.has(before.entry);
    if (!goesBack || !(before.isAbandoned || before.isRecovered))
      this.broken(`${process.name} starts ${job.id} again, without a reason`);
  }

  async #checkRecords(): Promise<void> {
    for (const what of brokenRecords(await this.dump(), this.spoilt)) this.broken(what);
  }

  // ── Redis ──

  async #arrived(link: Link, commands: readonly Command[]): Promise<void> {
    for (const trap of this.#sprung(link, commands, 'before')) await this.#spring(trap, link);
  }

  async #executed(link: Link, commands: readonly Command[], replies: readonly Reply[]): Promise<number | null> {
    const process = link.client as SimProcess;
    this.#count(process, commands.length);
    for (const [at, command] of commands.entries()) this.#observe(process, command, replies[at] ?? null);
    let share: number | null = null;
    for (const trap of [...this.#sprung(link, commands, 'after'), ...this.#sprung(link, commands, 'within-reply')]) {
      if (trap.moment === 'within-reply' && trap.fault.kind === 'cut') share = this.random.next();
      else await this.#spring(trap, link);
    }
    return share;
  }

  /** Nobody may ask and ask. */
  #count(process: SimProcess, commands: number): void {
    const span = Math.floor(this.agenda.nowMs / spanMs);
    const before = process.commands.get(span) ?? 0;
    process.commands.set(span, before + commands);
    const limit = idleCommands + commandsPerStart * (process.starts.get(span) ?? 0);
    if (before <= limit && before + commands > limit)
      this.broken(`${process.name} has sent ${before + commands} commands in ten seconds`);
  }

  /** What a script has done with jobs. */
  #observe(process: SimProcess, { name, args }: Command, reply: Reply): void {
    if ((name !== 'EVALSHA' && name !== 'EVAL') || isError(reply)) return;
    if (Array.isArray(reply)) {
      for (const id of reply.flatMap((item) => (Buffer.isBuffer(item) ? idsOf(item) : []))) {
        const job = this.book.jobs.get(id);
        if (job !== undefined) job.takenMs = this.agenda.nowMs;
      }
      // A recovery says what it has done, and was told of the entry that it found.
      const entry = args[4]?.toString() ?? '';
      const peer = this.processes.find(({ nonces }) => nonces.some((nonce) => entry.includes(`"nonce":"${nonce}"`)));
      if (peer !== undefined && peer !== process) this.#recovered(peer, process);
    }
    for (const run of process.running.keys()) {
      if (!run.isRecorded && args.some((arg) => idsOf(arg).includes(run.job.id))) run.isRecorded = true;
    }
  }

  #sprung(link: Link, commands: readonly Command[], moment: Trap['moment']): Trap[] {
    const { seat, isDead } = link.client as SimProcess;
    if (isDead || this.#traps.length === 0) return [];
    const matching = this.#traps.filter(
      (trap) => trap.moment === moment && trap.seat === seat && (trap.command ?? commands[0]?.name) === commands[0]?.name,
    );
    const sprung = matching.filter((trap) => trap.left === 0);
    for (const trap of matching) trap.left -= 1;
    this.#traps = this.#traps.filter((trap) => !sprung.includes(trap));
    return sprung;
  }

  async #spring({ fault, seat }: Trap, link: Link): Promise<void> {
    if (fault.kind === 'cut' && fault.which !== 'all') this.server.cut(link, fault.isReset);
    else if (isSeatFault(fault)) await this.#commitOnSeat(seat, fault);
    else await this.#commitOnRedis(fault);
  }

  // ── what happens ──

  async #act(action: Action): Promise<void> {
    this.trace(`── ${JSON.stringify(action)}`);
    await this.#checkRecords();
    switch (action.kind) {
      case 'enqueue': {
        const jobs = action.jobs.map((plan) => this.book.add(plan, action.queue, this.agenda.nowMs));
        await this.#enqueue(action.queue, jobs);
        return;
      }
      case 'reconfigure': {
        const entries = this.schedule.configs[action.config] ?? [];
        this.#entries[action.seat] = entries;
        this.#onSeat(action.seat, (process) => process.reconfigure(entries));
        return;
      }
      case 'pause':
        this.#onSeat(action.seat, (process) => this.#pause(process, action.queue, action.forMs));
        return;
      case 'pause-everyone':
        await this.#redis.asMaster(() => this.#redis.admin.call('SET', 'resque:pause-all-workers', 'true'));
        this.#until(action.forMs, () =>
          this.#redis.asMaster(() => this.#redis.admin.call('DEL', 'resque:pause-all-workers')),
        );
        return;
      case 'concurrency':
        this.#onSeat(action.seat, (process) => {
          const runner = process.side.fleet.runners[action.entry];
          if (runner === undefined || runner.isRetired) return;
          process.limits.set(runner.key, action.concurrency);
          this.#command(process, { type: 'set-concurrency', runner: runner.key, concurrency: action.concurrency });
        });
        return;
      case 'stop':
        this.#onSeat(action.seat, (process) => this.#stop(process, action.mode));
        this.#startLater(action.seat, action.restartAfterMs);
        return;
      case 'jump-clock':
        this.#onSeat(action.seat, (process) => {
          process.clockOffsetMs += action.byMs;
        });
        return;
      case 'unstartable':
        this.#onSeat(action.seat, (process) => {
          const { key } = process.side.fleet.runners[action.entry] ?? { key: '' };
          process.makeUnstartable(key);
          this.#until(action.forMs, () => process.makeStartable(key));
        });
        return;
      case 'trap':
        this.#traps.push({ ...action, left: action.skip });
        return;
      case 'fault':
        await this.#commitOnSeat(action.seat, action.fault);
        return;
      case 'redis':
        await this.#commitOnRedis(action.fault);
    }
  }

  async #enqueue(queue: string, jobs: readonly Job[]): Promise<void> {
    const { admin } = this.#redis;
    const key = `resque:queue:${queue}`;
    const dump = await this.dump();
    const isSpoilt = (dump.get(key)?.kind ?? 'list') !== 'list' || (dump.get('resque:queues')?.kind ?? 'set') !== 'set';
    // Its program tries again.
    if (isSpoilt) {
      this.agenda.add(this.agenda.nowMs + looksMs, () => this.#enqueue(queue, jobs));
      return;
    }
    await this.#redis.asMaster(async () => {
      await admin.call('SADD', 'resque:queues', queue);
      await admin.call('RPUSH', key, ...jobs.map(({ payload }) => payload));
    });
    for (const job of jobs) job.isEnqueued = true;
    await this.server.servePushed();
  }

  #pause(process: SimProcess, queue: string, forMs: number): void {
    if (process.side.fleet.ownerOf(queue) === undefined) return;
    this.#command(process, { type: 'pause-queue', queue });
    process.pausedQueues.add(queue);
    this.#until(forMs, () => {
      process.pausedQueues.delete(queue);
      if (!process.isDead) this.#command(process, { type: 'resume-queue', queue });
    });
  }

  #command(process: SimProcess, command: EngineCommand): void {
    const { side } = process;
    void executeCommand(command, {
      ...{ fleet: side.fleet, client: side.client, counts: new FailureCounts(), by: '' },
      isStopping: side.shutdown.mode !== null,
      publish: (fact) => this.heard(process, fact),
      poke: () => side.dispatcher.poke(),
      killJob: () => false,
      recount: () => Promise.resolve(),
      stop: (mode) => side.shutdown.request(mode),
    });
  }

  #stop({ side }: SimProcess, mode: StopMode): void {
    side.shutdown.request(mode);
  }

  /** Those that are suspended hear it when they are woken. */
  #onSeat(seat: number, act: (process: SimProcess) => void): void {
    const process = this.#seats[seat];
    if (process !== null && process !== undefined && !process.isDead)
      this.agenda.add(this.agenda.nowMs, () => act(process), process);
  }

  async #commitOnSeat(seat: number, fault: SeatFault): Promise<void> {
    const process = this.#seats[seat];
    if (process === null || process === undefined || process.isDead) return;
    this.trace(`${process.name}: ${JSON.stringify(fault)}`);
    switch (fault.kind) {
      case 'kill':
        await this.#kill(process);
        this.#startLater(seat, fault.restartAfterMs);
        return;
      case 'crash-host': {
        const { machine } = process.place;
        this.#boots.set(machine, (this.#boots.get(machine) ?? 0) + 1);
        const all = this.live.filter(({ place }) => place.machine === machine);
        for (const each of all) {
          for (const link of this.server.linksOf(each)) this.server.silence(link);
          await this.#kill(each);
          each.endPrograms();
          this.#startLater(each.seat, fault.restartAfterMs);
        }
        return;
      }
      case 'suspend':
        if (process.isSuspended) return;
        process.isSuspended = true;
        this.#until(fault.forMs, () => {
          process.isSuspended = false;
          this.agenda.woken(process);
        });
        return;
      case 'cut':
        for (const link of this.server.linksOf(process)) {
          const isWait = link.name === 'resque-runner-wait';
          if (fault.which === 'all' || isWait === (fault.which === 'waits')) this.server.cut(link, fault.isReset);
        }
        return;
      case 'silence':
        for (const link of this.server.linksOf(process)) this.server.silence(link);
        return;
      case 'stall':
        process.stalledUntilMs = Math.max(process.stalledUntilMs, this.agenda.nowMs + fault.forMs);
    }
  }

  async #commitOnRedis(fault: RedisFault): Promise<void> {
    this.trace(`redis: ${JSON.stringify(fault)}`);
    const { server } = this;
    const redis = this.#redis;
    switch (fault.kind) {
      case 'snapshot':
        this.#snapshots += 1;
        await redis.asMaster(() => redis.snapshot());
        return;
      case 'roll-back':
        if (this.#snapshots === 0) return;
        await this.#forget(async () => {
          await redis.rollBack();
          await server.expire();
        });
        if (fault.isRestart) await this.#restart();
        await server.servePushed();
        return;
      case 'flush':
        await this.#forget(() => redis.admin.call('FLUSHDB'));
        if (fault.isRestart) await this.#restart();
        return;
      case 'restart':
        if (!server.isReachable || server.isLoading) return;
        await this.#restart();
        server.isReachable = false;
        this.#until(fault.downMs, () => {
          server.isReachable = true;
          server.isLoading = fault.loadingMs > 0;
          this.#until(fault.loadingMs, () => {
            server.isLoading = false;
          });
        });
        return;
      case 'demote':
        if (server.isReplica) return;
        server.isReplica = true;
        await redis.setReplica(true);
        server.unblockAll();
        this.#until(fault.forMs, async () => {
          server.isReplica = false;
          await redis.setReplica(false);
        });
        return;
      case 'refuse':
        await this.#refuse(fault.command, fault.forMs);
        return;
      case 'wrong-type':
        await this.#spoil(fault.which, fault.forMs);
        return;
      case 'fill':
        if (server.isFull) return;
        server.isFull = true;
        await redis.setFull(true);
        this.#until(fault.forMs, async () => {
          server.isFull = false;
          await redis.setFull(false);
        });
    }
  }

  async #restart(): Promise<void> {
    this.#runs += 1;
    this.server.runId = `run${this.#runs}`;
    this.server.cutAll();
    await this.#redis.forgetScripts();
  }

  async #refuse(command: string, forMs: number): Promise<void> {
    const { refused } = this.server;
    if (refused.has(command)) return;
    this.spoilt.add(command);
    refused.add(command);
    const isOfData = !/[|]|^(TIME|INFO)$/.test(command);
    if (isOfData) await this.#redis.refuse(command);
    this.#until(forMs, async () => {
      refused.delete(command);
      if (isOfData) await this.#redis.permit(command);
    });
  }

  /** Gives a key a wrong type for a while, and then what it was again, unless it was written anew in between. */
  async #spoil(which: number, forMs: number): Promise<void> {
    const { admin } = this.#redis;
    const present = [...(await this.dump()).keys()].filter((key) => key.startsWith('resque:'));
    const names = ['queues', 'workers', 'workers:heartbeat', 'failed', 'stat:processed', 'stat:failed', 'runners'];
    const ours = ['runner:recovery', 'runner:recoveries', 'pause-all-workers'];
    const all = [...new Set([...present, ...[...names, ...ours].map((name) => `resque:${name}`)])].sort();
    const key = all[Math.floor(which * all.length)] ?? 'resque:queues';
    this.#kept += 1;
    const kept = `kept:${this.#kept}`;
    this.spoilt.add(key);
    await this.#redis.asMaster(async () => {
      const { ok: kind } = (await admin.call('TYPE', key)) as { ok: string };
      this.trace(`${key}, a ${kind}, gets a wrong type`);
      if (kind !== 'none') await admin.call('RENAME', key, kept);
      if (kind === 'string' || key === 'resque:pause-all-workers') await admin.call('RPUSH', key, wrongValue);
      else await admin.call('SET', key, wrongValue);
    });
    this.#until(forMs, () => this.#redis.asMaster(() => this.#unspoil(key, kept)));
  }

  async #unspoil(key: string, kept: string): Promise<void> {
    const { admin } = this.#redis;
    const dump = await this.dump();
    const now = dump.get(key);
    if (now?.values.join() === wrongValue) {
      await admin.call('DEL', key);
      if (dump.has(kept)) await admin.call('RENAME', kept, key);
    } else await admin.call('DEL', kept);
    await this.server.servePushed();
  }

  /** Something makes Redis lose what it knew. */
  async #forget(act: () => Promise<unknown>): Promise<void> {
    this.hasForgotten = true;
    const before = idsIn(await this.dump());
    await this.#redis.asMaster(act);
    const after = idsIn(await this.dump());
    const inHands = new Set(this.live.flatMap(({ running, unwritten }) => [...running.keys(), ...unwritten]));
    for (const job of this.book.jobs.values()) {
      if (!job.isEnqueued) continue;
      job.forgottenMs = this.agenda.nowMs;
      const isInHands = job.runs.some((run) => inHands.has(run));
      if (before.has(job.id) && !after.has(job.id) && !isInHands) job.mayBeLost = 'Redis has forgotten it';
    }
  }

  // ── processes ──

  #startLater(seat: number, afterMs: number): void {
    this.agenda.add(this.agenda.nowMs + Math.max(1, afterMs), () => {
      const process = this.#seats[seat];
      if (this.#isEnding || (process !== null && process !== undefined && !process.isDead)) return;
      this.#startSeat(seat);
    });
  }

  #startSeat(seat: number): void {
    const { seats, reusesPids, configs } = this.schedule;
    const place = seats[seat];
    if (place === undefined) return;
    const number = this.processes.length + 1;
    const pid = place.isContainer ? 1 : reusesPids ? seat + 1 : ++this.#lastPid;
    const boot = `${place.machine}boot${this.#boots.get(place.machine) ?? 0}`;
    const machine = `${boot} pid:[${place.isContainer ? number : 0}]`;
    const process = new SimProcess(this, {
      ...{ name: `r${seat}-${number}`, seat, place, entries: this.#entries[seat] ?? configs[0] ?? [] },
      identity: { machine, pid, startedAt: String(number), uid: 1 },
    });
    this.processes.push(process);
    this.#seats[seat] = process;
    this.trace(`${process.name} starts on ${machine} as ${process.side.client.owner}`);
    process.start();
  }

  async #kill(process: SimProcess): Promise<void> {
    this.#end(process);
    const present = idsIn(await this.dump());
    for (const run of [...process.running.keys(), ...process.unwritten]) {
      run.isAbandoned = true;
      const { job } = run;
      if (present.has(job.id)) continue;
      if (!run.isRecorded && !run.isHeld) job.mayBeLost = 'its runner died before it was on record';
      if (job.forgottenMs >= run.takenMs) job.mayBeLost = 'Redis has forgotten it, and its runner died';
    }
    for (const job of this.book.jobs.values()) {
      if (job.poppedBy === process && !present.has(job.id)) job.mayBeLost = 'its runner died with it in hand';
    }
  }

  #end(process: SimProcess): void {
    process.isDead = true;
    process.diedMs = this.agenda.nowMs;
    if (process.place.isContainer) process.endPrograms();
    for (const link of this.server.linksOf(process)) this.server.closed(link);
  }

  /** Others take it for dead. */
  #recovered(peer: SimProcess, by: SimProcess): void {
    this.trace(`${peer.name} is recovered`);
    for (const run of [...peer.running.keys(), ...peer.unwritten]) {
      run.isRecovered = true;
      const isLate = peer.hidesPrograms && this.agenda.nowMs - peer.diedMs > silentMs;
      if (peer.identity.machine !== by.identity.machine || isLate) run.mayOverlap = true;
    }
  }

  // ── the end ──

  async #endFaults(): Promise<void> {
    this.#isEnding = true;
    this.trace('── all faults end');
    this.#traps = [];
    while (this.#active.size > 0) for (const end of [...this.#active]) await end();
    for (const process of this.live) {
      process.stalledUntilMs = 0;
      await this.server.flush(process);
      for (const link of this.server.linksOf(process)) if (link.isSilent) this.server.cut(link, true);
    }
    for (const [seat, process] of this.#seats.entries()) {
      this.#entries[seat] = this.schedule.configs[0] ?? [];
      if (process === null || process === undefined || process.isDead) this.#startSeat(seat);
      else if (process.side.shutdown.mode === null)
        this.agenda.add(this.agenda.nowMs, () => process.reconfigure(this.#entries[seat] ?? []), process);
    }
  }

  /** Ends a fault after this time, or when all faults end. */
  #until(forMs: number, end: () => Promise<unknown> | unknown): void {
    let isOver = false;
    const over = async () => {
      if (isOver) return;
      isOver = true;
      this.#active.delete(over);
      this.trace('── a fault ends');
      await end();
    };
    this.#active.add(over);
    this.agenda.add(this.agenda.nowMs + forMs, over);
  }

  async #holds(condition: () => boolean | Promise<boolean>, limitMs: number, everyMs: number): Promise<boolean> {
    const endMs = this.agenda.nowMs + limitMs;
    while (this.agenda.nowMs < endMs) {
      const untilMs = this.agenda.nowMs + everyMs;
      while (await this.agenda.next(untilMs)) if (this.violations.length > 0) return false;
      if (await condition()) return true;
    }
    return false;
  }

  async #isDrained(): Promise<boolean> {
    if (this.live.some(({ running, side }) => running.size > 0 || side.dispatcher.unwritten > 0)) return false;
    for (const [seat, process] of this.#seats.entries()) if (process?.isDead === true) this.#startSeat(seat);
    return (await this.#rest()) === '';
  }

  /** What there is to do, in words. */
  async #rest(): Promise<string> {
    const rest: string[] = [];
    for (const [key, { values }] of await this.dump()) {
      if (/^resque:(queue:|runner:.*:held:|runner:recovery$)/.test(key)) rest.push(key);
      // A record that Redis was rolled back to stays until its worker has another job.
      if (!this.hasForgotten && /^resque:worker:[^:]+:\d+-\d+:[^:]+$/.test(key)) rest.push(key);
      if (key !== 'resque:runners') continue;
      const owners = values.filter((_, at) => at % 2 === 0).map(String);
      const live = this.live.map(({ side }) => side.client.owner);
      rest.push(...owners.filter((owner) => !live.includes(owner)).map((owner) => `dead ${owner}`));
    }
    for (const process of this.live) {
      if (process.running.size > 0) rest.push(`${process.name} runs jobs`);
      if (process.side.dispatcher.unwritten > 0) rest.push(`${process.name} has outcomes to write`);
      if (!process.side.client.session.isUp) rest.push(`${process.name} has no connection`);
    }
    return rest.join(', ');
  }
}

const wrongValue = 'wrong';

function isSeatFault(fault: SeatFault | RedisFault): fault is SeatFault {
  return ['kill', 'crash-host', 'suspend', 'cut', 'silence', 'stall'].includes(fault.kind);
}
