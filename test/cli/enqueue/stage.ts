/** What the tests of `enqueue` share: the command with something to read, and a look at what it has enqueued. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { addScript } from '../../../src/resque/enqueue/scripts.ts';
import type { RedisServer } from '../../helpers/redis.ts';
import { freePort } from '../../helpers/redis.ts';
import { RedisProxy } from '../../helpers/redis-proxy.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { useDirectory } from '../directory.ts';
import { type Outcome, runCommand } from '../run-command.ts';

/** Keys that may be left: that of the queue and that of their names, but none that says how far an enqueue has got. */
const lasting = ['resque:queue:mail', 'resque:queues'];

/** A config that takes all queues, unless there is one: without it, `enqueue` says that no worker takes the jobs. */
export function serveAll(directory: string): void {
  const file = join(directory, 'cfg.json');
  if (!existsSync(file)) writeFileSync(file, JSON.stringify({ runners: { '*': 1 }, script: '/bin/true' }));
}

export class EnqueueStage {
  readonly #server: RedisServer;
  readonly #directory: { readonly path: string };
  #proxy: RedisProxy | null = null;
  #proxyPort = 0;

  constructor(server: RedisServer, directory: { readonly path: string }) {
    this.#server = server;
    this.#directory = directory;
  }

  get directory(): string {
    return this.#directory.path;
  }

  get redis() {
    return this.#server.client;
  }

  /** What the program is to reach Redis by: through the proxy, where there is one. */
  get url(): string {
    return `redis://127.0.0.1:${this.#proxy === null ? this.#server.port : this.#proxyPort}`;
  }

  file(name: string, text: string | Buffer): string {
    writeFileSync(join(this.directory, name), text);
    return name;
  }

  /** From now on the program talks to Redis through it. */
  async through(): Promise<RedisProxy> {
    // Or the first answer would be that Redis doesn't know it.
    await this.redis.script('LOAD', addScript.source);
    this.#proxyPort = await freePort();
    this.#proxy = new RedisProxy(this.#proxyPort, this.#server.port);
    return this.#proxy;
  }

  /** @param input for its STDIN */
  async run(args: readonly string[], input: string | Buffer = ''): Promise<Outcome> {
    return await runCommand(this.arguments(args), { cwd: this.directory, stdin: input });
  }

  /** All arguments of the command. There is a config that serves the queue. */
  protected arguments(args: readonly string[]): string[] {
    serveAll(this.directory);
    return ['enqueue', 'mail', '--redis', this.url, ...args];
  }

  /** The queue, from its head. */
  jobs(): Promise<string[]> {
    return this.redis.lrange('resque:queue:mail', 0, -1);
  }

  async waitForJobs(count: number): Promise<void> {
    await waitFor(async () => (await this.redis.llen('resque:queue:mail')) === count, {
      message: `there are ${count} jobs`,
    });
  }

  async keysLeft(): Promise<string[]> {
    return (await this.redis.keys('*')).filter((key) => !lasting.includes(key));
  }

  /** A file of more steps than one, with the lines that it has. */
  manySteps(): { readonly name: string; readonly lines: string[] } {
    const lines = numbered(20_000);
    return { name: this.file('jobs.ndjson', `${lines.join('\n')}\n`), lines };
  }

  async end(): Promise<void> {
    this.#proxy?.close();
    this.#proxy = null;
  }
}

/** A job a line, each another. */
export function numbered(count: number, first = 1): string[] {
  return Array.from({ length: count }, (_, at) => `{"class":"A","args":[${first + at}]}`);
}

export function useEnqueue(server: RedisServer): EnqueueStage {
  const stage = new EnqueueStage(server, useDirectory());
  afterEach(() => stage.end());
  return stage;
}
