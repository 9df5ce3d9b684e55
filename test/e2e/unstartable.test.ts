/** Scripts that can't be started: no job is lost, the queue says why, and resumes by itself. */
import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { expect, test } from 'vitest';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import type { Runner } from '../helpers/runner.ts';
import { waitFor } from '../helpers/wait-for.ts';
import type { ConfigObject } from '../helpers/workbench.ts';

const e2e = useEndToEnd({ isInProcess: true });

const payloads = [1, 2, 3].map((n) => JSON.stringify({ class: 'Job', args: [n] }));
/** Writes a file for each queue. */
const recording = 'read -r p; echo "$p" >> "$D/ran-$1"';
/** Time for a queue to notice that its script is back. */
const resumeTimeoutMs = 15_000;

/** Waits until all jobs are on their queue again, which may be after the pause is reported. */
async function assertPutBack(queue = 'mail'): Promise<void> {
  await waitFor(async () => (await e2e.backlog(queue)).length === payloads.length, {
    message: `the jobs are back on ${queue}`,
  });
}

async function assertNothingBurnt(): Promise<void> {
  await assertPutBack();
  expect(await e2e.backlog('mail')).toEqual(payloads);
  expect(await e2e.rawFailures()).toEqual([]);
  expect(await e2e.stat('processed')).toBe(0);
}

async function assertPaused(runner: Runner, from = 0, queueName = 'mail'): Promise<string> {
  const { pauses } = await runner.waitForLine('queue.paused', ({ queue }) => queue === queueName, { from });
  expect(pauses).toMatchObject([{ kind: 'unstartable' }]);
  return pauses?.[0]?.detail ?? '';
}

/** A program that can't be started; its files are in a directory of its own. */
interface Broken {
  /** Breaks it. @returns settings of its runner */
  readonly prepare: (directory: string) => ConfigObject;
  readonly repair: (directory: string) => void;
  /** What the pause names. */
  readonly named: string;
}

const good = (directory: string, name: string, interpreter = '/bin/sh') =>
  e2e.script(`D='${e2e.directory}'\n${recording}`, { name: `${directory}/${name}`, interpreter });

/** With a script `job`. */
function script(prepare: (path: string, directory: string) => void): Broken {
  return {
    prepare(directory) {
      prepare(e2e.path(`${directory}/job`), directory);
      return { script: e2e.path(`${directory}/job`) };
    },
    repair(directory) {
      rmSync(e2e.path(`${directory}/job`), { recursive: true, force: true });
      good(directory, 'job');
    },
    named: 'job',
  };
}

/** With a script whose interpreter `rr-sh` env looks up in the folder `bin`. */
function interpreter(prepare: (directory: string) => void): Broken {
  return {
    prepare(directory) {
      mkdirSync(e2e.path(`${directory}/bin`));
      prepare(directory);
      const env = { PATH: `${e2e.path(`${directory}/bin`)}:${process.env.PATH}` };
      return { script: good(directory, 'job', '/usr/bin/env rr-sh'), env };
    },
    repair(directory) {
      chmodSync(e2e.path(`${directory}/bin`), 0o755);
      rmSync(e2e.path(`${directory}/bin/rr-sh`), { recursive: true, force: true });
      symlinkSync('/bin/sh', e2e.path(`${directory}/bin/rr-sh`));
    },
    named: 'rr-sh',
  };
}

