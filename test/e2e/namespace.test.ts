/** Redis settings: another key prefix, another database, a Unix socket, a password. */
import { expect, test } from 'vitest';
import { useEndToEnd } from '../helpers/end-to-end.ts';

const e2e = useEndToEnd({ namespace: 'acme:resque', redis: { password: 'p@ss/w:rd' } });
const job = { class: 'Job', args: [] };
const namespace = 'acme:resque';
const password = 'p@ss/w:rd';

test('a namespace is the prefix of every key', async () => {
  const redis = { server: '127.0.0.1', port: e2e.redis.port, password };
  await e2e.enqueue('mail', job, 'not JSON');
  const runner = await e2e.run({ redis, namespace, runners: { mail: 1 }, script: '/bin/true' });
  await runner.waitForFinished(1);
  await e2e.failures(1);
  await e2e.waitForStat('processed', 2);
  expect((await e2e.client.keys('*')).filter((key) => !key.startsWith(e2e.prefix))).toEqual([]);
});

test('a URL sets host, password and database', async () => {
  const url = `redis://:${encodeURIComponent(password)}@127.0.0.1:${e2e.redis.port}/3`;
  await e2e.client.select(3);
  try {
    await e2e.enqueue('mail', job);
    const runner = await e2e.run({ redis: url, namespace, runners: { mail: 1 }, script: '/bin/true' });
    await runner.waitForFinished(1);
    await runner.stop();
    expect(await e2e.stat('processed')).toBe(1);
    expect(JSON.stringify(runner.lines)).not.toContain('p@ss');
    expect(JSON.stringify(runner.lines)).not.toContain(encodeURIComponent('p@ss'));
    await e2e.client.flushdb();
  } finally {
    await e2e.client.select(0);
  }
});

test('a Unix socket works', async () => {
  const redis = { path: e2e.redis.socketPath, password };
  await e2e.enqueue('mail', job);
  const runner = await e2e.run({ redis, namespace, runners: { mail: 1 }, script: '/bin/true' });
  await runner.waitForFinished(1);
});

test('--redis overrides the config', async () => {
  const url = `redis://:${encodeURIComponent(password)}@127.0.0.1:${e2e.redis.port}/0`;
  const config = { redis: 'redis://127.0.0.1:1/0', namespace, runners: { mail: 1 }, script: '/bin/true' };
  await e2e.enqueue('mail', job);
  const runner = await e2e.run(config, { args: ['--redis', url] });
  await runner.waitForFinished(1);
});
