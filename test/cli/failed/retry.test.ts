/** `resque-runner failed retry`: which jobs it puts back, what it writes, and what it says about the others. */
import { describe, expect, test } from 'vitest';
import { idOf, record, records, useFailedStage } from './stage.ts';

const stage = useFailedStage();
const { failed } = stage;

/** The bytes of an entry that a retry keeps; it adds `retried_at` at the end. */
const bodyOf = (entry: string) => entry.slice(0, -1);
const isRetried = (entry: string) => /,"retried_at":"\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d UTC"\}$/.test(entry);
const json = (stdout: string) => JSON.parse(stdout) as unknown;
const argsOf = (jobs: readonly string[]) =>
  jobs.map((job) => (JSON.parse(job) as { args: unknown[] }).args[0]);

describe('one failure', () => {
  test('is put back byte for byte, and marked as retried as Resque does', async () => {
    const payload = '{"class":"Pay",  "args":[9007199254740993,1.50,"\\u00e4"],"id":"x"}';
    const entry = `{"failed_at":"2026/03/04 05:06:07 UTC","payload":${payload},"exception":"E","error":"e","backtrace":null,"worker":"w:1:pay","queue":"pay"}`;
    await stage.fill(record(), entry);
    await stage.redis.client.rpush('resque:queue:pay', 'waits');
    const id = idOf(1, entry);
    expect(await failed('retry', id)).toEqual({ code: 0, stdout: `${id}: put back on pay`, stderr: '' });
    expect(await stage.queued('pay')).toEqual(['waits', payload]);
    expect(await stage.redis.client.smembers('resque:queues')).toEqual(['pay']);
    const [other, after = ''] = await stage.list();
    expect(other).toBe(record());
    expect(after.startsWith(bodyOf(entry))).toBe(true);
    expect(isRetried(after)).toBe(true);
    expect((await stage.redis.client.keys('*')).sort()).toEqual([
      'resque:failed',
      'resque:queue:pay',
      'resque:queues',
    ]);
  });

  test('is not put back twice by the same ID; its new ID works, with a remark', async () => {
    await stage.fill(record());
    const id = idOf(0, record());
    await failed('retry', id);
    const [first = ''] = await stage.list();
    const { code, stdout, stderr } = await failed('retry', id);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(
      new RegExp(
        `^resque-runner: there is no failure ${id} anymore: it was retried or removed; index 0 is now ${idOf(0, first)}, retried at .* UTC; nothing was changed$`,
      ),
    );
    expect(await stage.queued()).toHaveLength(1);
    expect((await failed('retry', '0')).stdout).toBe(`${idOf(0, first)}: put back on mail again`);
    expect(await stage.queued()).toHaveLength(2);
    expect((await stage.list())[0]?.match(/retried_at/g)).toHaveLength(1);
  });

  test('without a job to put back is reported, with exit code 1', async () => {
    await stage.fill('junk');
    expect(await failed('retry', '0')).toEqual({
      code: 1,
      stdout: '',
      stderr: `resque-runner: ${idOf(0, 'junk')}: this failure can't be retried: it has no job or no queue`,
    });
    expect(await stage.list()).toEqual(['junk']);
  });

  test('is put back only if the key of its queue is a list', async () => {
    await stage.redis.client.set('resque:queue:mail', 'text');
    await stage.fill(record());
    expect((await failed('retry', '0')).code).toBe(1);
    expect(await stage.list()).toEqual([record()]);
    await stage.redis.client.set('resque:queues', 'text');
    const { code, stderr } = await failed('retry', '0');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^resque-runner: retried no failures; then Redis refused: redis:\S+: .*WRONGTYPE/);
  });
});

describe('several failures', () => {
  test('are put back in the order of the list, and a repeated one once', async () => {
    await stage.fill(...records(5), 'junk');
    const entries = await stage.list();
    const id = (at: number) => idOf(at, entries[at] ?? '');
    expect(await failed('retry', id(3), '1', id(1), id(0))).toEqual({
      code: 0,
      stdout: 'retried 3 failures',
      stderr: '',
    });
    expect((await stage.list()).map(isRetried)).toEqual([true, true, false, true, false, false]);
    const { code, stdout, stderr } = await failed('retry', '2', '5', '--json');
    const message = "retried 1; 1 can't be retried (no job or no queue)";
    expect({ code, stderr }).toEqual({ code: 1, stderr: `resque-runner: ${message}` });
    expect(json(stdout)).toEqual({
      ...{ action: 'retry', matching: 2, untimed: 0, done: 1, gone: 0, unretryable: 1 },
      ...{ end: 'whole', message },
    });
    expect(await stage.queued()).toHaveLength(4);
  });

  test('stay unchanged if one of the IDs finds nothing', async () => {
    await stage.fill(...records(3));
    const [first = ''] = await stage.list();
    const { code, stderr } = await failed('retry', idOf(0, first), '2@00000000');
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^resque-runner: there is no failure 2@00000000 anymore: .*; nothing was changed$/,
    );
    expect(await stage.queued()).toEqual([]);
  });
});

