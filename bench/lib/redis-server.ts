/** The bench's own Redis server, without persistence, and queries to it. */
import { createServer } from 'node:net';
import { Redis } from 'ioredis';
import type { Bench } from './bench.ts';
import { findProgram } from './find-program.ts';
import { waitFor } from './wait-for.ts';

const benchConnectionName = 'bench';

/** KEYS: a list. ARGV: text before and after the id, number of payloads, number per RPUSH. */
const pushScript = `
local batch = {}
for id = 0, ARGV[3] - 1 do
  batch[#batch + 1] = ARGV[1] .. id .. ARGV[2]
  if #batch == tonumber(ARGV[4]) or id == ARGV[3] - 1 then
    redis.call('RPUSH', KEYS[1], unpack(batch))
    batch = {}
  end
end
`;
const bytesOfBatch = 1_000_000;
const longestBatch = 1_000;

/** Below the system's range for outgoing connections. */
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
      // Redis is still starting. If it never starts, waiting for it fails.
    });
  }

  async version(): Promise<string> {
    return /redis_version:(\S+)/.exec(await this.client.info('server'))?.[1] ?? 'unknown';
  }

  /** All connections except the bench's own, from `CLIENT LIST`. */
  async connections(): Promise<string[]> {
    const lines = String(await this.client.client('LIST'))
      .trim()
      .split('\n');
    return lines.filter((line) => !line.includes(` name=${benchConnectionName} `));
  }

  async blockedConnections(): Promise<string[]> {
    return (await this.connections()).filter((line) => line.includes(' cmd=blpop '));
  }

  /** Calls per command since the server started, including calls in scripts. */
  async commandCalls(): Promise<Map<string, number>> {
    const stats = await this.client.info('commandstats');
    const matches = stats.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm);
    return new Map([...matches].map(([, name, calls]) => [String(name), Number(calls)]));
  }

  /** Waits until at least `count` connections are blocked in `BLPOP`. */
  async waitForBlpop(count: number): Promise<void> {
    await waitFor(
      `${count} connections in BLPOP`,
      async () => (await this.blockedConnections()).length >= count,
    );
  }

  /** Puts `count` jobs onto a queue in one step; their args are their numbers. */
  async enqueueMany(queue: string, count: number): Promise<void> {
    await this.#push(queueKey(queue), count, 0);
  }

  /** Creates jobs to add to an empty queue later. */
  async stage(queue: string, count: number, payloadBytes: number): Promise<void> {
    await this.#push(stageKey(queue), count, payloadBytes);
  }

  /** Adds them to the queue in one step, regardless of their size. */
  async enqueueStaged(queue: string): Promise<void> {
    await this.client.rename(stageKey(queue), queueKey(queue));
  }

  /** Redis creates the payloads: for a million of them, this process would be slower than the measured programs. */
  async #push(list: string, count: number, payloadBytes: number): Promise<void> {
    const [before, behind] = aroundId(payloadBytes);
    const batch = Math.max(1, Math.min(longestBatch, Math.floor(bytesOfBatch / behind.length)));
    await this.client.eval(pushScript, 1, list, before, behind, count, batch);
  }
}

export function queueKey(queue: string): string {
  return `resque:queue:${queue}`;
}

function stageKey(queue: string): string {
  return `bench:staged:${queue}`;
}

export function payloadOf(id: number): string {
  const [before, behind] = aroundId(0);
  return `${before}${id}${behind}`;
}

/** The text before and after a payload's id, of about this many bytes, or the minimum. */
function aroundId(bytes: number): [string, string] {
  const before = '{"class":"Noop","args":[';
  const filling = 'x'.repeat(Math.max(0, bytes - before.length - '0,""]}'.length));
  return [before, filling === '' ? ']}' : `,"${filling}"]}`];
}

export async function startRedis(bench: Bench, name = 'redis'): Promise<RedisServer> {
  const program = findProgram('redis-server') ?? findProgram('valkey-server');
  if (program === null) throw new Error('neither redis-server nor valkey-server is on PATH');
  const port = await freePort();
  const settings = ['--port', String(port), '--bind', '127.0.0.1', '--dir', bench.directory];
  const command = [program, ...settings, '--save', '', '--appendonly', 'no'] as const;
  const { pid } = bench.start({ name, command });
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
