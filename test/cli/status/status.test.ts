import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { beforeEach, describe, expect, test } from 'vitest';
import type { StatusDocument } from '../../../src/cli/status/document.ts';
import { entryText, sha1Of } from '../../../src/resque/delayed/retry-entry.ts';
import { freePort, useRedis } from '../../helpers/redis.ts';
import { useDirectory } from '../directory.ts';
import { openCommand, runCommand } from '../run-command.ts';
import { recordOf, StatusStage } from './stage.ts';

const redis = useRedis();
const directory = useDirectory();
const stage = new StatusStage(redis);

function status(...args: string[]) {
  return runCommand(['status', ...args], { cwd: directory.path });
}

/** Some data of every kind. */
async function seed(): Promise<void> {
  await stage.enqueue('mail', 1_204);
  await stage.enqueue('orphan', 12);
  await stage.enlist('web1.runner:5');
  for (let slot = 0; slot < 8; slot += 1) {
    const job = { class: 'SendMail', args: [`bob${slot}@example.org`, 'x'.repeat(200)] };
    await stage.register(`web1.runner:5-${slot}:mail`, {
      processed: 10,
      started: 600,
      ...(slot < 3 ? { record: recordOf('mail', 190 + slot, job) } : {}),
    });
  }
  await stage.register('ruby:7:low,mail_*', { heartbeat: 1_000, started: 7_300 });
  await stage.register('old:8:low', { heartbeat: null });
  await redis.client.mset('resque:stat:processed', 12_040, 'resque:stat:failed', 7);
  await redis.client.rpush('resque:failed', '{}');
}

describe('as text', () => {
  beforeEach(seed);

  test('shows Redis, queues, workers and running jobs, without colors', async () => {
    const { code, stdout, stderr } = await status('--redis', stage.url);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout.split('\n');
    expect(lines.slice(0, 4)).toEqual([
      `${stage.url}/0  namespace resque`,
      '1,216 waiting · 3 running · 10 workers in 3 processes on 3 hosts · 12,040 processed · 7 failed (1 on the list)',
      '! 1 queue has jobs and no worker',
      '! 1 worker silent for 5 min: see resque-runner check',
    ]);
    expect(lines).toContainEqual(expect.stringMatching(/^! orphan +12 +0\/0 +- +no worker$/));
    expect(lines).toContainEqual(expect.stringMatching(/^ {2}mail +1,204 +3\/8 +\d+\.?\d*$/));
    expect(lines).toContainEqual(
      expect.stringMatching(/^! ruby:7 +resque +stale, last seen 16 min ago +(2 h|121 min)/),
    );
    expect(lines).toContainEqual(expect.stringMatching(/^ {2}old:8 +resque +idle, no heartbeat +60 s|1 min/));
    expect(lines).toContainEqual(
      expect.stringMatching(/^ {2}web1\.runner:5 +runner +3\/8 working +10 min +80 /),
    );
    // Not cut: there is no terminal.
    expect(lines).toContainEqual(
      expect.stringMatching(/^ +3 min {2}mail +web1\.runner:5-2 +SendMail \["bob2@example\.org","x{200}"\]$/),
    );
    expect(stdout).not.toMatch(/[^\P{Cc}\n]/u);
  });

  test('shows pauses and delayed jobs', async () => {
    await redis.client.set('resque:pause-all-workers', 'true');
    const dueAt = Math.floor(Date.now() / 1_000) - 7_300;
    await redis.client.zadd('resque:delayed_queue_schedule', dueAt, dueAt);
    await redis.client.rpush(`resque:delayed:${dueAt}`, 'a', 'b');
    const about = { attempt: 2, firstFailedAt: null, lastError: null, payload: Buffer.from('{}'), item: 'a' };
    const entry = entryText([sha1Of('a')], { ...about, dueSeconds: dueAt });
    await redis.client.rpush(`resque:runner:retry:${sha1Of('a')}`, entry);
    const { stdout } = await status('--redis', stage.url);
    expect(stdout).toContain('! pause-all-workers is set: no worker takes jobs');
    expect(stdout).toContain('2 delayed (1 retry), next 2 h overdue');
  });

  test('takes Redis and namespace from the config, and shows no password', async () => {
    await redis.client.set('app:stat:processed', 3);
    await redis.client.call('ACL', 'SETUSER', 'ann', 'on', '>hunter2', '~*', '+@all');
    const config = {
      redis: { port: redis.port, username: 'ann', password: 'hunter2' },
      namespace: 'app',
      runners: { q: 1 },
      script: '/bin/true',
    };
    writeFileSync(join(directory.path, 'cfg.json'), JSON.stringify(config));
    for (const args of [[], ['cfg.json'], ['--config', 'cfg.json']]) {
      const { code, stdout } = await status(...args);
      expect(code).toBe(0);
      expect(stdout).toContain('namespace app\n');
      expect(stdout).toContain('3 processed');
      expect(stdout).toContain('ann@');
      expect(stdout).not.toContain('hunter2');
    }
    expect((await status('--namespace', 'resque')).stdout).toContain('12,040 processed');
    await redis.client.call('ACL', 'DELUSER', 'ann');
  });

  test('shows control characters in names as text', async () => {
    await stage.enqueue('ev\u001B]0;x\u0007il\n', 1);
    await stage.register('h\u001B[2J:3:\u202Eq', {
      record: recordOf('q\r', 5, { class: '\u001B[31m', args: ['\u0000\u009B'] }),
    });
    const { stdout } = await status('--redis', stage.url);
    expect(stdout).not.toMatch(/[^\P{Cc}\n]|[\u202E]/u);
    expect(stdout).toContain('ev\\u001b]0;x\\u0007il\\n');
    expect(stdout).toContain('h\\u001b[2J:3');
  });

  test('says in its place if something cannot be read', async () => {
    await redis.client.sadd('resque:queues', 'bad');
    await redis.client.set('resque:queue:bad', 'text');
    await redis.client.hset('resque:worker:old:8:low', 'a', '1');
    await redis.client.del('resque:failed', 'resque:workers:heartbeat');
    await redis.client.set('resque:failed', 'text');
    await redis.client.set('resque:workers:heartbeat', 'text');
    const { code, stdout } = await status('--redis', stage.url);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^! bad +\? .* a string, not a list$/m);
    expect(stdout).toMatch(/^! +\? {2}\? +old:8 +its record is a hash, not a string$/m);
    expect(stdout).toContain('! key resque:failed is a string but should be a list');
    expect(stdout).toMatch(
      /^Processes: 3.*\n! key resque:workers:heartbeat is a string but should be a hash$/m,
    );
  });

  test.each([
    [80, {}],
    [160, {}],
    [80, { NO_COLOR: '1' }],
  ])('fits a terminal of %i columns, with colors unless NO_COLOR is set', async (columns, env) => {
    const terminal = openCommand(['status', '--redis', stage.url], { columns, env });
    expect(await terminal.ended).toBe(0);
    const rows = terminal.text().split('\n');
    for (const row of rows) expect(row.length).toBeLessThanOrEqual(columns);
    expect(rows.filter((row) => row.includes('SendMail'))).toHaveLength(3);
    for (const row of rows.filter((each) => each.includes('SendMail'))) expect(row).toMatch(/^ +3 min.*…$/);
    expect(rows).toContainEqual(expect.stringMatching(/^! orphan .* no worker$/));
    const painted = terminal.received().split('\n');
    const colorsOf = (start: string) => {
      const line = painted.find((row) => stripVTControlCharacters(row).startsWith(start)) ?? '';
      return [...line.matchAll(/\u001b\[(?:\d;)*(\d+)m/g)].map(([, code]) => code);
    };
    expect(colorsOf('! orphan').includes('31')).toBe(!('NO_COLOR' in env));
    expect(colorsOf('! ruby:7').includes('33')).toBe(!('NO_COLOR' in env));
  });
});

