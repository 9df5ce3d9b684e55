/** A real redis-server on a unix socket, what the faults do to its data, and what the checker reads in it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram } from '../bench/lib/find-program.ts';
import { RedisLine } from './redis-line.ts';

const startLimitMs = 10_000;
/** Whom the runners' commands come from, so that they can be refused. */
const user = 'runner';
const snapshotScript = `
for _, key in ipairs(redis.call('KEYS', '*')) do redis.call('COPY', key, key, 'DB', ARGV[1], 'REPLACE') end
return 1`;

export class RealRedis {
  readonly directory: string;
  readonly #process: ChildProcess;
  readonly admin: RedisLine;
  readonly clients: RedisLine;
  #isReplica = false;
  #isFull = false;

  static async start(): Promise<RealRedis> {
    const program = findProgram('redis-server') ?? findProgram('valkey-server');
    if (program === null) throw new Error('neither redis-server nor valkey-server is on PATH');
    const directory = mkdtempSync(join(tmpdir(), 'rr-simulate-'));
    const socket = join(directory, 'redis.sock');
    const settings = {
      port: '0',
      unixsocket: socket,
      dir: directory,
      save: '',
      appendonly: 'no',
      databases: '2',
    };
    const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
    const child = spawn(program, args, { stdio: 'ignore' });
    try {
      const admin = await firstLine(socket, child);
      await admin.call('ACL', 'SETUSER', user, 'on', 'nopass', '~*', '&*', '+@all');
      const clients = await RedisLine.open(socket);
      await clients.call('AUTH', user, 'any');
      return new RealRedis(directory, child, admin, clients);
    } catch (error) {
      child.kill('SIGKILL');
      rmSync(directory, { recursive: true, force: true });
      throw error;
    }
  }

  private constructor(directory: string, child: ChildProcess, admin: RedisLine, clients: RedisLine) {
    this.directory = directory;
    this.#process = child;
    this.admin = admin;
    this.clients = clients;
  }

  /** Ends all faults and forgets all data. */
  async reset(): Promise<void> {
    this.#isReplica = false;
    this.#isFull = false;
    await this.#applyState(false, false);
    await this.admin.call('ACL', 'SETUSER', user, '+@all');
    await this.admin.call('FLUSHALL');
    await this.forgetScripts();
  }

  async snapshot(): Promise<void> {
    await this.admin.call('SELECT', 1);
    await this.admin.call('FLUSHDB');
    await this.admin.call('SELECT', 0);
    await this.admin.call('EVAL', snapshotScript, 0, 1);
  }

  /** Back to the last snapshot, which stays. */
  async rollBack(): Promise<void> {
    await this.admin.call('FLUSHDB');
    await this.admin.call('SELECT', 1);
    await this.admin.call('EVAL', snapshotScript, 0, 0);
    await this.admin.call('SELECT', 0);
  }

  async refuse(command: string): Promise<void> {
    await this.admin.call('ACL', 'SETUSER', user, `-${command.toLowerCase()}`);
  }

  async permit(command: string): Promise<void> {
    await this.admin.call('ACL', 'SETUSER', user, `+${command.toLowerCase()}`);
  }

  async setReplica(isReplica: boolean): Promise<void> {
    this.#isReplica = isReplica;
    await this.#applyState(isReplica, this.#isFull);
  }

  async setFull(isFull: boolean): Promise<void> {
    this.#isFull = isFull;
    await this.#applyState(this.#isReplica, isFull);
  }

  /** Does something as if it took all writes. */
  async asMaster(act: () => Promise<unknown>): Promise<void> {
    if (!this.#isReplica && !this.#isFull) {
      await act();
      return;
    }
    await this.#applyState(false, false);
    await act();
    await this.#applyState(this.#isReplica, this.#isFull);
  }

  async #applyState(isReplica: boolean, isFull: boolean): Promise<void> {
    await this.admin.call('CONFIG', 'SET', 'maxmemory', isFull ? 1 : 0);
    await (isReplica
      ? this.admin.call('REPLICAOF', '127.0.0.1', 1)
      : this.admin.call('REPLICAOF', 'NO', 'ONE'));
  }

  async forgetScripts(): Promise<void> {
    await this.admin.call('SCRIPT', 'FLUSH');
  }

  /** Ends it at once, as this process ends. */
  abandon(): void {
    this.#process.kill('SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Ends it. */
  async stop(): Promise<void> {
    this.admin.close();
    this.clients.close();
    const child = this.#process;
    if (child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
    }
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** The socket is there a moment before the server listens on it. */
async function firstLine(socket: string, child: ChildProcess): Promise<RedisLine> {
  const deadline = performance.now() + startLimitMs;
  for (;;) {
    try {
      return await RedisLine.open(socket);
    } catch (error) {
      if (performance.now() > deadline || child.exitCode !== null)
        throw new Error(`${child.spawnfile} doesn't start`, { cause: error });
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}
