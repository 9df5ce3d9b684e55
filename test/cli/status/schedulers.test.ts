/** The schedulers that `status` shows. */
import { describe, expect, test } from 'vitest';
import { useRedis } from '../../helpers/redis.ts';
import { leaderLock, masterLock, past, rubyItem, schedule } from '../../resque/delayed/stage.ts';
import { runCommand } from '../run-command.ts';

const redis = useRedis();
const ours = 'web1.runner:7';

const status = async (...args: readonly string[]) =>
  (await runCommand(['status', '--redis', `redis://127.0.0.1:${redis.port}`, ...args])).stdout;
const schedulers = async () => JSON.parse(await status('--json')).schedulers as unknown;

async function registerRunner(about: object): Promise<void> {
  const entry = {
    nonce: 'n',
    machine: 'm',
    pid: 7,
    startedAt: '',
    requeues: [],
    maxRecoveries: 3,
    seenAtMs: 0,
  };
  await redis.client.hset('resque:runners', ours, JSON.stringify({ ...entry, ...about }));
}

describe('status', () => {
  test('names the holder of a lock, by the kind of the lock', async () => {
    expect(await schedulers()).toEqual([]);
    await redis.client.set(masterLock, 'ruby.example.org:4711');
    expect(await schedulers()).toEqual([
      { name: 'ruby.example.org:4711', kind: 'resque-scheduler', holdsLock: true },
    ]);
    expect(await status()).toContain('scheduler ruby.example.org:4711 (resque-scheduler)');
    await redis.client.del(masterLock);
    await redis.client.set(leaderLock, 'node1:\u001b[31m');
    expect(await status()).toContain('scheduler node1:\\u001b[31m (node-resque)');
  });

  test('shows two different holders as a problem', async () => {
    await redis.client.set(masterLock, 'ruby:1');
    await redis.client.set(leaderLock, 'node:2');
    expect(await schedulers()).toHaveLength(2);
    expect(await status()).toContain(
      '! two schedulers are running, which lose and repeat jobs: ruby:1 and node:2',
    );
  });

  test('knows runners that hold both locks, and those that move jobs without a lock', async () => {
    await registerRunner({ moves: true });
    expect(await schedulers()).toEqual([{ name: ours, kind: 'resque-runner', holdsLock: false }]);
    expect(await status()).not.toContain('scheduler');
    await redis.client.set(masterLock, ours);
    await redis.client.set(leaderLock, ours);
    expect(await schedulers()).toEqual([{ name: ours, kind: 'resque-runner', holdsLock: true }]);
    expect(await status()).toContain(`scheduler ${ours} (resque-runner)`);
  });

  test('says that jobs are overdue if no scheduler is known', async () => {
    const warning = '! delayed jobs are overdue: no scheduler is running';
    await redis.client.zadd(schedule, past, past);
    await redis.client.rpush(`resque:delayed:${past}`, rubyItem('mail', 1));
    expect(await status()).toContain(warning);
    await redis.client.set(leaderLock, 'node:2');
    expect(await status()).not.toContain(warning);
  });

  test('finds the lock with the prefix of the config, and survives one of another type', async () => {
    await redis.client.set('resque:resque:blue:resque_scheduler_master_lock', 'ruby:1');
    expect(await schedulers()).toEqual([]);
    await redis.client.sadd(leaderLock, 'x');
    expect(await status()).toContain(`! key ${leaderLock} is a set but should be a string`);
  });
});
