/** `"prestart": true`: a booted child waits for each job, and does it like any other child. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  children,
  job,
  livingChildren,
  tellBirth,
  waitForChildren,
  waitForEnd,
  waitForNewChild,
} from '../helpers/children.ts';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import { isAlive } from '../helpers/processes.ts';
import { waitFor } from '../helpers/wait-for.ts';

const e2e = useEndToEnd({ isInProcess: true });
const recording = `${tellBirth}; IFS= read -r job; echo "$$ $1 $job" >> "$D/ran"`;
const mail = { concurrency: 1, prestart: true };

/** With posix_spawn and with child_process. */
const natives = [
  ['posix_spawn', {}],
  ['child_process', { RR_NATIVE: 'off' }],
] as const;

describe.each(natives)('a prestarted child, started with %s,', (_how, env) => {
  test('boots before its job arrives, and does it', async () => {
    const script = e2e.script(recording);
    const runner = await e2e.run({ runners: { mail }, script, args: ['behind'] }, { env });
    const [child] = await waitForChildren(e2e, 1);
    expect(runner.all('job.started')).toEqual([]);
    await e2e.enqueue('mail', job(1));
    const [finished] = await runner.waitForFinished(1);
    expect(finished).toMatchObject({ outcome: 'succeeded', exitCode: 0 });
    const { job: view } = await runner.waitForLine('job.started');
    expect(view).toMatchObject({ pid: child?.pid, worker: child?.worker });
    expect(child).toMatchObject({ queue: 'mail', queueVariable: 'mail' });
    expect(e2e.fileLines('ran')).toEqual([`${child?.pid} mail ${JSON.stringify(job(1))}`]);
    await e2e.waitForStat('processed', 1);
  });

  test('is replaced as soon as it gets its job, so no two jobs share a child', async () => {
    const script = e2e.script(`${recording}; while [ ! -e "$D/go" ]; do sleep 0.1; done`);
    const runner = await e2e.run({ runners: { mail: { ...mail, concurrency: 2 } }, script }, { env });
    await waitForChildren(e2e, 2);
    await e2e.enqueue('mail', ...Array.from({ length: 6 }, (_, n) => job(n)));
    await e2e.waitForFileLines('ran', 2);
    await waitForChildren(e2e, 4);
    e2e.write('go');
    await runner.waitForFinished(6);
    const pids = e2e.fileLines('ran').map((line) => line.split(' ')[0]);
    expect(new Set(pids).size).toBe(6);
    await waitForChildren(e2e, 2);
    await e2e.failures(0);
  });

  test('has its failure recorded with all its output, including output from before the job', async () => {
    const report = JSON.stringify({ exception: 'NoRoute', error: 'to ann', backtrace: ['mail.sh:3'] });
    const script = e2e.script(`
      echo booted; echo "takes long to boot" >&2; ${tellBirth}
      read -r job; echo working; printf '%s\\n' '${report}' >&2; exit 7`);
    await e2e.run({ runners: { mail }, script }, { env });
    await waitForChildren(e2e, 1);
    await e2e.enqueue('mail', job(1));
    expect(await e2e.failure()).toMatchObject({
      ...{ exception: 'NoRoute', error: 'to ann', backtrace: ['mail.sh:3'], exit_code: 7 },
      ...{ stderr: 'takes long to boot', stdout: 'booted\nworking\n', payload: job(1) },
    });
    await e2e.waitForStat('failed', 1);
  });

  test('is ended with its runner', async () => {
    const script = e2e.script(recording);
    const runner = await e2e.run({ runners: { mail: { ...mail, concurrency: 3 } }, script }, { env });
    await waitForChildren(e2e, 3);
    expect(await runner.stop()).toEqual({ code: 0, signal: undefined });
    expect(livingChildren(e2e)).toEqual([]);
    expect(runner.all('runner.throttled')).toEqual([]);
  });
});

test.each(natives)('a missing script is started with %s as soon as it exists', async (_how, env) => {
  await e2e.enqueue('mail', job(1));
  const runner = await e2e.run({ runners: { mail }, script: e2e.path('job') }, { env });
  const { pauses } = await runner.waitForLine('queue.paused');
  expect(pauses).toMatchObject([{ kind: 'unstartable' }]);
  e2e.script(recording, { name: 'job' });
  await runner.waitForFinished(1, 15_000);
  await waitForChildren(e2e, 1);
  await e2e.failures(0);
});

