/** `resque-runner failed list`: its filters, pages and formats. */
import { describe, expect, test } from 'vitest';
import { idOf, record, records, useFailedStage } from './stage.ts';

const stage = useFailedStage();
const { failed } = stage;

interface Document {
  readonly total: number;
  readonly entries: readonly Readonly<Record<string, unknown>>[];
  readonly next: number | null;
}

async function json(...args: string[]): Promise<Document> {
  const { code, stdout, stderr } = await failed('list', '--json', ...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as Document;
}

const errorsOf = ({ entries }: Document) => entries.map(({ error }) => error);

describe('without a terminal', () => {
  test('it prints a line for each failure, newest first, with tabs between the fields', async () => {
    const first = record({ error: 'tab\there\nsecond line', retried_at: '2026/03/05 00:00:00 UTC' });
    const second = record({ queue: 'bill', jobClass: 'Charge', args: ['bob', { a: 1 }], exception: 'E::F' });
    await stage.fill(first, second);
    expect(await failed('list')).toEqual({
      code: 0,
      stderr: '',
      stdout: [
        `${idOf(1, second)}\t2026/03/04 05:06:07 UTC\t\tbill\tCharge\t["bob",{"a":1}]\tE::F\tit broke`,
        `${idOf(0, first)}\t2026/03/04 05:06:07 UTC\t2026/03/05 00:00:00 UTC\tmail\tSendMail\t[1]\tBoom\ttab\\there\\nsecond line`,
      ].join('\n'),
    });
  });

  test('nothing is cut, and `failed` alone also lists', async () => {
    const error = 'x'.repeat(5_000);
    await stage.fill(record({ error }));
    expect((await failed()).stdout).toContain(`\t${error}`);
  });

  test('it says if the list is empty, and if nothing matches', async () => {
    expect(await failed('list')).toEqual({
      code: 0,
      stdout: '',
      stderr: `no failures: resque:failed at ${stage.url}/0 is empty`,
    });
    await stage.fill(record(), record());
    const others = [
      ['--queue', 'none'],
      ['--before', '0'],
      ['--namespace', 'app'],
    ];
    const said = await Promise.all(others.map((args) => failed('list', ...args)));
    expect(said.map(({ stderr }) => stderr)).toEqual([
      'none of 2 failures matches',
      'no failure with an index below 0',
      expect.stringContaining('no failures: app:failed at'),
    ]);
    expect(said.map(({ code, stdout }) => `${code}${stdout}`)).toEqual(['0', '0', '0']);
    expect(await json('--namespace', 'app')).toEqual({ total: 0, entries: [], next: null });
  });

  test('entries of any form are listed, and control sequences do not reach the terminal', async () => {
    const odd = [
      '',
      'junk \u001b[31m\u0007',
      '{}',
      '42',
      '[1]',
      'null',
      '{"payload":[],"queue":1,"error":{}}',
    ];
    const foreign = record({ error: '\u001b]0;title\u0007\u202e\u009b1m', queue: '<b>\u0000' });
    await stage.fill(
      ...odd,
      foreign,
      Buffer.from([0xff, 0xfe, 0x00]),
      record({ error: 'y'.repeat(3_000_000) }),
    );
    for (const form of [[], ['--json']]) {
      const { code, stdout, stderr } = await failed('list', ...form);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).not.toMatch(/[^\P{Cc}\n\t]|\u202e/u);
      expect(stdout.split('\n').filter((line) => /^\d+@|^\{"index"/.test(line))).toHaveLength(10);
    }
    const { stdout } = await failed('list', '--before', '2');
    expect(stdout).toContain('(not a JSON object) junk \\u001b[31m\\u0007');
    expect(stdout).toContain(`${idOf(0, '')}\t\t\t\t\t\t\t(an empty string, not a failure)`);
  });
});

describe('filters', () => {
  test('must all match', async () => {
    await stage.fill(
      record({ error: '0', queue: 'mail', jobClass: 'SendMail', exception: 'Timeout', exit_code: 1 }),
      record({ error: '1', queue: 'mail', jobClass: 'SendMail', exception: 'Boom', signal: 'SIGKILL' }),
      record({ error: '2', queue: 'news', jobClass: 'SendMail', exception: 'Timeout', args: ['user 7'] }),
    );
    const found = await Promise.all(
      [
        ['--queue', 'MAI*'],
        ['--class', 'send', '--exception', 'timeout'],
        ['--exit', 'kill'],
        ['--text', 'user 7'],
        ['--text', 'user 7', '--queue', 'mail'],
      ].map((args) => json(...args)),
    );
    expect(found.map(errorsOf)).toEqual([['1', '0'], ['2', '0'], ['1'], ['2'], []]);
  });
});

describe('pages', () => {
  test('have twenty failures, and say where the next page begins', async () => {
    await stage.fill(...records(45));
    const pages = [[], ['--before', '25'], ['--before', '5']];
    const [first, second, third] = await Promise.all(pages.map((args) => json(...args)));
    expect([first?.next, second?.next, third?.next]).toEqual([25, 5, null]);
    expect([first, second, third].flatMap((page) => (page === undefined ? [] : errorsOf(page)))).toEqual(
      records(45).map((_, at) => String(44 - at)),
    );
  });

  test('say that there is no next page, even if many older failures do not match', async () => {
    await stage.fill(...records(30), record({ exception: 'Rare' }), ...records(6_000));
    expect(await json('--exception', 'rare', '--limit', '1')).toMatchObject({
      total: 6_031,
      entries: [{ index: 30, exception: 'Rare' }],
      next: null,
    });
    const [most, all] = await Promise.all([json('--limit', '6000'), json('--limit', '6031')]);
    expect([most.next, all.next]).toEqual([31, null]);
    expect(all.entries.map(({ index }) => index)).toEqual(
      Array.from({ length: 6_031 }, (_, at) => 6_030 - at),
    );
  });
});

test('JSON has all fields of a failure, and unchanged args', async () => {
  const text = record({
    args: [{ id: 7 }, 'ä\u0007'],
    exit_code: 3,
    stderr: 'warning',
    retried_at: '2026/03/05 00:00:00 UTC',
  });
  await stage.fill('junk', text);
  expect((await json()).entries).toEqual([
    {
      index: 1,
      id: idOf(1, text),
      failedAt: '2026/03/04 05:06:07 UTC',
      retriedAt: '2026/03/05 00:00:00 UTC',
      queue: 'mail',
      class: 'SendMail',
      args: [{ id: 7 }, 'ä\u0007'],
      exception: 'Boom',
      error: 'it broke',
      backtrace: ['job.rb:1', 'main.rb:2'],
      worker: 'web1:12:mail',
      exitCode: 3,
      signal: null,
      stderr: 'warning',
      stdout: null,
      isReadable: true,
    },
    expect.objectContaining({ index: 0, id: idOf(0, 'junk'), isReadable: false, raw: 'junk', args: null }),
  ]);
});

test('JSON has args that are too long, or nested too deeply, as text', async () => {
  const deep = `${'['.repeat(6_000)}${']'.repeat(6_000)}`;
  await stage.fill(record({ args: ['x'.repeat(100_000)] }), `{"payload":{"class":"C","args":${deep}}}`);
  const [nested, long] = (await json()).entries;
  expect(long?.args).toMatch(/^\["x+…$/);
  // How deep is too deep depends on the stack; it is JSON either way.
  expect(nested?.args).toEqual(expect.anything());
});

describe('on a terminal', () => {
  test.each([80, 160])('it is a table that fits %i columns', async (columns) => {
    const text = record({
      jobClass: 'Images::ResizeAndUploadJob',
      args: [{ path: '/a/long/path/to/an/image.png' }],
      error: `first ${'and on '.repeat(40)}\nsecond line`,
      queue: 'images_of_a_long_name',
      retried_at: '2026/03/05 00:00:00 UTC',
    });
    await stage.fill(record({ error: 'short' }), text);
    const terminal = stage.open(['list'], { columns });
    expect(await terminal.ended).toBe(0);
    const [head = '', first = '', second = '', last] = terminal.text().split('\n');
    expect(head).toMatch(/^ID +FAILED AT, UTC +QUEUE +JOB +ERROR/);
    expect(first).toMatch(
      /^1@[0-9a-f]{8} {2}2026\/03\/04 05:06:07 {2}images\S+ +Images::.*… {2}↺ Boom: .*…$/,
    );
    expect(first).toHaveLength(columns);
    expect(first).not.toContain('second line');
    expect(second).toMatch(/^0@[0-9a-f]{8} {2}2026\/03\/04 05:06:07 {2}mail +SendMail \[1\] +Boom: short$/);
    expect(first.indexOf('↺')).toBe(second.indexOf('Boom'));
    expect(last).toBe('2 failures');
    expect(terminal.received()).toContain('\u001b[31m');
  });

  test('it says how many failures there are, and shows the command for the next page', async () => {
    await stage.fill(...records(1_500, { exception: "It's" }), record(), '{"failed_at":"soon"}');
    const commands = [['--exception', "it's", '--limit', '3'], [], ['--text', 'it broke']];
    const terminals = commands.map((args) => stage.open(['list', ...args], { columns: 160 }));
    await Promise.all(terminals.map(({ ended }) => ended));
    const [terminal, all, some] = terminals.map((each) => each.text());
    expect(terminal).toContain(
      [
        '3 of 1,500 that match, 1,502 failures in all. Older ones:',
        `  resque-runner failed list --exception 'it'\\''s' --limit 3 --before 1497 --redis ${stage.url}`,
      ].join('\n'),
    );
    expect(all).toContain(
      `20 of 1,502 failures. Older ones:\n  resque-runner failed list --before 1482 --redis ${stage.url}`,
    );
    expect(some).toContain('1 of 1,502 failures matches');
  });

  test('it says how many failures are older, and how many have no readable time', async () => {
    const undated = record({ failed_at: 'soon' });
    await stage.fill(...records(30), undated, record({ failed_at: undefined, queue: 'news' }));
    const commands = [
      ['--limit', '3'],
      ['--limit', '50'],
      ['--queue', 'news'],
      ['--queue', 'none'],
    ];
    const terminals = commands.map((args) =>
      stage.open(['list', '--older-than', '1d', ...args], { columns: 160 }),
    );
    await Promise.all(terminals.map(({ ended }) => ended));
    const [some = '', all, none, nothing] = terminals.map((each) => each.text());
    expect(some).toContain('3 of 30 that match, 32 failures in all; 2 have no readable time. Older ones:');
    expect(some).toContain('failed list --older-than 1d --limit 3 --before 27');
    expect(all).toContain('30 of 32 failures match; 2 have no readable time');
    expect(none).toContain('none of 32 failures matches; 1 has no readable time');
    expect(nothing).toMatch(/none of 32 failures matches\s*$/);
  });

  test('a password in the URL is not shown', async () => {
    await stage.redis.client.call('ACL', ['SETUSER', 'me', 'on', '>hunter2', '~*', '+@all']);
    await stage.fill(...records(30));
    const url = stage.url.replace('//', '//me:hunter2@');
    const terminal = stage.open(['list', '--redis', url, '--namespace', 'resque'], { columns: 160 });
    expect(await terminal.ended).toBe(0);
    expect(terminal.text()).toContain('failed list --before 10 --redis … --namespace resque');
    expect(terminal.received()).not.toContain('hunter2');
  });

  test('it says if the list is empty', async () => {
    const terminal = stage.open(['list'], { columns: 120 });
    expect(await terminal.ended).toBe(0);
    expect(terminal.text()).toContain(`no failures: resque:failed at ${stage.url}/0 is empty`);
  });
});

test('a key that is not a list is reported with the error of Redis', async () => {
  await stage.redis.client.set('resque:failed', 'text');
  const { code, stderr } = await failed('list');
  expect(code).toBe(1);
  expect(stderr).toMatch(/^resque-runner: redis:.*WRONGTYPE/);
});
