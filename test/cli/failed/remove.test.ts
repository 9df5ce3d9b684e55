/** `resque-runner failed remove` and `clear`: which entries they remove, and what they ask first. */
import { describe, expect, test } from 'vitest';
import { idOf, record, records, useFailedStage } from './stage.ts';

const stage = useFailedStage();
const { failed } = stage;

const errors = async () =>
  (await stage.list()).map((entry) => (JSON.parse(entry) as { error: string }).error);
const noTerminal = 'There is no terminal to ask on; to confirm, add --yes';
const place = () => `(resque:failed at ${stage.url}/0)`;

describe('failures by their IDs', () => {
  test('are shown, and without a terminal are left alone without --yes', async () => {
    await stage.fill(...records(4, { exception: 'E\u001b[31m' }), 'junk');
    const entries = await stage.list();
    const id = (at: number) => idOf(at, entries[at] ?? '');
    const said = await Promise.all([
      failed('remove', id(1)),
      failed('remove', '1', '3'),
      failed('remove', '4'),
    ]);
    expect(said.map(({ code, stderr }) => `${code} ${stderr}`)).toEqual([
      `2 resque-runner: Delete failure ${id(1)} (SendMail of mail: E\\u001b[31m: 1) and its job? ${noTerminal}`,
      `2 resque-runner: Delete 2 failures and their jobs? ${noTerminal}`,
      `2 resque-runner: Delete failure ${id(4)} ((no class) of (no queue)) and its job? ${noTerminal}`,
    ]);
    expect(await stage.list()).toEqual(entries);
    expect(await failed('remove', id(1), '--yes')).toEqual({
      code: 0,
      stdout: `${id(1)}: removed`,
      stderr: '',
    });
    // The entry at index 3 is now at 2, and is found anyway.
    const { stdout } = await failed('remove', id(3), '3', '--yes', '--json');
    expect(JSON.parse(stdout)).toEqual({
      ...{ action: 'remove', matching: 2, untimed: 0, done: 2, gone: 0, unretryable: 0 },
      ...{ end: 'whole', message: 'removed 2 failures' },
    });
    expect(await errors()).toEqual(['0', '2']);
    expect(await failed('remove', id(0), id(1), '--yes')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/it was retried or removed; .*; nothing was changed$/),
    });
    expect(await errors()).toEqual(['0', '2']);
  });

  test('that are equal are removed as often as they are named', async () => {
    await stage.fill(record(), record(), record());
    expect((await failed('remove', '0', '2', '--yes')).stdout).toBe('removed 2 failures');
    expect(await stage.list()).toEqual([record()]);
  });
});

test('matching failures are counted, and only they are removed', async () => {
  await stage.fill(...records(600), ...records(300, { queue: 'news' }), ...records(2, { queue: 'bill' }));
  expect(await failed('remove', '--queue', 'm*')).toEqual({
    code: 2,
    stdout: '',
    stderr: `resque-runner: 600 of 902 failures match ${place()}. Delete them and their jobs? ${noTerminal}`,
  });
  expect(await stage.list()).toHaveLength(902);
  expect((await failed('remove', '--queue', 'm*', '--yes')).stdout).toBe('removed 600 failures');
  expect(await stage.list()).toEqual([...records(300, { queue: 'news' }), ...records(2, { queue: 'bill' })]);
  const { code, stdout } = await failed('remove', '--queue', 'mail', '--yes', '--json');
  expect({ code, document: JSON.parse(stdout) as unknown }).toEqual({
    code: 0,
    document: {
      ...{ action: 'remove', matching: 0, untimed: 0, done: 0, gone: 0, unretryable: 0 },
      ...{ end: 'whole', message: 'none of 302 failures matches' },
    },
  });
});