describe('STDIN of a prestarted child', () => {
  const payloads: readonly [string, Buffer][] = [
    ['unicode', Buffer.from('{"class":"Ä::队列","args":["🚀\u2028\u2029\u0085"]}')],
    ['integers beyond 2^53', Buffer.from('{"class":"A","args":[9007199254740993,12345678901234567890123]}')],
    ['line breaks between its tokens', Buffer.from(' {\n\t"class" : "A" ,\r\n "args":[ 1,2 ] }\n')],
    ['bytes that are not UTF-8', Buffer.from('{"class":"A","args":["caf\xe9\xff"]}', 'latin1')],
    ['exactly what a pipe holds', Buffer.from(`{"class":"A","args":["${'x'.repeat(65_536 - 25)}"]}`)],
    ['one byte more', Buffer.from(`{"class":"A","args":["${'x'.repeat(65_536 - 24)}"]}`)],
    ['a megabyte', Buffer.from(`{"class":"A","args":["${'größer '.repeat(131_072)}"]}`)],
  ];

  test.each(payloads)('brings the payload byte for byte, then ends: %s', async (_what, payload) => {
    const script = e2e.script(`${tellBirth}; exec cat > "$D/stdin-$$"`);
    const runner = await e2e.run({ runners: { mail }, script });
    await waitForChildren(e2e, 1);
    await e2e.enqueue('mail', payload);
    const [finished] = await runner.waitForFinished(1);
    expect(finished?.outcome).toBe('succeeded');
    const { pid } = children(e2e)[0] ?? {};
    expect((await runner.waitForLine('job.started')).job?.pid).toBe(pid);
    expect(readFileSync(e2e.path(`stdin-${pid}`)).equals(payload)).toBe(true);
  });
});

test('a prestarted child leads a process group and has only its three streams open', async () => {
  const script = e2e.script(`${tellBirth}; read -r job
    set -- $(cat /proc/$$/stat); echo "$1 $5" > "$D/group"; ls /proc/$$/fd > "$D/fds"
    echo "[$RESQUE_RESULT_FD]" > "$D/variable"`);
  // As if the runner were a job of another runner.
  const runner = await e2e.run({ runners: { mail }, script }, { env: { RESQUE_RESULT_FD: '9' } });
  const [child] = await waitForChildren(e2e, 1);
  await e2e.enqueue('mail', job(1));
  await runner.waitForFinished(1);
  expect(e2e.fileLines('group')).toEqual([`${child?.pid} ${child?.pid}`]);
  expect(e2e.fileLines('fds').filter((fd) => Number(fd) < 10)).toEqual(['0', '1', '2']);
  expect(e2e.fileLines('variable')).toEqual(['[]']);
});

test('binary data on stderr, before and during the job, breaks no record', async () => {
  const script = e2e.script(`printf 'before\\377\\000\\033[2J\\n' >&2; ${tellBirth}
    read -r job; printf 'in it\\200\\376\\000<b>' >&2; exit 1`);
  await e2e.run({ runners: { mail }, script });
  await waitForChildren(e2e, 1);
  await e2e.enqueue('mail', job(1));
  const { error } = await e2e.failure();
  expect(error).toMatch(/^before\ufffd.*in it\ufffd\ufffd/s);
});

test('a flood of output before the job is limited like that of a job', async () => {
  const script = e2e.script(`echo start; head -c 5000000 /dev/zero | tr '\\0' x; echo; ${tellBirth}
    read -r job; echo end; exit 1`);
  await e2e.run({ runners: { mail }, script });
  await waitForChildren(e2e, 1);
  await e2e.enqueue('mail', job(1));
  const { stdout } = await e2e.failure();
  expect(stdout).toMatch(/^start\nx+\n\[… \d+ bytes left out …\]\nx+\nend\n$/);
  expect(stdout?.length).toBeLessThanOrEqual(65_536);
});

test('a child that has waited longer than prestartMaxAge is replaced without a log line', async () => {
  const script = e2e.script(recording);
  const runner = await e2e.run({ runners: { mail: { ...mail, prestartMaxAge: 0.2 } }, script });
  const first = await waitForChildren(e2e, 1);
  const second = await waitForNewChild(e2e, first);
  await waitForNewChild(e2e, [...first, second]);
  await waitForEnd(second);
  await e2e.enqueue('mail', job(1));
  await runner.waitForFinished(1);
  await e2e.failures(0);
  expect(runner.all('runner.throttled')).toEqual([]);
});

