/** `"mode": "persistent"`: a child that stays. Each line on STDIN is a payload, each line on descriptor 3 a result. */
import { describe, expect, test } from 'vitest';
import { children, persistentScript, sayOk, waitForChildren } from '../helpers/children.ts';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import { assertSafeWorkerRecord } from '../helpers/resque-web.ts';
import { waitFor } from '../helpers/wait-for.ts';

const e2e = useEndToEnd({ isInProcess: true });
const job = (...args: unknown[]) => ({ class: 'Job', args });
const jobs = (count: number) => Array.from({ length: count }, (_, n) => job(n));
const mail = { concurrency: 1, mode: 'persistent' };

/** With posix_spawn and with child_process. */
const natives = [
  ['posix_spawn', {}],
  ['child_process', { RR_NATIVE: 'off' }],
] as const;

/** Lines `PID PAYLOAD` of the file that jobs write. */
function ran(): { pid: number; payload: string }[] {
  return e2e.fileLines('ran').map((line) => {
    const [pid = '', ...rest] = line.split(' ');
    return { pid: Number(pid), payload: rest.join(' ') };
  });
}

/** The child that did a job. */
const pidsOfJobs = () => ran().map(({ pid }) => pid);

describe.each(natives)('a child that stays, started with %s,', (_how, env) => {
  test('does one job after another, and starts before the first one', async () => {
    const script = e2e.script(persistentScript());
    const runner = await e2e.run({ runners: { mail }, script }, { env });
    const [child] = await waitForChildren(e2e, 1);
    await e2e.enqueue('mail', ...jobs(5));
    const finished = await runner.waitForFinished(5);
    for (const line of finished) expect(line).toMatchObject({ outcome: 'succeeded', exitCode: null });
    expect(ran()).toEqual(jobs(5).map((each) => ({ pid: child?.pid, payload: JSON.stringify(each) })));
    expect(child).toMatchObject({ queue: 'mail', queueVariable: 'mail' });
    for (const { job: view } of runner.all('job.started')) {
      expect(view).toMatchObject({ pid: child?.pid, worker: child?.worker });
    }
    expect(children(e2e)).toHaveLength(1);
    await e2e.waitForStat('processed', 5);
    expect(await e2e.stat('failed')).toBe(0);
  });

  test('reports how a job failed, with the output of this job', async () => {
    const told = { exception: 'NoSuchUser', error: 'user 7 is gone', backtrace: ['mail.sh:12', 'mail.sh:1'] };
    const script = e2e.script(
      persistentScript(`
        echo "out: $job"; echo "err: $job" >&2
        case $job in *bad*) echo '${JSON.stringify(told)}' >&3;; *) ${sayOk};; esac`),
    );
    const runner = await e2e.run({ runners: { mail }, script }, { env });
    const texts = ['good 1', 'bad 2', 'good 3', 'bad 4'];
    await e2e.enqueue('mail', ...texts.map((text) => job(text)));
    const failures = await e2e.failures(2);
    for (const [at, text] of ['bad 2', 'bad 4'].entries()) {
      const payload = JSON.stringify(job(text));
      expect(failures[at]).toMatchObject({
        ...told,
        ...{ payload: job(text), stderr: `err: ${payload}`, stdout: `out: ${payload}\n` },
      });
      expect(failures[at]?.exit_code ?? null).toBeNull();
      expect(failures[at]?.signal ?? null).toBeNull();
    }
    await runner.waitForFinished(4);
    expect(children(e2e)).toHaveLength(1);
    await e2e.waitForStat('processed', 4);
    expect(await e2e.stat('failed')).toBe(2);
  });

  test('is replaced after maxJobs, and after it dies during a job', async () => {
    const script = e2e.script(
      persistentScript(`echo "$$ $job" >> "$D/ran"; case $job in *die*) exit 4;; esac; ${sayOk}`),
    );
    const limited = { ...mail, maxJobs: 2 };
    await e2e.run({ runners: { mail: limited }, script }, { env });
    await e2e.enqueue('mail', job(1), job(2), job(3), job('die'), job(5));
    expect(await e2e.failure()).toMatchObject({ exit_code: 4, payload: job('die') });
    await e2e.waitForStat('processed', 5);
    const [one, two, three, four, five] = pidsOfJobs();
    expect([one === two, two === three, three === four, four === five]).toEqual([true, false, true, false]);
  });

  test('is ended with its runner', async () => {
    const script = e2e.script(`${persistentScript()}\necho "$$ left" >> "$D/left"`);
    const runner = await e2e.run({ runners: { mail: { ...mail, concurrency: 3 } }, script }, { env });
    const living = await waitForChildren(e2e, 3);
    expect(await runner.stop()).toEqual({ code: 0, signal: undefined });
    // By the end of their STDIN: they had time to report it.
    expect(e2e.fileLines('left').sort()).toEqual(living.map(({ pid }) => `${pid} left`).sort());
    expect(runner.all('runner.throttled')).toEqual([]);
  });
});

