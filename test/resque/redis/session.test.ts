/** A session finds Redis, loses it and finds it again. */
import { describe, expect, test } from 'vitest';
import type { Redis } from '../../../src/resque/redis/connection.ts';
import { useRedis } from '../../helpers/redis.ts';
import { staysTrue, waitFor } from '../../helpers/wait-for.ts';
import { addressOf, otherClients } from '../client.ts';
import { SessionLog } from './session-log.ts';

const server = useRedis({ isOwn: true });
const clients = async () => otherClients(String(await server.client.client('LIST')));

test('a session is up as soon as Redis is, and reports its version', async () => {
  const log = new SessionLog(addressOf(server)).start();
  expect(log.session.isUp).toBe(false);
  await log.up();
  expect(log.ups).toEqual([{ serverVersion: expect.stringMatching(/^\d+\.\d+/), awayMs: null }]);
  expect([log.session.isUp, log.resumes]).toEqual([true, 1]);
  expect(log.downs).toEqual([]);
  expect(await log.session.command((commands) => commands.echo('x'))).toBe('x');
});

test('the names of connections identify the process', async () => {
  await new SessionLog(addressOf(server)).start().up();
  const names = (await clients()).map((line) => / name=(.*?) age/.exec(line)?.[1] ?? '');
  expect(names.filter((name) => name.startsWith('resque-runner'))).toHaveLength(2);
  expect(new Set(names).size).toBe(2);
});

test('resume runs before the session counts as up, and its failure is an outage', async () => {
  let isWilling = false;
  let wasUp = false;
  const log: SessionLog = new SessionLog(addressOf(server), async () => {
    wasUp ||= log.session.isUp;
    await log.session.command((commands) => commands.set('resumed', '1'));
    if (!isWilling) throw new Error('not yet');
  }).start();
  await log.down();
  isWilling = true;
  await log.up();
  expect(wasUp).toBe(false);
  expect(log.downs.map(String)).toEqual(['RedisError: not yet']);
  expect(log.resumes).toBeGreaterThan(1);
});

test('a missing Redis is reported once, and found when it starts', async () => {
  await server.stop();
  const log = new SessionLog(addressOf(server)).start();
  await log.down();
  await staysTrue(() => log.downs.length === 1 && log.ups.length === 0, { message: 'told once', forMs: 500 });
  await server.start();
  await log.up();
  expect(log.kinds).toEqual(['away']);
  expect(log.downs[0]?.message).toContain('ECONNREFUSED');
  expect(log.ups[0]?.awayMs).toBeGreaterThan(400);
});

test('a restart of Redis is one outage, and commands without a reply are rejected', async () => {
  const log = new SessionLog(addressOf(server)).start();
  await log.up();
  const blocked = log.session.blockingCommand((blocker) => blocker.blpop('nothing', 0));
  const rejected = expect(blocked).rejects.toMatchObject({ name: 'RedisError', kind: 'away' });
  await server.kill();
  await rejected;
  await log.down();
  await expect(log.session.command((commands) => commands.ping())).rejects.toMatchObject({ kind: 'away' });
  expect(log.session.isUp).toBe(false);
  await server.start();
  await log.up(2);
  expect(log.kinds).toEqual(['away']);
  expect(log.ups[1]?.awayMs).toBeGreaterThan(0);
  expect(await log.session.command((commands) => commands.ping())).toBe('PONG');
});

test.each([
  ['that waits', true],
  ['that does not wait', false],
])('if the connection %s is killed, the other one is closed too', async (_, waits) => {
  const log = new SessionLog(addressOf(server)).start();
  await log.up();
  const settled = Promise.allSettled([log.session.blockingCommand((blocker) => blocker.blpop('nothing', 0))]);
  const isWaiting = (line: string) => line.includes('cmd=blpop');
  const before = await waitFor(
    async () => {
      const lines = await clients();
      return lines.some(isWaiting) && lines;
    },
    { message: 'it waits' },
  );
  const idOf = (line = '') => /id=(\d+)/.exec(line)?.[1] ?? '';
  await server.client.client('KILL', 'ID', idOf(before.find((line) => isWaiting(line) === waits)));
  expect(await settled).toMatchObject([{ status: 'rejected', reason: { kind: 'away' } }]);
  await log.up(2);
  expect(log.downs).toHaveLength(1);
  await waitFor(async () => (await clients()).length === 2, { message: 'there are two connections' });
  expect((await clients()).filter((line) => before.map(idOf).includes(idOf(line)))).toEqual([]);
  expect(await log.session.unblock()).toBe(false);
});

