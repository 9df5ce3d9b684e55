import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { readConnections } from '../../../src/resque/redis/connection-set.ts';
import { sendOn } from '../../../src/resque/redis/send.ts';
import { useRedis } from '../../helpers/redis.ts';

const server = useRedis();

test('reads the connections of a server, with its run id', async () => {
  const info = await server.client.info('server');
  const open = await readConnections({ command: (send) => sendOn(server.client, send) });
  expect(info).toContain(`run_id:${open?.runId}`);
  expect(open?.ids.has(Number(await server.client.client('ID')))).toBe(true);
});

test('they are unknown if the user may not list them', async () => {
  for (const denied of ['client|list', 'client|id', 'info']) {
    await server.client.call('ACL', 'SETUSER', 'ann', 'reset', 'on', 'nopass', '~*', '+@all', `-${denied}`);
    const options = { port: server.port, username: 'ann', password: 'any', enableReadyCheck: false };
    const client = new Redis({ ...options, protocol: 2, disableClientInfo: true });
    try {
      expect(await readConnections({ command: (send) => sendOn(client, send) }), denied).toBeNull();
    } finally {
      client.disconnect();
    }
  }
});
