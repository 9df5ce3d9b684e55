/** A Redis that keeps all acknowledged writes over restarts of any kind. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { findProgram } from '../bench/lib/find-program.ts';
import { freePort } from '../bench/lib/redis-server.ts';
import type { Random } from './random.ts';

/**
 * ARGV: number of the batch, then queue, payload and lock ('': none) for each job. Runs once, even if a client repeats it after it lost its
 * connection.
 */
const enqueueScript = `
if redis.call('SADD', 'chaos:batches', ARGV[1]) == 0 then return 0 end
for at = 2, #ARGV, 3 do
  if ARGV[at + 2] ~= '' then redis.call('SET', 'resque:' .. ARGV[at + 2], 'true') end
  redis.call('SADD', 'resque:queues', ARGV[at])
  redis.call('RPUSH', 'resque:queue:' .. ARGV[at], ARGV[at + 1])
end
return 1
`;

export class ChaosRedis {
  readonly directory: string;
  readonly port: number;
  readonly client: Redis;
  readonly #program: string;
  #process: ChildProcess;
  /** Freezes and restarts, one after the other. */
  #faults: Promise<void> = Promise.resolve();
  #batches = 0;
  #isAbandoned = false;

  static async start(directory: string): Promise<ChaosRedis> {
    const program = findProgram('redis-server') ?? findProgram('valkey-server');
    if (program === null)
      throw new Error('redis-server and valkey-server are missing from PATH: install one of them');
    const redis = new ChaosRedis(program, directory, await freePort());
    await redis.client.ping();
    return redis;
  }

  private constructor(program: string, directory: string, port: number) {
    this.#program = program;
    this.directory = join(directory, 'redis');
    mkdirSync(this.directory);
    this.port = port;
    this.#process = this.#spawn();
    this.client = new Redis({
      host: '127.0.0.1',
      port,
      connectionName: 'chaos',
      protocol: 2,
      disableClientInfo: true,
      maxRetriesPerRequest: null,
      retryStrategy: () => 20,
    });
    this.client.on('error', () => {
      // It is down on purpose. Commands wait until it is back.
    });
  }

  /** Enqueues these jobs as soon as Redis is up. */
  async enqueue(
    jobs: readonly { readonly queue: string; readonly payload: string; readonly lock: string }[],
  ): Promise<void> {
    if (jobs.length === 0) return;
    const words = jobs.flatMap(({ queue, payload, lock }) => [queue, payload, lock]);
    await this.client.eval(enqueueScript, 0, ++this.#batches, ...words);
  }

  /** Freezes it for this time, after the last fault has ended. */
  freeze(forMs: number): void {
    this.#then(async () => {
      this.#process.kill('SIGSTOP');
      await pause(forMs);
      this.#process.kill('SIGCONT');
    });
  }

  restart(signal: 'SIGTERM' | 'SIGKILL'): void {
    this.#then(async () => {
      await this.#end(signal);
      if (this.#isAbandoned) return;
      this.#process = this.#spawn();
      await this.client.ping();
    });
  }

  /** Ends this many connections of runners, if possible. */
  async cut(count: number, random: Random): Promise<void> {
    // A frozen or stopped server would answer too late for this fault.
    const list = await Promise.race([this.client.client('LIST').then(String), pause(100)]);
    const ids = list?.match(/^id=\d+(?=.* name=resque-runner)/gm) ?? [];
    for (const id of random.shuffle(ids).slice(0, count)) {
      this.client.client('KILL', 'ID', id.slice('id='.length)).catch(() => {
        // It ended by itself.
      });
    }
  }

  /** Resolves when it is up and all faults have ended. */
  async settled(): Promise<void> {
    await this.#faults;
    await this.client.ping();
  }

  async stop(): Promise<void> {
    await this.#faults;
    this.client.disconnect();
    await this.#end('SIGTERM');
  }

  /** Ends it at once, in any state. */
  abandon(): void {
    this.#isAbandoned = true;
    this.client.disconnect();
    this.#process.kill('SIGKILL');
  }

  #then(fault: () => Promise<void>): void {
    this.#faults = this.#faults.then(fault);
  }

  #spawn(): ChildProcess {
    const settings = {
      port: String(this.port),
      bind: '127.0.0.1',
      dir: this.directory,
      logfile: join(this.directory, 'redis.log'),
      save: '',
      appendonly: 'yes',
      appendfsync: 'always',
      // One file with all commands: it has the history of each job.
      'auto-aof-rewrite-percentage': '0',
    };
    const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
    return spawn(this.#program, args, { stdio: 'ignore' });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await ended;
  }
}

function pause(ms: number): Promise<null> {
  return new Promise((resolve) => setTimeout(() => resolve(null), ms));
}
