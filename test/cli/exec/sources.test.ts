/** The sources of the job of `exec`, and the errors without a job. */
import { writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, test } from 'vitest';
import { freePort, useRedis } from '../../helpers/redis.ts';
import { idOf } from '../failed/stage.ts';
import { useExec } from './stage.ts';

const redis = useRedis();
const stage = useExec({ isProgram: false });

/** The script's STDIN, with a visible end. */
const got = () => stage.read('got');

beforeEach(() => {
  stage.script('cat > "$D/got"; printf "|" >> "$D/got"');
  stage.config({}, { redis: `redis://127.0.0.1:${redis.port}` });
});

describe('the job', () => {
  test.each([
    ['without a line’s end', '{"class":"A"}', '{"class":"A"}|'],
    ['with one, which is left out', '{"class":"A"}\n', '{"class":"A"}|'],
    ['with a line’s end of Windows', '{"class":"A"}\r\n', '{"class":"A"}|'],
    ['with two line’s ends', '{"class":"A"}\n\n', '{"class":"A"}\n|'],
    [
      'over several lines, with a large integer',
      '{ "n":\n 12345678901234567890 }\n',
      '{ "n":\n 12345678901234567890 }|',
    ],
  ])('is the content of a file, %s', async (_, content, expected) => {
    stage.write('job.json', content);
    expect(await stage.run(['mail', 'job.json'])).toMatchObject({ code: 0, stderr: '' });
    expect(got()).toBe(expected);
  });

  test('is read from STDIN if there is no file or the file is -', async () => {
    for (const args of [['mail'], ['mail', '-']]) {
      expect(await stage.run(args, { input: `{"class":"B","args":["${args.length}"]}\n` })).toMatchObject({
        code: 0,
      });
      expect(got()).toBe(`{"class":"B","args":["${args.length}"]}|`);
    }
  });

  test('is built from a class and arguments, with valid JSON used as JSON', async () => {
    const args = ['mail', '--class', 'Send', '--', 'bob', '7', '{"a": 1}', '-', '--x'];
    expect(await stage.run(args)).toMatchObject({ code: 0 });
    expect(got()).toBe('{"class":"Send","args":["bob",7,{"a": 1},"-","--x"]}|');
  });

  test('that is not JSON is reported with its file, line and column', async () => {
    stage.write('bad.json', '{\n  "class": "A",\n  "args": [1 2]\n}\n');
    const { code, stdout } = await stage.run(['mail', 'bad.json']);
    expect(code).toBe(1);
    expect(stdout.split('\n').slice(0, 2)).toEqual([
      '✗ not run: the payload is not a JSON object (not JSON)',
      '  bad.json:3:14: expected a comma or closing bracket',
    ]);
    expect((await stage.run(['mail', '-'], { input: '{' })).stdout).toContain('\n  STDIN:1:2: ');
    expect((await stage.run(['mail', '--class', 'A', '{"a": b}'])).stderr).toContain(
      '{"a": b} is not valid JSON',
    );
  });

  test('that is not a JSON object is not run, and shown as a worker would record it', async () => {
    for (const input of ['[1]', 'text', '"x"']) {
      const { code, stdout } = await stage.run(['mail', '-'], { input });
      expect(code).toBe(1);
      expect(stdout).toMatch(
        /^✗ not run: the payload is not a JSON object \((an array|not JSON|a string)\)\n/,
      );
    }
    expect(await stage.document(['mail', '-'], { input: '' })).toMatchObject({
      ...{ code: 1, outcome: 'failed', exitCode: null, durationMs: null, cpu: null, payload: null },
      failure: { payload: { class: 'InvalidPayload', args: [''] }, backtrace: [], raw_payload: '' },
      resqueWeb: { class: 'InvalidPayload', arguments: '""', exception: 'InvalidPayloadError' },
    });
    expect(got()).toBe('');
  });
});

