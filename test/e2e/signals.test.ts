/** HUP, USR1, USR2 and CONT: the runner continues. */
import { describe, expect, test } from 'vitest';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import { staysTrue, waitFor } from '../helpers/wait-for.ts';

const e2e = useEndToEnd();
const job = (n: number) => ({ class: 'Job', args: [n] });
const untilGo = 'echo "$1 $$" >> "$D/started"; while [ ! -e "$D/go" ]; do sleep 0.1; done';

describe('HUP with a good file', () => {
  test('applies new queues, scripts and limits', async () => {
    const before = e2e.script('echo "before $1" >> "$D/ran"');
    const after = e2e.script('echo "after $1 $FROM_CONFIG" >> "$D/ran"; exec sleep 60');
    const runner = await e2e.run({ runners: { mail: 1 }, script: before });
    await e2e.enqueue('mail', job(1));
    await runner.waitForFinished(1);
    runner.writeConfig(
      e2e.config({
        runners: { mail: 1, video: 1 },
        script: after,
        timeout: 0.2,
        killAfter: 0.1,
        env: { FROM_CONFIG: 'new' },
      }),
    );
    runner.signal('SIGHUP');
    await runner.waitForLine('config.reloaded');
    await e2e.enqueue('mail', job(2));
    await e2e.enqueue('video', job(3));
    const failures = await e2e.failures(2);
    expect(failures.map(({ exception }) => exception)).toEqual(['TimeoutError', 'TimeoutError']);
    const [first, ...rest] = e2e.fileLines('ran');
    expect(first).toBe('before mail');
    expect(rest.sort()).toEqual(['after mail new', 'after video new']);
  });

  test('lets a running job end with its old settings', async () => {
    const runner = await e2e.run({ runners: { mail: 1 }, script: e2e.script(untilGo) });
    await e2e.enqueue('mail', job(1), job(2));
    await e2e.waitForFileLines('started', 1);
    const script = e2e.script('echo new >> "$D/ran"');
    runner.writeConfig(e2e.config({ runners: { mail: 1 }, script, timeout: 0.1 }));
    runner.signal('SIGHUP');
    await runner.waitForLine('config.reloaded');
    await staysTrue(() => runner.all('job.finished').length === 0, { message: 'it runs', forMs: 300 });
    e2e.write('go');
    await runner.waitForFinished(2);
    await e2e.failures(0);
    expect(e2e.fileLines('ran')).toEqual(['new']);
  });

  test('removes a queue: its job ends, its backlog stays, its workers are unregistered', async () => {
    const runner = await e2e.run({ runners: { mail: 2, video: 1 }, script: e2e.script(untilGo) });
    await e2e.enqueue('video', job(1), job(2));
    await e2e.waitForFileLines('started', 1);
    e2e.mayLeaveKeys('queue:video');
    runner.writeConfig(e2e.config({ runners: { mail: 2 }, script: e2e.script('exit 0') }));
    runner.signal('SIGHUP');
    await runner.waitForLine('config.reloaded');
    e2e.write('go');
    await e2e.enqueue('mail', job(3));
    await runner.waitForFinished(2);
    expect(await e2e.backlog('video')).toEqual([JSON.stringify(job(2))]);
    await waitFor(
      async () => (await e2e.client.smembers(e2e.key('workers'))).every((id) => id.endsWith(':mail')),
      { message: 'no worker of the queue is registered anymore' },
    );
  });

  test('adds a queue again that was removed before', async () => {
    const script = e2e.script('echo "$1" >> "$D/ran"');
    const runner = await e2e.run({ runners: { mail: 1, video: 1 }, script });
    for (const runners of [{ mail: 1 }, { mail: 1, video: 2 }]) {
      const from = runner.position;
      runner.writeConfig(e2e.config({ runners, script }));
      runner.signal('SIGHUP');
      await runner.waitForLine('config.reloaded', undefined, { from });
    }
    await e2e.enqueue('video', job(1), job(2));
    await runner.waitForFinished(2);
    expect(e2e.fileLines('ran')).toEqual(['video', 'video']);
  });
});

test('HUP at the moment when jobs arrive loses neither jobs nor the connection', async () => {
  const script = e2e.script('read -r p; echo "$p" >> "$D/ran"');
  const runner = await e2e.run({ runners: { mail: 3 }, script });
  const rounds = 60;
  for (let round = 1; round <= rounds; round++) {
    const coming = e2e.enqueue('mail', ...[1, 2, 3, 4, 5].map((n) => job(10 * round + n)));
    runner.signal('SIGHUP');
    await coming;
    await runner.waitForFinished(5 * round, 3000);
  }
  expect(new Set(e2e.fileLines('ran')).size).toBe(5 * rounds);
  expect(runner.all('redis.down')).toEqual([]);
});

describe('HUP with a bad file', () => {
  test.each([
    ['invalid JSON', '{"runners": {'],
    ['empty', ''],
    ['a bad value', '{"runners":{"mail":0},"script":"/bin/false"}'],
    ['no runners', '{"script":"/bin/false"}'],
    ['an unknown key', '{"runners":{"mail":1},"script":"/bin/false","runnners":{}}'],
  ])('(%s) changes nothing and is reported', async (_what, text) => {
    const script = e2e.script('echo ran >> "$D/ran"');
    const runner = await e2e.run({ runners: { mail: 1 }, script });
    runner.writeConfig(text);
    runner.signal('SIGHUP');
    const { problems } = await runner.waitForLine('config.rejected');
    expect(problems?.length).toBeGreaterThan(0);
    await e2e.enqueue('mail', job(1));
    await runner.waitForFinished(1);
    expect(e2e.fileLines('ran')).toEqual(['ran']);
    expect(runner.all('config.reloaded')).toEqual([]);

    runner.writeConfig(e2e.config({ runners: { mail: 2 }, script }));
    runner.signal('SIGHUP');
    await runner.waitForLine('config.reloaded');
  });
});

