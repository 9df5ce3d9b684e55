/** A wrong password: reported once and retried, until it is corrected. */
import { expect, test } from 'vitest';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import { staysTrue } from '../helpers/wait-for.ts';

const e2e = useEndToEnd({ redis: { password: 'the-right-one' } });
const job = { class: 'Job', args: [] };

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
  await staysTrue(() => runner.all('redis.down').length === 1 && !runner.hasExited, {
    message: 'the error is reported once and the connection retried',
    forMs: 1500,
  });
  await e2e.enqueue('mail', job);
  try {
    if ('username' in auth) {
      await e2e.client.acl('SETUSER', 'nobody', 'on', '>secret-word', '~*', '&*', '+@all');
    } else await e2e.client.config('SET', 'requirepass', secret);
    await runner.waitForFinished(1, 15_000);
    const told = runner.lines.filter(({ event }) => event.startsWith('redis.'));
    expect(told.map(({ event }) => event)).toEqual(['redis.down', 'redis.up']);
    await runner.stop();
    if (secret !== '') expect(JSON.stringify(runner.lines)).not.toContain(secret);
  } finally {
    await e2e.client.config('SET', 'requirepass', 'the-right-one');
    await e2e.client.acl('DELUSER', 'nobody');
  }
});
