/** `resque-runner delayed list | run | remove`. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { entryText, type RetryEntry, sha1Of } from '../../../src/resque/delayed/retry-entry.ts';
import { useRedis } from '../../helpers/redis.ts';
import { nodeItem, rubyItem, schedule } from '../../resque/delayed/stage.ts';
import { openCommand, runCommand, startCommand } from '../run-command.ts';

const redis = useRedis();
const soon = Date.parse('2100-12-01T08:00:00Z') / 1_000;

async function delay(time: number, ...items: readonly string[]): Promise<void> {
  const pipeline = redis.client.pipeline().zadd(schedule, time, time);
  for (const item of items) {
    pipeline.rpush(`resque:delayed:${time}`, item).sadd(`resque:timestamps:${item}`, `delayed:${time}`);
  }
  await pipeline.exec();
}

const url = () => `redis://127.0.0.1:${redis.port}`;
const delayed = (...args: readonly string[]) => runCommand(['delayed', ...args, '--redis', url()]);
const open = (...args: readonly string[]) =>
  openCommand(['delayed', ...args, '--redis', url()], { columns: 200 });
const left = async (time = soon) => await redis.client.lrange(`resque:delayed:${time}`, 0, -1);
const queued = (queue = 'mail') => redis.client.lrange(`resque:queue:${queue}`, 0, -1);
const idOf = (time: number, item: string) =>
  `${time}@${createHash('sha1').update(item).digest('hex').slice(0, 8)}`;
const emptyPlace = () => `${schedule} at ${url()}/0 is empty`;

describe('delayed list', () => {
  test('prints a line per job for other programs', async () => {
    await delay(soon, rubyItem('mail', 'a\tb', 9_007_199_254_740_991), 'not JSON');
    await delay(soon + 1, nodeItem('low', 2), '{"args":[]}');
    const { code, stdout, stderr } = await delayed('list');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.split('\n')).toEqual([
      `${idOf(soon, rubyItem('mail', 'a\tb', 9_007_199_254_740_991))}\t2100-12-01T08:00:00.000Z\tmail\tSendMail\t["a\\tb",9007199254740991]`,
      `${idOf(soon, 'not JSON')}\t2100-12-01T08:00:00.000Z\t\t\t(not a JSON object) not JSON`,
      `${idOf(soon + 1, nodeItem('low', 2))}\t2100-12-01T08:00:01.000Z\tlow\tSendMail\t[2]`,
      `${idOf(soon + 1, '{"args":[]}')}\t2100-12-01T08:00:01.000Z\t\t\t[]`,
    ]);
  });

  test('prints a document with --json', async () => {
    await delay(1, rubyItem('mail', { a: [1] }));
    await delay(soon, 'not JSON');
    const { stdout } = await delayed('list', '--json');
    const document = JSON.parse(stdout);
    expect(document).toEqual({
      jobs: [
        {
          ...{ id: idOf(1, rubyItem('mail', { a: [1] })), dueAt: '1970-01-01T00:00:01.000Z' },
          ...{
            dueInSeconds: expect.any(Number),
            queue: 'mail',
            class: 'SendMail',
            args: [{ a: [1] }],
            isReadable: true,
          },
        },
        {
          ...{
            id: idOf(soon, 'not JSON'),
            dueAt: '2100-12-01T08:00:00.000Z',
            dueInSeconds: expect.any(Number),
          },
          ...{ queue: null, class: null, args: null, isReadable: false, raw: 'not JSON' },
        },
      ],
      next: null,
    });
    expect(document.jobs[0].dueInSeconds).toBeLessThan(0);
    expect(document.jobs[1].dueInSeconds).toBeGreaterThan(0);
  });

  test('tells retries from other jobs, and why they run again', async () => {
    const [item, twin, plain] = [rubyItem('mail', 1), rubyItem('mail', 2), rubyItem('mail', 3)];
    const keep = (attempt: number, about: Partial<RetryEntry> & { item: string }) =>
      redis.client.rpush(
        `resque:runner:retry:${sha1Of(about.item)}`,
        entryText([sha1Of(about.item)], {
          ...{ attempt, firstFailedAt: '2026/11/24 15:20:19 UTC', lastError: null, dueSeconds: soon },
          ...{ payload: Buffer.from('{}'), ...about },
        }),
      );
    await delay(soon, item, twin, twin, plain);
    await keep(2, { item, lastError: 'TimeoutError: "slow",\titem' });
    await keep(3, { item: twin });
    await keep(9, { item: twin, dueSeconds: soon + 60 });
    await keep(4, { item: twin, firstFailedAt: null });
    // Not a list: the listing does without it.
    await redis.client.set(`resque:runner:retry:${sha1Of(plain)}`, 'x');
    const { jobs } = JSON.parse((await delayed('list', '--json')).stdout) as { jobs: { retry: unknown }[] };
    expect(jobs.map(({ retry }) => retry)).toEqual([
      {
        ...{ attempt: 2, firstFailedAt: '2026/11/24 15:20:19 UTC' },
        lastError: 'TimeoutError: "slow",\titem',
      },
      { attempt: 3, firstFailedAt: '2026/11/24 15:20:19 UTC', lastError: null },
      { attempt: 4, firstFailedAt: null, lastError: null },
      undefined,
    ]);
    const lines = (await delayed('list')).stdout.split('\n').map((line) => line.split('\t').slice(4));
    expect(lines).toEqual([
      ['[1]', '2', 'TimeoutError: "slow",\\titem'],
      ['[2]', '3', ''],
      ['[2]', '4', ''],
      ['[3]'],
    ]);
    const command = open('list');
    expect(await command.ended).toBe(0);
    const [head, first, second] = command.text().split(/\r?\n/);
    expect(head).toMatch(/QUEUE +RETRY +JOB$/);
    expect(first).toContain('run 2, TimeoutError: "slow",\\titem  SendMail [1]');
    expect(second).toMatch(/ run 3 +SendMail \[2\]$/);
  });

  test('an empty document is JSON, too', async () => {
    expect(JSON.parse((await delayed('list', '--json')).stdout)).toEqual({ jobs: [], next: null });
    expect(await delayed('list')).toEqual({
      code: 0,
      stdout: '',
      stderr: `no delayed jobs: ${emptyPlace()}`,
    });
  });

  test('has pages that follow each other, also within a second', async () => {
    const items = Array.from({ length: 7 }, (_, at) => rubyItem(at % 2 === 0 ? 'mail' : 'low', at));
    await delay(soon, ...items.slice(0, 5));
    await delay(soon + 1, ...items.slice(5));
    const found: unknown[] = [];
    for (let after: string | null = ''; after !== null; ) {
      const place: string[] = after === '' ? [] : ['--after', after];
      const { stdout } = await delayed('list', '--json', '--queue', 'm*l', '--limit', '2', ...place);
      const page = JSON.parse(stdout) as { jobs: { args: unknown[] }[]; next: string | null };
      expect(page.jobs).toHaveLength(2);
      found.push(...page.jobs.map(({ args }) => args[0]));
      after = page.next;
    }
    expect(found).toEqual([0, 2, 4, 6]);
  });

  test.each([
    [
      ['--queue', 'MAIL'],
      [1, 3],
    ],
    [
      ['--queue', '*a*', '--class', 'send'],
      [1, 3],
    ],
    [['--class', 'other'], [4]],
    [['--args', '{"user":3'], [3]],
    [['--args', 'x', '--queue', 'low'], [2]],
    [['--queue', 'none'], []],
  ])('finds the jobs for %j', async (flags, ids) => {
    await delay(soon, rubyItem('mail', 1), rubyItem('low', 2, 'X'), rubyItem('mail', { user: 3 }));
    await delay(soon + 1, '{"class":"Other","args":[4],"queue":"low"}');
    const { stdout, stderr } = await delayed('list', '--json', ...flags);
    const { jobs } = JSON.parse(stdout) as { jobs: { args: (number | { user: number })[] }[] };
    expect(jobs.map(({ args: [first] }) => (typeof first === 'object' ? first.user : first))).toEqual(ids);
    expect(stderr).toBe('');
    if (ids.length > 0) return;
    expect((await delayed('list', ...flags)).stderr).toBe('none of 4 delayed jobs matches');
  });

  test('is a table on a terminal, with the command for the next page', async () => {
    await delay(1, rubyItem('mail', 'a\u001b[31m'));
    await delay(soon, rubyItem('low', 2), rubyItem('low', 3));
    const command = open('list', '--limit', '2');
    expect(await command.ended).toBe(0);
    const lines = command.text().split(/\r?\n/);
    expect(lines[0]).toMatch(/^ID +DUE AT, UTC +IN +QUEUE +JOB$/);
    expect(lines[1]).toMatch(
      /^1@[0-9a-f]{8} +1970-01-01 00:00:01 +! \d+ days ago +mail +SendMail \["a\\u001b\[31m"\]$/,
    );
    expect(lines[2]).toMatch(
      new RegExp(`^${soon}@[0-9a-f]{8} +2100-12-01 08:00:00 +\\d+ days +low +SendMail \\[2\\]$`),
    );
    expect(lines.slice(3)).toEqual([
      '2 delayed jobs. Later ones:',
      `  resque-runner delayed list --limit 2 --after ${soon}:1 --redis ${url()}`,
      '',
    ]);
  });

  test('stands for `delayed` alone', async () => {
    await delay(soon, rubyItem('mail', 1));
    expect((await runCommand(['delayed', '--redis', url()])).stdout).toContain('SendMail');
  });
});

describe('delayed run', () => {
  test('moves a named job to its queue, and all that are equal to it', async () => {
    await delay(soon, rubyItem('mail', 1), rubyItem('mail', 2), rubyItem('mail', 2));
    const { code, stdout } = await delayed('run', idOf(soon, rubyItem('mail', 2)));
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'moved 2 delayed jobs to their queues' });
    expect(await queued()).toEqual([rubyItem('mail', 2), rubyItem('mail', 2)]);
    expect(await left()).toEqual([rubyItem('mail', 1)]);
    expect(await redis.client.keys('resque:timestamps:*')).toEqual([
      `resque:timestamps:${rubyItem('mail', 1)}`,
    ]);
  });

  test('moves all that match, in order, over many steps', async () => {
    const items = Array.from({ length: 1_200 }, (_, at) => rubyItem(at % 3 === 0 ? 'low' : 'mail', at));
    await delay(soon, ...items.slice(0, 1_000));
    for (const [at, item] of items.slice(1_000).entries()) await delay(soon + 1 + at, item);
    const { code, stdout } = await delayed('run', '--queue', 'mail', '--yes');
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'moved 800 delayed jobs to their queues' });
    expect(await queued()).toEqual(items.filter((_, at) => at % 3 !== 0));
    expect(await queued('low')).toEqual([]);
    expect(await left()).toEqual(items.slice(0, 1_000).filter((_, at) => at % 3 === 0));
    expect(await redis.client.keys('resque:timestamps:*')).toHaveLength(400);
    expect(await redis.client.zcard(schedule)).toBe(1 + 66);
  });

  test('says what could not be moved', async () => {
    await redis.client.sadd('resque:queue:bad', 'x');
    await delay(soon, rubyItem('bad', 1), rubyItem('mail', 2), 'not JSON');
    const { code, stdout } = await delayed('run', '--all', '--yes', '--json');
    expect({ code, ...JSON.parse(stdout) }).toEqual({
      ...{ code: 0, action: 'run', matching: 3, done: 1, gone: 0, undeliverable: 2, end: 'whole' },
      message:
        "moved 1 delayed job to its queue; 2 can't be moved: no queue, or the queue's key is not a list",
    });
    const named = await delayed('run', idOf(soon, 'not JSON'));
    expect(named.code).toBe(1);
    expect(named.stderr).toContain("1 can't be moved");
  });

  test('asks before it moves several', async () => {
    await delay(soon, rubyItem('mail', 1), rubyItem('low', 2));
    const command = open('run', '--queue', 'low');
    await command.waitForText(`1 of 2 delayed jobs matches (${schedule} at`);
    await command.waitForText('Move it to its queue now?');
    command.type('y');
    expect(await command.ended).toBe(0);
    expect(await queued('low')).toEqual([rubyItem('low', 2)]);
    expect(await left()).toEqual([rubyItem('mail', 1)]);
  });
});

describe('delayed remove', () => {
  test('asks before it deletes, and deletes nothing if the answer is no', async () => {
    await delay(soon, rubyItem('mail', 1));
    const id = idOf(soon, rubyItem('mail', 1));
    const no = open('remove', id);
    await no.waitForText(`Delete delayed job ${id} (SendMail of mail, due at 2100-12-01 08:00:00 UTC)?`);
    no.type('n');
    expect(await no.ended).toBe(1);
    expect(await left()).toHaveLength(1);
    const yes = open('remove', id);
    await yes.waitForText('Delete delayed job');
    yes.type('y');
    expect(await yes.ended).toBe(0);
    expect(yes.text()).toContain('removed 1 delayed job');
    expect(await redis.client.dbsize()).toBe(0);
  });

  test('needs --yes without a terminal', async () => {
    await delay(soon, rubyItem('mail', 1), rubyItem('mail', 2));
    const { code, stderr } = await delayed('remove', '--all');
    expect(code).toBe(2);
    expect(stderr).toContain(`There are 2 delayed jobs (${schedule} at ${url()}/0). Delete them?`);
    expect(stderr).toContain('add --yes');
    expect(await left()).toHaveLength(2);
  });

  test('deletes all that match', async () => {
    const items = Array.from({ length: 600 }, (_, at) => rubyItem('mail', at));
    await delay(soon, ...items);
    await delay(soon + 1, rubyItem('low', 1));
    const { stdout } = await delayed('remove', '--queue', 'mail', '--yes');
    expect(stdout).toBe('removed 600 delayed jobs');
    expect(await redis.client.zrange(schedule, 0, '-1')).toEqual([String(soon + 1)]);
    expect((await delayed('remove', '--all', '--yes')).stdout).toBe('removed 1 delayed job');
    expect(await redis.client.dbsize()).toBe(0);
    expect((await delayed('remove', '--all', '--yes')).stdout).toBe(`no delayed jobs: ${emptyPlace()}`);
  });

  test('says if nothing matches', async () => {
    await delay(soon, rubyItem('mail', 1));
    expect((await delayed('remove', '--class', 'x', '--yes')).stdout).toBe(
      "the only delayed job doesn't match",
    );
  });

  test.each([
    ['nonsense', 'is not the ID of a delayed job'],
    [`${soon}@01234567`, 'it was moved or deleted; nothing was changed'],
  ])('changes nothing if one of the IDs is %s', async (id, message) => {
    await delay(soon, rubyItem('mail', 1));
    const { code, stderr } = await delayed('remove', idOf(soon, rubyItem('mail', 1)), id, '--yes');
    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect(await left()).toHaveLength(1);
  });

  test('stops after Ctrl-C, and says how far it got', async () => {
    const items = Array.from({ length: 20_000 }, (_, at) => rubyItem('mail', at));
    for (let at = 0; at < items.length; at += 5_000) await delay(soon + at, ...items.slice(at, at + 5_000));
    const command = startCommand(['delayed', 'remove', '--all', '--yes', '--json', '--redis', url()]);
    while ((await left()).length === 5_000) await new Promise((resolve) => setImmediate(resolve));
    command.signal('SIGINT');
    const { code, stdout } = await command.ended;
    expect(code).toBe(130);
    const { done, end } = JSON.parse(stdout) as { done: number; end: string };
    expect(end).toBe('cancelled');
    expect(await redis.client.keys('resque:timestamps:*')).toHaveLength(items.length - done);
  });

  test('reports what was done if Redis refuses halfway', async () => {
    await delay(soon, rubyItem('mail', 1));
    await redis.client.acl('SETUSER', 'default', '-lrem');
    try {
      const { code, stderr } = await delayed('remove', '--all', '--yes');
      expect(code).toBe(1);
      expect(stderr).toMatch(/removed 0 delayed jobs; then Redis refused: .*may not run LREM/);
    } finally {
      await redis.client.acl('SETUSER', 'default', '+@all');
    }
  });
});
