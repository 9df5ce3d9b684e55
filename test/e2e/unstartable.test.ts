/** Scripts that can't be started: no job is lost, the queue says why, and resumes by itself. */
import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import type { Runner } from '../helpers/runner.ts';
import { waitFor } from '../helpers/wait-for.ts';

const e2e = useEndToEnd({ isInProcess: true });

const payloads = [1, 2, 3].map((n) => JSON.stringify({ class: 'Job', args: [n] }));
const recording = 'read -r p; echo "$p" >> "$D/ran"';
/** Time for a queue to notice that its script is back. */
const resumeTimeoutMs = 15_000;

/** Waits until all jobs are on their queue again, which may be after the pause is reported. */
async function assertPutBack(): Promise<void> {
  await waitFor(async () => (await e2e.backlog('mail')).length === payloads.length, {
    message: 'the jobs are back on their queue',
  });
}

async function assertNothingBurnt(): Promise<void> {
  await assertPutBack();
  expect(await e2e.backlog('mail')).toEqual(payloads);
  expect(await e2e.rawFailures()).toEqual([]);
  expect(await e2e.stat('processed')).toBe(0);
}

async function assertPaused(runner: Runner, from = 0): Promise<string> {
  const { pauses } = await runner.waitForLine('queue.paused', ({ queue }) => queue === 'mail', { from });
  expect(pauses).toMatchObject([{ kind: 'unstartable' }]);
  return pauses?.[0]?.detail ?? '';
}

describe('a script that', () => {
  test.each<[string, (path: string) => void]>([
    ['is missing', () => {}],
    ['is a dangling link', (path) => symlinkSync(`${path}-nowhere`, path)],
    ['is not executable', () => chmodSync(e2e.script(recording, { name: 'job' }), 0o644)],
    ['is a directory', (path) => mkdirSync(path)],
    ['has a missing interpreter', () => e2e.script(recording, { name: 'job', interpreter: '/no/sh' })],
    ['has an interpreter that is a directory', () => e2e.script('', { name: 'job', interpreter: '/tmp' })],
    ['is below a file', (path) => e2e.write(path.slice(e2e.directory.length + 1).split('/')[0] ?? '')],
  ])('%s pauses its queue, and its jobs run when it can be started', async (what, prepare) => {
    const name = what === 'is below a file' ? 'sub/job' : 'job';
    const path = e2e.path(name);
    prepare(path);
    await e2e.enqueue('mail', ...payloads);
    const runner = await e2e.run({
      runners: { mail: { concurrency: 1, script: path }, other: { concurrency: 1, script: '/bin/true' } },
    });
    const detail = await assertPaused(runner);
    expect(detail).toContain(name);
    await e2e.enqueue('other', { class: 'Other', args: [] });
    await runner.waitForFinished(1);
    await assertPutBack();
    expect(await e2e.backlog('mail')).toEqual(payloads);
    expect(await e2e.rawFailures()).toEqual([]);

    rmSync(e2e.path(name.split('/')[0] ?? ''), { recursive: true, force: true });
    if (name.includes('/')) mkdirSync(e2e.path('sub'));
    e2e.script(recording, { name });
    await runner.waitForLine('queue.resumed', ({ queue }) => queue === 'mail', {
      timeoutMs: resumeTimeoutMs,
    });
    await e2e.waitForFileLines('ran', 3);
    expect(e2e.fileLines('ran')).toEqual(payloads);
    await e2e.failures(0);
    await e2e.waitForStat('processed', 4);
    expect(runner.all('queue.paused')).toHaveLength(1);
    expect(runner.all('queue.resumed')).toHaveLength(1);
  });
});

describe('an interpreter that env looks up on PATH and that', () => {
  test.each<[string, () => void]>([
    ['may be in a directory without search permission', () => chmodSync(e2e.path('bin'), 0)],
    ['is not executable', () => chmodSync(e2e.write('bin/rr-sh'), 0o644)],
    ['is a directory', () => mkdirSync(e2e.path('bin/rr-sh'))],
    ['has a missing interpreter', () => e2e.script('', { name: 'bin/rr-sh', interpreter: '/no/such/sh' })],
  ])('%s pauses its queue, and its jobs run when it can be started', async (_, prepare) => {
    mkdirSync(e2e.path('bin'));
    prepare();
    const script = e2e.script(`D='${e2e.directory}'\n${recording}`, { interpreter: '/usr/bin/env rr-sh' });
    await e2e.enqueue('mail', ...payloads);
    const env = { PATH: `${e2e.path('bin')}:${process.env.PATH}` };
    const runner = await e2e.run({ runners: { mail: 1 }, script }, { env });
    expect(await assertPaused(runner)).toContain('rr-sh');
    await assertNothingBurnt();
    chmodSync(e2e.path('bin'), 0o755);
    rmSync(e2e.path('bin/rr-sh'), { recursive: true, force: true });
    symlinkSync('/bin/sh', e2e.path('bin/rr-sh'));
    await e2e.waitForFileLines('ran', 3, resumeTimeoutMs);
    expect(e2e.fileLines('ran')).toEqual(payloads);
    await e2e.failures(0);
  });

  test('can be started does not affect a script that exits with 126 or 127 by itself', async () => {
    const script = e2e.script("exit $(sed 's/.*\\[\\([0-9]*\\)\\].*/\\1/')", {
      interpreter: '/usr/bin/env sh',
    });
    await e2e.enqueue('mail', ...[126, 127].map((code) => ({ class: 'Job', args: [code] })));
    const runner = await e2e.run({ runners: { mail: 1 }, script }, { args: ['--drain'] });
    await runner.waitForExit();
    expect((await e2e.failures(2)).map((failure) => failure.exit_code)).toEqual([126, 127]);
    expect(runner.all('queue.paused')).toEqual([]);
  });
});