describe('USR1', () => {
  test('kills running jobs, and the runner continues', async () => {
    const script = e2e.script(`
      case $(cat) in *7*) exit 0;; esac
      trap "" TERM; sleep 60 & echo "$1 $$" >> "$D/started"; wait; wait; sleep 60`);
    await e2e.enqueue('mail', job(1), job(2));
    await e2e.enqueue('video', job(3));
    const runner = await e2e.run({ runners: { mail: 2, video: 1 }, script, killAfter: 0.2 });
    await e2e.waitForFileLines('started', 3);
    runner.signal('SIGUSR1');
    for (const failure of await e2e.failures(3)) {
      expect(failure).toMatchObject({ exception: 'Resque::DirtyExit', signal: 'SIGKILL' });
    }
    const killed = runner.all('job.killed');
    expect(new Set(killed.map(({ jobId }) => jobId)).size).toBe(3);
    expect(killed.every(({ reason }) => reason === 'signal')).toBe(true);
    await e2e.enqueue('mail', job(7));
    const finished = await runner.waitForFinished(4);
    expect(finished[3]?.outcome).toBe('succeeded');
  });

  test('does nothing to an idle runner', async () => {
    const runner = await e2e.run({ runners: { mail: 1 }, script: '/bin/true' });
    runner.signal('SIGUSR1');
    // Signals are handled in order: after these two, the kill can't reach the next job.
    runner.signal('SIGUSR2');
    await runner.waitForLine('queue.paused');
    runner.signal('SIGCONT');
    await runner.waitForLine('queue.resumed');
    await e2e.enqueue('mail', job(1));
    const [line] = await runner.waitForFinished(1);
    expect(line?.outcome).toBe('succeeded');
  });
});

describe('USR2 and CONT', () => {
  test('pause and resume everything', async () => {
    const script = e2e.script('echo "$1" >> "$D/ran"');
    const runner = await e2e.run({ runners: { mail: 2, video: 1 }, script });
    for (let round = 1; round <= 2; round++) {
      const from = runner.position;
      runner.signal('SIGUSR2');
      const paused = await runner.waitForLine('queues.paused', undefined, { from });
      expect(paused).toMatchObject({ runner: null, pauses: [{ kind: 'all' }] });
      await e2e.enqueue('mail', job(1));
      await e2e.enqueue('video', job(2));
      await staysTrue(() => runner.all('job.started').length === 2 * (round - 1), {
        message: 'no job starts while paused',
        forMs: 300,
      });
      expect(await e2e.backlog('mail')).toHaveLength(1);
      runner.signal('SIGCONT');
      await runner.waitForLine('queues.resumed', undefined, { from });
      await runner.waitForFinished(2 * round);
    }
    expect(e2e.fileLines('ran').sort()).toEqual(['mail', 'mail', 'video', 'video']);
  });

  test('let running jobs continue, and start none after them', async () => {
    const runner = await e2e.run({ runners: { mail: 1 }, script: e2e.script(untilGo) });
    await e2e.enqueue('mail', job(1), job(2));
    await e2e.waitForFileLines('started', 1);
    runner.signal('SIGUSR2');
    await runner.waitForLine('queue.paused');
    e2e.write('go');
    const [line] = await runner.waitForFinished(1);
    expect(line?.outcome).toBe('succeeded');
    await e2e.waitForStat('processed', 1);
    await staysTrue(() => runner.all('job.started').length === 1, {
      message: 'no other job starts',
      forMs: 300,
    });
    expect(await e2e.backlog('mail')).toEqual([JSON.stringify(job(2))]);
    runner.signal('SIGCONT');
    await runner.waitForFinished(2);
  });

  test.each([
    ['SIGTERM', 'SIGCONT'],
    ['SIGCONT', 'SIGTERM'],
  ] as const)('%s with %s, which systemd sends together, ends no pause', async (first, second) => {
    const runner = await e2e.run({ runners: { mail: 1 }, script: '/bin/true' });
    runner.signal('SIGUSR2');
    await runner.waitForLine('queue.paused');
    runner.signal(first);
    runner.signal(second);
    expect(await runner.exit).toMatchObject({ code: 0 });
    expect(runner.all('command.executed').map(({ message }) => message)).toEqual([
      expect.stringContaining('SIGUSR2'),
    ]);
  });

  test('a paused runner ends cleanly on TERM', async () => {
    const runner = await e2e.run({ runners: { mail: 1 }, script: '/bin/true' });
    runner.signal('SIGUSR2');
    await runner.waitForLine('queue.paused');
    await e2e.enqueue('mail', job(1));
    e2e.mayLeaveKeys('queue:mail');
    expect(await runner.stop(3000)).toEqual({ code: 0, signal: undefined });
    expect(await e2e.backlog('mail')).toHaveLength(1);
  });
});
