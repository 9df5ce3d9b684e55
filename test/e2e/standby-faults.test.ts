/** Warm children that end by themselves: no job is lost, and the runner doesn't restart them endlessly. */
import { describe, expect, test } from 'vitest';
import {
  type Born,
  children,
  job,
  tellBirth,
  waitForChildren,
  waitForEnd,
  waitForNewChild,
} from '../helpers/children.ts';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import { freeze, kill } from '../helpers/processes.ts';
import type { LogLine, Runner } from '../helpers/runner.ts';
import { staysTrue } from '../helpers/wait-for.ts';

const e2e = useEndToEnd({ isInProcess: true });
const prestarted = { concurrency: 1, prestart: true };
/** Four times what a pipe holds: a shell reads more too slowly. */
const large = job('x'.repeat(262_144));

/** STDIN of a warm child is a pipe; STDIN of a child that was started for its job is a file. */
const isWaiting = '[ -p /dev/stdin ]';

const pausesMs = (runner: Runner) =>
  runner.all('runner.throttled').map(({ throttled }) => throttled?.pauseMs);

test('children that end while they wait are restarted with growing pauses, and jobs start without them', async () => {
  const script = e2e.script(`
    if ${isWaiting} && [ ! -e "$D/well" ]; then echo "no database" >&2; exit 3; fi
    ${tellBirth}; IFS= read -r job; echo "$job" >> "$D/ran"`);
  const runner = await e2e.run({ runners: { mail: { ...prestarted, concurrency: 3 } }, script });
  const { throttled, level } = await runner.waitForLine('runner.throttled');
  expect(throttled).toMatchObject({ exitCode: 3, signal: null, lastWords: 'no database' });
  expect(level).toBe('warn');
  await e2e.enqueue('mail', job(1), job(2));
  for (const line of await runner.waitForFinished(2)) expect(line.outcome).toBe('succeeded');
  await runner.waitForLine('runner.throttled', (line) => line.throttled?.pauseMs === 2_000);
  expect(pausesMs(runner)).toEqual([1_000, 2_000]);
  expect(runner.all('runner.unthrottled')).toEqual([]);
  expect(runner.all('queue.paused')).toEqual([]);
  e2e.write('well');
  await waitForChildren(e2e, 3);
  await e2e.enqueue('mail', job(3));
  await runner.waitForFinished(3);
  await runner.waitForLine('runner.unthrottled');
  await e2e.failures(0);
  await e2e.waitForStat('processed', 3);
});

test('a fixed script is tried again immediately after a reload of the config', async () => {
  const script = e2e.script(`${isWaiting} && exit 3; exit 0`);
  const runner = await e2e.run({ runners: { mail: prestarted }, script });
  await runner.waitForLine('runner.throttled', (line) => line.throttled?.pauseMs === 2_000);
  const config = e2e.config({
    runners: { mail: prestarted },
    script: e2e.script(`${tellBirth}; read -r job`),
  });
  runner.writeConfig(config);
  runner.signal('SIGHUP');
  await runner.waitForLine('config.reloaded');
  // Without the reload, it would wait for the pause and 10 s more.
  await runner.waitForLine('runner.unthrottled');
  await waitForChildren(e2e, 1);
});

test('a persistent child that ends while it waits is throttled, and jobs start their own child', async () => {
  const script = e2e.script(
    `import os, select, sys
while select.select([0], [], [], 0.3)[0]:
    if os.read(0, 1000) == b'': sys.exit(0)
    os.write(3, b'{"ok":true}\\n')
print('nobody came', file=sys.stderr)
sys.exit(3)`,
    { interpreter: '/usr/bin/env python3' },
  );
  const runner = await e2e.run({ runners: { mail: { mode: 'persistent' } }, script });
  for (const [at, pauseMs] of [1_000, 2_000].entries()) {
    const isNext = (line: LogLine) => line.throttled?.pauseMs === pauseMs;
    const { throttled } = await runner.waitForLine('runner.throttled', isNext);
    expect(throttled).toMatchObject({ exitCode: 3, lastWords: 'nobody came' });
    await e2e.enqueue('mail', job(at));
    await runner.waitForFinished(at + 1);
  }
  await e2e.failures(0);
  await e2e.waitForStat('processed', 2);
});

test('a child that exits with 0 after its jobs is replaced immediately', async () => {
  const script = e2e.script(`${tellBirth}; IFS= read -r job; echo '{"ok":true}' >&3`);
  const runner = await e2e.run({ runners: { mail: { mode: 'persistent' } }, script });
  for (let count = 1; count <= 5; count += 1) {
    await waitForChildren(e2e, 1);
    await e2e.enqueue('mail', job(count));
    await runner.waitForFinished(count);
    await waitForNewChild(e2e, children(e2e).slice(0, count));
  }
  expect(runner.all('runner.throttled')).toEqual([]);
  await e2e.failures(0);
});

/** Gives a job to the only child, which is stopped and can't read it. */
async function giveUnread(runner: Runner, payload: object): Promise<Born> {
  const [child] = await waitForChildren(e2e, 1);
  if (child === undefined) throw new Error('no child');
  await freeze(child.pid);
  await e2e.enqueue('mail', payload);
  const { job: view } = await runner.waitForLine('job.started');
  expect(view?.pid).toBe(child.pid);
  return child;
}

