/** Jobs of persistent children that end without a result, and what happens to the child. */
import { describe, expect, test } from 'vitest';
import {
  begunBy,
  children,
  job,
  oddScript,
  persistentScript,
  sayOk,
  waitForChildren,
  waitForEnd,
} from '../helpers/children.ts';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import { isAlive } from '../helpers/processes.ts';
import type { Runner } from '../helpers/runner.ts';
import { waitFor } from '../helpers/wait-for.ts';

const e2e = useEndToEnd({ isInProcess: true });
const mail = { concurrency: 1, mode: 'persistent', killAfter: 0.3 };

/** With child_process instead of posix_spawn. */
const fallback = { RR_NATIVE: 'off' };

/** Runs jobs before and after the odd one. @returns the runner, after all ended and a new child is ready */
async function runOdd(
  odd: string,
  config: Record<string, unknown> = {},
  env: Record<string, string> = {},
): Promise<Runner> {
  const script = oddScript(e2e, odd);
  const runner = await e2e.run({ runners: { mail: { ...mail, ...config } }, script }, { env });
  await waitForChildren(e2e, 1);
  await e2e.enqueue('mail', job('before'), job('odd'), job('after'));
  await runner.waitForFinished(3);
  await waitForChildren(e2e, 1);
  return runner;
}

/** Each job started once, and the last one in a new child. */
function assertFreshChild(): void {
  expect(begunBy(e2e).map(([, name]) => name)).toEqual(['"before"', '"odd"', '"after"']);
  const [before, odd, after] = begunBy(e2e).map(([pid]) => pid);
  expect([odd === before, after === odd]).toEqual([true, false]);
  expect(children(e2e)).toHaveLength(2);
}

describe('a child that breaks the protocol during its job', () => {
  test.each([
    ['writes something that is not a result', 'echo hello >&3; sleep 60', /what is no result: hello$/],
    ['writes JSON that is not a result', 'echo "[1]" >&3; sleep 60', /what is no result: \[1\]$/],
    ['writes an empty line', 'echo >&3; sleep 60', /what is no result: ""$/],
    ['writes binary data', "printf '\\377\\000\\033\\n' >&3; sleep 60", /what is no result: /],
    ['writes an endless line', 'tr "\\0" x < /dev/zero >&3; sleep 60', /wrote a result of more than 4 MiB/],
    ['writes endless lines', 'yes >&3; sleep 60', /what is no result: y$/],
    ['closes its descriptor', 'exec 3>&-; sleep 60', /closed its descriptor 3$/],
    ['ends with exit code 0', 'exit 0', /ended before it had written a result$/],
    [
      'ends in the middle of its result',
      'printf \'{"ok":\' >&3; exit 0',
      /ended before it had written a result$/,
    ],
  ])('and %s fails the job once and is replaced', async (_what, odd, error) => {
    const runner = await runOdd(odd);
    const failure = await e2e.failure();
    expect(failure).toMatchObject({ exception: 'InvalidResultError', payload: job('odd') });
    expect(failure.error).toMatch(/^the persistent child /);
    expect(failure.error.split('\n')[0]).toMatch(error);
    assertFreshChild();
    await e2e.waitForStat('processed', 3);
    expect(await e2e.stat('failed')).toBe(1);
    expect(runner.all('job.finished', ({ outcome }) => outcome === 'succeeded')).toHaveLength(2);
    expect(runner.all('runner.throttled')).toEqual([]);
  });

  test('has its stderr recorded too', async () => {
    await runOdd('echo "cache is warm" >&2; echo hello >&3; sleep 60');
    expect((await e2e.failure()).error).toMatch(/what is no result: hello: cache is warm$/);
  });

  test('and ignores TERM is killed before the next job starts in its slot', async () => {
    const script = oddScript(
      e2e,
      `trap "" TERM; echo hello >&3
      while :; do sleep 0.02; [ -e "$D/seen" ] || ! grep -q after "$D/ran" || touch "$D/seen"; done`,
    );
    const runner = await e2e.run({ runners: { mail }, script });
    const [child] = await waitForChildren(e2e, 1);
    await e2e.enqueue('mail', job('odd'), job('after'));
    await runner.waitForFinished(2);
    expect(e2e.read('seen')).toBe('');
    expect(isAlive(child?.pid ?? 0)).toBe(false);
    expect(await e2e.failure()).toMatchObject({ exception: 'InvalidResultError' });
  });
});

describe('a child that dies during its job', () => {
  test.each([
    ['by a signal', 'kill -SEGV $$; sleep 60', { exception: 'Resque::DirtyExit', signal: 'SIGSEGV' }],
    ['with an exit code', 'echo oops >&2; exit 3', { error: 'oops', exit_code: 3 }],
    [
      'with a report',
      `echo '{"exception":"E","error":"x"}' >&2; exit 1`,
      { exception: 'E', error: 'x', exit_code: 1 },
    ],
  ])('%s fails the job once', async (_how, odd, record) => {
    const runner = await runOdd(odd);
    expect(await e2e.failure()).toMatchObject({ ...record, payload: job('odd') });
    assertFreshChild();
    await e2e.waitForStat('processed', 3);
    expect(runner.all('runner.throttled')).toEqual([]);
  });

  test('after writing its result has completed it', async () => {
    const runner = await runOdd(`${sayOk}; exit 9`);
    expect(runner.all('job.finished').map(({ outcome }) => outcome)).toEqual(Array(3).fill('succeeded'));
    assertFreshChild();
    await e2e.failures(0);
  });

  test('is ended together with its own children', async () => {
    await runOdd('sleep 60 > /dev/null 2>&1 3>&- & echo $! > "$D/grandchild"; exit 1');
    const [grandchild] = e2e.fileLines('grandchild');
    await waitFor(() => !isAlive(Number(grandchild)), { message: 'its child has ended' });
    await e2e.failures(1);
  });
});

