/** A ResqueClient on the tests' own Redis, connected before each test and closed after it. */
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach } from 'vitest';
import type { RedisServerConfig } from '../../src/config/config.ts';
import { type EngineMeans, thisMachine } from '../../src/engine/process/engine-means.ts';
import { ResqueClient } from '../../src/resque/steps/client.ts';
import type { StepOwner, StepReply, StepRequest } from '../../src/resque/steps/step.ts';
import { type RedisServer, testConnectionName } from '../helpers/redis.ts';
import { waitFor } from '../helpers/wait-for.ts';

const nothing: StepRequest = { outcomes: [], begins: [], returns: [], reservations: [], step: 0 };

/** What the registry says of the client's process: nothing that lives. */
export const about = { machine: '', pid: 1, startedAt: '', requeues: [], maxRecoveries: 3 };

export function addressOf(server: RedisServer, password: string | null = null): RedisServerConfig {
  return { kind: 'server', host: '127.0.0.1', port: server.port, db: 0, tls: null, username: null, password };
}

export class ClientStage {
  readonly server: RedisServer;
  #client: ResqueClient | null = null;
  #step = 0;
  #owner: StepOwner = { name: '', nonce: '' };

  constructor(server: RedisServer) {
    this.server = server;
  }

  get client(): ResqueClient {
    if (this.#client === null) throw new Error('no test is running');
    return this.#client;
  }

  get redis() {
    return this.server.client;
  }

  async begin(): Promise<void> {
    this.#step = 0;
    this.#owner = { name: 'test.runner:1', nonce: randomUUID() };
    this.#client = await this.connect(thisMachine());
  }

  /** A client on this machine; one that was connected before is closed. */
  async connect(machine: EngineMeans): Promise<ResqueClient> {
    this.#client?.session.close();
    const hooks = {
      resume: async () => {
        await client.prepare({ holdsJobs: true, retriesJobs: true, limitsJobs: true, queues: ['mail'] });
        await client.standing(0, about);
      },
      onUp: () => {},
      onDown: () => {},
    };
    const client: ResqueClient = new ResqueClient(
      addressOf(this.server),
      'resque',
      this.#owner,
      hooks,
      machine,
    );
    this.#client = client;
    client.session.start();
    await waitFor(() => client.session.isUp, { message: 'the client is connected' });
    return client;
  }

  async end(): Promise<void> {
    this.#client?.session.close();
    await waitFor(async () => otherClients(String(await this.redis.client('LIST'))).length === 0, {
      message: 'every connection of the client is closed',
    });
  }

  /** The next step, with only what it names. */
  takeStep(request: Partial<StepRequest>): Promise<StepReply> {
    this.#step += 1;
    return this.client.takeStep({ ...nothing, step: this.#step, ...request });
  }

  get lastStep(): number {
    return this.#step;
  }

  /** A step that Redis never gets to see. */
  loseStep(): Promise<void> {
    this.#step += 1;
    return Promise.resolve();
  }

  /** The last step once more, as after a lost reply. */
  repeat(request: Partial<StepRequest>): Promise<StepReply> {
    return this.client.takeStep({ ...nothing, ...request, step: this.#step });
  }

  /** What Redis was told meanwhile, by scripts and by clients; each command as its words. */
  async monitor(act: () => Promise<unknown>): Promise<string[][]> {
    const commands: string[][] = [];
    const monitor = await this.redis.monitor();
    try {
      monitor.on('monitor', (_time: string, words: string[]) => commands.push(words));
      await act();
      await this.redis.echo('monitored');
      await waitFor(() => commands.some(([, word]) => word === 'monitored'), {
        message: 'MONITOR has caught up',
      });
    } finally {
      monitor.disconnect();
    }
    // The step's own key is no part of the Resque format.
    return commands.filter(([, word]) => word !== 'monitored' && !word?.endsWith(':step'));
  }

  /** Every key with a value that can be compared. */
  async dump(): Promise<Record<string, string>> {
    const keys = (await this.redis.keys('*')).sort();
    const values = await Promise.all(keys.map((key) => this.redis.dumpBuffer(key)));
    return Object.fromEntries(keys.map((key, at) => [key, values[at]?.toString('hex') ?? '']));
  }
}

/** Lines of `CLIENT LIST` that are neither the tests' own connection nor MONITOR. */
export function otherClients(list: string): string[] {
  return list.split('\n').filter((line) => line !== '' && !line.includes(`name=${testConnectionName}`));
}

/** Call it once at the top of a test file, behind `useRedis`. */
export function useClient(server: RedisServer): ClientStage {
  const stage = new ClientStage(server);
  beforeEach(() => stage.begin());
  afterEach(() => stage.end());
  return stage;
}