describe('written in', () => {
  const python = `
import json, os, sys
results = os.fdopen(int(os.environ['RESQUE_RESULT_FD']), 'w')
for line in sys.stdin.buffer:
    with open(sys.argv[0] + '.ran', 'ab') as seen: seen.write(line)
    job = json.loads(line)
    failed = job['args'][0] == 'fail'
    print(json.dumps({'exception': 'E', 'error': 'ü'} if failed else {'ok': True}), file=results, flush=True)`;
  const node = `
const { appendFileSync, writeSync } = require('node:fs');
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  appendFileSync(process.argv[1] + '.ran', line + '\\n');
  const failed = JSON.parse(line).args[0] === 'fail';
  const result = failed ? { exception: 'E', error: 'ü' } : { ok: true };
  writeSync(Number(process.env.RESQUE_RESULT_FD), JSON.stringify(result) + '\\n');
});`;
  const sh = `while IFS= read -r job; do
printf '%s\\n' "$job" >> "$0.ran"
case $job in *fail*) echo '{"exception":"E","error":"ü"}' >&3;; *) ${sayOk};; esac
done`;

  test.each([
    ['sh', '/bin/sh', sh],
    ['Python', '/usr/bin/env python3', python],
    ['Node', '/usr/bin/env node', node],
  ])('%s, a child does jobs of all kinds', async (_language, interpreter, body) => {
    const path = e2e.script(body, { name: 'job', interpreter });
    const runner = await e2e.run({ runners: { mail }, script: path });
    const payloads = [
      '{"class":"Ä","args":["🚀 ü"]}',
      '{"class":"B","args":["fail"]}',
      '{"class":"C","args":[9007199254740993]}',
    ];
    await e2e.enqueue('mail', ...payloads);
    await runner.waitForFinished(3);
    expect(await e2e.failure()).toMatchObject({ exception: 'E', error: 'ü', payload: { class: 'B' } });
    expect(e2e.fileLines('job.ran')).toEqual(payloads);
    expect(new Set(runner.all('job.started').map(({ job: view }) => view?.pid)).size).toBe(1);
  });
});

describe('a payload is one line, unchanged except for white space between its tokens:', () => {
  const megabyte = 'größer '.repeat(131_072);
  test.each([
    ['unicode', '{"class":"Ä::队列","args":["🚀\u2028\u2029\u0085"]}', null],
    [
      'integers beyond 2^53',
      '{"class":"A","args":[9007199254740993, 1.0, 1e3]}',
      '{"class":"A","args":[9007199254740993,1.0,1e3]}',
    ],
    [
      'line breaks between tokens',
      ' {\n\t"class" : "A" ,\r\n "args":[ 1,\n2 ] }\n',
      '{"class":"A","args":[1,2]}',
    ],
    [
      'escapes',
      '{"class":"A", "args":[" \\n \\" { } \\\\", "\\ud800"]}',
      '{"class":"A","args":[" \\n \\" { } \\\\","\\ud800"]}',
    ],
    ['the same key twice', '{"class":"A","args":[1],"args":[2]}', null],
    ['a megabyte', `{"class":"A","args":["${megabyte}"]}`, null],
    [
      'a megabyte, indented',
      `{\n  "class": "A",\n  "args": ["${megabyte}"]\n}`,
      `{"class":"A","args":["${megabyte}"]}`,
    ],
  ])('%s', async (_what, payload, line) => {
    const script = e2e.script(
      `import os, sys
for line in sys.stdin.buffer:
    with open(sys.argv[0] + '.ran', 'ab') as seen: seen.write(line)
    os.write(3, b'{"ok":true}\\n')`,
      { name: 'job', interpreter: '/usr/bin/env python3' },
    );
    await e2e.enqueue('mail', payload, job('next'));
    const runner = await e2e.run({ runners: { mail }, script });
    const finished = await runner.waitForFinished(2);
    expect(finished.map(({ outcome }) => outcome)).toEqual(['succeeded', 'succeeded']);
    expect(e2e.read('job.ran') === `${line ?? payload}\n${JSON.stringify(job('next'))}\n`).toBe(true);
  });
});

