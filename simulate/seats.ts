/** The runner processes, each on its seat: their starts and their faults. */
import type { ProcessIdentity } from '../src/engine/machine/identity.ts';
import { waitsOf } from '../src/resque/redis/connection-set.ts';
import type { Presence } from '../src/resque/workers/liveness.ts';
import type { Agenda } from './agenda.ts';
import type { Dump } from './dump.ts';
import type { Log } from './log.ts';
import type { Ongoing } from './ongoing.ts';
import type { Entry, Schedule, SeatFault } from './schedule.ts';
import { SimProcess, type Surroundings } from './sim-process.ts';
import type { SimServer } from './sim-server.ts';
import type { Witness } from './witness.ts';

interface SeatsOptions {
  readonly schedule: Schedule;
  readonly agenda: Agenda;
  readonly log: Log;
  readonly ongoing: Ongoing;
  readonly witness: Witness;
  readonly server: SimServer;
  /** All that there were, for others to read, too. */
  readonly processes: SimProcess[];
  readonly surroundings: Surroundings;
  readonly dump: () => Promise<Dump>;
}

export class Seats {
  readonly #options: SeatsOptions;
  readonly #seated: (SimProcess | null)[] = [];
  readonly #entries: (readonly Entry[])[];
  /** By machine: how often it was booted again. */
  readonly #boots = new Map<string, number>();
  #lastPid = 100;
  #isClosed = false;

  constructor(options: SeatsOptions) {
    this.#options = options;
    const { seats, configs } = options.schedule;
    this.#entries = seats.map(() => configs[0] ?? []);
  }

  get live(): SimProcess[] {
    return this.#options.processes.filter(({ isDead }) => !isDead);
  }

  /** What its config has now. */
  entriesOf(process: SimProcess): readonly Entry[] {
    return this.#entries[process.seat] ?? [];
  }