describe('failures older than', () => {
  const ago = (days: number) => {
    const iso = new Date(Date.now() - days * 86_400_000).toISOString();
    return `${iso.slice(0, 10).replaceAll('-', '/')} ${iso.slice(11, 19)}`;
  };
  const at = (failedAt: unknown, error: string) => record({ failed_at: failedAt, error });

  test('30 days go, and those without a readable time stay and are counted', async () => {
    await stage.fill(at(`${ago(31)} UTC`, 'old'), at(`${ago(31)} CET`, 'old'), at(`${ago(30.2)} CET`, 'CET'));
    await stage.fill(at(`${ago(29)} UTC`, 'young'), at(null, 'null'), at('tuesday 5', 'text'), 'junk');
    expect((await failed('list', '--older-than', '30d', '--json')).stdout).toContain('"total":7');
    expect((await failed('list', '--older-than', '30d')).stdout.split('\n')).toHaveLength(2);
    const stay = '3 failures without a readable time stay';
    expect(await failed('remove', '--older-than', '30d')).toEqual({
      code: 2,
      stdout: '',
      stderr: `resque-runner: 2 of 7 failures match; ${stay} ${place()}. Delete them and their jobs? ${noTerminal}`,
    });
    expect((await failed('remove', '--older-than', '30d', '--yes')).stdout).toBe(
      `removed 2 failures; ${stay}`,
    );
    expect(await stage.list()).toEqual([
      ...[at(`${ago(30.2)} CET`, 'CET'), at(`${ago(29)} UTC`, 'young')].map(
        () => expect.any(String) as string,
      ),
      ...[at(null, 'null'), at('tuesday 5', 'text'), 'junk'],
    ]);
    const { stdout } = await failed('remove', '--older-than', '30d', '--yes', '--json');
    expect(JSON.parse(stdout)).toEqual({
      ...{ action: 'remove', matching: 0, untimed: 3, done: 0, gone: 0, unretryable: 0 },
      ...{ end: 'whole', message: `none of 5 failures matches; ${stay}` },
    });
    expect((await failed('list', '--older-than', '5w')).stderr).toBe(
      'none of 5 failures matches; 3 have no readable time',
    );
  });

  test('a time go together with other filters, and can be retried', async () => {
    await stage.fill(
      at(`${ago(3)} UTC`, 'x'),
      record({ failed_at: `${ago(3)} UTC`, queue: 'news' }),
      at('', 'y'),
    );
    expect((await failed('retry', '--older-than', '2d', '--queue', 'mail', '--yes')).stdout).toBe(
      'retried 1 failure; 1 failure without a readable time stays',
    );
    expect(await stage.queued()).toHaveLength(1);
    expect(await stage.queued('news')).toEqual([]);
  });

  test.each(['30', 'd', '1.5d', '-3d', '3 months', ''])(
    '%j is refused before Redis is asked',
    async (duration) => {
      await stage.fill(record());
      const { code, stderr } = await failed('remove', `--older-than=${duration}`, '--yes');
      expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(/--older-than/) });
      expect(await stage.list()).toHaveLength(1);
    },
  );
});

describe('the whole list', () => {
  test.each([['clear'], ['remove', '--all']])('is counted and removed by %s %s', async (...words) => {
    const command = words.filter((word) => word !== undefined);
    await stage.fill(...records(1_100), '', 'junk', Buffer.from([0xff]));
    const said = await failed(...command);
    expect(said).toEqual({
      code: 2,
      stdout: '',
      stderr: `resque-runner: There are 1,103 failures ${place()}. Delete all of them and their jobs? ${noTerminal}`,
    });
    expect(await stage.list()).toHaveLength(1_103);
    expect((await failed(...command, '--yes')).stdout).toBe('removed 1,103 failures');
    expect(await stage.redis.client.keys('*')).toEqual([]);
    expect(await failed(...command, '--yes')).toEqual({
      code: 0,
      stdout: `no failures: resque:failed at ${stage.url}/0 is empty`,
      stderr: '',
    });
  });

  test('may be one failure, or be in another namespace', async () => {
    await stage.fill(record());
    await stage.redis.client.rpush('app:failed', record(), record());
    expect((await failed('clear')).stderr).toBe(
      `resque-runner: There is 1 failure ${place()}. Delete it and its job? ${noTerminal}`,
    );
    const { stdout } = await failed('clear', '--yes', '--json', '--namespace', 'app');
    expect(JSON.parse(stdout)).toMatchObject({ action: 'remove', matching: 2, done: 2, end: 'whole' });
    expect(await stage.list()).toEqual([record()]);
    expect((await failed('clear', '--yes')).stdout).toBe('removed 1 failure');
  });
});