describe.each([
  ['prestarted', { prestart: true }, ''],
  ['persistent', { mode: 'persistent' }, `; echo '{"ok":true}' >&3; read -r job`],
])('a %s child that dies with its job unread', (_feature, entry, afterJob) => {
  const reading = () => e2e.script(`${tellBirth}; IFS= read -r job; echo "$$" >> "$D/ran"${afterJob}`);

  test.each([
    ['small', job(1)],
    ['as large as a pipe', job('x'.repeat(65_536))],
    ['large', large],
  ])('(%s) loses no job: another child does it', async (_size, payload) => {
    const runner = await e2e.run({ runners: { mail: entry }, script: reading() });
    const child = await giveUnread(runner, payload);
    kill(child.pid);
    const [finished] = await runner.waitForFinished(1);
    expect(finished).toMatchObject({ outcome: 'succeeded' });
    expect(e2e.fileLines('ran')).toEqual([expect.not.stringMatching(new RegExp(`^${child.pid}$`))]);
    expect(runner.all('job.started')).toHaveLength(1);
    await e2e.waitForStat('processed', 1);
    await e2e.failures(0);
  });

  test.each([
    ['a byte', 1, job(1)],
    ['a byte of a large one', 1, large],
    ['as much as a pipe holds', 65_536, large],
    ['most of a large one', 250_000, large],
  ])('fails the job if it has read %s: the job may have started', async (_what, bytes, payload) => {
    const script = e2e.script(
      `import os, signal, sys
print(os.getpid(), sys.argv[1], '-', '-', file=open(os.path.dirname(sys.argv[0]) + '/born', 'a'))
left = ${bytes}
while left > 0:
    piece = os.read(0, left)
    if piece == b'': sys.exit(0)
    left -= len(piece)
print('read', file=open(os.path.dirname(sys.argv[0]) + '/ran', 'a'))
os.kill(os.getpid(), signal.SIGKILL)`,
      { interpreter: '/usr/bin/env python3' },
    );
    const runner = await e2e.run({ runners: { mail: entry }, script });
    await waitForChildren(e2e, 1);
    await e2e.enqueue('mail', payload);
    expect(await e2e.failure()).toMatchObject({ exception: 'Resque::DirtyExit', signal: 'SIGKILL' });
    await runner.waitForFinished(1);
    expect(e2e.fileLines('ran')).toEqual(['read']);
    await e2e.waitForStat('processed', 1);
  });

  test('and is killed on request ends the job', async () => {
    const runner = await e2e.run({ runners: { mail: entry }, script: reading(), killAfter: 0.2 });
    await giveUnread(runner, job(1));
    runner.signal('SIGUSR1');
    expect(await e2e.failure()).toMatchObject({ exception: 'Resque::DirtyExit', signal: 'SIGKILL' });
    expect(runner.all('job.killed').map(({ signal }) => signal)).toEqual(['SIGTERM', 'SIGKILL']);
    expect(e2e.fileLines('ran')).toEqual([]);
  });
});

test('the children of a prestarted child do not make it look alive', async () => {
  const script = e2e.script(`[ -e "$D/go" ] || {
    sleep 60 & ${tellBirth}; while [ ! -e "$D/go" ]; do sleep 0.1; done; exit 3; }
    IFS= read -r job; echo "$job" >> "$D/ran"`);
  const runner = await e2e.run({ runners: { mail: prestarted }, script });
  const [child] = await waitForChildren(e2e, 1);
  e2e.write('go');
  if (child !== undefined) await waitForEnd(child);
  // Its pipes are still open: the runner waits for more output.
  await e2e.enqueue('mail', job(1));
  const [finished] = await runner.waitForFinished(1);
  expect(finished?.outcome).toBe('succeeded');
  expect(e2e.fileLines('ran')).toEqual([JSON.stringify(job(1))]);
});

test('a job fails if its second child also dies without reading it', async () => {
  const script = e2e.script(`${tellBirth}; IFS= read -r job; echo "$job" >> "$D/ran"`);
  const runner = await e2e.run({ runners: { mail: prestarted }, script });
  const first = await giveUnread(runner, job(1));
  const second = await waitForNewChild(e2e, [first]);
  await freeze(second.pid);
  kill(first.pid);
  await waitForEnd(first);
  // It belongs to the job now: another child is waiting.
  await runner.waitForLine('runner.throttled');
  await staysTrue(() => runner.all('job.finished').length === 0, {
    message: 'the job continues',
    forMs: 100,
  });
  kill(second.pid);
  expect(await e2e.failure()).toMatchObject({ exception: 'Resque::DirtyExit', signal: 'SIGKILL' });
  expect(e2e.fileLines('ran')).toEqual([]);
});

test('a job whose child died without reading it goes back if the script is missing', async () => {
  const body = (rest: string) => `${tellBirth}; ${rest}IFS= read -r job; echo "$job" >> "$D/ran"`;
  const script = e2e.script(body('rm "$0"; '), { name: 'job' });
  const runner = await e2e.run({ runners: { mail: prestarted }, script });
  const child = await giveUnread(runner, job(1));
  const { pauses } = await runner.waitForLine('queue.paused');
  expect(pauses).toMatchObject([{ kind: 'unstartable' }]);
  kill(child.pid);
  const [finished] = await runner.waitForFinished(1);
  expect(finished?.outcome).toBe('requeued');
  e2e.script(body(''), { name: 'job' });
  await runner.waitForLine('queue.resumed', undefined, { timeoutMs: 15_000 });
  await runner.waitForFinished(2);
  expect(e2e.fileLines('ran')).toEqual([JSON.stringify(job(1))]);
  await e2e.failures(0);
});
