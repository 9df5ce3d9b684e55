/** How a job of `exec` is ended: its timeout, signals, and readers that are slow or go away. */
import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { isAlive, isAsleep, residentBytes } from '../../helpers/processes.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { useExec } from './stage.ts';

const stage = useExec();
const job = ['mail', '--class', 'A'];
/** Reports that it is running, and its processes. */
const sleeper = 'sleep 60 & echo $! > "$D/pid"; wait';
const deaf = `trap '' TERM\n${sleeper}`;

async function assertGone(): Promise<void> {
  const pid = Number(stage.read('pid'));
  expect(pid).toBeGreaterThan(1);
  await waitFor(() => !isAlive(pid), { message: 'what the job started is gone' });
}

describe('the timeout', () => {
  test('ends the job with TERM, as a TimeoutError and with exit code 124', async () => {
    stage.script(sleeper);
    stage.config({ timeout: 0.3 });
    const { code, stdout } = await stage.run(job);
    expect(code).toBe(124);
    expect(stdout).toMatch(/^✗ failed after \d+ ms: timed out; ended by SIGTERM\n/);
    expect(stdout).toContain('  exception    "TimeoutError"\n');
    await assertGone();
  });

  test('ends the job with KILL if TERM is not enough', async () => {
    stage.script(deaf);
    stage.config({ timeout: 0.3, killAfter: 0.2 });
    expect(await stage.document(job)).toMatchObject({
      ...{ code: 124, signal: 'SIGKILL', killedFor: 'timeout', failure: { exception: 'TimeoutError' } },
    });
    await assertGone();
  });
});

describe('a signal', () => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s ends the job as a shutdown does, and exits %i with the verdict', async (signal, code) => {
    stage.script(sleeper);
    stage.config();
    const run = stage.start(job);
    await stage.waitForFile('pid', '\n');
    run.kill(signal);
    const { exitCode, stdout, stderr } = await run;
    expect({ exitCode, stderr }).toEqual({ exitCode: code, stderr: '' });
    expect(stdout).toMatch(new RegExp(`^✗ failed after .*: interrupted by ${signal}; ended by SIGTERM\n`));
    expect(stdout).toContain('  exception    "Resque::TermException"\n');
    await assertGone();
  });

  test('that is repeated kills the job immediately', async () => {
    stage.script(`trap 'echo > "$D/heard"' TERM; echo $$ > "$D/pid"; while :; do sleep 0.1; done`);
    stage.config({ killAfter: 3600 });
    const run = stage.start([...job, '--json']);
    await stage.waitForFile('pid', '\n');
    run.kill('SIGINT');
    await stage.waitForFile('heard');
    run.kill('SIGTERM');
    const { exitCode, stdout } = await run;
    expect(exitCode).toBe(130);
    await assertGone();
    expect(JSON.parse(stdout)).toMatchObject({ signal: 'SIGKILL', interruptedBy: 'SIGINT' });
  });

  test('does not change the success and the exit code of a job that ends well', async () => {
    stage.script(`trap 'exit 0' TERM\n${sleeper}`);
    stage.config();
    const run = stage.start([...job, '--json']);
    await stage.waitForFile('pid', '\n');
    run.kill('SIGTERM');
    const { exitCode, stdout } = await run;
    expect(exitCode).toBe(143);
    expect(JSON.parse(stdout)).toMatchObject({ outcome: 'succeeded', exitCode: 0, failure: null });
  });

  test('puts a job back if the config says so', async () => {
    stage.script(sleeper);
    stage.config({ interrupted: 'requeue' });
    const run = stage.start(job);
    await stage.waitForFile('pid', '\n');
    run.kill('SIGINT');
    const { exitCode, stdout } = await run;
    expect(exitCode).toBe(130);
    expect(stdout).toMatch(/^↺ interrupted by SIGINT after .*\n {2}A worker would put it back on its queue/);
    expect(stdout).not.toContain('failure record');
  });

  test('of a closed terminal ends the job, without output', async () => {
    stage.script(sleeper);
    stage.config();
    const run = stage.start(job);
    await stage.waitForFile('pid', '\n');
    run.kill('SIGHUP');
    expect(await run).toMatchObject({ exitCode: 129, stdout: '', stderr: '' });
    await assertGone();
  });

  test('ends a persistent job and its child', async () => {
    stage.script(`read -r job; ${sleeper}`);
    stage.config({ mode: 'persistent' });
    const run = stage.start([...job, '--json']);
    await stage.waitForFile('pid', '\n');
    run.kill('SIGINT');
    const { exitCode, stdout } = await run;
    expect(exitCode).toBe(130);
    expect(JSON.parse(stdout)).toMatchObject({ failure: { exception: 'Resque::TermException' } });
    await assertGone();
  });
});

describe('a reader', () => {
  test('that goes away changes neither the job nor the exit code', async () => {
    stage.script('yes | head -c 3000000; echo done > "$D/done"; exit 3');
    stage.config();
    for (const flags of ['', '--json']) {
      const command = `$EXEC ${job.join(' ')} ${flags} ${flags && '2>&1'} | head -1; echo "\${PIPESTATUS[0]}"`;
      expect(await stage.shell(command)).toEqual({ stdout: 'y\n3', stderr: '' });
      expect(existsSync(stage.path('done'))).toBe(true);
    }
  });

  test('that is slow makes the job wait, and gets all output', async () => {
    const bytes = 150 * 1024 * 1024;
    stage.script(`head -c ${bytes} /dev/zero; exit 3`);
    stage.config();
    const run = stage.start(job, { isRead: false });
    run.stdout?.pause();
    let looks = 0;
    await waitFor(
      () => {
        const [head] = stage.processes('head -c');
        looks = head !== undefined && isAsleep(head.pid) ? looks + 1 : 0;
        return looks === 20;
      },
      { message: 'the pipes are full, and the job waits' },
    );
    const resident = residentBytes(run.pid ?? 0);
    expect(resident).toBeGreaterThan(0);
    expect(resident).toBeLessThan(120 * 1024 * 1024);
    let received = 0;
    run.stdout?.on('data', (chunk: Buffer) => {
      received += chunk.length;
    });
    run.stdout?.resume();
    expect(await run).toMatchObject({ exitCode: 3 });
    expect(received).toBeGreaterThan(bytes);
    expect(received).toBeLessThan(bytes + 10_000);
  });

  test('that is still reading after the job’s end loses no output', async () => {
    // More than a pipe and exec hold, but less than that and another pipe.
    stage.script('echo begin; head -c 130000 /dev/zero | tr "\\0" x; echo; echo > "$D/ended"; exit 3');
    // That there is a reader to be waited for takes nothing from its time.
    stage.config({ timeout: 1 });
    // Longer than pipes are read on after an exit.
    const command = `$EXEC ${job.join(' ')} | { dd bs=1 count=6 status=none; while [ ! -e ended ]; do sleep 0.1; done; sleep 1.3; cat > rest; }; echo "\${PIPESTATUS[0]}"`;
    const { stdout } = await stage.shell(command);
    expect(stdout).toBe('begin\n3');
    expect(stage.read('rest').replace(/[^x]/g, '').length).toBeGreaterThanOrEqual(130_000);
  });
});
