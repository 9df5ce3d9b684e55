/** `REDIS_URL` in the environment is used if neither a flag nor a config names a Redis. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { UsageError } from '../../../src/cli/command-line/exit-codes.ts';
import { findTarget } from '../../../src/cli/redis/target.ts';
import { useRedis } from '../../helpers/redis.ts';
import { useDirectory } from '../directory.ts';
import { runProgram } from '../program.ts';
import { runCommand } from '../run-command.ts';

const redis = useRedis();
const directory = useDirectory();
const none = { config: null, redis: null, namespace: null };

function ioWith(REDIS_URL: string) {
  return { env: { REDIS_URL }, cwd: '/' };
}

test('without a config, it names the Redis, and --redis has priority', async () => {
  const io = ioWith('redis://:secret@db.example.com:6380/2');
  expect((await findTarget(io, none)).shown).toBe('redis://db.example.com:6380/2');
  expect((await findTarget(io, { ...none, redis: 'redis://other' })).shown).toBe('redis://other:6379/0');
  expect((await findTarget(ioWith(''), none)).shown).toBe('redis://localhost:6379/0');
});

test('an invalid value is reported with the name of the variable', async () => {
  const problem = 'REDIS_URL: "localhost:6379" is not a Redis URL; write "redis://localhost:6379"';
  await expect(findTarget(ioWith('localhost:6379'), none)).rejects.toThrow(new UsageError(problem));
});

test('a runner uses it if its config names no Redis, and exits with 2 if it is invalid', async () => {
  writeFileSync(join(directory.path, 'cfg.json'), '{"runners":{"mail":1},"script":"/bin/true"}');
  await redis.client.rpush('resque:queue:mail', '{"class":"Good","args":[]}');
  const run = (REDIS_URL: string) =>
    runProgram(['--drain', '--no-ui'], { cwd: directory.path, env: { REDIS_URL } });
  expect((await run(`redis://127.0.0.1:${redis.port}`)).code).toBe(0);
  expect(await redis.client.get('resque:stat:processed')).toBe('1');
  const { code, stderr } = await run('http://localhost');
  expect(code).toBe(2);
  expect(stderr).toContain('REDIS_URL: a Redis URL must begin with redis:, rediss: or unix:, got "http:"');
});

test('init leaves redis out of the config, and tests the variable’s Redis', async () => {
  const url = `redis://127.0.0.1:${redis.port}/0`;
  const args = ['init', '--script', '/bin/true', '--yes'];
  const { code, stdout } = await runCommand(args, { cwd: directory.path, env: { REDIS_URL: url } });
  expect(code).toBe(0);
  expect(stdout).toContain(`redis://127.0.0.1:${redis.port}`);
  const config: unknown = JSON.parse(readFileSync(join(directory.path, 'cfg.json'), 'utf8'));
  expect(config).not.toHaveProperty('redis');
});
