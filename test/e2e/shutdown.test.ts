/** TERM, INT and QUIT: their effect on running jobs, waiting jobs and the runner. */
import { describe, expect, test } from 'vitest';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import { isAlive } from '../helpers/processes.ts';
import type { Runner } from '../helpers/runner.ts';
import { staysTrue, waitFor } from '../helpers/wait-for.ts';

const e2e = useEndToEnd({ isInProcess: true });

const clean = { code: 0, signal: undefined };
const payloads = ['A', 'B', 'C'].map((name) => JSON.stringify({ class: name, args: [] }));
const [payloadA = '', ...payloadsBehind] = payloads;
const quick = { shutdownTimeout: 0.3, killAfter: 0.2 };
const patient = { shutdownTimeout: 60, killAfter: 60 };

/** Ends when the test creates the file `go`. */
const untilGo = 'echo $$ >> "$D/started"; while [ ! -e "$D/go" ]; do sleep 0.1; done';
const ignoringTerm = `trap "" TERM INT QUIT HUP; ${untilGo}`;

/** A runner with the first of three jobs running and the others waiting. */
async function runBusy(config: Record<string, unknown>, body: string): Promise<Runner> {
  await e2e.enqueue('mail', ...payloads);
  const runner = await e2e.run({ runners: { mail: 1 }, script: e2e.script(body), ...config });
  await e2e.waitForFileLines('started', 1);
  return runner;
}

async function assertChildrenGone(): Promise<void> {
  for (const pid of e2e.fileLines('started')) {
    await waitFor(() => !isAlive(Number(pid)), { message: `job ${pid} is gone`, timeoutMs: 500 });
  }
}

describe.each(['SIGTERM', 'SIGINT'] as const)('%s', (signal) => {
  test('ends an idle runner at once', async () => {
    const runner = await e2e.run({ runners: { mail: 1, video: 2 }, script: '/bin/true', ...patient });
    runner.signal(signal);
    expect(await runner.waitForExit(3000)).toEqual(clean);
    expect(runner.all('engine.stopped')).toMatchObject([{ processed: 0, failed: 0, unwritten: 0 }]);
  });

  test('waits for a job that ends in time, and starts no other job', async () => {
    const runner = await runBusy(patient, untilGo);
    e2e.mayLeaveKeys('queue:mail');
    runner.signal(signal);
    expect(await runner.waitForLine('engine.stopping')).toMatchObject({ mode: 'terminate', running: 1 });
    e2e.write('go');
    expect(await runner.waitForExit()).toEqual(clean);
    expect(await e2e.stat('processed')).toBe(1);
    expect(await e2e.backlog('mail')).toEqual(payloadsBehind);
    await e2e.failures(0);
  });

  test('ends a job with TERM after the timeout, and records it', async () => {
    const runner = await runBusy(quick, untilGo);
    e2e.mayLeaveKeys('queue:mail');
    runner.signal(signal);
    expect(await runner.waitForExit()).toEqual(clean);
    const failure = await e2e.failure();
    expect(failure).toMatchObject({ exception: 'Resque::TermException', signal: 'SIGTERM', queue: 'mail' });
    expect(failure.payload).toEqual(JSON.parse(payloadA));
    expect(runner.all('job.killed')).toMatchObject([{ signal: 'SIGTERM', reason: 'shutdown' }]);
    expect(await e2e.stat('processed')).toBe(1);
    expect(await e2e.backlog('mail')).toEqual(payloadsBehind);
    await assertChildrenGone();
  });

  test('ends a job that ignores TERM with KILL', async () => {
    const runner = await runBusy(quick, ignoringTerm);
    e2e.mayLeaveKeys('queue:mail');
    runner.signal(signal);
    expect(await runner.waitForExit()).toEqual(clean);
    expect(await e2e.failure()).toMatchObject({ exception: 'Resque::TermException', signal: 'SIGKILL' });
    expect(runner.all('job.killed').map((line) => line.signal)).toEqual(['SIGTERM', 'SIGKILL']);
    await assertChildrenGone();
  });

  test('kills immediately if it is sent twice', async () => {
    const runner = await runBusy(patient, ignoringTerm);
    e2e.mayLeaveKeys('queue:mail');
    runner.signal(signal);
    await runner.waitForLine('engine.stopping');
    runner.signal(signal);
    expect(await runner.waitForExit(5000)).toEqual(clean);
    expect(await e2e.failure()).toMatchObject({ exception: 'Resque::TermException', signal: 'SIGKILL' });
    await assertChildrenGone();
  });

  test('ends all jobs of all queues, and their grandchildren', async () => {
    const script = e2e.script(
      'echo $$ >> "$D/started"; sleep 60 & echo $! >> "$D/started"; trap "" TERM; wait; sleep 60',
    );
    await e2e.enqueue('mail', ...payloads);
    await e2e.enqueue('video', ...payloads);
    const runner = await e2e.run({ runners: { mail: 3, video: 3 }, script, ...quick });
    await e2e.waitForFileLines('started', 12);
    runner.signal(signal);
    expect(await runner.waitForExit()).toEqual(clean);
    await assertChildrenGone();
    const failures = await e2e.failures(6);
    expect(failures.every(({ exception }) => exception === 'Resque::TermException')).toBe(true);
    expect(await e2e.stat('processed')).toBe(6);
  });
});

