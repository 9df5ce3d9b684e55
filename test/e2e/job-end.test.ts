/** Jobs that don't end by themselves: signals, timeouts, grandchildren. */
import { describe, expect, test } from 'vitest';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import { isAlive, kill } from '../helpers/processes.ts';
import { waitFor } from '../helpers/wait-for.ts';

const e2e = useEndToEnd({ isInProcess: true });
const job = { class: 'Job', args: [1] };

/** A pid that a job wrote into a file. */
async function pidIn(name: string): Promise<number> {
  const [line] = await e2e.waitForFileLines(name);
  return Number(line);
}

async function assertGone(pid: number): Promise<void> {
  await waitFor(() => !isAlive(pid), { message: `process ${pid} is gone`, timeoutMs: 1000 });
}

describe('a script that dies of a signal', () => {
  test.each(['SIGKILL', 'SIGSEGV', 'SIGTERM', 'SIGHUP', 'SIGPIPE'])('%s', async (signal) => {
    const script = e2e.script(`kill -${signal.slice(3)} $$; sleep 5`);
    await e2e.enqueue('mail', job);
    const runner = await e2e.run({ runners: { mail: 1 }, script });
    const failure = await e2e.failure();
    expect(failure.exception).toBe('Resque::DirtyExit');
    expect(failure.signal).toBe(signal);
    expect(failure).not.toHaveProperty('exit_code');
    expect(failure.payload).toEqual(job);
    expect(failure.error).toContain(signal);
    const line = await runner.waitForLine('job.finished');
    expect(line).toMatchObject({ outcome: 'failed', signal, exitCode: null });
    await e2e.waitForStat('processed', 1);
  });

  test('keeps its output', async () => {
    const script = e2e.script('echo last words >&2; kill -KILL $$; sleep 5');
    await e2e.enqueue('mail', job);
    await e2e.run({ runners: { mail: 1 }, script });
    const { error, stderr } = await e2e.failure();
    expect(`${error}\n${stderr}`).toContain('last words');
  });
});

describe('a grandchild that keeps the pipes open', () => {
  test.each([
    ['in the process group', 'sleep 60 & echo $! >> "$D/pids"; exit 0'],
    ['in a session of its own', 'setsid sh -c \'echo $$ >> "$1"; exec sleep 60\' sh "$D/pids" & exit 0'],
  ])('%s delays the end of its job by about a second', async (_where, body) => {
    const script = e2e.script(body);
    await e2e.enqueue('mail', job, job);
    const runner = await e2e.run({ runners: { mail: 1 }, script });
    try {
      for (const { outcome, durationMs } of await runner.waitForFinished(2)) {
        expect(outcome).toBe('succeeded');
        expect(durationMs).toBeLessThan(2500);
      }
      await e2e.waitForStat('processed', 2);
      expect(runner.hasExited).toBe(false);
    } finally {
      for (const pid of await e2e.waitForFileLines('pids', 2)) kill(Number(pid));
    }
  });

  test('that continues printing does not delay the end of the job', async () => {
    const script = e2e.script(
      '(while echo more 2>/dev/null; do sleep 0.05; done) & echo $! > "$D/pid"; exit 0',
    );
    await e2e.enqueue('mail', job);
    const runner = await e2e.run({ runners: { mail: 1 }, script });
    try {
      const [line] = await runner.waitForFinished(1, 5000);
      expect(line?.outcome).toBe('succeeded');
      expect(line?.durationMs).toBeLessThan(2500);
    } finally {
      kill(await pidIn('pid'));
    }
  });
});

