/** A server that accepts connections and never answers, from the start. */
import { createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import { freePort } from '../helpers/redis.ts';

const e2e = useEndToEnd({ timeoutMs: 60_000 });

test('the runner notices it within 30 s, reports it once, and ends on TERM', async () => {
  const sockets: Socket[] = [];
  const port = await freePort();
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {
      // The runner may reset it.
    });
    socket.resume();
  }).listen(port, '127.0.0.1');
  try {
    const config = { redis: { server: '127.0.0.1', port }, runners: { mail: 1 }, script: '/bin/true' };
    const runner = await e2e.run(config, { awaitRedis: false });
    await runner.waitForLine('redis.down', undefined, { timeoutMs: 31_000 });
    expect(await runner.stop()).toEqual({ code: 0, signal: undefined });
    expect(runner.all('redis.down')).toHaveLength(1);
    expect(runner.all('redis.up')).toEqual([]);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
});