test('unblock ends a wait, if there is one', async () => {
  const log = new SessionLog(addressOf(server)).start();
  await log.up();
  expect(await log.session.unblock()).toBe(false);
  const wait = log.session.blockingCommand((blocker) => blocker.blpop('nothing', 0));
  await waitFor(() => log.session.unblock(), { message: 'the wait is ended' });
  expect(await wait).toBeNull();
  expect(log.downs).toEqual([]);
});

test('a wait without a reply in time counts as a lost connection', async () => {
  const log = new SessionLog(addressOf(server)).start();
  await log.up();
  const away = { name: 'RedisError', kind: 'away', message: 'no answer within 0.05 s' };
  const forEver = (blocker: Redis) => blocker.blpop('nothing', 0);
  await expect(log.session.blockingCommand(forEver, 50)).rejects.toMatchObject(away);
  await expect(log.session.extraBlockingCommand('mail', forEver, 50)).rejects.toMatchObject(away);
});

test('a reply that arrived while the process was stopped counts, even after its time limit', async () => {
  const log = new SessionLog(addressOf(server)).start();
  await log.up();
  await server.client.rpush('jobs', 'one');
  const wait = log.session.blockingCommand((blocker) => blocker.blpop('jobs', 0), 50);
  await new Promise((resolve) => setImmediate(resolve));
  // As long as nothing else of this process runs, it may as well be stopped.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
  expect(await wait).toEqual(['jobs', 'one']);
});

test('a refused command keeps the session up', async () => {
  const log = new SessionLog(addressOf(server)).start();
  await log.up();
  await server.client.set('text', 'x');
  await expect(log.session.command((commands) => commands.lpop('text'))).rejects.toMatchObject({
    name: 'RedisError',
    kind: 'refused',
    message: expect.stringContaining('WRONGTYPE'),
  });
  expect([log.session.isUp, log.downs.length]).toEqual([true, 0]);
});

test('connections reported as unusable are replaced', async () => {
  const log = new SessionLog(addressOf(server)).start();
  await log.up();
  log.session.fail(new Error('dead'));
  log.session.fail(new Error('dead again'));
  await log.up(2);
  expect(log.downs.map(({ message }) => message)).toEqual(['dead']);
  expect(await clients()).toHaveLength(2);
});

describe('a closed session has no connection and no timer,', () => {
  /** Sockets that keep this process alive. */
  const handles = () =>
    process
      .getActiveResourcesInfo()
      .filter((name) => /TCP|Connect/.test(name))
      .sort();

  async function leavesNothing(log: SessionLog, before: readonly string[]): Promise<void> {
    const { ups, downs } = { ups: log.ups.length, downs: log.downs.length };
    log.session.close();
    await waitFor(() => log.timers.size === 0, { message: 'the session has no timer', timeoutMs: 1_500 });
    await waitFor(() => String(handles()) === String(before), {
      message: () => `only ${String(before)} is left of ${String(handles())}`,
      timeoutMs: 1_500,
    });
    expect([log.ups.length, log.downs.length]).toEqual([ups, downs]);
    expect(log.session.isUp).toBe(false);
    await waitFor(async () => (await clients()).length === 0, { message: 'Redis has no connection of it' });
  }

  test('if it was up', async () => {
    const before = handles();
    const log = new SessionLog(addressOf(server)).start();
    await log.up();
    await leavesNothing(log, before);
  });

  test('with a command underway', async () => {
    const before = handles();
    const log = new SessionLog(addressOf(server)).start();
    await log.up();
    const commands = [
      log.session.command((connection) => connection.blpop('nothing', 0)),
      log.session.blockingCommand((connection) => connection.blpop('nothing', 0)),
    ];
    const results = Promise.allSettled(commands);
    await leavesNothing(log, before);
    expect((await results).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });

  test('while opening', async () => {
    const before = handles();
    await leavesNothing(new SessionLog(addressOf(server)).start(), before);
  });

  test('while waiting to try again', async () => {
    const before = handles();
    const log = new SessionLog({ ...addressOf(server), port: 1 }).start();
    await log.down();
    await leavesNothing(log, before);
  });

  test('if it was never started', async () => {
    await leavesNothing(new SessionLog(addressOf(server)), handles());
  });
});
