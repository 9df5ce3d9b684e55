/** `resque-runner schedule list | run`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { recordedText } from '../../../src/resque/delayed/recurring-jobs.ts';
import { useRedis } from '../../helpers/redis.ts';
import { useDirectory } from '../directory.ts';
import { openCommand, runCommand } from '../run-command.ts';

const redis = useRedis();
const directory = useDirectory();
const last = Date.parse('2026-11-28T02:00:00Z') / 1_000;
/** Far away, so that they don't depend on the day of the test. */
const yearly = { cron: '0 3 29 2 * UTC', queue: 'reports', class: 'Report', args: [1, 'ä'] };

function configure(
  schedules: unknown = { leap: yearly, often: { every: '30m', queue: 'mail', class: 'A', unique: true } },
) {
  const config = {
    redis: { server: '127.0.0.1', port: redis.port },
    runners: { mail: 1, reports: 1 },
    script: '/bin/true',
    schedules,
  };
  writeFileSync(join(directory.path, 'cfg.json'), JSON.stringify(config));
}

const persist = (name: string, config: unknown) =>
  redis.client.hset('resque:persistent_schedules', name, JSON.stringify(config));
const schedule = (...args: readonly string[]) => runCommand(['schedule', ...args], { cwd: directory.path });
const queued = (queue: string) => redis.client.lrange(`resque:queue:${queue}`, 0, -1);

beforeEach(async () => {
  configure();
  await persist('theirs', { every: '1d', queue: 'mail', class: 'B', description: 'Why' });
  await persist('broken', { every: '1d', class: 'B' });
  await persist('leap', { every: '1d', queue: 'mail', class: 'Hidden' });
  await redis.client.hset('resque:delayed:last_enqueued_at', 'often', recordedText(last));
});

describe('schedule list', () => {
  test('prints a line per schedule for other programs, the next one first', async () => {
    const { code, stdout, stderr } = await schedule('list');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const rows = stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t'));
    // It is overdue.
    expect(rows[0]?.[2]).toMatch(/^20\d\d-/);
    expect(rows[0]?.toSpliced(2, 1)).toEqual([
      'often',
      'every 30m',
      '2026-11-28T02:00:00.000Z',
      'mail',
      'A',
      '[]',
      'config',
      '',
    ]);
    expect(rows[1]?.toSpliced(2, 1)).toEqual(['theirs', 'every 1d', '', 'mail', 'B', '[]', 'redis', '']);
    expect(rows[2]).toEqual([
      ...['leap', '0 3 29 2 * UTC', expect.stringMatching(/^20\d\d-02-29T03:00:00.000Z$/), ''],
      ...['reports', 'Report', '[1,"ä"]', 'config', ''],
    ]);
    expect(rows[3]).toEqual([
      ...['broken', '', '', '', '', '', '', 'redis'],
      'it has no "queue"; add one, because only Ruby can ask its class',
    ]);
  });

  test('prints a document with --json', async () => {
    const { schedules } = JSON.parse((await schedule('list', '--json')).stdout);
    expect(schedules[0]).toMatchObject({ name: 'often', every: '30m', cron: null, unique: true });
    expect(schedules[1]).toMatchObject({ name: 'theirs', source: 'redis', description: 'Why', lastAt: null });
    expect(schedules[2]).toEqual({
      ...{ name: 'leap', source: 'config', cron: '0 3 29 2 * UTC', every: null },
      ...{ nextAt: expect.any(String), nextInSeconds: expect.any(Number), lastAt: null },
      ...{ queue: 'reports', class: 'Report', args: [1, 'ä'], unique: false, description: '', problem: null },
    });
    expect(schedules[3]).toMatchObject({
      name: 'broken',
      queue: null,
      args: null,
      nextAt: null,
      nextInSeconds: null,
    });
  });

  test('shows a table on a terminal', async () => {
    const list = openCommand(['schedule', 'list'], { cwd: directory.path, columns: 200 });
    expect(await list.ended).toBe(0);
    const lines = list.text().split(/\r?\n/);
    expect(lines[0]).toMatch(/^NAME +WHEN +NEXT, UTC +IN +LAST, UTC +QUEUE +JOB +FROM$/);
    expect(lines[1]).toMatch(/^often +every 30m .* 2026-11-28 02:00:00 +mail +A \[\] +config$/);
    expect(lines[3]).toMatch(
      /^leap +0 3 29 2 \* UTC +20\d\d-02-29 03:00:00 +\d+ days +never +reports +Report \[1,"ä"\] +config$/,
    );
    expect(lines[4]).toMatch(/^broken +- +never +- +never +- +! it has no "queue"; .* +redis$/);
  });

  test('says where it looked if there are none', async () => {
    configure({});
    await redis.client.del('resque:persistent_schedules');
    const { code, stdout, stderr } = await schedule('list');
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr).toMatch(
      /^no schedules: the config has none, and resque:persistent_schedules at redis:.* is empty$/,
    );
    expect(JSON.parse((await schedule('list', '--json')).stdout)).toEqual({ schedules: [] });
  });
});

describe('schedule run', () => {
  test('enqueues the job of a schedule, and leaves its times alone', async () => {
    const { code, stdout } = await schedule('run', 'leap');
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'enqueued Report on reports' });
    expect(await queued('reports')).toEqual(['{"class":"Report","args":[1,"ä"]}']);
    expect(await redis.client.smembers('resque:queues')).toEqual(['reports']);
    expect(await redis.client.hkeys('resque:delayed:last_enqueued_at')).toEqual(['often']);
    expect((await schedule('run', 'theirs')).stdout).toBe('enqueued B on mail');
  });

  test('enqueues nothing if the schedule is unique and its job is waiting', async () => {
    await schedule('run', 'often');
    const { code, stdout } = await schedule('run', 'often', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      ...{ schedule: 'often', queue: 'mail', class: 'A', isEnqueued: false },
      message: 'enqueued nothing: the same job is still waiting on mail',
    });
    expect(await queued('mail')).toEqual(['{"class":"A","args":[]}']);
  });

  test("says why it can't", async () => {
    expect(await schedule('run', 'none')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(
        'no schedule is named "none"; list them with: resque-runner schedule list',
      ),
    });
    expect(await schedule('run', 'broken')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`schedule broken can't be enqueued: it has no "queue"`),
    });
    await redis.client.set('resque:queue:reports', 'x');
    expect(await schedule('run', 'leap')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('WRONGTYPE resque:queue:reports is a string, not a list'),
    });
  });
});
