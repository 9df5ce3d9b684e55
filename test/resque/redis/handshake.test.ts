/** Servers that keep INFO, or ROLE as well, from us. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { openConnection, type ReachableRedis } from '../../../src/resque/redis/connection.ts';
import { connected, handshake } from '../../../src/resque/redis/handshake.ts';
import { type RedisOptions, RedisServer } from '../../helpers/redis.ts';
import { addressOf } from '../client.ts';

async function started(options: RedisOptions): Promise<RedisServer> {
  const server = new RedisServer(options);
  onTestFinished(() => server.dispose());
  await server.start();
  return server;
}

async function greet(redis: ReachableRedis): ReturnType<typeof handshake> {
  const connection = openConnection(redis, { name: 'handshake', connectTimeoutMs: 5_000 });
  onTestFinished(() => connection.disconnect());
  await connected(connection);
  return await handshake(connection);
}

const nothing = { serverVersion: 'unknown', runId: '' };

describe.each<[string, (commands: readonly string[]) => RedisOptions]>([
  [
    'not permitted',
    (commands) => ({
      acl: `user default on nopass ~* &* +@all ${commands.map((name) => `-${name}`).join(' ')}`,
    }),
  ],
  ['unknown', (commands) => ({ without: commands })],
])('where INFO is %s', (_, optionsFor) => {
  test('a master is accepted, and nothing is known of it', async () => {
    const server = await started(optionsFor(['INFO']));
    expect(await greet(addressOf(server))).toMatchObject(nothing);
  });

  test('ROLE identifies a replica', async () => {
    const server = await started(optionsFor(['INFO']));
    await server.client.replicaof('127.0.0.1', 1);
    await expect(greet(addressOf(server))).rejects.toMatchObject({ kind: 'readonly' });
  });

  test('and ROLE too, any server is accepted', async () => {
    const server = await started(optionsFor(['INFO', 'ROLE']));
    expect(await greet(addressOf(server))).toMatchObject(nothing);
  });
});

test('a missing password is not a refusal of INFO', async () => {
  const server = await started({ password: 'right' });
  await expect(greet(addressOf(server))).rejects.toThrow('NOAUTH');
});
