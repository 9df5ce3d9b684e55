/** Redis that is there and doesn't take us. */
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { outageText } from '../../../src/resque/redis/connection.ts';
import { redisErrorOf } from '../../../src/resque/redis/redis-error.ts';
import { RedisProxy } from '../../engine/redis-proxy.ts';
import { freePort, RedisServer, useRedis } from '../../helpers/redis.ts';
import { addressOf } from '../client.ts';
import { SessionLog } from './session-log.ts';

const server = useRedis({ password: 'right' });

test.each([
  ['a wrong password', 'wrong'],
  ['no password', null],
])('%s is reported, and connecting is tried again', async (_, password) => {
  const log = new SessionLog(addressOf(server, password)).start();
  await log.down();
  expect(log.kinds).toEqual(['denied']);
  expect(log.downs[0]?.message).toMatch(/WRONGPASS|NOAUTH/);
  await server.client.config('SET', 'requirepass', password ?? '');
  try {
    await log.up();
    expect(log.kinds).toEqual(['denied']);
  } finally {
    await server.client.config('SET', 'requirepass', 'right');
  }
});

test('the right password is accepted', async () => {
  const log = new SessionLog(addressOf(server, 'right')).start();
  await log.up();
  expect(log.downs).toEqual([]);
});

test('a missing database is reported, and nothing is written elsewhere', async () => {
  const log = new SessionLog({ ...addressOf(server, 'right'), db: 9_999 }).start();
  await log.down();
  expect(log.downs[0]?.message).toContain('DB index');
  expect(log.resumes).toBe(0);
});

test('a replica is left alone until it is promoted', async () => {
  const master = new RedisServer();
  const replica = new RedisServer();
  onTestFinished(async () => {
    await replica.dispose();
    await master.dispose();
  });
  await master.start();
  await replica.start();
  await replica.client.replicaof('127.0.0.1', master.port);
  const log = new SessionLog(addressOf(replica)).start();
  await log.down();
  expect(log.kinds).toEqual(['readonly']);
  expect(log.resumes).toBe(0);
  await replica.client.replicaof('NO', 'ONE');
  await log.up();
  expect(log.kinds).toEqual(['readonly']);
});

test('each kind of error is reported once per outage', async () => {
  await server.stop();
  const log = new SessionLog(addressOf(server, 'wrong')).start();
  await log.down();
  await server.start();
  await log.down(2);
  await server.client.config('SET', 'requirepass', 'wrong');
  await log.up();
  expect(log.kinds).toEqual(['away', 'denied']);
  await server.client.config('SET', 'requirepass', 'right');
});

test('a server that is not Redis is reported, and Redis is found when it replaces that', async () => {
  const http = createHttpServer((_, response) => response.end('hello'));
  const port = await freePort();
  await new Promise<void>((resolve) => http.listen(port, '127.0.0.1', resolve));
  const address = { ...addressOf(server, 'right'), port };
  const log = new SessionLog(address).start();
  await log.down();
  await new Promise((resolve) => http.close(resolve));
  expect(log.downs.map((trouble) => outageText(address, trouble))).toEqual([
    `redis://127.0.0.1:${port}/0: not a Redis; check host and port`,
  ]);
  const proxy = new RedisProxy(server.port);
  await proxy.listen(port);
  onTestFinished(() => proxy.dispose());
  await log.up();
});

test('a peer that accepts connections and never answers is an outage after about 10 s', async () => {
  const sockets: Socket[] = [];
  const peer = createServer((socket) => sockets.push(socket.on('error', () => {})));
  const port = await freePort();
  await new Promise<void>((resolve) => peer.listen(port, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    peer.close();
  });
  const speed = 50;
  const start = performance.now();
  const log = new SessionLog({ ...addressOf(server), port }, undefined, speed).start();
  await log.down();
  expect((performance.now() - start) * speed).toBeGreaterThan(9_900);
  expect(Math.max(...log.delays)).toBeLessThan(11_500);
  expect(log.kinds).toEqual(['away']);
  expect(log.downs[0]?.message).toContain('no answer');
});

test('commands without a reply are rejected before the next connection is up', async () => {
  const proxy = new RedisProxy(server.port);
  await proxy.listen();
  onTestFinished(() => proxy.dispose());
  const log = new SessionLog({ ...addressOf(server, 'right'), port: proxy.port }).start();
  await log.up();
  proxy.judge = (text) => (text.includes('unanswered') ? 'silence' : 'pass');
  let isSettled = false;
  const settle = () => {
    isSettled = true;
  };
  log.session.command((commands) => commands.echo('unanswered')).then(settle, settle);
  await log.up(2);
  expect(isSettled).toBe(true);
});

test.each([
  ['ECONNREFUSED', 'away'],
  ['Unknown RESP type 60 "<". Please report this.', 'foreign'],
  ['All sentinels are unreachable. Last error: Unknown RESP type 72 "H". Please report this.', 'foreign'],
  ['Connection is closed.', 'away'],
  ['WRONGPASS invalid username-password pair', 'denied'],
  ['NOAUTH Authentication required.', 'denied'],
  ['NOPERM this user has no permissions', 'denied'],
  ['READONLY You can not write against a read only replica.', 'readonly'],
  ['LOADING Redis is loading the dataset in memory', 'away'],
  ['MASTERDOWN Link with MASTER is down', 'away'],
  ['OOM command not allowed', 'refused'],
  ['MISCONF Redis is configured to save RDB snapshots', 'refused'],
])('errors are sorted by what to do about them: %s', (message, kind) => {
  const error = new Error(message);
  if (/^[A-Z]+ /.test(message)) error.name = 'ReplyError';
  expect(redisErrorOf(error)).toMatchObject({ name: 'RedisError', kind, cause: error });
  expect(redisErrorOf(redisErrorOf(error))).toMatchObject({ kind });
});
