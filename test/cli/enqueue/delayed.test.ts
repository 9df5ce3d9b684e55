/** `enqueue --in` and `--at`: jobs that wait for their time, in the form that all schedulers know. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { useRedis } from '../../helpers/redis.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { RubyScheduler } from '../../resque/delayed/ruby-scheduler.ts';
import { masterLock, rubyItem, schedule } from '../../resque/delayed/stage.ts';
import { runCommand, startCommand } from '../run-command.ts';
import { numbered, useEnqueue } from './stage.ts';

const redis = useRedis();
const stage = useEnqueue(redis);
const at = Date.parse('2100-12-01T08:00:00Z') / 1_000;

/** Jobs are moved, so there is nothing to warn about. */
function enqueue(...args: string[]) {
  const config = { runners: { '*': 1 }, script: '/bin/true', scheduler: 'on' };
  writeFileSync(join(stage.directory, 'cfg.json'), JSON.stringify(config));
  return stage.run(args);
}

const delayed = (time: number | string) => redis.client.lrange(`resque:delayed:${time}`, 0, -1);
const times = () => redis.client.zrange(schedule, 0, '-1', 'WITHSCORES');

describe('a delayed job', () => {
  test("waits in resque-scheduler's keys, byte for byte", async () => {
    const { code, stdout, stderr } = await enqueue(
      'SendMail',
      'bob',
      '[1.0, "é"]',
      '--at',
      '2100-12-01T09:00+01:00',
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const item = '{"class":"SendMail","args":["bob",[1.0,"é"]],"queue":"mail"}';
    expect(stdout).toBe(
      `delayed ${item} for mail until 2100-12-01 08:00:00 UTC; 1 job is due then (${stage.url}/0)`,
    );
    expect(await delayed(at)).toEqual([item]);
    expect(await times()).toEqual([String(at), String(at)]);
    expect(await redis.client.smembers(`resque:timestamps:${item}`)).toEqual([`delayed:${at}`]);
    expect((await redis.client.keys('*')).toSorted()).toEqual([
      `resque:delayed:${at}`,
      schedule,
      `resque:timestamps:${item}`,
    ]);
  });

  test.each([
    ['30s', 30],
    ['10m', 600],
    ['12h', 43_200],
    ['2w', 1_209_600],
    ['0s', 0],
  ])("waits --in %s by Redis' clock, rounded up", async (duration, seconds) => {
    const before = await redis.client.time();
    expect((await enqueue('A', '--in', duration)).code).toBe(0);
    const after = await redis.client.time();
    const [time = ''] = await times();
    const exact = ([whole = 0, micros = 0]: readonly number[]) =>
      Number(whole) + Number(micros) / 1e6 + seconds;
    expect(Number(time)).toBeGreaterThanOrEqual(exact(before.map(Number)));
    expect(Number(time)).toBeLessThanOrEqual(Math.ceil(exact(after.map(Number))));
  });

  test.each([
    ['2100-12-01T08:00Z', at],
    ['2100-12-01 08:00:05z', at + 5],
    ['2100-12-01T00:00-0800', at],
    ['2100-12-01T08:00', Date.parse('2100-12-01T08:00') / 1_000],
    ['2001-01-01T00:00Z', Date.parse('2001-01-01T00:00Z') / 1_000],
  ])('waits --at %s', async (text, seconds) => {
    expect((await enqueue('A', '--at', text)).code).toBe(0);
    expect(await times()).toEqual([String(seconds), String(seconds)]);
  });

  test.each(['tomorrow', '2100-02-30T08:00', '2100-12-01', '2100-12-01T25:00', '08:00'])(
    '--at "%s" is refused',
    async (text) => {
      const { code, stderr } = await enqueue('A', '--at', text);
      expect({ code, stderr }).toEqual({
        code: 2,
        stderr: `resque-runner: --at must be a time such as 2026-12-01T09:00 or 2026-12-01T09:00+01:00, got "${text}"`,
      });
      expect(await redis.client.dbsize()).toBe(0);
    },
  );

  test.each([
    [['--in', 'soon'], '--in must be a number with a unit, such as 30s, 5m, 12h, 30d or 2w, got "soon"'],
    [['--in', '999999w'], '--in must be at most 100 years, got "999999w"'],
    [['--in', '1m', '--at', '2100-12-01T08:00'], "--in and --at can't be combined; leave one of them out"],
    [
      ['--in', '1m', '--at-head'],
      "--at-head can't be combined with --in or --at: delayed jobs go to the end of the queue",
    ],
  ])('%j is refused', async (args, message) => {
    expect(await enqueue('A', ...args)).toMatchObject({ code: 2, stderr: `resque-runner: ${message}` });
    expect(await redis.client.dbsize()).toBe(0);
  });

  test('is shown as JSON with the time when it is due', async () => {
    const { stdout } = await enqueue('A', '--at', '2100-12-01T08:00Z', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ queue: 'mail', enqueued: 1, waiting: 1, isComplete: true, resume: null },
      ...{ dueAt: '2100-12-01T08:00:00.000Z', payload: '{"class":"A","args":[],"queue":"mail"}' },
    });
  });

  test('is refused if a key has another type', async () => {
    await redis.client.set(schedule, 'x');
    const { code, stderr } = await enqueue('A', '--at', '2100-12-01T08:00Z');
    expect(code).toBe(1);
    expect(stderr).toContain(`WRONGTYPE: ${schedule} is a string, not a zset`);
    expect(await redis.client.keys('*')).toEqual([schedule]);
  });

  test('is found and canceled by Ruby', async () => {
    await enqueue('SendMail', '1', '"é/"', '--in', '1h');
    await enqueue('SendMail', '1', '"é/"', '--in', '2h');
    const ruby = new RubyScheduler(redis.client);
    expect(await ruby.removeDelayed('{"class":"SendMail","args":[1,"é/"],"queue":"mail"}')).toBe(2);
    expect(await redis.client.dbsize()).toBe(0);
  });
});

