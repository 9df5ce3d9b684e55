/** `enqueue --file`: what it takes for a job, and what it says where something is none. */
import { describe, expect, test } from 'vitest';
import { useRedis } from '../../helpers/redis.ts';
import { numbered, useEnqueue } from './stage.ts';

const redis = useRedis();
const stage = useEnqueue(redis);

const mark = '\ufeff';
/** As editors and programs of all kinds write them. */
const lively = [
  `${mark}{"class":"A","args":[9007199254740993123,1.50,1e400]}`,
  '',
  '\t {"class" : "B",  "args" : ["ä\\ud800"], "queue":"x"} \r',
  '  \r',
  '{"class":"C"}',
].join('\n');
const livelyJobs = [
  '{"class":"A","args":[9007199254740993123,1.50,1e400]}',
  '{"class" : "B",  "args" : ["ä\\ud800"], "queue":"x"}',
  '{"class":"C"}',
];

describe('a job a line', () => {
  test('of a file goes onto the queue as it stands there', async () => {
    stage.file('jobs.ndjson', lively);
    await redis.client.rpush('resque:queue:mail', 'first');
    expect(await stage.run(['--file', 'jobs.ndjson'])).toEqual({
      code: 0,
      stdout: `enqueued 3 jobs in mail; 4 jobs are waiting there now (${stage.url}/0)`,
      stderr: '',
    });
    expect(await stage.jobs()).toEqual(['first', ...livelyJobs]);
    expect(await redis.client.smembers('resque:queues')).toEqual(['mail']);
    expect(await stage.keysLeft()).toEqual([]);
  });

  test('of STDIN does so too', async () => {
    expect(await stage.run(['--file', '-'], lively)).toMatchObject({ code: 0 });
    expect(await stage.jobs()).toEqual(livelyJobs);
    expect(await stage.keysLeft()).toEqual([]);
  });

  test('of an empty file is none', async () => {
    stage.file('jobs.ndjson', '');
    const { code, stdout } = await stage.run(['--file', 'jobs.ndjson']);
    expect(code).toBe(0);
    expect(stdout).toContain('enqueued 0 jobs in mail; 0 jobs are waiting there now');
    expect(await redis.client.keys('*')).toEqual([]);
  });
});

describe('for programs', () => {
  test('--json says what was enqueued, from a file and as copies', async () => {
    stage.file('jobs.ndjson', lively);
    const of = {
      queue: 'mail',
      redis: `${stage.url}/0`,
      namespace: 'resque',
      isComplete: true,
      resume: null,
    };
    const file = await stage.run(['--file', 'jobs.ndjson', '--json']);
    expect(file).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(file.stdout)).toEqual({
      ...of,
      enqueued: 3,
      waiting: 3,
      file: 'jobs.ndjson',
      lines: 5,
    });
    const copies = await stage.run(['A', '1', '--count', '2', '--json']);
    expect(JSON.parse(copies.stdout)).toEqual({
      ...of,
      enqueued: 2,
      waiting: 5,
      payload: '{"class":"A","args":[1]}',
    });
  });

  test('--json names wrong lines as well, and where to go on', async () => {
    stage.file('jobs.ndjson', '{"class":"A"}\n[]\n');
    const reason = 'it is an array, not an object such as {"class": "SendMail", "args": []}';
    const wrong = { wrongLines: [{ line: 2, reason, text: '[]' }], moreWrongLines: 0 };
    const file = await stage.run(['--file', 'jobs.ndjson', '--json']);
    expect(file.code).toBe(2);
    expect(JSON.parse(file.stdout)).toMatchObject({ ...wrong, enqueued: 0, nextLine: 1, isComplete: false });
    const pipe = await stage.run(['--file', '-', '--json'], '{"class":"A"}\n[]\n');
    expect(pipe.code).toBe(2);
    expect(JSON.parse(pipe.stdout)).toMatchObject({ ...wrong, enqueued: 1, nextLine: 2, isComplete: false });
  });
});

