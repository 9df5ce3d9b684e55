/** A Redis Sentinel that watches one master alone and replaces it quickly. It has its own port and directory. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { Redis } from 'ioredis';
import { freePort, serverProgram } from './redis.ts';
import { waitFor } from './wait-for.ts';

export const masterName = 'rr';

export class Sentinel {
  readonly port: number;
  readonly #client: Redis;
  readonly #process: ReturnType<typeof spawnSentinel>;
  readonly #directory: string;

  /** The master may be down. */
  static async start(masterPort: number): Promise<Sentinel> {
    const sentinel = new Sentinel(await freePort(), masterPort);
    await sentinel.#hurry();
    return sentinel;
  }

  /** The same, and waits until it knows the replica. */
  static async watching(masterPort: number): Promise<Sentinel> {
    const sentinel = await Sentinel.start(masterPort);
    await waitFor(async () => (await sentinel.#replicas()) === 1, {
      message: 'the sentinel knows the replica',
    });
    return sentinel;
  }

  private constructor(port: number, masterPort: number) {
    this.port = port;
    this.#directory = mkdtempSync(join(tmpdir(), 'rr-sentinel-'));
    this.#process = spawnSentinel(this.#directory, port, masterPort);
    this.#client = new Redis({
      ...{ host: '127.0.0.1', port, protocol: 2, disableClientInfo: true, enableReadyCheck: false },
      ...{ maxRetriesPerRequest: null, retryStrategy: () => 20 },
    });
    this.#client.on('error', () => {
      // It has not started yet.
    });
  }

  /** The master's port, as it tells clients. */
  async masterPort(): Promise<number> {
    const reply = await this.#client.call('SENTINEL', 'get-master-addr-by-name', masterName);
    return Number((reply as string[] | null)?.[1]);
  }

  /**
   * Makes it retry a failed failover soon. It may then connect a replica directly to the master at any moment, if the
   * replica is connected to a proxy. So don't call this while the proxy must hold data back.
   */
  async hasten(): Promise<void> {
    await this.#client.call('SENTINEL', 'SET', masterName, 'failover-timeout', '2000');
  }

  /** Replaces a working master. */
  async failOver(): Promise<void> {
    await waitFor(() => this.#beginFailover(), { message: 'the replica answers in time to be the master' });
  }

  async #beginFailover(): Promise<boolean> {
    try {
      await this.#client.call('SENTINEL', 'FAILOVER', masterName);
      return true;
    } catch (error) {
      if (String(error).includes('NOGOODSLAVE')) return false;
      throw error;
    }
  }

  async dispose(): Promise<void> {
    this.#client.disconnect();
    this.#process.kill('SIGKILL');
    await this.#process;
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /**
   * A replica can become the master if it answered within five ping periods. If the machine is slow for a moment, the
   * sentinel must not distrust its clock for 30 seconds.
   */
  async #hurry(): Promise<void> {
    const periods = { 'ping-period': 400, 'info-period': 200, 'tilt-trigger': 20_000, 'tilt-period': 100 };
    for (const [name, ms] of Object.entries(periods)) {
      await this.#client.call('SENTINEL', 'DEBUG', name, String(ms));
    }
  }

  /** After four of these, it corrects roles, for example of a replaced master that comes back. */
  async correctRoles(): Promise<void> {
    await this.#client.call('SENTINEL', 'DEBUG', 'publish-period', '200');
  }

  async #replicas(): Promise<number> {
    return ((await this.#client.call('SENTINEL', 'REPLICAS', masterName)) as unknown[]).length;
  }
}

function spawnSentinel(directory: string, port: number, masterPort: number) {
  const path = join(directory, 'sentinel.conf');
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${directory}`,
    `logfile ${join(directory, 'sentinel.log')}`,
    `sentinel monitor ${masterName} 127.0.0.1 ${masterPort} 1`,
    `sentinel down-after-milliseconds ${masterName} 600`,
    `sentinel failover-timeout ${masterName} 120000`,
  ];
  writeFileSync(path, `${lines.join('\n')}\n`);
  const quiet = { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore', reject: false } as const;
  return execa(serverProgram(), [path, '--sentinel'], quiet);
}
