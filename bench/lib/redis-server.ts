/** A Redis server of the bench's own, without persistence, and what the bench asks it. */
import { createServer } from 'node:net';
import { Redis } from 'ioredis';
import type { Bench } from './bench.ts';
import { findProgram } from './find-program.ts';
import { waitFor } from './wait-for.ts';

const benchConnectionName = 'bench';

/** Below the range that the system gives to outgoing connections. */
const lowestPort = 20_000;
const highestPort = 32_000;

export class RedisServer {
  readonly port: number;
  readonly pid: number;
  readonly client: Redis;

  constructor(port: number, pid: number) {
    this.port = port;
    this.pid = pid;
    this.client = new Redis({
      host: '127.0.0.1',
      port,
      connectionName: benchConnectionName,
      protocol: 2,
      disableClientInfo: true,
      maxRetriesPerRequest: null,
      retryStrategy: () => 20,
    });
    this.client.on('error', () => {
      // It is starting; whether it ever does is seen by whoever waits for it.
    });
  }

  async version(): Promise<string> {
    return /redis_version:(\S+)/.exec(await this.client.info('server'))?.[1] ?? 'unknown';
  }

  /** All connections but the bench's own, as `CLIENT LIST` shows them. */
  async connections(): Promise<string[]> {
    const lines = String(await this.client.client('LIST'))
      .trim()
      .split('\n');
    return lines.filter((line) => !line.includes(` name=${benchConnectionName} `));
  }

  async blockedConnections(): Promise<string[]> {
    return (await this.connections()).filter((line) => line.includes(' cmd=blpop '));
  }

  /** Calls by command since the server started; what scripts call counts too. */
  async commandCalls(): Promise<Map<string, number>> {
    const stats = await this.client.info('commandstats');
    const matches = stats.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm);
    return new Map([...matches].map(([, name, calls]) => [String(name), Number(calls)]));
  }

  /** Waits until `count` connections or more are blocked in `BLPOP`. */
  async waitForBlpop(count: number): Promise<void> {
    await waitFor(
      `${count} connections in BLPOP`,
      async () => (await this.blockedConnections()).length >= count,
    );
  }

  /** Puts `count` jobs onto a queue, in one transaction; their args are their numbers. */
  async enqueueMany(queue: string, count: number): Promise<void> {
    const payloads = Array.from({ length: count }, (_, id) => payloadOf(id));
    const transaction = this.client.multi();
    for (let at = 0; at < count; at += 500) {
      transaction.rpush(`resque:queue:${queue}`, ...payloads.slice(at, at + 500));
    }
    await transaction.exec();
  }
}

export function payloadOf(id: number): string {
  return `{"class":"Noop","args":[${id}]}`;
}

export async function startRedis(bench: Bench): Promise<RedisServer> {
  const program = findProgram('redis-server') ?? findProgram('valkey-server');
  if (program === null) throw new Error('Neither redis-server nor valkey-server is on PATH.');
  const port = await freePort();
  const settings = ['--port', String(port), '--bind', '127.0.0.1', '--dir', bench.directory];
  const command = [program, ...settings, '--save', '', '--appendonly', 'no'] as const;
  const { pid } = bench.start({ name: 'redis', command });
  const server = new RedisServer(port, pid);
  bench.onDispose(() => server.client.disconnect());
  await server.client.ping();
  return server;
}

export async function freePort(): Promise<number> {
  while (true) {
    const port = lowestPort + Math.floor(Math.random() * (highestPort - lowestPort));
    const isFree = await new Promise<boolean>((resolve) => {
      const server = createServer();
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (isFree) return port;
  }
}
