/** What `check` finds about delayed jobs, and repairs. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { useRedis } from '../../helpers/redis.ts';
import {
  leaderLock,
  masterLock,
  past,
  rubyItem,
  schedule,
  undeliverable,
} from '../../resque/delayed/stage.ts';
import { useDirectory } from '../directory.ts';
import { runCommand } from '../run-command.ts';

const server = useRedis();
const directory = useDirectory();

async function check(args: readonly string[] = [], config: object = {}) {
  const redis = `redis://127.0.0.1:${server.port}`;
  writeFileSync(
    join(directory.path, 'cfg.json'),
    JSON.stringify({ redis, runners: { mail: 1 }, script: '/bin/true', ...config }),
  );
  const { code, stdout } = await runCommand(['check', ...args], { cwd: directory.path });
  return { code, data: stdout.split('\n').filter((line) => /^\S+ +(data|permission) /.test(line)) };
}

const delayed = (time: number) => server.client.rpush(`resque:delayed:${time}`, rubyItem('mail', time));

describe('check', () => {
  test('finds lists of delayed jobs that are missing in the schedule, and enters them', async () => {
    await delayed(past);
    await delayed(past + 1);
    await delayed(past + 2);
    await server.client.zadd(schedule, past + 1, past + 1);
    // These only look like lists of delayed jobs.
    await server.client.hset('resque:delayed:last_enqueued_at', 'nightly', '2026-11-28 03:00:00 +0100');
    await server.client.set('resque:delayed:77', 'x');
    const found = await check();
    expect(found.code).toBe(1);
    expect(found.data.join('\n')).toMatch(
      /FAIL +data +2 lists of delayed jobs are missing in the schedule, so no scheduler will move them: (1700000000, 1700000002|1700000002, 1700000000); --repair enters their times into the schedule/,
    );
    const repaired = await check(['--repair']);
    expect(repaired.code).toBe(0);
    expect(repaired.data.join('\n')).toContain('repaired: their times are in the schedule');
    expect(await server.client.zrange(schedule, 0, '-1', 'WITHSCORES')).toEqual(
      [past, past + 1, past + 2].flatMap((time) => [String(time), String(time)]),
    );
    expect((await check()).code).toBe(0);
  });

  test('says that two schedulers hold different locks', async () => {
    await server.client.set(masterLock, 'ruby:1');
    await server.client.set(leaderLock, 'ruby:1');
    expect((await check()).code).toBe(0);
    await server.client.set(leaderLock, 'node:2');
    for (const args of [[], ['--repair']]) {
      const { code, data } = await check(args);
      expect(code).toBe(1);
      expect(data.join('\n')).toMatch(
        /FAIL +data +two schedulers move delayed jobs at the same time, ruby:1 \(resque-scheduler\) and node:2 \(node-resque\): together they lose and repeat jobs; stop one of them/,
      );
    }
    // With another prefix, it is another lock.
    expect((await check([], { schedulerLockPrefix: 'blue' })).code).toBe(0);
  });

  test('warns of schedules that a Ruby scheduler may have in its memory, if the config takes its lock', async () => {
    await server.client.hset('resque:delayed:last_enqueued_at', {
      ours: 'x',
      kept: 'x',
      'Ruby 1': 'x',
      ruby2: 'x',
    });
    await server.client.hset('resque:persistent_schedules', 'kept', '{}');
    expect((await check()).data.join('\n')).not.toContain('last_enqueued_at');
    const schedules = { ours: { every: '1h', queue: 'mail', class: 'A' } };
    const { code, data } = await check([], { schedules });
    expect(code).toBe(0);
    expect(data.join('\n')).toMatch(
      /warn +data +2 schedules in delayed:last_enqueued_at are neither in this config nor in persistent_schedules: Ruby 1, ruby2; if resque-scheduler has them in its schedule file, move them to this config/,
    );
  });

  test('warns of jobs that could not be moved', async () => {
    await server.client.rpush(undeliverable, 'not JSON', '{}');
    const { code, data } = await check();
    expect(code).toBe(0);
    expect(data.join('\n')).toMatch(
      /WARN +data +2 delayed jobs could not be moved to a queue; see the list runner:undeliverable/i,
    );
  });

  test('tests the permissions to move delayed jobs, but only if the config needs them', async () => {
    await server.client.acl('SETUSER', 'default', '-zrem', '-srem');
    await server.client.acl('SETUSER', 'default', '+srem');
    try {
      expect((await check()).code).toBe(0);
      const { code, data } = await check([], { scheduler: 'on' });
      expect(code).toBe(1);
      expect(data.join('\n')).toMatch(/FAIL +permission +ZREM: no permission/);
    } finally {
      await server.client.acl('SETUSER', 'default', '+@all');
    }
  });

  test.each([
    [schedule, 'zset'],
    [undeliverable, 'list'],
    ['resque:delayed:last_enqueued_at', 'hash'],
    ['resque:persistent_schedules', 'hash'],
  ])('finds %s if it has another type', async (key, expected) => {
    await server.client.set(key, 'x');
    const { code, data } = await check();
    expect(code).toBe(1);
    expect(data.join('\n')).toContain(`key ${key} is a string but should be a ${expected}`);
  });
});