test('bytes that are not UTF-8 arrive unchanged', async () => {
  const payload = Buffer.from('{"class":"A","args":["caf\xe9\xff"]}', 'latin1');
  const script = e2e.script(
    persistentScript(`printf '%s' "$job" | od -An -tx1 | tr -d ' \\n' > "$D/hex"; ${sayOk}`),
  );
  await e2e.enqueue('mail', payload);
  const runner = await e2e.run({ runners: { mail }, script });
  await runner.waitForFinished(1);
  expect(e2e.read('hex')).toBe(payload.toString('hex'));
});

test('a variable names descriptor 3, even if the runner inherited another value', async () => {
  const script = e2e.script(
    `ls /proc/$$/fd > "$D/fds"; echo "[$RESQUE_RESULT_FD]" > "$D/variable"\n${persistentScript()}`,
  );
  await e2e.run({ runners: { mail }, script }, { env: { RESQUE_RESULT_FD: '9' } });
  await waitForChildren(e2e, 1);
  expect(e2e.fileLines('variable')).toEqual(['[3]']);
  expect(e2e.fileLines('fds').filter((fd) => Number(fd) < 10)).toEqual(['0', '1', '2', '3']);
});

test('a payload that is not a JSON object is recorded and reaches no child', async () => {
  const runner = await e2e.run({ runners: { mail }, script: e2e.script(persistentScript()) });
  const [child] = await waitForChildren(e2e, 1);
  await e2e.enqueue('mail', 'hello\n{"class":"A","args":[]}', job(1));
  await runner.waitForFinished(1);
  expect(await e2e.failure()).toMatchObject({
    exception: 'InvalidPayloadError',
    payload: { class: 'InvalidPayload' },
  });
  expect(ran()).toEqual([{ pid: child?.pid, payload: JSON.stringify(job(1)) }]);
});

test('an error of a megabyte is a normal result, and cut like any other', async () => {
  const script = e2e.script(
    persistentScript(`printf '{"exception":"E","error":"' >&3; head -c 1000000 /dev/zero | tr '\\0' x >&3
      echo '"}' >&3`),
  );
  const runner = await e2e.run({ runners: { mail }, script });
  await e2e.enqueue('mail', job(1), job(2));
  for (const { exception, error } of await e2e.failures(2)) {
    expect(exception).toBe('E');
    expect(error).toMatch(/^x{60000}/);
    expect(error.length).toBeLessThanOrEqual(65_536);
  }
  await runner.waitForFinished(2);
  expect(children(e2e)).toHaveLength(1);
});

test('Redis shows the worker as working while its job runs, and not longer', async () => {
  const script = e2e.script(persistentScript(`while [ ! -e "$D/go" ]; do sleep 0.1; done; ${sayOk}`));
  const runner = await e2e.run({ runners: { mail }, script });
  const [child] = await waitForChildren(e2e, 1);
  const record = () => e2e.client.getBuffer(e2e.key(`worker:${child?.worker}`));
  expect(await record()).toBeNull();
  await e2e.enqueue('mail', job(1));
  const found = await waitFor(record, { message: 'the worker has recorded its job' });
  expect(assertSafeWorkerRecord(found)).toMatchObject({ queue: 'mail', payload: job(1) });
  e2e.write('go');
  await runner.waitForFinished(1);
  await waitFor(async () => (await record()) === null, { message: 'the worker is idle' });
});