describe('all that match', () => {
  test('are counted, and without a terminal are left alone without --yes', async () => {
    await stage.fill(...records(4), ...records(2, { queue: 'news' }));
    const { code, stdout, stderr } = await failed('retry', '--queue', 'mail');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toBe(
      `resque-runner: 4 of 6 failures match (resque:failed at ${stage.url}/0). Put their jobs back on their queues? There is no terminal to ask on; to confirm, add --yes`,
    );
    expect((await stage.list()).some(isRetried)).toBe(false);
    expect(await failed('retry', '--queue', 'mail', '--yes')).toEqual({
      code: 0,
      stdout: 'retried 4 failures',
      stderr: '',
    });
    expect((await stage.list()).map(isRetried)).toEqual([true, true, true, true, false, false]);
    expect(await stage.queued('news')).toEqual([]);
  });

  test('are put back once, even if the command is repeated', async () => {
    await stage.fill(...records(600), record({ retried_at: '2026/03/05 00:00:00 UTC' }), 'junk');
    const { stderr } = await failed('retry', '--all');
    expect(stderr).toContain(
      `There are 602 failures (resque:failed at ${stage.url}/0); 600 of them can still be retried.`,
    );
    const first = await failed('retry', '--all', '--yes', '--json');
    expect(json(first.stdout)).toEqual({
      ...{ action: 'retry', matching: 602, untimed: 0, done: 600, gone: 0, unretryable: 1, end: 'whole' },
      message: "retried 600; 1 can't be retried (no job or no queue)",
    });
    const again = await failed('retry', '--all', '--yes');
    expect(again).toEqual({
      code: 0,
      stdout:
        '602 failures; they were already retried, or they have no job or no queue; nothing was changed. To retry a failure again, name its ID',
      stderr: '',
    });
    expect(new Set(await stage.queued())).toEqual(
      new Set([JSON.stringify({ class: 'SendMail', args: [1] })]),
    );
    expect(await stage.queued()).toHaveLength(600);
  });

  test('with several filters must match all of them', async () => {
    await stage.fill(
      record({ args: ['a'], exception: 'Timeout', exit_code: 7 }),
      record({ args: ['b'], exception: 'Timeout' }),
      record({ args: ['c'], exit_code: 7 }),
      record({ args: ['d'], exception: 'Net::TimeoutError', exit_code: 7, jobClass: 'Other' }),
      record({ args: ['e'], exception: 'Net::TimeoutError', exit_code: 7 }),
    );
    const filters = ['--class', 'sendmail', '--exception', 'timeout', '--exit', '7', '--text', 'web1'];
    expect((await failed('retry', ...filters, '--yes')).stdout).toBe('retried 2 failures');
    expect(argsOf(await stage.queued())).toEqual(['a', 'e']);
  });

  test('are described in the singular if there is one', async () => {
    await stage.fill(record(), record({ queue: 'news' }));
    const said = async (...args: string[]) =>
      (await failed('retry', ...args)).stderr.replace(
        / \(.*?\)|^resque-runner: | There is no terminal.*/g,
        '',
      );
    const one = await said('--queue', 'news');
    expect(one).toBe('1 of 2 failures matches. Put its job back on its queue?');
    await failed('retry', '1');
    expect(await said('--all')).toBe(
      'There are 2 failures; 1 of them can still be retried. Put its job back on its queue?',
    );
    await stage.redis.client.rpop('resque:failed');
    expect(await said('--all')).toBe('There is 1 failure. Put its job back on its queue?');
    expect((await failed('retry', '--all', '--yes')).stdout).toBe('retried 1 failure');
    expect((await failed('retry', '--queue', 'mail')).stdout).toBe(
      'the only failure matches; it was already retried, or it has no job or no queue; nothing was changed. To retry a failure again, name its ID',
    );
    expect((await failed('retry', '--queue', 'news')).stdout).toBe("the only failure doesn't match");
  });
});

test('exactly one of IDs, filters and --all is required', async () => {
  await stage.fill(record());
  const said = await Promise.all([
    failed('retry'),
    failed('retry', '0', '--all'),
    failed('retry', '--all', '--text', 'x'),
  ]);
  expect(said.map(({ code, stderr }) => `${code} ${stderr}`)).toEqual([
    '2 resque-runner: failed retry needs an ID, a filter such as --queue mail, or --all; see resque-runner failed retry --help',
    '2 resque-runner: failed retry takes either IDs or --all, not both',
    '2 resque-runner: failed retry takes either --text or --all, not both',
  ]);
  expect(await stage.list()).toEqual([record()]);
});