describe('a child that writes nothing', () => {
  test('is ended at the timeout of its job', async () => {
    const runner = await runOdd('sleep 60', { timeout: 0.3 });
    expect(await e2e.failure()).toMatchObject({ exception: 'TimeoutError', signal: 'SIGTERM' });
    assertFreshChild();
    expect(runner.all('job.killed')).toMatchObject([{ signal: 'SIGTERM', reason: 'timeout' }]);
  });

  test('is killed if it ignores TERM', async () => {
    const runner = await runOdd('trap "" TERM; while :; do sleep 0.1; done', { timeout: 0.3 });
    expect(await e2e.failure()).toMatchObject({ exception: 'TimeoutError', signal: 'SIGKILL' });
    assertFreshChild();
    expect(runner.all('job.killed').map(({ signal }) => signal)).toEqual(['SIGTERM', 'SIGKILL']);
  });

  test('has failed even if it answers TERM with a result', async () => {
    const runner = await runOdd(`answer() { ${sayOk}; }; trap answer TERM; sleep 60 & wait`, {
      timeout: 0.3,
    });
    const failure = await e2e.failure();
    expect([failure.exception, failure.error]).toEqual(['TimeoutError', 'timed out after 0.3 s']);
    expect(failure.signal ?? null).toBeNull();
    assertFreshChild();
    expect(runner.all('job.killed')).toHaveLength(1);
  });
});

test.each([
  ['writes something that is not a result', 'echo hello >&3; sleep 60', { exception: 'InvalidResultError' }],
  ['writes endless lines', 'yes >&3; sleep 60', { exception: 'InvalidResultError' }],
  ['closes its descriptor', 'exec 3>&-; sleep 60', { exception: 'InvalidResultError' }],
  ['ends with exit code 0', 'exit 0', { exception: 'InvalidResultError' }],
  ['ends with exit code 3', 'echo oops >&2; exit 3', { error: 'oops', exit_code: 3 }],
  ['dies of a signal', 'kill -SEGV $$; sleep 60', { exception: 'Resque::DirtyExit', signal: 'SIGSEGV' }],
  ['writes nothing', 'sleep 60', { exception: 'TimeoutError', signal: 'SIGTERM' }],
])(
  'a child that was started with child_process and %s fails the job once and is replaced',
  async (_what, odd, record) => {
    await runOdd(odd, { timeout: 2 }, fallback);
    expect(await e2e.failure()).toMatchObject({ ...record, payload: job('odd') });
    assertFreshChild();
    await e2e.waitForStat('processed', 3);
  },
);

describe('a result at the wrong time:', () => {
  test('two for one job: the first one counts, and the child is replaced', async () => {
    const runner = await runOdd(`printf '{"error":"first"}\\n{"ok":true}\\n' >&3`);
    expect(await e2e.failure()).toMatchObject({ error: 'first', payload: job('odd') });
    assertFreshChild();
    await e2e.waitForStat('processed', 3);
    expect(runner.all('job.finished')).toHaveLength(3);
  });

  test('another one after the job has ended: no job is affected', async () => {
    const script = oddScript(e2e, `${sayOk}; while [ ! -e "$D/go" ]; do sleep 0.1; done; ${sayOk}`);
    const runner = await e2e.run({ runners: { mail }, script });
    const [child] = await waitForChildren(e2e, 1);
    await e2e.enqueue('mail', job('odd'));
    await runner.waitForFinished(1);
    e2e.write('go');
    if (child !== undefined) await waitForEnd(child);
    const { throttled } = await runner.waitForLine('runner.throttled');
    expect(throttled?.lastWords).toBe('it wrote a result to descriptor 3 without a job');
    await e2e.enqueue('mail', job('after'));
    await runner.waitForFinished(2);
    await e2e.failures(0);
    await e2e.waitForStat('processed', 2);
  });

  test('one before any job: the child is replaced after a pause', async () => {
    const script = e2e.script(
      `[ -e "$D/second" ] || { touch "$D/second"; ${sayOk}; }\n${persistentScript()}`,
    );
    const runner = await e2e.run({ runners: { mail }, script });
    const { throttled } = await runner.waitForLine('runner.throttled');
    expect(throttled).toMatchObject({ signal: 'SIGTERM', pauseMs: 1_000 });
    await waitForChildren(e2e, 1);
    await e2e.enqueue('mail', job(1));
    await runner.waitForFinished(1);
    await runner.waitForLine('runner.unthrottled');
    await e2e.failures(0);
  });

  test.each([
    ['small', 'x'],
    ['of a megabyte', 'x'.repeat(1_048_576)],
  ])('one before the job was read (%s): it is not a result of that job', async (_size, text) => {
    const script = e2e.script(
      `
      ${persistentScript('break')}
      while [ ! -e "$D/go" ]; do sleep 0.1; done; ${sayOk}; sleep 60`.replace('break', `${sayOk}; break`),
    );
    const runner = await e2e.run({ runners: { mail: { ...mail, maxJobs: 2 } }, script });
    const [child] = await waitForChildren(e2e, 1);
    await e2e.enqueue('mail', job('first'));
    await runner.waitForFinished(1);
    await e2e.enqueue('mail', job(text));
    await runner.waitForLine('job.started', ({ job: view }) => view?.id === '2');
    e2e.write('go');
    await runner.waitForFinished(2);
    const failure = await e2e.failure();
    expect(failure).toMatchObject({ exception: 'InvalidResultError', payload: job(text) });
    expect(failure.error).toContain('before it had read its job');
    expect(isAlive(child?.pid ?? 0)).toBe(false);
    await e2e.waitForStat('processed', 2);
  });
});