  /** Starts a runner on every empty seat. */
  fill(): void {
    for (const seat of this.#entries.keys()) if (this.#at(seat) === null) this.#start(seat);
  }

  /** No more scheduled starts. */
  close(): void {
    this.#isClosed = true;
  }

  /** Gives a runner another config; one that is started later has it, too. */
  configure(seat: number, config: number): void {
    const entries = this.#options.schedule.configs[config];
    if (entries === undefined) return;
    this.#entries[seat] = entries;
    this.tell(seat, (process) => process.reconfigure(entries));
  }

  /** Runs an action in a runner; in a suspended one after it is woken. */
  tell(seat: number, act: (process: SimProcess) => void): void {
    const { agenda } = this.#options;
    const process = this.#at(seat);
    if (process !== null) agenda.add(agenda.nowMs, () => act(process), process);
  }

  startLater(seat: number, afterMs: number): void {
    const { agenda } = this.#options;
    agenda.add(agenda.nowMs + Math.max(1, afterMs), () => {
      if (!this.#isClosed && this.#at(seat) === null) this.#start(seat);
    });
  }

  async commit(seat: number, fault: SeatFault): Promise<void> {
    const { agenda, log, ongoing, server } = this.#options;
    const process = this.#at(seat);
    if (process === null) return;
    log.trace(`${process.name}: ${JSON.stringify(fault)}`);
    switch (fault.kind) {
      case 'kill':
        await this.#kill(process);
        this.startLater(seat, fault.restartAfterMs);
        return;
      case 'crash-host':
        await this.#crash(process.place.machine, fault.restartAfterMs);
        return;
      case 'suspend':
        if (process.isSuspended) return;
        process.isSuspended = true;
        ongoing.until(fault.forMs, () => {
          process.isSuspended = false;
          process.heldUpMs = agenda.nowMs;
          agenda.woken(process);
        });
        return;
      case 'cut':
        for (const link of server.linksOf(process)) {
          const isWait = link.name.startsWith(waitsOf(''));
          if (fault.which === 'all' || isWait === (fault.which === 'waits')) server.cut(link, fault.isReset);
        }
        return;
      case 'silence':
        for (const link of server.linksOf(process)) server.silence(link);
        return;
      case 'stall':
        process.stalledUntilMs = Math.max(process.stalledUntilMs, agenda.nowMs + fault.forMs);
        process.heldUpMs = process.stalledUntilMs;
    }
  }

  /** All delays of connections are over. */
  async reconnect(): Promise<void> {
    const { agenda, server } = this.#options;
    server.state.frozenUntilMs = 0;
    for (const process of this.live) {
      process.stalledUntilMs = 0;
      process.heldUpMs = agenda.nowMs;
      await server.flush(process);
      for (const link of server.linksOf(process)) if (link.isSilent) server.cut(link, true);
    }
  }

  presenceOf(observer: SimProcess, { machine, pid, startedAt }: Omit<ProcessIdentity, 'uid'>): Presence {
    if (machine !== observer.identity.machine) return 'unknown';
    const isThere = this.live.some(
      ({ identity }) => identity.pid === pid && identity.startedAt === startedAt,
    );
    return isThere ? 'running' : 'gone';
  }

  /** Ends programs of a dead runner, as far as this one can tell them from others. */
  endPrograms(
    observer: SimProcess,
    nonce: string,
  ): { readonly hadAny: boolean; readonly isCertain: boolean } {
    const { processes, schedule, surroundings } = this.#options;
    const peer = processes.find(({ nonces }) => nonces.includes(nonce));
    // A container's programs end with it, and those of other machines are out of reach.
    if (peer?.identity.machine !== observer.identity.machine) return { hadAny: false, isCertain: true };
    const hadAny = [...peer.programs.running.keys()].some(({ programEndMs }) => programEndMs === null);
    peer.hidesPrograms ||= schedule.hidesPrograms && surroundings.random.next() < 0.5;
    if (!peer.hidesPrograms) peer.programs.end();
    return { hadAny, isCertain: !peer.hidesPrograms };
  }

  /** It has ended by itself. */
  exited(process: SimProcess): void {
    const { log } = this.#options;
    log.trace(`${process.name} has stopped: ${JSON.stringify(process.stopped)}`);
    if (process.programs.running.size > 0) log.broken(`${process.name} has stopped with jobs that run`);
    if (process.stopped?.unwritten !== 0)
      log.broken(`${process.name} has stopped without telling all outcomes`);
    this.#end(process);
  }

  #at(seat: number): SimProcess | null {
    const process = this.#seated[seat] ?? null;
    return process?.isDead === true ? null : process;
  }

  #start(seat: number): void {
    const { schedule, processes, surroundings, log } = this.#options;
    const place = schedule.seats[seat];
    if (place === undefined) return;
    const number = processes.length + 1;
    const pid = place.isContainer ? 1 : schedule.reusesPids ? seat + 1 : ++this.#lastPid;
    const boot = `${place.machine}boot${this.#boots.get(place.machine) ?? 0}`;
    const machine = `${boot} pid:[${place.isContainer ? number : 0}]`;
    const process = new SimProcess(surroundings, {
      ...{ name: `r${seat}-${number}`, seat, place, entries: this.#entries[seat] ?? [] },
      identity: { machine, pid, startedAt: String(number), uid: 1 },
    });
    processes.push(process);
    this.#seated[seat] = process;
    log.trace(`${process.name} starts on ${machine} as ${process.side.client.owner}`);
    process.start();
  }

  async #kill(process: SimProcess): Promise<void> {
    const { witness, dump } = this.#options;
    this.#end(process);
    witness.killed(process, await dump());
  }

  async #crash(machine: string, restartAfterMs: number): Promise<void> {
    const { server } = this.#options;
    this.#boots.set(machine, (this.#boots.get(machine) ?? 0) + 1);
    for (const process of this.live.filter(({ place }) => place.machine === machine)) {
      for (const link of server.linksOf(process)) server.silence(link);
      await this.#kill(process);
      process.programs.end();
      this.startLater(process.seat, restartAfterMs);
    }
  }

  #end(process: SimProcess): void {
    const { agenda, server } = this.#options;
    process.isDead = true;
    process.diedMs = agenda.nowMs;
    if (process.place.isContainer) process.programs.end();
    for (const link of server.linksOf(process)) server.closed(link);
  }
}
