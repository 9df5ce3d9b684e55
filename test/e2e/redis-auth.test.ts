/** A wrong password: reported once and retried, until it is corrected. */
import { expect, test } from 'vitest';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import { waitFor } from '../helpers/wait-for.ts';

const e2e = useEndToEnd({ isInProcess: true, redis: { password: 'the-right-one' } });
const job = { class: 'Job', args: [] };

/** Connections that Redis has ever accepted. */
async function connectionCount(): Promise<number> {
  const stats = await e2e.client.info('stats');
  return Number(/total_connections_received:(\d+)/.exec(stats)?.[1]);
}

test.each([
  ['wrong', { password: 'the-wrong-one' }, 'the-wrong-one'],
  ['missing', {}, ''],
  ['of a user that is unknown', { username: 'nobody', password: 'secret-word' }, 'secret-word'],
])('a password that is %s', async (_how, auth, secret) => {
  const redis = { server: '127.0.0.1', port: e2e.redis.port };
  const script = e2e.script('exit 0');
  const runner = await e2e.run(
    { redis: { ...redis, ...auth }, runners: { mail: 1 }, script },
    { awaitRedis: false },
  );
  const { reason } = await runner.waitForLine('redis.down');
  // The same words as in `check` and every other command.
  expect(reason).toMatch(/^redis:\/\/(nobody@)?127\.0\.0\.1:\d+\/0: (NOAUTH|WRONGPASS) /);
  expect(reason).toMatch(
    /; (give its password, as in redis:\/\/:PASSWORD@HOST:PORT|check user name and password)$/,
  );
  const before = await connectionCount();
  const retry = async () => {
    await e2e.pass(1);
    return (await connectionCount()) >= before + 6;
  };
  await waitFor(retry, { message: 'the runner tries again and again' });
  expect(runner.all('redis.down')).toHaveLength(1);
  expect(runner.hasExited).toBe(false);
  await e2e.enqueue('mail', job);
  try {
    if ('username' in auth) {
      await e2e.client.acl('SETUSER', 'nobody', 'on', '>secret-word', '~*', '&*', '+@all');
    } else await e2e.client.config('SET', 'requirepass', secret);
    await e2e.pass(5);
    await runner.waitForFinished(1);
    const told = runner.lines.filter(({ event }) => event.startsWith('redis.'));
    expect(told.map(({ event }) => event)).toEqual(['redis.down', 'redis.up']);
    await runner.stop();
    if (secret !== '') expect(JSON.stringify(runner.lines)).not.toContain(secret);
  } finally {
    await e2e.client.config('SET', 'requirepass', 'the-right-one');
    await e2e.client.acl('DELUSER', 'nobody');
  }
});