describe('a job over its timeout', () => {
  const limits = { concurrency: 1, timeout: 0.3, killAfter: 0.2 };

  test('is ended by TERM', async () => {
    const script = e2e.script('echo working >&2; exec sleep 60');
    await e2e.enqueue('mail', job);
    const runner = await e2e.run({ runners: { mail: limits }, script });
    const failure = await e2e.failure();
    expect(failure).toMatchObject({ exception: 'TimeoutError', signal: 'SIGTERM', queue: 'mail' });
    expect(`${failure.error}\n${failure.stderr}`).toContain('working');
    const killed = await runner.waitForLine('job.killed');
    expect(killed).toMatchObject({ queue: 'mail', signal: 'SIGTERM', reason: 'timeout' });
    expect(runner.all('job.killed')).toHaveLength(1);
  });

  test('is ended by KILL when it ignores TERM', async () => {
    const script = e2e.script('trap "" TERM; echo $$ > "$D/pid"; while :; do sleep 0.1; done');
    await e2e.enqueue('mail', job);
    const runner = await e2e.run({ runners: { mail: limits }, script });
    const failure = await e2e.failure();
    expect(failure).toMatchObject({ exception: 'TimeoutError', signal: 'SIGKILL' });
    expect(runner.all('job.killed').map(({ signal }) => signal)).toEqual(['SIGTERM', 'SIGKILL']);
    const [line] = await runner.waitForFinished(1);
    expect(line?.durationMs).toBeGreaterThanOrEqual(490);
    await assertGone(await pidIn('pid'));
  });

  test('can clean up on TERM and report it', async () => {
    const script = e2e.script('trap "echo cleaned up >&2; exit 9" TERM; sleep 60 & wait');
    await e2e.enqueue('mail', job);
    await e2e.run({ runners: { mail: limits }, script });
    const failure = await e2e.failure();
    expect(failure).toMatchObject({ exception: 'TimeoutError', exit_code: 9 });
    expect(`${failure.error}\n${failure.stderr}`).toContain('cleaned up');
  });

  test('has failed even if it answers TERM with exit code 0', async () => {
    const script = e2e.script('trap "exit 0" TERM; sleep 60 & wait');
    await e2e.enqueue('mail', job);
    await e2e.run({ runners: { mail: limits }, script });
    expect(await e2e.failure()).toMatchObject({ exception: 'TimeoutError', exit_code: 0 });
  });

  test('is ended together with its grandchildren', async () => {
    const script = e2e.script(`
      trap "" TERM
      sleep 60 & echo $! > "$D/grandchild"
      sh -c 'sleep 60 & echo $! > "$1"; wait' sh "$D/great-grandchild"
      wait`);
    await e2e.enqueue('mail', job);
    await e2e.run({ runners: { mail: limits }, script });
    const pids = [await pidIn('grandchild'), await pidIn('great-grandchild')];
    expect((await e2e.failure()).exception).toBe('TimeoutError');
    for (const pid of pids) await assertGone(pid);
  });

  test('is ended together with a grandchild that ignores TERM, even if the script does not', async () => {
    const script = e2e.script(`
      sh -c 'trap "" TERM; echo $$ > "$1"; while :; do sleep 0.1; done' sh "$D/grandchild" &
      wait`);
    await e2e.enqueue('mail', job);
    await e2e.run({ runners: { mail: limits }, script });
    const pid = await pidIn('grandchild');
    expect((await e2e.failure()).exception).toBe('TimeoutError');
    await waitFor(() => !isAlive(pid), { message: 'the stubborn grandchild is gone', timeoutMs: 3000 });
  });

  test('does not affect jobs of other queues or the next job', async () => {
    const slow = e2e.script('case $(cat) in *slow*) exec sleep 60;; esac; exit 0');
    await e2e.enqueue('mail', { class: 'slow', args: [] }, { class: 'fast', args: [] });
    await e2e.enqueue('other', { class: 'fast', args: [] });
    const runner = await e2e.run({ runners: { mail: limits, other: 1 }, script: slow });
    await runner.waitForFinished(3);
    expect(runner.all('job.finished', ({ outcome }) => outcome === 'succeeded')).toHaveLength(2);
    expect((await e2e.failure()).payload).toEqual({ class: 'slow', args: [] });
  });

  test('no timeout means no limit', async () => {
    const script = e2e.script('sleep 1; exit 0');
    await e2e.enqueue('mail', job);
    const runner = await e2e.run({ runners: { mail: { concurrency: 1, killAfter: 0.1 } }, script });
    const [line] = await runner.waitForFinished(1);
    expect(line?.outcome).toBe('succeeded');
  });
});
