/** Connections to a master that a sentinel names. */
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { openConnection } from '../../../src/resque/redis/connection.ts';
import { freePort } from '../../helpers/redis.ts';
import { masterName, Sentinel } from '../../helpers/sentinel.ts';
import { waitFor } from '../../helpers/wait-for.ts';

test('tls encrypts them, so the password is not sent as plain text', async () => {
  const received: Buffer[] = [];
  const port = await freePort();
  const server = createServer((socket) => {
    socket.on('error', () => {
      // The other side has gone.
    });
    socket.on('data', (data) => {
      received.push(data);
      socket.destroy();
    });
  }).listen(port, '127.0.0.1');
  const sentinel = await Sentinel.start(port);
  const tls = { rejectUnauthorized: true, ca: null, cert: null, key: null, servername: null };
  const redis = openConnection(
    {
      ...{ kind: 'sentinel', sentinels: [{ host: '127.0.0.1', port: sentinel.port }], master: masterName },
      ...{ tls, db: 0, username: null, password: 'secret', sentinelUsername: null, sentinelPassword: null },
    },
    { name: 'test', connectTimeoutMs: 5_000 },
  );
  redis.on('error', () => {
    // The server ends every connection.
  });
  redis.connect().catch(() => {
    // As above.
  });
  // The sentinel connects, too, without TLS and without a password.
  const isHandshake = (data: Buffer) => data[0] === 0x16;
  const isClear = (data: Buffer) => data.includes('secret');
  await waitFor(() => received.some((data) => isHandshake(data) || isClear(data)), {
    message: 'the connection is there',
  });
  redis.disconnect();
  await sentinel.dispose();
  server.close();
  expect(received.filter(isClear)).toEqual([]);
});
