/**
 * Jobs that are started with child_process, as if koffi can't be loaded. Repeats the tests of arguments and STDIN, and a
 * few tests of each other kind.
 */
import { chmodSync, mkdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import * as native from '../../src/engine/launch/libc.ts';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import { isAlive } from '../helpers/processes.ts';
import { waitFor } from '../helpers/wait-for.ts';
import { environmentTests } from './environment-tests.ts';
import { stdinTests } from './stdin-tests.ts';

const off = { RR_NATIVE: 'off' };

// What RR_NATIVE does in a program. This process has made its choice already.
beforeAll(() => {
  vi.spyOn(native, 'libc').mockReturnValue(null);
});
afterAll(() => {
  vi.restoreAllMocks();
});

describe('the process of a job', () => environmentTests(off));

describe('STDIN', stdinTests);

describe('jobs', () => {
  const e2e = useEndToEnd({ isInProcess: true });
  const job = { class: 'Job', args: [1] };

  test.each([
    ['a program', { isProgram: true, env: off }],
    ['the engine in this process', {}],
  ] as const)('of %s are started with child_process: their outputs are sockets', async (_, options) => {
    await e2e.enqueue('mail', job);
    const script = e2e.script('readlink /proc/self/fd/1; exit 1');
    await e2e.run({ runners: { mail: 1 }, script }, options);
    expect((await e2e.failure()).stdout).toMatch(/^socket:/);
  });

  test.each(['SIGKILL', 'SIGTERM'])('die of %s, and keep their output', async (signal) => {
    const script = e2e.script(`echo last words >&2; kill -${signal.slice(3)} $$; sleep 5`);
    await e2e.enqueue('mail', job);
    await e2e.run({ runners: { mail: 1 }, script });
    const failure = await e2e.failure();
    expect(failure).toMatchObject({ exception: 'Resque::DirtyExit', signal });
    expect(failure.error).toContain('last words');
  });

  test('end even if a grandchild keeps their pipes open', async () => {
    const script = e2e.script('sleep 60 & echo $! > "$D/pid"; exit 0');
    await e2e.enqueue('mail', job);
    const runner = await e2e.run({ runners: { mail: 1 }, script });
    const [line] = await runner.waitForFinished(1);
    expect(line?.outcome).toBe('succeeded');
    const [pid] = await e2e.waitForFileLines('pid');
    await waitFor(() => !isAlive(Number(pid)), { message: 'the grandchild is gone' });
  });

  test('over their timeout are ended with KILL if they ignore TERM, together with their children', async () => {
    const script = e2e.script(`
      trap "" TERM
      sleep 60 & echo $! > "$D/pid"
      while :; do sleep 0.1; done`);
    await e2e.enqueue('mail', job);
    const limits = { concurrency: 1, timeout: 0.3, killAfter: 0.2 };
    const runner = await e2e.run({ runners: { mail: limits }, script });
    const [pid] = await e2e.waitForFileLines('pid');
    expect(await e2e.failure()).toMatchObject({ exception: 'TimeoutError', signal: 'SIGKILL' });
    expect(runner.all('job.killed').map(({ signal }) => signal)).toEqual(['SIGTERM', 'SIGKILL']);
    await waitFor(() => !isAlive(Number(pid)), { message: 'the grandchild is gone' });
  });

  test('keep the last words of a flood', async () => {
    const script = e2e.script(
      'head -c 20000000 /dev/zero | tr "\\0" x >&2; echo the very last words >&2; exit 1',
    );
    await e2e.enqueue('mail', job, job, job);
    await e2e.run({ runners: { mail: 2 }, script });
    for (const { error } of await e2e.failures(3)) expect(error).toMatch(/xthe very last words\n?$/);
  });

  test('run by the dozen, each with its own payload and exit code', async () => {
    const script = e2e.script('read -r payload; echo "$payload" >&2; exit 1');
    const jobs = Array.from({ length: 60 }, (_, n) => ({ class: 'Job', args: [n] }));
    await e2e.enqueue('mail', ...jobs);
    await e2e.run({ runners: { mail: 12 }, script });
    const failures = await e2e.failures(60);
    for (const { error, payload } of failures) expect(JSON.parse(error)).toEqual(payload);
    expect(new Set(failures.map(({ error }) => error)).size).toBe(60);
  });

  test.each<[string, (path: string) => void]>([
    ['is missing', () => {}],
    ['is not executable', () => chmodSync(e2e.script('', { name: 'job' }), 0o644)],
    ['is a directory', (path) => mkdirSync(path)],
    ['lies below a file', () => e2e.write('sub')],
  ])('whose script %s stay on their queue', async (what, prepare) => {
    const path = e2e.path(what === 'lies below a file' ? 'sub/job' : 'job');
    prepare(path);
    e2e.mayLeaveKeys('queue:mail');
    await e2e.enqueue('mail', job);
    const runner = await e2e.run({ runners: { mail: 1 }, script: path });
    const { pauses } = await runner.waitForLine('queue.paused');
    expect(pauses).toMatchObject([{ kind: 'unstartable', detail: expect.stringContaining(path) }]);
    await waitFor(async () => (await e2e.backlog('mail')).length === 1, { message: 'the job is back' });
  });

  test('start as soon as their script exists', async () => {
    await e2e.enqueue('mail', job);
    const runner = await e2e.run({ runners: { mail: 1 }, script: e2e.path('job') });
    await runner.waitForLine('queue.paused');
    e2e.script('exit 0', { name: 'job' });
    const [line] = await runner.waitForFinished(1);
    expect(line?.outcome).toBe('succeeded');
  });

  test('can be a text file without "#!", found on PATH', async () => {
    chmodSync(e2e.write('rr-test-program', `echo "$1" >> '${e2e.path('ran')}'\n`), 0o755);
    await e2e.enqueue('mail', job);
    const env = { PATH: `${e2e.directory}:${process.env.PATH}` };
    const runner = await e2e.run({ runners: { mail: 1 }, script: 'rr-test-program' }, { env });
    await runner.waitForFinished(1);
    expect(e2e.fileLines('ran')).toEqual(['mail']);
  });

  test('run in a prestarted child', async () => {
    const script = e2e.script('echo started >> "$D/started"; read -r payload; echo "$payload" >> "$D/ran"');
    await e2e.run({ runners: { mail: { concurrency: 1, prestart: true } }, script });
    await e2e.waitForFileLines('started', 1);
    await e2e.enqueue('mail', job);
    expect(await e2e.waitForFileLines('ran')).toEqual([JSON.stringify(job)]);
    // And a child is ready for the next job.
    await e2e.waitForFileLines('started', 2);
    await e2e.waitForStat('processed', 1);
  });

  test('run one after another in a persistent child', async () => {
    const script = e2e.script(`
      echo started >> "$D/started"
      while read -r payload; do
        echo "$payload" >> "$D/ran"
        case $payload in
          *2*) echo '{"exception":"Odd","error":"it was 2"}' >&3;;
          *) echo '{"ok":true}' >&3;;
        esac
      done`);
    const jobs = [1, 2, 3].map((n) => ({ class: 'Job', args: [n] }));
    await e2e.enqueue('mail', ...jobs);
    const runner = await e2e.run({ runners: { mail: { concurrency: 1, mode: 'persistent' } }, script });
    const lines = await runner.waitForFinished(3);
    expect(lines.map(({ outcome }) => outcome)).toEqual(['succeeded', 'failed', 'succeeded']);
    expect(await e2e.failure()).toMatchObject({ exception: 'Odd', error: 'it was 2', payload: jobs[1] });
    expect(e2e.fileLines('started')).toHaveLength(1);
  });
});
