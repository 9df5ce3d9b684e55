/** When warm children run: while their jobs may be taken, one per slot, and never longer than their runner. */
import { rmSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  type Born,
  children,
  job,
  livingChildren,
  payloadsBegun,
  persistent,
  prestarted,
  quick,
  tellBirth,
  untilGo,
  waitForChildren,
  waitForEnd,
  waitForNewChild,
} from '../helpers/children.ts';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import type { Runner } from '../helpers/runner.ts';
import { staysTrue, waitFor } from '../helpers/wait-for.ts';

const e2e = useEndToEnd({ isInProcess: true });

async function reload(runner: Runner, config: Record<string, unknown>): Promise<void> {
  const from = runner.position;
  runner.writeConfig(e2e.config(config));
  runner.signal('SIGHUP');
  await runner.waitForLine('config.reloaded', undefined, { from });
}

describe.each([prestarted, persistent])('$name children', ({ entry, script: scriptFor }) => {
  const mail = (concurrency: number, rest: Record<string, unknown> = {}) => ({
    runners: { mail: { ...entry, concurrency, ...rest } },
  });

  /** A runner with this many warm children. */
  async function run(concurrency: number, body = quick, rest: Record<string, unknown> = {}) {
    const script = e2e.script(scriptFor(body));
    const runner = await e2e.run({ ...mail(concurrency), script, ...rest });
    const standing = await waitForChildren(e2e, concurrency);
    return { runner, script, standing };
  }

  async function assertJobRuns(runner: Runner, child?: Born): Promise<void> {
    const count = runner.all('job.finished').length + 1;
    await e2e.enqueue('mail', job(count));
    const finished = await runner.waitForFinished(count);
    expect(finished.at(-1)?.outcome).toBe('succeeded');
    const { job: view } = runner.all('job.started').at(-1) ?? {};
    if (child !== undefined) expect(view?.pid).toBe(child.pid);
  }

  test('end when everything is paused, and start again after the pause', async () => {
    const { runner, standing } = await run(2);
    for (let round = 1; round <= 2; round += 1) {
      runner.signal('SIGUSR2');
      await waitForChildren(e2e, 0);
      await e2e.enqueue('mail', job(round));
      runner.signal('SIGCONT');
      await runner.waitForFinished(round);
      await waitForChildren(e2e, 2);
    }
    expect(livingChildren(e2e).filter(({ pid }) => standing.some((old) => old.pid === pid))).toEqual([]);
    expect(runner.all('runner.throttled')).toEqual([]);
    await e2e.failures(0);
  });

  test('end with pause-all-workers, and start again when it is unset', async () => {
    await run(2);
    await e2e.client.set(e2e.key('pause-all-workers'), 'true');
    await e2e.pass(5);
    await waitForChildren(e2e, 0);
    await e2e.client.del(e2e.key('pause-all-workers'));
    await e2e.pass(5);
    await waitForChildren(e2e, 2);
  });

  test('that are working when a pause begins finish their job first', async () => {
    const { runner, standing } = await run(1, untilGo);
    await e2e.enqueue('mail', job(1));
    await e2e.waitForFileLines('ran');
    runner.signal('SIGUSR2');
    await runner.waitForLine('queue.paused');
    await waitFor(() => livingChildren(e2e).length === 1, { message: 'only the working child is left' });
    expect(livingChildren(e2e)).toEqual(standing);
    e2e.write('go');
    const [finished] = await runner.waitForFinished(1);
    expect(finished?.outcome).toBe('succeeded');
    await waitForChildren(e2e, 0);
    runner.signal('SIGCONT');
    await waitForChildren(e2e, 1);
    await e2e.failures(0);
  });

  test('use the latest config', async () => {
    const { runner, standing } = await run(2);
    const script = e2e.script(scriptFor('echo "new $FROM_CONFIG" >> "$D/ran"'));
    await reload(runner, { ...mail(2), script, env: { FROM_CONFIG: 'value' } });
    await waitFor(() => livingChildren(e2e).every(({ pid }) => standing.every((old) => old.pid !== pid)), {
      message: 'the old children have ended',
    });
    await waitForChildren(e2e, 2);
    await assertJobRuns(runner);
    expect(e2e.fileLines('ran')).toEqual(['new value']);
    expect(runner.all('runner.throttled')).toEqual([]);
  });

  test('that are working during a reload finish their job with the old config', async () => {
    const { runner, standing } = await run(1, untilGo);
    await e2e.enqueue('mail', job(1));
    await e2e.waitForFileLines('ran');
    await reload(runner, { ...mail(1), script: e2e.script(scriptFor('echo new >> "$D/ran"')) });
    await e2e.enqueue('mail', job(2));
    await staysTrue(() => e2e.fileLines('ran').length === 1, { message: 'the slot is taken', forMs: 100 });
    e2e.write('go');
    await runner.waitForFinished(2);
    expect(e2e.fileLines('ran')).toEqual([`${standing[0]?.pid} ${JSON.stringify(job(1))}`, 'new']);
    for (const old of standing) await waitForEnd(old);
    await e2e.failures(0);
  });

  test('match the number of slots when it grows and shrinks', async () => {
    const { runner, script, standing } = await run(2);
    await reload(runner, { ...mail(4), script });
    await waitForChildren(e2e, 4);
    await reload(runner, { ...mail(1), script });
    await waitForChildren(e2e, 1);
    await waitFor(
      () => standing.every(({ pid }) => livingChildren(e2e).every((child) => child.pid !== pid)),
      {
        message: 'the reloaded config has its own children',
      },
    );
    await assertJobRuns(runner);
    expect(runner.all('runner.throttled')).toEqual([]);
  });

  test('end when their queue is removed from the config, and start when it is back', async () => {
    const { runner, script } = await run(2);
    await reload(runner, { runners: { other: 1 }, script: '/bin/true' });
    await waitForChildren(e2e, 0);
    await waitFor(
      async () => (await e2e.client.smembers(e2e.key('workers'))).every((id) => id.endsWith(':other')),
      {
        message: 'no worker of the queue is registered anymore',
      },
    );
    await reload(runner, { ...mail(2), script });
    await waitForChildren(e2e, 2);
    await assertJobRuns(runner);
  });

  test('end when the config turns them off, and start when it turns them on', async () => {
    const { runner, script } = await run(1);
    const cold = `${tellBirth}; read -r job; echo cold >> "$D/ran"`;
    await reload(runner, { runners: { mail: 1 }, script: e2e.script(cold) });
    await waitForChildren(e2e, 0);
    await assertJobRuns(runner);
    expect(e2e.fileLines('ran')).toEqual(['cold']);
    await waitForChildren(e2e, 0);
    await reload(runner, { ...mail(1), script });
    const [child] = await waitForChildren(e2e, 1);
    await assertJobRuns(runner, child);
  });

  test('that are working when the config turns them off are the last ones in their slots', async () => {
    const { runner } = await run(1, untilGo);
    await e2e.enqueue('mail', job(1));
    await e2e.waitForFileLines('ran');
    await reload(runner, {
      runners: { mail: 1 },
      script: e2e.script('echo "cold $RESQUE_WORKER" >> "$D/ran"'),
    });
    await e2e.enqueue('mail', job(2), job(3));
    e2e.write('go');
    await runner.waitForFinished(3);
    const [, ...cold] = e2e.fileLines('ran');
    expect(cold).toEqual(Array(2).fill(`cold ${children(e2e)[0]?.worker}`));
    await waitForChildren(e2e, 0);
  });

  test('start after a reload during a job that runs without them', async () => {
    const script = e2e.script(scriptFor(quick));
    const cold = e2e.script('echo began >> "$D/ran"; while [ ! -e "$D/go" ]; do sleep 0.1; done');
    const runner = await e2e.run({ runners: { mail: 1 }, script: cold });
    await e2e.enqueue('mail', job(1));
    await e2e.waitForFileLines('ran');
    await reload(runner, { ...mail(1), script });
    e2e.write('go');
    await runner.waitForFinished(1);
    const [child] = await waitForChildren(e2e, 1);
    await assertJobRuns(runner, child);
  });

  test('with a missing interpreter lose no job either', async () => {
    const script = e2e.script(scriptFor(quick), {
      name: 'job',
      interpreter: '/usr/bin/env rr-no-such-program',
    });
    await e2e.enqueue('mail', job(1), job(2));
    const runner = await e2e.run({ ...mail(1), script });
    const { pauses } = await runner.waitForLine('queue.paused');
    expect(pauses).toMatchObject([{ kind: 'unstartable' }]);
    e2e.script(scriptFor(quick), { name: 'job' });
    await waitFor(async () => (await e2e.stat('processed')) === 2, {
      message: 'both jobs are done',
      timeoutMs: 20_000,
    });
    await e2e.failures(0);
    expect(payloadsBegun(e2e).sort()).toEqual([job(1), job(2)].map((each) => JSON.stringify(each)));
  });

  test('with a missing script pause their queue; they and the jobs start when the script exists', async () => {
    const script = e2e.path('job');
    await e2e.enqueue('mail', job(1), job(2));
    const runner = await e2e.run({ ...mail(2), script });
    const { pauses } = await runner.waitForLine('queue.paused');
    expect(pauses).toMatchObject([{ kind: 'unstartable' }]);
    e2e.script(scriptFor(quick), { name: 'job' });
    await runner.waitForFinished(2, 15_000);
    await waitForChildren(e2e, 2);
    await e2e.waitForStat('processed', 2);
    await e2e.failures(0);

    // The same while they wait.
    rmSync(script);
    runner.signal('SIGUSR2');
    await waitForChildren(e2e, 0);
    const from = runner.position;
    runner.signal('SIGCONT');
    await runner.waitForLine('queue.paused', ({ pauses: now }) => now?.[0]?.kind === 'unstartable', { from });
    e2e.script(scriptFor(quick), { name: 'job' });
    // A reload looks immediately; the next regular look comes later than the first one.
    runner.signal('SIGHUP');
    await waitForChildren(e2e, 2);
    await assertJobRuns(runner);
  });

  test('of one entry with a missing script do not stop those of another entry', async () => {
    const script = e2e.script(scriptFor(quick));
    const missing = { ...entry, script: e2e.path('missing') };
    const runner = await e2e.run({
      runners: { other: { ...missing, concurrency: 3 }, mail: { ...entry, concurrency: 2 } },
      script,
    });
    await runner.waitForLine('queue.paused', ({ queue }) => queue === 'other');
    await waitForChildren(e2e, 2);
    await assertJobRuns(runner);
  });

  test('start and end between jobs, and no job is lost or done twice', async () => {
    const { runner, script } = await run(2);
    const names: number[] = [];
    for (const concurrency of [4, 1, 3, 2, 5, 1, 2]) {
      const next = Array.from({ length: 20 }, (_, at) => names.length + at);
      names.push(...next);
      await e2e.enqueue('mail', ...next.map(job));
      if (concurrency % 2 === 0) runner.signal('SIGUSR2');
      await reload(runner, { ...mail(concurrency), script });
      runner.signal('SIGCONT');
      await runner.waitForFinished(names.length - 10, 20_000);
    }
    await runner.waitForFinished(names.length, 20_000);
    expect(payloadsBegun(e2e).sort()).toEqual(names.map((name) => JSON.stringify(job(name))).sort());
    await e2e.waitForStat('processed', names.length);
    await e2e.failures(0);
    expect(runner.all('runner.throttled')).toEqual([]);
    await waitForChildren(e2e, 2);
    await waitForNewChildrenToStay(runner);
  });

  /** Checks that the current warm children stay and no others start. */
  async function waitForNewChildrenToStay(runner: Runner): Promise<void> {
    const born = children(e2e).length;
    await staysTrue(() => children(e2e).length === born, { message: 'no other children start', forMs: 200 });
    await assertJobRuns(runner);
    if (entry.prestart === true) await waitForNewChild(e2e, children(e2e).slice(0, born));
  }
});
