/** Two runners on the same queues. Each is restarted after it ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, createWriteStream, mkdirSync, type WriteStream, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { processesWithVariable } from './processes.ts';

const seats = [0, 1];
/** A runner that needs longer after TERM is stuck. */
const stopLimitMs = 30_000;

export interface RunnersOptions {
  readonly directory: string;
  readonly program: string;
  readonly config: object;
  readonly jobLog: string;
  readonly env: Readonly<Record<string, string>>;
}

interface Seat {
  readonly log: WriteStream;
  child: ChildProcess;
  isFrozen: boolean;
}

export class Runners {
  kills = 0;
  /** Forbidden behavior of runners. */
  readonly faults: string[] = [];
  /** From the kill of each runner to its recovery. */
  readonly recoveredAfterMs: number[] = [];
  readonly #options: RunnersOptions;
  readonly #config: string;
  readonly #seats: Seat[];
  readonly #killedAtMs = new Map<number, number>();
  #isKeptUp = true;

  constructor(options: RunnersOptions) {
    this.#options = options;
    const { directory, config } = options;
    mkdirSync(join(directory, 'tmp'));
    this.#config = join(directory, 'cfg.json');
    writeFileSync(this.#config, JSON.stringify(config));
    this.#seats = seats.map((index) => {
      const log = createWriteStream(join(directory, `runner-${index}.log`));
      const seat: Seat = { log, child: this.#spawn(log), isFrozen: false };
      this.#keepUp(seat);
      return seat;
    });
  }

  /** Pids of the running runners. A killed one may not have been reaped yet. */
  get pids(): number[] {
    return this.#seats.flatMap(({ child: { pid, exitCode, signalCode } }) =>
      pid === undefined || exitCode !== null || signalCode !== null || this.#killedAtMs.has(pid) ? [] : [pid],
    );
  }

  kill(index: number): void {
    const seat = this.#seats[index];
    const pid = seat?.child.pid;
    if (seat === undefined || pid === undefined || !seat.child.kill('SIGKILL')) return;
    appendFileSync(this.#options.jobLog, `K ${pid}\n`);
    this.kills += 1;
    this.#killedAtMs.set(pid, performance.now());
  }

  freeze(index: number, forMs: number): void {
    const seat = this.#seats[index];
    if (seat === undefined || seat.isFrozen) return;
    const { child } = seat;
    seat.isFrozen = true;
    child.kill('SIGSTOP');
    setTimeout(() => {
      seat.isFrozen = false;
      child.kill('SIGCONT');
    }, forMs);
  }

  /** Waits until the last freeze has ended. */
  async thawed(): Promise<void> {
    while (this.#seats.some(({ isFrozen }) => isFrozen)) await pause(20);
  }

  /** Sends TERM to both. Each must end by itself with exit code 0. */
  async stop(): Promise<void> {
    this.#isKeptUp = false;
    await Promise.all(this.#seats.map((seat) => this.#stopSeat(seat)));
  }

  /** Kills both after any kind of run. */
  abandon(): void {
    this.#isKeptUp = false;
    for (const { child } of this.#seats) child.kill('SIGKILL');
  }

  async #stopSeat({ child }: Seat): Promise<void> {
    const ended = ending(child);
    child.kill('SIGTERM');
    const isInTime = await Promise.race([ended.then(() => true), pause(stopLimitMs).then(() => false)]);
    if (!isInTime) {
      this.faults.push(`runner ${child.pid} has not ended ${stopLimitMs / 1000} s after TERM`);
      child.kill('SIGKILL');
      await ended;
    } else if (child.exitCode !== 0) {
      this.faults.push(`runner ${child.pid} ended with ${child.exitCode ?? child.signalCode} after TERM`);
    }
  }

  #keepUp(seat: Seat): void {
    const { child } = seat;
    child.once('exit', (exitCode, signal) => {
      if (!this.#isKeptUp) return;
      if (signal !== 'SIGKILL')
        this.faults.push(`runner ${child.pid} ended by itself with ${exitCode ?? signal}`);
      seat.child = this.#spawn(seat.log);
      this.#keepUp(seat);
    });
  }

  #spawn(log: WriteStream): ChildProcess {
    const { directory, program, env } = this.#options;
    const args = [program, this.#config, '--no-ui', '--log-format', 'json'];
    const child = spawn(process.execPath, args, {
      cwd: directory,
      env: { ...process.env, TMPDIR: join(directory, 'tmp'), XDG_RUNTIME_DIR: '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      log.write(chunk);
      this.faults.push(`runner ${child.pid} wrote to stderr: ${chunk.toString().trim().slice(0, 500)}`);
    });
    let rest = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      log.write(text);
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line.includes('"peer.recovered"')) this.#recovered(line);
    });
    return child;
  }

  /** A runner was recovered: none of its children may be alive from now on. */
  #recovered(line: string): void {
    const { peer } = JSON.parse(line) as { peer: string };
    const pid = Number(peer.slice(peer.lastIndexOf(':') + 1));
    const killedAtMs = this.#killedAtMs.get(pid);
    if (killedAtMs === undefined) {
      this.faults.push(`${peer} was recovered, but had not been killed`);
      return;
    }
    this.recoveredAfterMs.push(performance.now() - killedAtMs);
    const left = this.pids.includes(pid) ? [] : processesWithVariable('RESQUE_WORKER', `${peer}-`);
    if (left.length > 0) this.faults.push(`${peer} was recovered, but its children ${left.join()} are alive`);
  }
}

function ending(child: ChildProcess): Promise<unknown> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once('exit', resolve));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