describe('the job of a failure', () => {
  const failed = async (payload: string, rest = '') => {
    const record = `{"failed_at":"2026/11/24 15:20:19 UTC","payload":${payload},"exception":"E","error":"e","backtrace":null,"worker":"h:1:mail","queue":"other"${rest}}`;
    await redis.client.rpush('resque:failed', record);
    return record;
  };

  test('is run byte for byte through the named queue, and nothing is written to Redis', async () => {
    await failed('{"class":"First"}');
    const record = await failed('{ "class":"Second", "args":[12345678901234567890] }');
    const before = await redis.client.lrange('resque:failed', 0, -1);
    expect(await stage.run(['mail', '--from-failed', 'last'])).toMatchObject({ code: 0, stderr: '' });
    expect(got()).toBe('{ "class":"Second", "args":[12345678901234567890] }|');
    const { createHash } = await import('node:crypto');
    const check = createHash('sha1').update(record).digest('hex').slice(0, 8);
    expect(await stage.run(['mail', '--from-failed', `0@${check}`])).toMatchObject({ code: 0 });
    expect(got()).toContain('Second');
    expect(await redis.client.lrange('resque:failed', 0, -1)).toEqual(before);
    expect(await redis.client.keys('*')).toEqual(['resque:failed']);
  });

  test('is the original text if that was not JSON', async () => {
    await failed('null', ',"raw_payload":"{not JSON"');
    const { code, failure } = await stage.document(['mail', '--from-failed', '0']);
    expect({ code, raw: failure?.raw_payload }).toEqual({ code: 1, raw: '{not JSON' });
  });

  test('that does not exist or has no job is reported', async () => {
    expect(await stage.run(['mail', '--from-failed', '0'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('there is no failure 0'),
    });
    const id = idOf(0, await failed('null'));
    expect(await stage.run(['mail', '--from-failed', 'last'])).toEqual({
      ...{ code: 1, stdout: '' },
      stderr: `resque-runner: failure ${id} doesn't contain its job; see resque-runner failed show ${id}`,
    });
  });

  test('needs Redis, unlike other jobs', async () => {
    const away = `redis://127.0.0.1:${await freePort()}`;
    const { code, stdout, stderr } = await stage.run(['mail', '--from-failed', '0', '--redis', away]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^resque-runner: redis:\S+: connect ECONNREFUSED \S+; is Redis running there\?$/);
    stage.config({}, { redis: away });
    expect(await stage.run(['mail', '--class', 'A'])).toMatchObject({ code: 0 });
  });
});

describe('a mistake exits with 2 and says what to do', () => {
  test.each([
    [[], 'exec needs a QUEUE; see resque-runner exec --help'],
    [['mail', 'none.json'], "none.json: there is no such file (to give a job's class, use --class)"],
    [['mail', '.'], '.: it is a directory; give the file that holds the job'],
    [
      ['mail', 'Send', 'bob'],
      'exec takes one FILE; "bob" is one too many (put a job\'s arguments after --class CLASS)',
    ],
    [['mail', 'a', '--from-failed', '1'], '"a" can\'t be combined with --from-failed: exec runs one job'],
    [
      ['mail', '--class', 'A', '--from-failed', '1'],
      "--class can't be combined with --from-failed: exec runs one job",
    ],
    [['mail', '--class', ' '], 'the class is empty'],
    [
      ['mail', '--class', 'A', '--redis', 'redis://x'],
      "--redis needs --from-failed; without it, exec doesn't use Redis",
    ],
    [
      ['mial', '--class', 'A'],
      'no entry of cfg.json serves the queue "mial"; did you mean "mail"?\nits entries are: mail',
    ],
  ])('%j', async (args, message) => {
    expect(await stage.run(args)).toEqual({ code: 2, stdout: '', stderr: `resque-runner: ${message}` });
    expect(got()).toBe('');
  });

  test('no job at all', async () => {
    const { code, stdout, stderr } = await stage.run(['mail']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr.split('\n')).toEqual([
      'resque-runner: STDIN is empty; use one of:',
      '  a file:          resque-runner exec QUEUE FILE (- for STDIN)',
      '  a class:         resque-runner exec QUEUE --class CLASS ARG…',
      '  a failed job:    resque-runner exec QUEUE --from-failed ID (last for the newest)',
    ]);
  });

  test('no config, or an invalid one', async () => {
    expect(await stage.run(['mail', '--class', 'A', '--config', 'none.json'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("none.json can't be used"),
    });
  });
});

test('a queue belongs to the entry that names it, or else to the first pattern that matches', async () => {
  const script = (name: string) => stage.script(`echo ${name}`, name);
  const runners = {
    '*': { concurrency: 1, script: script('all') },
    'mail_*': { concurrency: 1, script: script('pattern') },
    'mail_eu,!x': { concurrency: 1, script: script('named') },
  };
  writeFileSync(stage.path('cfg.json'), JSON.stringify({ runners }));
  for (const [queue, entry, name, slot] of [
    ['mail_eu', 'mail_eu,!x', 'named', 2],
    ['mail_us', '*', 'all', 0],
  ] as const) {
    const document = await stage.document([queue, '--class', 'A']);
    expect(document).toMatchObject({ entry, queue, command: [stage.path(name), queue] });
    expect(document.worker.endsWith(`-${slot}:${entry}`), document.worker).toBe(true);
  }
});