describe('--json', () => {
  test('is one document', async () => {
    await seed();
    const { code, stdout, stderr } = await status('--json', '--redis', stage.url);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const document = JSON.parse(stdout) as StatusDocument;
    expect(document).toMatchObject({
      isReachable: true,
      redis: `${stage.url}/0`,
      namespace: 'resque',
      isPaused: false,
      totals: { waiting: 1_216, running: 3, workers: 10, staleWorkers: 1, jobsPerSecond: null },
      delayed: null,
      schedules: null,
      schedulers: [],
      wrongTypes: [],
    });
    expect(Math.abs(Date.parse(document.at) - Date.now())).toBeLessThan(60_000);
    expect(document.queues.map(({ name }) => name)).toEqual(['orphan', 'mail', 'low']);
  });

  test('is one document even if Redis is empty', async () => {
    const { stdout } = await status('--json', '--redis', stage.url);
    expect(JSON.parse(stdout)).toMatchObject({ queues: [], processes: [], runningJobs: [] });
  });
});

describe('errors', () => {
  test.each([
    [['--interval', '5'], '--interval needs --watch; add --watch or omit --interval'],
    [['--watch', '--interval', '0'], '--interval must be a whole number, 1 or more, got "0"'],
    [['--wach'], 'resque-runner status has no flag --wach; did you mean --watch?'],
    [
      ['none.json'],
      "none.json can't be used:\n  there is no such file; write it with: resque-runner init none.json",
    ],
    [['a.json', 'b.json'], 'status takes one CONFIG at most; "b.json" is one too many'],
  ])('%j is rejected with one message', async (args, message) => {
    expect(await status(...args)).toEqual({ code: 2, stdout: '', stderr: `resque-runner: ${message}` });
  });

  test.each([[[]], [['--json']], [['--watch']], [['--watch', '--json']]])(
    'without Redis, it exits with 1 and says so: %j',
    async (flags) => {
      const port = await freePort();
      const { code, stdout, stderr } = await status(
        ...flags,
        '--redis',
        `redis://me:hunter2@127.0.0.1:${port}/3`,
      );
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toBe(
        `resque-runner: redis://me@127.0.0.1:${port}/3: connect ECONNREFUSED 127.0.0.1:${port}; is Redis running there?`,
      );
    },
  );
});
