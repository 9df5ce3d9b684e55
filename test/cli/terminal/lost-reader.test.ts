import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, expect, test } from 'vitest';
import { useRedis } from '../../helpers/redis.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { useDirectory } from '../directory.ts';
import { program } from '../program.ts';

const redis = useRedis();
const directory = useDirectory();
let end = async (): Promise<void> => {};

afterEach(() => end());

test.each(['pretty', 'json'])('a runner works on when nobody reads its %s log any more', async (format) => {
  const config = { redis: { port: redis.port }, runners: { mail: 1 }, script: '/bin/true' };
  writeFileSync(join(directory.path, 'cfg.json'), JSON.stringify(config));
  const runner = execa(process.execPath, [program, '--no-ui', '--log-format', format], {
    cwd: directory.path,
    buffer: false,
    reject: false,
  });
  end = async () => {
    runner.kill('SIGKILL');
    await runner;
  };
  await new Promise((resolve) => runner.stdout.once('data', resolve));
  runner.stdout.destroy();
  runner.stderr.destroy();
  for (const count of [1, 2, 3]) {
    await redis.client.rpush('resque:queue:mail', '{"class":"A","args":[]}');
    await waitFor(async () => Number(await redis.client.get('resque:stat:processed')) === count, {
      message: `${count} jobs have been done`,
    });
  }
  runner.kill('SIGTERM');
  expect(await runner).toMatchObject({ exitCode: 0 });
});

test('a runner works on when the reader of its log stops, tells later what is missing, and ends without it', async () => {
  const line = 'x'.repeat(3_900);
  const job = join(directory.path, 'job.sh');
  writeFileSync(job, `#!/bin/sh\nyes ${line} | head -n 1000\n`, { mode: 0o755 });
  const config = { redis: { port: redis.port }, runners: { mail: 1 }, script: './job.sh', logOutput: 'all' };
  writeFileSync(join(directory.path, 'cfg.json'), JSON.stringify(config));
  // Node reads its output only if asked to, which execa always does.
  const runner = spawn(process.execPath, [program, '--no-ui', '--log-format', 'json'], {
    cwd: directory.path,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const exited = new Promise((resolve) => runner.once('exit', resolve));
  end = async () => {
    runner.kill('SIGKILL');
    await exited;
  };
  let done = 0;
  const runJobs = async (count: number) => {
    done += count;
    for (let n = 0; n < count; n += 1)
      await redis.client.rpush('resque:queue:mail', '{"class":"A","args":[]}');
    await waitFor(async () => Number(await redis.client.get('resque:stat:processed')) === done, {
      message: `${done} jobs have been done`,
    });
  };
  await runJobs(3);

  let text = '';
  runner.stdout.on('data', (piece: Buffer) => {
    text += piece.toString().replace(/x{9,}/g, 'x');
  });
  await waitFor(() => text.includes('"event":"log.lost"'), { message: 'the loss is told' });
  expect(text).toMatch(/"level":"warn","event":"log.lost","lines":[1-9]\d+,/);
  await runJobs(1);
  await waitFor(() => text.includes('✓ mail #4 done A'), { message: 'the log goes on' });

  runner.stdout.pause();
  await runJobs(3);
  runner.kill('SIGTERM');
  const askedAt = performance.now();
  expect(await exited).toBe(0);
  expect(performance.now() - askedAt).toBeLessThan(5_000);
  runner.stdout.destroy();
});

test('a reader that takes only the beginning of a long status spoils nothing', async () => {
  const pipeline = redis.client.pipeline();
  for (let n = 0; n < 3_000; n += 1) pipeline.sadd('resque:queues', `a-queue-with-a-long-name-${n}`);
  await pipeline.exec();
  const url = `redis://127.0.0.1:${redis.port}`;
  for (const flags of ['', '--json']) {
    const command = `"$0" "$1" status ${flags} --redis "$2" | head -1; echo "came to \${PIPESTATUS[0]}"`;
    const { stdout, stderr } = await execa('bash', ['-c', command, process.execPath, program, url], {
      cwd: directory.path,
    });
    expect(stderr).toBe('');
    expect(stdout.split('\n')).toHaveLength(2);
    expect(stdout).toContain('came to 0');
  }
});
