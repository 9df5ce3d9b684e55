import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, test } from 'vitest';
import { OperatingError } from '../../../src/cli/command-line/exit-codes.ts';
import { processIo } from '../../../src/cli/command-line/io.ts';
import {
  type EmbeddedRedis,
  findEmbeddedRedis,
  startEmbeddedRedis,
} from '../../../src/cli/redis/embedded-redis.ts';
import { isAlive } from '../../helpers/processes.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { useDirectory } from '../directory.ts';
import { program } from '../program.ts';

const directory = useDirectory();
const started: EmbeddedRedis[] = [];
const path = process.env.PATH;
const temporary = process.env.TMPDIR;

afterEach(async () => {
  process.env.PATH = path;
  if (temporary === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = temporary;
  await Promise.all(started.splice(0).map((redis) => redis.stop()));
});

async function start(name = 'data', options?: { isTemporary: boolean }): Promise<EmbeddedRedis> {
  const redis = await startEmbeddedRedis(processIo(), join(directory.path, name), options);
  started.push(redis);
  return redis;
}

async function ask<T>({ redis }: EmbeddedRedis, question: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis({ path: redis.path, protocol: 2, disableClientInfo: true });
  try {
    return await question(client);
  } finally {
    client.disconnect();
  }
}

function serverPid(redis: EmbeddedRedis): Promise<number> {
  return ask(redis, async (client) => Number(/process_id:(\d+)/.exec(await client.info('server'))?.[1]));
}

describe('an embedded Redis', () => {
  test('is reachable only through a socket that only its user can open', async () => {
    const redis = await start();
    expect(redis.redis.path).toBe(join(directory.path, 'data', 'redis.sock'));
    expect(statSync(redis.redis.path).mode & 0o777).toBe(0o600);
    expect(statSync(join(directory.path, 'data')).mode & 0o777).toBe(0o700);
    expect(await ask(redis, (client) => client.config('GET', 'port'))).toEqual(['port', '0']);
    expect(readFileSync(join(directory.path, 'data', '.gitignore'), 'utf8')).toBe('*\n');
  });

  test('keeps its data across a restart, and its process ends when asked', async () => {
    const first = await start();
    const pid = await serverPid(first);
    await ask(first, (client) => client.set('a', '1'));
    await first.stop();
    expect(isAlive(pid)).toBe(false);
    expect(existsSync(join(directory.path, 'data', 'lock'))).toBe(false);
    expect(await ask(await start(), (client) => client.get('a'))).toBe('1');
  });

  test('is shared by all runners that use the same directory, even if they start together', async () => {
    const all = await Promise.all([start(), start(), start()]);
    expect(new Set(await Promise.all(all.map(serverPid))).size).toBe(1);
    expect(await findEmbeddedRedis(join(directory.path, 'data'))).toEqual(all[0]?.redis);
  });

  test('keeps running when a runner stops that only joined', async () => {
    const owner = await start();
    const guest = await start();
    await guest.stop();
    expect(await ask(owner, (client) => client.ping())).toBe('PONG');
  });

  test('passes to a runner that only joined when the one that started it stops', async () => {
    const owner = await start();
    const guests = [await start(), await start()];
    await ask(owner, (client) => client.set('a', '1'));
    const pid = await serverPid(owner);
    await owner.stop();
    expect(isAlive(pid)).toBe(false);
    const found = await waitFor(() => findEmbeddedRedis(join(directory.path, 'data')), {
      message: 'it goes over',
    });
    expect(found).toEqual(owner.redis);
    expect(await ask(owner, (client) => client.get('a'))).toBe('1');
    await Promise.all(guests.map((guest) => guest.stop()));
    expect(await findEmbeddedRedis(join(directory.path, 'data'))).toBeNull();
    expect(existsSync(join(directory.path, 'data', 'lock'))).toBe(false);
  });

  test('is not found if none is running', async () => {
    expect(await findEmbeddedRedis(join(directory.path, 'none'))).toBeNull();
    const redis = await start();
    await redis.stop();
    expect(await findEmbeddedRedis(join(directory.path, 'data'))).toBeNull();
  });

  test('works in a directory with spaces, quotes and a long name', async () => {
    process.env.TMPDIR = directory.path;
    const name = `it's "my" data\\n ${'x'.repeat(110)}`;
    const redis = await start(name);
    expect(redis.redis.path.startsWith(join(directory.path, name))).toBe(false);
    expect(statSync(redis.redis.path).mode & 0o777).toBe(0o600);
    expect(await findEmbeddedRedis(join(directory.path, name))).toEqual(redis.redis);
    await ask(redis, (client) => client.set('a', '1'));
    await redis.stop();
    expect(existsSync(redis.redis.path)).toBe(false);
    expect(await ask(await start(name), (client) => client.get('a'))).toBe('1');
  });

  test('with a long name is shared by runners whose temporary directories differ', async () => {
    process.env.TMPDIR = directory.path;
    const first = await start('x'.repeat(110));
    process.env.TMPDIR = '/elsewhere';
    const second = await start('x'.repeat(110));
    expect(second.redis).toEqual(first.redis);
    expect(await serverPid(second)).toBe(await serverPid(first));
  });

  test('with a long name refuses a directory for its socket that others can enter', async () => {
    process.env.TMPDIR = directory.path;
    mkdirSync(join(directory.path, `resque-runner-${process.getuid?.()}`), { mode: 0o755 });
    await expect(start('x'.repeat(110))).rejects.toThrow('open to other users');
  });

  test('starts even if a power failure has left a lock', async () => {
    const { stdout: pid } = await execa('sh', ['-c', 'echo $$']);
    mkdirSync(join(directory.path, 'data'));
    writeFileSync(join(directory.path, 'data', 'lock'), `${pid}\n`);
    expect(await ask(await start(), (client) => client.ping())).toBe('PONG');
  });

  test('removes its temporary directory when it stops', async () => {
    const redis = await start('data', { isTemporary: true });
    await redis.stop();
    expect(readdirSync(directory.path)).toEqual([]);
  });

  test('says why it does not start, from its log', async () => {
    mkdirSync(join(directory.path, 'data', 'appendonlydir'), { recursive: true });
    mkdirSync(join(directory.path, 'data', 'appendonlydir', 'appendonly.aof.manifest'));
    mkdirSync(join(directory.path, 'data', 'appendonly.aof'));
    const failure = await startEmbeddedRedis(processIo(), join(directory.path, 'data')).catch(
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(OperatingError);
    expect(String(failure)).toMatch(
      /can't be used: it ended with exit code 1\n.*redis\.log, ends with:\n {2}/,
    );
  });

  test('says how to install a server if none is on PATH', async () => {
    process.env.PATH = directory.path;
    await expect(start()).rejects.toThrow(/neither redis-server nor valkey-server is on PATH; (install|use)/);
  });
});

test('a killed runner takes its embedded Redis with it, and its data is there at the next start', async () => {
  const config = { redis: 'embedded', runners: { mail: 1 }, script: '/bin/true' };
  writeFileSync(join(directory.path, 'cfg.json'), JSON.stringify(config));
  const runner = execa(process.execPath, [program, '--no-ui'], {
    cwd: directory.path,
    // A killed runner leaves its socket.
    env: { TMPDIR: directory.path },
    reject: false,
  });
  const data = join(directory.path, '.resque-runner');
  await waitFor(async () => (await findEmbeddedRedis(data)) !== null, { message: 'Redis runs' });
  const guest = await start('.resque-runner');
  const pid = await serverPid(guest);
  await ask(guest, (client) => client.set('a', '1'));
  runner.kill('SIGKILL');
  await runner;
  await waitFor(() => !isAlive(pid), { message: 'Redis has ended' });
  expect(await ask(await start('.resque-runner'), (client) => client.get('a'))).toBe('1');
});