describe('many delayed jobs', () => {
  test('may be copies', async () => {
    const { stdout } = await enqueue('A', '--at', '2100-12-01T08:00Z', '--count', '2500');
    expect(stdout).toContain(
      'delayed 2,500 jobs for mail until 2100-12-01 08:00:00 UTC; 2,500 jobs are due then',
    );
    const item = '{"class":"A","args":[],"queue":"mail"}';
    expect(new Set(await delayed(at))).toEqual(new Set([item]));
    expect(await redis.client.llen(`resque:delayed:${at}`)).toBe(2_500);
    expect(await redis.client.smembers(`resque:timestamps:${item}`)).toEqual([`delayed:${at}`]);
  });

  test('may come from a file', async () => {
    const lines = [...numbered(1_500), '{ "args": [ 1 ], "class": "B" }'];
    const file = stage.file('jobs.ndjson', `${lines.join('\n')}\n`);
    expect((await enqueue('--file', file, '--at', '2100-12-01T08:00Z')).code).toBe(0);
    const items = await delayed(at);
    expect(items).toHaveLength(1_501);
    expect(items[0]).toBe('{"class":"A","args":[1],"queue":"mail"}');
    expect(items.at(-1)).toBe('{"class":"B","args":[1],"queue":"mail"}');
    expect(await redis.client.keys('resque:timestamps:*')).toHaveLength(1_501);
  });

  test('of a file may have no members that schedulers drop', async () => {
    const file = stage.file(
      'jobs.ndjson',
      '{"class":"A","args":[]}\n{"class":"A","args":[],"id":"x"}\n{"class":"A"}\n',
    );
    const { code, stderr } = await enqueue('--file', file, '--in', '1m');
    expect(code).toBe(2);
    expect(stderr).toContain('line 2: a delayed job can\'t have "id", only "class" and "args"');
    expect(stderr).toContain('line 3: "args" is missing');
    expect(await redis.client.dbsize()).toBe(0);
  });

  test('are delayed once each, to the same second, although the connection is lost in a step', async () => {
    const { name, lines } = stage.manySteps();
    const proxy = await stage.through();
    const command = startCommand(['enqueue', 'mail', '--redis', stage.url, '--file', name, '--in', '30d'], {
      cwd: stage.directory,
    });
    const isHeld = () => {
      proxy.hold('evalsha');
      return proxy.isHolding;
    };
    await waitFor(isHeld, { message: 'the reply to a step is held back' });
    proxy.cut();
    expect((await command.ended).code).toBe(0);
    const [time = '', ...others] = await redis.client.zrange(schedule, 0, '-1');
    expect(others).toEqual([]);
    const items = await delayed(time);
    expect(items.map((item) => item.replace(',"queue":"mail"', ''))).toEqual(lines);
  });
});

describe('a warning says that nothing moves delayed jobs,', () => {
  const without = () =>
    runCommand(['enqueue', 'mail', 'A', '--in', '1h', '--redis', stage.url], { cwd: stage.directory });
  const warning =
    'no scheduler is running that moves delayed jobs to their queues; start a runner with "scheduler": "on"';

  test('unless a scheduler holds a lock, or a runner moves them', async () => {
    expect((await without()).stderr).toContain(warning);
    await redis.client.set(masterLock, 'ruby:1');
    expect((await without()).stderr).not.toContain(warning);
    await redis.client.del(masterLock);
    const entry = {
      nonce: 'n',
      machine: '',
      pid: 1,
      startedAt: '',
      requeues: [],
      maxRecoveries: 3,
      seenAtMs: 0,
    };
    await redis.client.hset('resque:runners', 'web1.runner:1', JSON.stringify({ ...entry, moves: true }));
    expect((await without()).stderr).not.toContain(warning);
    expect(await delayed('x')).toEqual([]);
    expect(rubyItem('mail')).toContain('"queue":"mail"');
  });
});
