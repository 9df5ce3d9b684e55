/** A server that accepts connections and never answers, from the start. */
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type RunOptions, useEndToEnd } from '../helpers/end-to-end.ts';
import { freePort } from '../helpers/redis.ts';
import type { Runner } from '../helpers/runner.ts';
import { waitFor } from '../helpers/wait-for.ts';

const e2e = useEndToEnd({ isInProcess: true });
let port = 0;
let server: Server;
let sockets: Socket[] = [];

beforeEach(async () => {
  sockets = [];
  port = await freePort();
  server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {
      // The runner may reset it.
    });
    socket.resume();
  }).listen(port, '127.0.0.1');
});

afterEach(() => {
  for (const socket of sockets) socket.destroy();
  server.close();
});

async function runUntilConnected(options: RunOptions = {}): Promise<Runner> {
  const config = { redis: { server: '127.0.0.1', port }, runners: { mail: 1 }, script: '/bin/true' };
  const runner = await e2e.run(config, { awaitRedis: false, ...options });
  await waitFor(() => sockets.length > 0, { message: 'the runner has connected' });
  return runner;
}

test('the runner notices it within 30 s, reports it once, and ends on TERM', async () => {
  const runner = await runUntilConnected();
  await e2e.pass(30);
  await runner.waitForLine('redis.down', undefined, { timeoutMs: 1_000 });
  expect(await runner.stop()).toEqual({ code: 0, signal: undefined });
  expect(runner.all('redis.down')).toHaveLength(1);
  expect(runner.all('redis.up')).toEqual([]);
});

test('its process ends on TERM while it waits for a reply', async () => {
  const runner = await runUntilConnected({ isProgram: true });
  expect(await runner.stop()).toEqual({ code: 0, signal: undefined });
  expect(runner.all('redis.up')).toEqual([]);
});