describe('a job in a prestarted child', () => {
  const limits = { ...mail, timeout: 0.3, killAfter: 0.2 };

  test('is ended at its timeout, with TERM and then KILL, together with its own children', async () => {
    const script = e2e.script(`${tellBirth}; read -r job; trap "" TERM
      sleep 60 & echo $! > "$D/grandchild"; while :; do sleep 0.1; done`);
    const runner = await e2e.run({ runners: { mail: limits }, script });
    await waitForChildren(e2e, 1);
    await e2e.enqueue('mail', job(1));
    expect(await e2e.failure()).toMatchObject({ exception: 'TimeoutError', signal: 'SIGKILL' });
    expect(runner.all('job.killed').map(({ signal, reason }) => [signal, reason])).toEqual([
      ['SIGTERM', 'timeout'],
      ['SIGKILL', 'timeout'],
    ]);
    const [grandchild] = e2e.fileLines('grandchild');
    await waitFor(() => !isAlive(Number(grandchild)), { message: 'its child has ended' });
  });

  test('leaves none of its own children running', async () => {
    const script = e2e.script(
      `${tellBirth}; read -r job; sleep 60 > /dev/null 2>&1 & echo $! > "$D/grandchild"; wait 0; exit 0`,
    );
    const runner = await e2e.run({ runners: { mail }, script });
    await waitForChildren(e2e, 1);
    await e2e.enqueue('mail', job(1));
    await runner.waitForFinished(1);
    const [grandchild] = await e2e.waitForFileLines('grandchild');
    await waitFor(() => !isAlive(Number(grandchild)), { message: 'its child has ended' });
  });

  test('can die of a signal like any other job', async () => {
    const script = e2e.script(`${tellBirth}; read -r job; kill -SEGV $$; sleep 5`);
    const runner = await e2e.run({ runners: { mail }, script });
    await waitForChildren(e2e, 1);
    await e2e.enqueue('mail', job(1));
    expect(await e2e.failure()).toMatchObject({ exception: 'Resque::DirtyExit', signal: 'SIGSEGV' });
    expect(runner.all('runner.throttled')).toEqual([]);
  });
});

describe('several queues in one entry', () => {
  test.each(['mail,default', '*'])('(%s) have separate children', async (key) => {
    const script = e2e.script(recording);
    await e2e.client.sadd(e2e.key('queues'), 'mail', 'default');
    const runner = await e2e.run({ runners: { [key]: { ...mail, concurrency: 2 } }, script });
    await waitForChildren(e2e, 2);
    const queues = ['mail', 'default', 'default', 'mail', 'default', 'default', 'mail', 'mail'];
    for (const [n, queue] of queues.entries()) {
      await e2e.enqueue(queue, { class: queue, args: [n] });
      await runner.waitForFinished(n + 1);
    }
    const ran = e2e.fileLines('ran').map((line) => line.split(' '));
    expect(ran.map(([, queue, payload]) => [queue, JSON.parse(payload ?? '').class])).toEqual(
      queues.map((queue) => [queue, queue]),
    );
    for (const child of children(e2e)) expect(child.queueVariable).toBe(child.queue);
    expect(runner.all('job.started').map(({ job: view }) => view?.queue)).toEqual(queues);
    await e2e.failures(0);
  });
});

test('four slots do each of 200 jobs once, each in its own child', async () => {
  const script = e2e.script('read -r job; echo "$$ $job" >> "$D/ran"');
  const jobs = Array.from({ length: 200 }, (_, n) => job(n));
  await e2e.enqueue('mail', ...jobs);
  const runner = await e2e.run(
    { runners: { mail: { ...mail, concurrency: 4 } }, script },
    { args: ['--drain'] },
  );
  await runner.waitForExit(25_000);
  const ran = e2e.fileLines('ran').map((line) => line.split(' '));
  expect(ran.map(([, payload]) => payload).sort()).toEqual(jobs.map((each) => JSON.stringify(each)).sort());
  expect(new Set(ran.map(([pid]) => pid)).size).toBe(200);
  expect([await e2e.stat('processed'), await e2e.stat('failed')]).toEqual([200, 0]);
});
