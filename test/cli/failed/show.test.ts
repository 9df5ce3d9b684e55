/** `resque-runner failed show`: one complete failure, as text and as it is in Redis. */
import { describe, expect, test } from 'vitest';
import { idOf, record, records, useFailedStage } from './stage.ts';

const stage = useFailedStage();
const { failed } = stage;

describe('for people', () => {
  test('it shows all fields, and what to do next', async () => {
    const text = record({
      args: ['bob', { urgent: true }],
      error: 'first line\n\tindented',
      exit_code: 3,
      stderr: 'a warning\n',
      stdout: 'sent 3',
      retried_at: '2026/03/05 00:00:00 UTC',
    });
    await stage.fill(record(), text);
    const id = idOf(1, text);
    expect(await failed('show')).toEqual({
      code: 0,
      stderr: '',
      stdout: [
        `ID          ${id}`,
        'queue       mail',
        'class       SendMail',
        'args        ["bob",{"urgent":true}]',
        'failed      2026/03/04 05:06:07 UTC',
        'retried     2026/03/05 00:00:00 UTC',
        'worker      web1:12:mail',
        'exit code   3',
        'exception   Boom',
        'error       first line',
        '            \tindented',
        'backtrace   job.rb:1',
        '            main.rb:2',
        'stderr      a warning',
        'stdout      sent 3',
        '',
        'Run it here now:',
        `  resque-runner exec mail --from-failed ${id} --redis ${stage.url}`,
        'Retry it again:',
        `  resque-runner failed retry ${id} --redis ${stage.url}`,
      ].join('\n'),
    });
  });

  test('nothing is cut, and members of other programs are shown, too', async () => {
    const error = 'x'.repeat(200_000);
    const payload = { class: 'C', args: [], id: 'abc', at: { hour: 7 } };
    await stage.fill(
      record({ error, payload, signal: 'SIGKILL', before_repair: 'old', backtrace: 'one line' }),
    );
    const { stdout } = await failed('show', '0');
    expect(stdout).toContain(error);
    for (const line of [
      'payload.id  abc',
      'payload.at  {"hour":7}',
      'signal      SIGKILL',
      'before_repair  old',
      'backtrace   one line',
    ]) {
      expect(stdout).toContain(`\n${line}\n`);
    }
  });

  test('the suggested commands can be copied, whatever the name of the queue', async () => {
    await stage.fill(record({ queue: "it's $(here)" }));
    expect((await failed('show')).stdout).toContain(
      `exec 'it'\\''s $(here)' --from-failed ${idOf(0, record({ queue: "it's $(here)" }))}`,
    );
  });

  test.each([
    ['', "an empty string, not a failure: it can't be retried"],
    [
      'junk \u001b[31m\nline 2',
      "not a JSON object, so it can't be retried. Its text:\n            junk \\u001b[31m\n            line 2",
    ],
    [
      Buffer.from([0xff, 0x41]),
      "not a JSON object, so it can't be retried; not UTF-8 (--json shows its bytes in base64). Its text:\n            \ufffdA",
    ],
  ])('an entry that is not a failure is reported, with how to remove it: %j', async (entry, words) => {
    await stage.fill(entry);
    const { code, stdout } = await failed('show');
    expect(code).toBe(0);
    expect(stdout).toBe(
      `ID          ${idOf(0, entry)}\n            ${words}\n\nDelete it:\n  resque-runner failed remove ${idOf(0, entry)} --redis ${stage.url}`,
    );
  });

  test('control sequences do not reach the terminal', async () => {
    const evil = '\u001b]0;t\u0007\u009b31m\u202e\r\u0000';
    const members = {
      worker: evil,
      failed_at: evil,
      stderr: evil,
      backtrace: [evil, { a: evil }],
      [evil]: evil,
    };
    await stage.fill(
      record({ queue: evil, jobClass: evil, args: [evil], exception: evil, error: evil, ...members }),
    );
    const { stdout } = await failed('show');
    expect(stdout).not.toMatch(/[^\P{Cc}\n]|\u202e/u);
    expect(stdout.match(/\\u001b\]0;t\\u0007/g)?.length).toBeGreaterThan(8);
  });

  test('it uses colors on a terminal, unless NO_COLOR is set', async () => {
    await stage.fill(record());
    const terminal = stage.open(['show']);
    expect(await terminal.ended).toBe(0);
    expect(terminal.received()).toContain('\u001b[31mBoom');
    const plain = stage.open(['show'], { columns: 80, env: { NO_COLOR: '1' } });
    expect(await plain.ended).toBe(0);
    expect(plain.received()).toContain('exception   Boom');
    expect(plain.received()).not.toContain('\u001b[31m');
  });
});

describe('--json', () => {
  test.each([
    '{"payload":{"class":"C","args":[9007199254740993,1.50]},  "error":"\\u00e4 ä"}',
    record({ error: 'x'.repeat(1_000_000) }),
    '42',
    '"text"',
    '[]',
  ])('is the record, byte for byte, if it is JSON: %.40s', async (entry) => {
    await stage.fill(entry);
    expect(await failed('show', '--json')).toEqual({ code: 0, stderr: '', stdout: entry });
  });

  test.each(['', 'junk', '{"a":', Buffer.from('{"a":"\u00e4"}', 'latin1'), '\ufeff{}'])(
    'says that an entry is not JSON: %j',
    async (entry) => {
      await stage.fill(entry);
      const { code, stdout } = await failed('show', '0', '--json');
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toEqual({
        index: 0,
        id: idOf(0, entry),
        isJson: false,
        text: entry.toString('utf8'),
        base64: Buffer.from(entry).toString('base64'),
      });
    },
  );

  test('prints the same on a terminal, with control characters escaped', async () => {
    const entry = '{"error":"\u009b31m \u202e ok",\n\t"a":1}';
    await stage.fill(entry);
    const terminal = stage.open(['show', '--json']);
    expect(await terminal.ended).toBe(0);
    expect(terminal.received()).toBe('{"error":"\\u009b31m \\u202e ok",\n\t"a":1}\n');
  });
});

test('an ID that finds nothing is an error; an empty list is not', async () => {
  expect(await failed('show')).toEqual({
    code: 1,
    stdout: '',
    stderr: `resque-runner: there is no failure to show: resque:failed at ${stage.url}/0 is empty`,
  });
  await stage.fill(...records(2));
  expect(await failed('show', '2')).toMatchObject({
    code: 2,
    stderr: 'resque-runner: there is no failure 2: indexes are 0 to 1',
  });
  expect(await failed('show', '0@00000000')).toMatchObject({ code: 2, stdout: '' });
});