describe('a wrong line', () => {
  test('of a file is named with all others, and nothing is enqueued', async () => {
    const lines = [
      '{"class":"A"}',
      '{"class":"A",}',
      '',
      '{"args":[]}',
      ...numbered(3),
      ...Array.from('abcdefghij'),
    ];
    stage.file('jobs.ndjson', lines.join('\r\n'));
    const { code, stdout, stderr } = await stage.run(['--file', 'jobs.ndjson']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    const shown = stderr.split('\n');
    expect(shown.slice(0, 4)).toEqual([
      'resque-runner: jobs.ndjson has 12 invalid lines; nothing was enqueued:',
      '  line 2: it is not JSON: at column 13, a trailing comma; remove it: {"class":"A",}',
      '  line 4: "class" is missing: {"args":[]}',
      '  line 8: it is not JSON: at column 1, an unquoted word; only true, false and null have no quotes: a',
    ]);
    expect(shown.at(-1)).toBe('  and 2 more');
    expect(shown).toHaveLength(12);
    expect(await redis.client.keys('*')).toEqual([]);
  });

  test('of what comes only once: what was before it is in, and --from-line enqueues the rest, each job once', async () => {
    const lines = numbered(2_500);
    const wrong = lines.with(2_200, '{"class":""}');
    const { code, stdout, stderr } = await stage.run(['--file', '-'], wrong.join('\n'));
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr.split('\n').slice(-2)).toEqual([
      'resque-runner: STDIN: line 2201: "class" is empty: {"class":""}',
      '2,200 jobs are enqueued in mail, up to line 2,200; fix line 2201 and continue with --from-line 2201',
    ]);
    expect(await stage.keysLeft()).toEqual([]);
    const rest = await stage.run(['--file', '-', '--from-line', '2201'], lines.join('\n'));
    expect(rest).toMatchObject({ code: 0 });
    expect(await stage.jobs()).toEqual(lines);
  });

  test('at the very beginning leaves nothing to be said but that', async () => {
    const { code, stderr } = await stage.run(['--file', '-'], '\n{"class":"\u001b[2J\ufeff\n');
    expect(code).toBe(2);
    expect(stderr).toBe(
      'resque-runner: STDIN: line 2: it is not JSON: at column 10, a string has no closing double quote on its line: {"class":"\\u001b[2J\\ufeff\nnothing was enqueued; fix line 2 and try again',
    );
    expect(await redis.client.keys('*')).toEqual([]);
  });
});

describe('a file that', () => {
  test.each([
    ['is not there', ['--file', 'none'], 'none: there is no such file'],
    ['is a directory', ['--file', '.'], '. is a directory; name a file in it'],
  ])('%s is a mistake', async (_, args, message) => {
    expect(await stage.run(args)).toEqual({ code: 2, stdout: '', stderr: `resque-runner: ${message}` });
    expect(await redis.client.keys('*')).toEqual([]);
  });

  test('is enqueued from a line on needs to have the lines before it', async () => {
    stage.file('jobs.ndjson', 'no job\n{"class":"A"}\n{"class":"B"}\n');
    expect(await stage.run(['--file', 'jobs.ndjson', '--from-line', '3'])).toMatchObject({ code: 0 });
    expect(await stage.jobs()).toEqual(['{"class":"B"}']);
    const behind = await stage.run(['--file', 'jobs.ndjson', '--from-line', '4']);
    expect(behind.stdout).toContain('enqueued 0 jobs');
    expect(await stage.run(['--file', 'jobs.ndjson', '--from-line', '5'])).toMatchObject({
      code: 2,
      stderr: 'resque-runner: jobs.ndjson has only 3 lines; --from-line 5 is after the end',
    });
    expect(await stage.keysLeft()).toEqual([]);
  });
});

describe('--at-head', () => {
  test('puts a file before what waits, its first line first, from a pipe as well', async () => {
    const lines = numbered(2_500);
    stage.file('jobs.ndjson', lines.join('\n'));
    await redis.client.rpush('resque:queue:mail', 'waits');
    expect(await stage.run(['--file', 'jobs.ndjson', '--at-head'])).toMatchObject({ code: 0, stderr: '' });
    expect(await stage.jobs()).toEqual([...lines, 'waits']);
    expect(await stage.run(['--file', '-', '--at-head'], '{"class":"B"}\n{"class":"C"}\n')).toMatchObject({
      code: 0,
    });
    expect((await stage.jobs()).slice(0, 3)).toEqual(['{"class":"B"}', '{"class":"C"}', lines[0]]);
  });

  test('refuses what is too much for one step', async () => {
    stage.file('jobs.ndjson', '{"class":"A"}\n'.repeat(100_001));
    const { code, stderr } = await stage.run(['--file', 'jobs.ndjson', '--at-head']);
    expect(code).toBe(2);
    expect(stderr).toBe(
      'resque-runner: --at-head enqueues a file in one step, with at most 100,000 jobs and 64 MiB in total; jobs.ndjson has more: omit --at-head, or split the file',
    );
    expect(await redis.client.keys('*')).toEqual([]);
  });

  test('enqueues nothing of a file with a wrong line, from a pipe neither', async () => {
    const { code, stderr } = await stage.run(['--file', '-', '--at-head'], '{"class":"A"}\n{}\n');
    expect(code).toBe(2);
    expect(stderr).toContain('STDIN has 1 invalid line; nothing was enqueued:\n  line 2: "class" is missing');
    expect(await redis.client.keys('*')).toEqual([]);
  });
});

test('--count enqueues the same job many times, --at-head before what waits', async () => {
  await redis.client.rpush('resque:queue:mail', 'waits');
  const { code, stdout, stderr } = await stage.run(['A', '1', '--count', '2500', '--at-head']);
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: `enqueued 2,500 jobs in mail; 2,501 jobs are waiting there now (${stage.url}/0)`,
  });
  expect(stderr).toMatch(
    /^resque-runner: enqueuing 2,500 jobs; if it is interrupted, repeat the command with --resume [0-9a-f]{8}$/,
  );
  const jobs = await stage.jobs();
  expect(jobs.pop()).toBe('waits');
  expect(jobs).toHaveLength(2_500);
  expect(new Set(jobs)).toEqual(new Set(['{"class":"A","args":[1]}']));
  expect(await stage.keysLeft()).toEqual([]);
});
