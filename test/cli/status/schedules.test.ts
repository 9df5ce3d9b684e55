/** The schedules that `status` counts. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { useRedis } from '../../helpers/redis.ts';
import { useDirectory } from '../directory.ts';
import { runCommand } from '../run-command.ts';

const redis = useRedis();
const directory = useDirectory();
const persisted = 'resque:persistent_schedules';

function configure(schedules: object): void {
  const config = {
    redis: { server: '127.0.0.1', port: redis.port },
    runners: { mail: 1 },
    script: '/bin/true',
    schedules,
  };
  writeFileSync(join(directory.path, 'cfg.json'), JSON.stringify(config));
}

async function status(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand(['status', ...args], { cwd: directory.path });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}
const schedules = async () => JSON.parse(await status('--json')).schedules as unknown;

test('there are none without a config, and without any in it or in Redis', async () => {
  const { stdout } = await runCommand(['status', '--json', '--redis', `redis://127.0.0.1:${redis.port}`]);
  expect(JSON.parse(stdout).schedules).toBe(null);
  configure({});
  expect(await schedules()).toBe(null);
  expect(await status()).not.toContain('schedule');
});

test('those of the config and of Redis are counted, and the one that is due first is named', async () => {
  configure({
    often: { every: '1h', queue: 'mail', class: 'A' },
    leap: { cron: '0 3 29 2 * UTC', queue: 'mail', class: 'B' },
  });
  const now = Math.floor(Date.now() / 1_000);
  const last = (agoSeconds: number) =>
    new Date((now - agoSeconds) * 1_000).toISOString().replace('T', ' ').replace('.000Z', ' +0000');
  await redis.client.hset('resque:delayed:last_enqueued_at', 'often', last(600), 'theirs', last(0));
  await redis.client.hset(persisted, 'theirs', '{"every":"1d","queue":"mail","class":"C"}');
  await redis.client.hset(persisted, 'broken', '{"every":"1d","class":"D"}');
  const { nextInSeconds, ...rest } = (await schedules()) as { nextInSeconds: number };
  expect(rest).toEqual({ count: 3, nextName: 'often' });
  expect(nextInSeconds).toBeGreaterThan(2_900);
  expect(nextInSeconds).toBeLessThanOrEqual(3_000);
  expect(await status()).toMatch(/ · 3 schedules, next often in (49|50) min/);
});

test('a key of another type hides them, and nothing else', async () => {
  configure({ often: { every: '1h', queue: 'mail', class: 'A' } });
  await redis.client.set(persisted, 'x');
  expect(await schedules()).toBe(null);
});
