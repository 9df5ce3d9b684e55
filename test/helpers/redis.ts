/**
 * A real Redis for tests: a redis-server or valkey-server with its own port and directory. Test files in the same worker
 * share a server, which is empty before each test. A file that stops or freezes its server, or needs special settings,
 * gets its own server.
 */
import { accessSync, constants, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { execa } from 'execa';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { waitFor } from './wait-for.ts';

export interface RedisOptions {
  /** A server only for this file, which its tests may stop or freeze. All other options imply it. */
  readonly isOwn?: true;
  /** `requirepass`; the tests' client uses it. */
  readonly password?: string;
  /** Text of an ACL file, one `user …` per line. The tests' client uses the default user. */
  readonly acl?: string;
  /** Keeps the data across restarts. */
  readonly appendOnly?: boolean;
  readonly replicaOf?: { readonly host: string; readonly port: number };
  /** Environment variables of the server. */
  readonly env?: Readonly<Record<string, string>>;
  /** Disabled commands: `rename-command NAME ""`. */
  readonly without?: readonly string[];
}

/**
 * Ports below the system's range for outgoing connections. Inside that range, a client that retries a closed port can
 * connect to itself, and a restarted server may find its port in use.
 */
const lowestPort = 20_000;
const highestPort = 32_000;

/** Name of the tests' own connections in `CLIENT LIST`. */
export const testConnectionName = 'tests';

export class RedisServer {
  readonly #options: RedisOptions;
  #directory = '';
  #port = 0;
  #process: ReturnType<typeof spawnServer> | null = null;
  #isFrozen = false;
  #client: Redis | null = null;

  constructor(options: RedisOptions = {}) {
    this.#options = options;
  }

  get port(): number {
    return this.#port;
  }

  get socketPath(): string {
    return join(this.#directory, 'redis.sock');
  }

  get pid(): number {
    const pid = this.#process?.pid;
    if (pid === undefined) throw new Error('the Redis server is not running');
    return pid;
  }

  /** The tests' connection, which reconnects after a restart. */
  get client(): Redis {
    if (this.#client === null) throw new Error('the Redis server was never started');
    return this.#client;
  }

  /** Starts the server: the first time on a free port, later on the same port. */
  async start(): Promise<void> {
    if (this.#directory === '')
      this.#directory = mkdtempSync(join(process.env.RR_TEST_RUN ?? tmpdir(), 'rr-redis-'));
    const hasPort = this.#port !== 0;
    for (let attempt = 1; ; attempt++) {
      if (!hasPort) this.#port = await freePort();
      this.#process = spawnServer(this.#directory, this.#port, this.#options);
      const failure = await this.#whenReady();
      if (failure === null) break;
      this.#process = null;
      if (attempt === 5) throw new Error(failure);
    }
    this.#client ??= this.#connect();
    await this.#client.ping();
  }

  /** Stops the server like an administrator. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Whether it runs and isn't frozen. */
  get isAnswering(): boolean {
    return this.#process !== null && !this.#isFrozen;
  }

  /** Makes it hang: connections stay open without replies. */
  freeze(): void {
    process.kill(this.pid, 'SIGSTOP');
    this.#isFrozen = true;
  }

  thaw(): void {
    this.#isFrozen = false;
    if (this.#process !== null) process.kill(this.pid, 'SIGCONT');
  }

  async flush(): Promise<void> {
    await this.client.flushall();
  }

  /** Replaces the tests' connection to drop its state. */
  protected async renewClient(): Promise<void> {
    this.#client?.disconnect();
    this.#client = this.#connect();
    await this.#client.ping();
  }

  /** Ends everything and removes the directory. */
  async dispose(): Promise<void> {
    this.#client?.disconnect();
    this.#client = null;
    await this.kill();
    if (this.#directory !== '') rmSync(this.#directory, { recursive: true, force: true });
  }

  #connect(): Redis {
    const client = new Redis({
      host: '127.0.0.1',
      port: this.#port,
      ...(this.#options.password === undefined ? {} : { password: this.#options.password }),
      connectionName: testConnectionName,
      protocol: 2,
      disableClientInfo: true,
      // It needs INFO.
      enableReadyCheck: this.#options.without?.includes('INFO') !== true,
      maxRetriesPerRequest: null,
      retryStrategy: () => 20,
    });
    client.on('error', () => {
      // Tests stop the server on purpose. Commands wait until it is back.
    });
    return client;
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#process;
    if (child === null) return;
    this.#process = null;
    this.#isFrozen = false;
    child.kill('SIGCONT'); // A frozen one would not end.
    child.kill(signal);
    await child;
  }

  /** @returns why the server is not usable, or null. */
  async #whenReady(): Promise<string | null> {
    const child = this.#process;
    if (child === null) return 'not started';
    let hasEnded = false;
    void child.then(() => {
      hasEnded = true;
    });
    const probe = new Redis({
      host: '127.0.0.1',
      port: this.#port,
      protocol: 2,
      disableClientInfo: true,
      enableReadyCheck: false,
      maxRetriesPerRequest: null,
      retryStrategy: () => 10,
    });
    let hasAnswered = false;
    probe.on('error', () => {
      // Not started yet.
    });
    const heard = (reply: unknown): void => {
      // `NOAUTH` counts as an answer. A server that is loading its data is not ready.
      hasAnswered ||= !String(reply).includes('LOADING');
    };
    try {
      await waitFor(
        () => {
          if (hasEnded || hasAnswered) return true;
          if (probe.status === 'ready') probe.ping().then(heard, heard);
          return false;
        },
        { message: 'Redis answers PING', timeoutMs: 15_000 },
      );
    } finally {
      probe.disconnect();
    }
    return hasEnded ? `The Redis server has ended:\n${readLog(this.#directory)}` : null;
  }
}

/**
 * The server of one worker of Vitest. It ends with the worker, because execa ends its children on exit. Its directory is
 * removed when the run ends.
 */
class SharedRedisServer extends RedisServer {
  #isStarted: Promise<void> | null = null;
  #isLent = false;
  /** Its initial settings, from CONFIG. */
  #settings = new Map<string, string>();

  /** Called before the tests of a file. */
  async lend(): Promise<void> {
    if (this.#isLent)
      throw new Error('this file already uses the shared Redis; call useRedis({ isOwn: true })');
    this.#isLent = true;
    this.#isStarted ??= this.#startOnce();
    await this.#isStarted;
    await this.renewClient();
    await this.client.script('FLUSH');
  }

  /** Called after the tests of a file. They may leave settings and users, but no connections. */
  async takeBack(): Promise<void> {
    this.#isLent = false;
    for (const [name, value] of await this.#readSettings()) {
      const atStart = this.#settings.get(name) ?? '';
      if (value !== atStart) await this.client.config('SET', name, atStart);
    }
    for (const name of (await this.client.acl('USERS')) as string[]) {
      if (name !== 'default') await this.client.acl('DELUSER', name);
    }
    await waitFor(async () => (await this.#otherConnections()).length === 0, {
      message: "only the tests' own connection to the shared Redis is open",
    });
  }

  override stop(): Promise<void> {
    return refuse('stop');
  }

  override kill(): Promise<void> {
    return refuse('kill');
  }

  override freeze(): void {
    refuse('freeze');
  }

  override dispose(): Promise<void> {
    return refuse('dispose');
  }

  async #startOnce(): Promise<void> {
    await this.start();
    this.#settings = await this.#readSettings();
  }

  async #readSettings(): Promise<Map<string, string>> {
    const words = (await this.client.config('GET', '*')) as string[];
    return new Map(words.flatMap((name, index) => (index % 2 === 0 ? [[name, words[index + 1] ?? '']] : [])));
  }

  async #otherConnections(): Promise<string[]> {
    const connections = String(await this.client.client('LIST'))
      .trim()
      .split('\n');
    return connections.filter((line) => !line.includes(` name=${testConnectionName} `));
  }
}

function refuse(action: string): never {
  throw new Error(
    `Tests can't ${action} the Redis that they share: useRedis({ isOwn: true }) starts another one`,
  );
}

const shared = new SharedRedisServer();

/** A server for the tests of a file, empty before each test. It is the worker's server, unless there are options. */
export function useRedis(options?: RedisOptions): RedisServer {
  const server = options === undefined ? shared : new RedisServer(options);
  if (server instanceof SharedRedisServer) {
    beforeAll(() => server.lend());
    afterAll(() => server.takeBack());
  } else {
    beforeAll(() => server.start());
    afterAll(() => server.dispose());
  }
  beforeEach(() => server.flush());
  return server;
}

/**
 * A port without a listener. No other call of this run gets the same port: a server may be stopped for a while and come back.
 */
export async function freePort(): Promise<number> {
  while (true) {
    const port = lowestPort + Math.floor(Math.random() * (highestPort - lowestPort));
    if (!claim(port)) continue;
    const isFree = await new Promise<boolean>((resolve) => {
      const server = createServer();
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (isFree) return port;
  }
}

/** @returns whether this run had not claimed it yet */
function claim(port: number): boolean {
  const directory = process.env.RR_TEST_RUN;
  if (directory === undefined) return true;
  try {
    mkdirSync(join(directory, `port-${port}`));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function spawnServer(directory: string, port: number, options: RedisOptions) {
  const settings: Record<string, string> = {
    port: String(port),
    bind: '127.0.0.1',
    unixsocket: join(directory, 'redis.sock'),
    dir: directory,
    logfile: join(directory, 'redis.log'),
    save: '',
    appendonly: options.appendOnly === true ? 'yes' : 'no',
    appendfsync: 'always',
    'repl-diskless-sync-delay': '0',
  };
  if (options.password !== undefined) settings.requirepass = options.password;
  if (options.replicaOf !== undefined) {
    settings.replicaof = `${options.replicaOf.host} ${options.replicaOf.port}`;
  }
  if (options.acl !== undefined) {
    settings.aclfile = join(directory, 'users.acl');
    writeFileSync(settings.aclfile, options.acl);
  }
  const args = Object.entries(settings).flatMap(([name, value]) => [
    `--${name}`,
    ...(name === 'replicaof' ? value.split(' ') : [value]),
  ]);
  for (const name of options.without ?? []) args.push('--rename-command', name, '');
  return execa(serverProgram(), args, {
    ...{ stdin: 'ignore', stdout: 'ignore', stderr: 'ignore', reject: false },
    env: options.env ?? {},
  });
}

export function serverProgram(): string {
  for (const name of ['redis-server', 'valkey-server']) {
    for (const directory of (process.env.PATH ?? '').split(delimiter)) {
      const path = join(directory, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // Not in this directory.
      }
    }
  }
  throw new Error('neither redis-server nor valkey-server is on PATH; `npm test` installs one');
}

function readLog(directory: string): string {
  try {
    return readFileSync(join(directory, 'redis.log'), 'utf8');
  } catch {
    return '(no log)';
  }
}