describe('several queues in one entry', () => {
  test.each(['mail,default', '*'])('(%s) have separate children', async (key) => {
    const script = e2e.script(persistentScript(`echo "$1 $RESQUE_QUEUE $job" >> "$D/ran"; ${sayOk}`));
    await e2e.client.sadd(e2e.key('queues'), 'mail', 'default');
    const runner = await e2e.run({ runners: { [key]: { ...mail, concurrency: 2 } }, script });
    await waitForChildren(e2e, 2);
    const queues = ['mail', 'default', 'default', 'mail', 'default', 'default', 'mail', 'mail'];
    for (const [n, queue] of queues.entries()) {
      await e2e.enqueue(queue, { class: queue, args: [n] });
      await runner.waitForFinished(n + 1);
    }
    expect(e2e.fileLines('ran')).toEqual(
      queues.map((queue, n) => `${queue} ${queue} ${JSON.stringify({ class: queue, args: [n] })}`),
    );
    await e2e.failures(0);
    await waitForChildren(e2e, 2);
  });
});

test('a child of a pattern gets a queue, never the pattern, and starts when a queue exists', async () => {
  const script = e2e.script(persistentScript(`echo "$1 $RESQUE_QUEUE $RESQUE_WORKER" >> "$D/ran"; ${sayOk}`));
  const runner = await e2e.run({
    runners: { 'mail_*': mail, 'low_*,low': { ...mail, concurrency: 1 } },
    script,
  });
  // The named queue comes after the pattern in the list.
  expect((await waitForChildren(e2e, 1)).map(({ queue }) => queue)).toEqual(['low']);
  await e2e.enqueue('mail_out', job(1));
  await runner.waitForFinished(1);
  const [ran] = e2e.fileLines('ran');
  expect(ran).toMatch(new RegExp(`^mail_out mail_out ${runner.workerHost}:${runner.pid}-\\d+:mail_\\*$`));
  await waitForChildren(e2e, 2);
  for (const { queue, queueVariable } of children(e2e)) {
    expect(['low', 'mail_out']).toContain(queue);
    expect(queueVariable).toBe(queue);
  }
});

test('several slots run jobs at the same time, each with its own child', async () => {
  const script = e2e.script(
    persistentScript(`echo "$$ $job" >> "$D/ran"; while [ ! -e "$D/go" ]; do sleep 0.1; done; ${sayOk}`),
  );
  const runner = await e2e.run({ runners: { mail: { ...mail, concurrency: 3 } }, script });
  await e2e.enqueue('mail', ...jobs(7));
  await e2e.waitForFileLines('ran', 3);
  await waitFor(() => runner.all('job.started').length === 3, { message: 'as many run as there are slots' });
  e2e.write('go');
  await runner.waitForFinished(7);
  expect(new Set(pidsOfJobs()).size).toBe(3);
  expect(new Set(children(e2e).map(({ worker }) => worker)).size).toBe(3);
});

test('four slots do each of 2,000 quick jobs exactly once', { timeout: 60_000 }, async () => {
  const script = e2e.script(persistentScript());
  await e2e.enqueue('mail', ...jobs(2_000));
  const config = { runners: { mail: { ...mail, concurrency: 4 } }, script };
  const runner = await e2e.run(config, { args: ['--drain'] });
  await runner.waitForExit(50_000);
  expect(
    ran()
      .map(({ payload }) => payload)
      .sort(),
  ).toEqual(
    jobs(2_000)
      .map((each) => JSON.stringify(each))
      .sort(),
  );
  expect(new Set(pidsOfJobs()).size).toBeLessThanOrEqual(4);
  expect([await e2e.stat('processed'), await e2e.stat('failed')]).toEqual([2_000, 0]);
});

test('process mode does not set this variable', async () => {
  const script = e2e.script('echo "[$RESQUE_RESULT_FD]" > "$D/variable"');
  const runner = await e2e.run({ runners: { mail: 1 }, script }, { env: { RESQUE_RESULT_FD: '9' } });
  await e2e.enqueue('mail', job(1));
  await runner.waitForFinished(1);
  expect(e2e.fileLines('variable')).toEqual(['[]']);
});