test('a script that can’t be started is reported at start, before any job, and after HUP', async () => {
  const runner = await e2e.run({ runners: { mail: 1 }, script: e2e.path('missing') });
  expect(await assertPaused(runner)).toContain('missing does not exist');
  e2e.script('exit 0', { name: 'missing' });
  await runner.waitForLine('queue.resumed', undefined, { timeoutMs: resumeTimeoutMs });
  const from = runner.position;
  chmodSync(e2e.script('exit 0', { name: 'other' }), 0o644);
  runner.writeConfig(e2e.config({ runners: { mail: 1 }, script: e2e.path('other') }));
  runner.signal('SIGHUP');
  expect(await assertPaused(runner, from)).toContain('other is not executable');
  expect(runner.all('job.started')).toEqual([]);
});

test('a file without "#!" runs as a shell script, as usual on Unix', async () => {
  const path = e2e.write('job', `echo "$1" >> '${e2e.path('ran')}'\n`);
  chmodSync(path, 0o755);
  await e2e.enqueue('mail', ...payloads);
  const runner = await e2e.run({ runners: { mail: 1 }, script: path }, { args: ['--drain'] });
  await runner.waitForExit();
  expect(e2e.fileLines('ran')).toEqual(['mail', 'mail', 'mail']);
});

test('a program without a slash is searched on PATH', async () => {
  e2e.script('echo "$1" >> "$D/ran"', { name: 'rr-test-program' });
  const env = { PATH: `${e2e.directory}:${process.env.PATH}` };
  await e2e.enqueue('mail', ...payloads);
  const config = { runners: { mail: 1 }, script: 'rr-test-program' };
  const runner = await e2e.run(config, { env, args: ['--drain'] });
  await runner.waitForExit();
  expect(e2e.fileLines('ran')).toEqual(['mail', 'mail', 'mail']);
});

test('no job is lost if the script disappears while the runner works', async () => {
  const path = e2e.script(recording, { name: 'job' });
  const runner = await e2e.run({ runners: { mail: 2 }, script: path });
  await e2e.enqueue('mail', { class: 'First', args: [] });
  await runner.waitForFinished(1);
  for (const round of [1, 2]) {
    renameSync(path, `${path}.away`);
    const from = runner.position;
    await e2e.enqueue('mail', ...payloads);
    await assertPaused(runner, from);
    await assertPutBack();
    expect((await e2e.backlog('mail')).sort()).toEqual(payloads);
    renameSync(`${path}.away`, path);
    await runner.waitForLine('queue.resumed', undefined, { from, timeoutMs: resumeTimeoutMs });
    await e2e.waitForStat('processed', 1 + 3 * round);
  }
  expect(e2e.fileLines('ran')).toHaveLength(7);
  await e2e.failures(0);
});

test('a missing working directory counts as unstartable', async () => {
  const script = e2e.script(recording);
  await e2e.enqueue('mail', ...payloads);
  const cwd = e2e.path('not-there');
  const runner = await e2e.run({ runners: { mail: { concurrency: 1, cwd } }, script });
  await assertPaused(runner);
  await assertNothingBurnt();
  mkdirSync(cwd);
  await e2e.waitForFileLines('ran', 3, resumeTimeoutMs);
  expect(e2e.fileLines('ran')).toEqual(payloads);
});

test('the runner stops cleanly while a queue is paused for this reason, and its jobs stay', async () => {
  await e2e.enqueue('mail', ...payloads);
  e2e.mayLeaveKeys('queue:mail');
  const runner = await e2e.run({ runners: { mail: 4 }, script: e2e.path('missing') });
  await assertPaused(runner);
  expect(await runner.stop()).toEqual({ code: 0, signal: undefined });
  await assertNothingBurnt();
});

test('a good script in a reloaded config ends the pause', async () => {
  const runner = await e2e.run({ runners: { mail: 1 }, script: e2e.path('missing') });
  await e2e.enqueue('mail', ...payloads);
  await assertPaused(runner);
  runner.writeConfig(e2e.config({ runners: { mail: 1 }, script: e2e.script(recording) }));
  runner.signal('SIGHUP');
  await e2e.waitForFileLines('ran', 3, resumeTimeoutMs);
  expect(e2e.fileLines('ran')).toEqual(payloads);
});