const broken: Readonly<Record<string, Broken>> = {
  'is missing': script(() => {}),
  'is a dangling link': script((path) => symlinkSync(`${path}-nowhere`, path)),
  'is not executable': script((path, directory) => {
    good(directory, 'job');
    chmodSync(path, 0o644);
  }),
  'is a directory': script((path) => mkdirSync(path)),
  'has a missing interpreter': script((_, directory) => good(directory, 'job', '/no/sh')),
  'has an interpreter that is a directory': script((_, directory) => good(directory, 'job', '/tmp')),
  'is below a file': {
    prepare(directory) {
      e2e.write(`${directory}/sub`);
      return { script: e2e.path(`${directory}/sub/job`) };
    },
    repair(directory) {
      rmSync(e2e.path(`${directory}/sub`));
      mkdirSync(e2e.path(`${directory}/sub`));
      good(directory, 'sub/job');
    },
    named: 'sub/job',
  },
  'has an interpreter that may be in a directory without search permission': interpreter((directory) =>
    chmodSync(e2e.path(`${directory}/bin`), 0),
  ),
  'has an interpreter on PATH that is not executable': interpreter((directory) =>
    chmodSync(e2e.write(`${directory}/bin/rr-sh`), 0o644),
  ),
  'has an interpreter on PATH that is a directory': interpreter((directory) =>
    mkdirSync(e2e.path(`${directory}/bin/rr-sh`)),
  ),
  'has an interpreter on PATH whose interpreter is missing': interpreter((directory) =>
    good(directory, 'bin/rr-sh', '/no/such/sh'),
  ),
  'has a missing working directory': {
    prepare: (directory) => ({
      script: good(directory, 'job'),
      cwd: e2e.path(`${directory}/not-there`),
    }),
    repair: (directory) => mkdirSync(e2e.path(`${directory}/not-there`)),
    named: 'not-there',
  },
};

// All at once, because the runner takes seconds to notice repairs.
test('a script that can’t be started, for any reason, pauses its queue, and its jobs run when it can be started', async () => {
  const cases = Object.entries(broken).map(([what, each], at) => ({ what, ...each, queue: `q${at}` }));
  const runners: Record<string, ConfigObject> = { other: { concurrency: 1, script: '/bin/true' } };
  for (const { queue, prepare } of cases) {
    mkdirSync(e2e.path(queue));
    runners[queue] = { concurrency: 1, ...prepare(queue) };
    await e2e.enqueue(queue, ...payloads);
  }
  const runner = await e2e.run({ runners });
  for (const { what, queue, named } of cases) {
    expect(await assertPaused(runner, 0, queue), what).toContain(`${queue}/`);
    expect(await assertPaused(runner, 0, queue), what).toContain(named);
  }
  await e2e.enqueue('other', { class: 'Other', args: [] });
  await runner.waitForFinished(1);
  for (const { what, queue } of cases) {
    await assertPutBack(queue);
    expect(await e2e.backlog(queue), what).toEqual(payloads);
  }
  expect(await e2e.rawFailures()).toEqual([]);
  await e2e.waitForStat('processed', 1);

  for (const { queue, repair } of cases) repair(queue);
  for (const { what, queue } of cases) {
    await runner.waitForLine('queue.resumed', (line) => line.queue === queue, {
      timeoutMs: resumeTimeoutMs,
    });
    await e2e.waitForFileLines(`ran-${queue}`, payloads.length);
    expect(e2e.fileLines(`ran-${queue}`), what).toEqual(payloads);
    expect(
      runner.all('queue.paused', (line) => line.queue === queue),
      what,
    ).toHaveLength(1);
    expect(
      runner.all('queue.resumed', (line) => line.queue === queue),
      what,
    ).toHaveLength(1);
  }
  await e2e.failures(0);
  await e2e.waitForStat('processed', 1 + payloads.length * cases.length);
});

test('an interpreter on PATH does not affect a script that exits with 126 or 127 by itself', async () => {
  const script = e2e.script("exit $(sed 's/.*\\[\\([0-9]*\\)\\].*/\\1/')", {
    interpreter: '/usr/bin/env sh',
  });
  await e2e.enqueue('mail', ...[126, 127].map((code) => ({ class: 'Job', args: [code] })));
  const runner = await e2e.run({ runners: { mail: 1 }, script }, { args: ['--drain'] });
  await runner.waitForExit();
  expect((await e2e.failures(2)).map((failure) => failure.exit_code)).toEqual([126, 127]);
  expect(runner.all('queue.paused')).toEqual([]);
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
  expect(e2e.fileLines('ran-mail')).toHaveLength(7);
  await e2e.failures(0);
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
  await e2e.waitForFileLines('ran-mail', 3, resumeTimeoutMs);
  expect(e2e.fileLines('ran-mail')).toEqual(payloads);
});