test('a job that cleans up on TERM and fails is recorded with its own error', async () => {
  const body = 'trap "echo rolled back >&2; exit 5" TERM; echo $$ >> "$D/started"; sleep 60 & wait';
  const runner = await runBusy(quick, body);
  e2e.mayLeaveKeys('queue:mail');
  await runner.stop();
  const failure = await e2e.failure();
  expect(failure).toMatchObject({ exception: 'Resque::TermException', exit_code: 5 });
  expect(`${failure.error}\n${failure.stderr}`).toContain('rolled back');
});

describe('interrupted: requeue', () => {
  test.each([
    ['by TERM', untilGo],
    ['by KILL', ignoringTerm],
  ])('puts a job killed %s back to the head of its queue', async (_how, body) => {
    const runner = await runBusy({ ...quick, interrupted: 'requeue' }, body);
    e2e.mayLeaveKeys('queue:mail');
    expect(await runner.stop()).toEqual(clean);
    expect(await e2e.backlog('mail')).toEqual(payloads);
    await e2e.failures(0);
    expect(await e2e.stat('failed')).toBe(0);
    expect(await e2e.stat('processed')).toBe(0);
    expect(await runner.waitForLine('job.finished')).toMatchObject({ outcome: 'requeued' });
    await assertChildrenGone();
  });

  test('keeps payloads that are not plain JSON byte for byte', async () => {
    const odd = Buffer.from('{"class":"A","args":[9007199254740993,"\\ud800","caf\xe9"]}', 'latin1');
    await e2e.enqueue('mail', odd);
    e2e.mayLeaveKeys('queue:mail');
    const script = e2e.script(untilGo);
    const runner = await e2e.run({ runners: { mail: 1 }, script, ...quick, interrupted: 'requeue' });
    await e2e.waitForFileLines('started', 1);
    await runner.stop();
    expect(await e2e.client.lrangeBuffer(e2e.key('queue:mail'), 0, -1)).toEqual([odd]);
  });

  test('puts several jobs back, ahead of the waiting ones', async () => {
    await e2e.enqueue('mail', ...payloads);
    e2e.mayLeaveKeys('queue:mail');
    const runner = await e2e.run({
      runners: { mail: { concurrency: 2, interrupted: 'requeue' } },
      script: e2e.script(untilGo),
      ...quick,
    });
    await e2e.waitForFileLines('started', 2);
    await runner.stop();
    const [first, second, ...behind] = await e2e.backlog('mail');
    expect(new Set([first, second])).toEqual(new Set(payloads.slice(0, 2)));
    expect(behind).toEqual(payloads.slice(2));
  });

  test('does not touch a job that ended by itself', async () => {
    const runner = await runBusy({ ...patient, interrupted: 'requeue' }, untilGo);
    e2e.mayLeaveKeys('queue:mail');
    runner.signal('SIGTERM');
    await runner.waitForLine('engine.stopping');
    e2e.write('go');
    await runner.waitForExit();
    expect(await e2e.backlog('mail')).toEqual(payloadsBehind);
    expect(await e2e.stat('processed')).toBe(1);
  });
});

describe('SIGQUIT', () => {
  test('waits for running jobs without limit, and starts no other job', async () => {
    const runner = await runBusy({ shutdownTimeout: 0.1, killAfter: 0.1 }, untilGo);
    e2e.mayLeaveKeys('queue:mail');
    runner.signal('SIGQUIT');
    expect(await runner.waitForLine('engine.stopping')).toMatchObject({ mode: 'quit', running: 1 });
    await staysTrue(() => !runner.hasExited && runner.all('job.finished').length === 0, {
      message: 'the job continues',
      forMs: 600,
    });
    e2e.write('go');
    expect(await runner.waitForExit()).toEqual(clean);
    expect(await e2e.stat('processed')).toBe(1);
    expect(await e2e.backlog('mail')).toEqual(payloadsBehind);
    await e2e.failures(0);
  });

  test('ends an idle runner at once', async () => {
    const runner = await e2e.run({ runners: { mail: 1 }, script: '/bin/true' });
    runner.signal('SIGQUIT');
    expect(await runner.waitForExit(3000)).toEqual(clean);
  });

  test('followed by TERM acts like TERM', async () => {
    const runner = await runBusy(quick, untilGo);
    e2e.mayLeaveKeys('queue:mail');
    runner.signal('SIGQUIT');
    await runner.waitForLine('engine.stopping');
    runner.signal('SIGTERM');
    expect(await runner.waitForExit(5000)).toEqual(clean);
    expect(await e2e.failure()).toMatchObject({ exception: 'Resque::TermException' });
    await assertChildrenGone();
  });
});

test('a job that arrives at the moment of a shutdown is not lost', async () => {
  const script = e2e.script('read -r p; echo "$p" >> "$D/ran"');
  e2e.mayLeaveKeys('queue:mail');
  let enqueued = 0;
  for (let round = 0; round < 8; round++) {
    const runner = await e2e.run({ runners: { mail: 1 }, script });
    const pushing = (async () => {
      for (let n = 0; n < 20; n++) await e2e.enqueue('mail', { class: 'Job', args: [enqueued++] });
    })();
    if (round % 2 === 0) await runner.waitForLine('job.started');
    runner.signal('SIGTERM');
    await pushing;
    expect(await runner.waitForExit()).toEqual(clean);
  }
  const left = await e2e.backlog('mail');
  const ran = e2e.fileLines('ran');
  expect(new Set([...left, ...ran]).size).toBe(enqueued);
  expect(left.length + ran.length).toBe(enqueued);
});
