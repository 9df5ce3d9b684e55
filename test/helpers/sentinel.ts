/** A Redis Sentinel that watches one master by itself and is quick to replace it; on a port and in a directory of its own. */
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

  /** The master need not be there. */
  static async start(masterPort: number): Promise<Sentinel> {
    const sentinel = new Sentinel(await freePort(), masterPort);
    await sentinel.#hurry();
    return sentinel;
  }

  /** The same; waits until it knows the replica. */
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
      // It isn't there yet.
    });
  }

  /** Port of the master, as clients are told. */
  async masterPort(): Promise<number> {
    const reply = await this.#client.call('SENTINEL', 'get-master-addr-by-name', masterName);
    return Number((reply as string[] | null)?.[1]);
  }

  /**
   * From now on, a failover that did not succeed is soon tried again. Not before: after the same time the sentinel connects
   * a replica to the master itself that is connected to something in between.
   */
  async hasten(): Promise<void> {
    await this.#client.call('SENTINEL', 'SET', masterName, 'failover-timeout', '2000');
  }

  /** Replaces a master that works. */
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
   * A replica can become the master if it has answered within five ping periods. A machine that is slow for a moment must
   * not make the sentinel distrust its clock for half a minute.
   */
  async #hurry(): Promise<void> {
    const periods = { 'ping-period': 400, 'info-period': 200, 'tilt-trigger': 20_000, 'tilt-period': 100 };
    for (const [name, ms] of Object.entries(periods)) {
      await this.#client.call('SENTINEL', 'DEBUG', name, String(ms));
    }
  }

  /** It corrects roles, as of a master that was replaced and comes back, after four of these. */
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
