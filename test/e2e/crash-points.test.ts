/**
 * SIGKILL of a runner at each step of a job, from its pop to its outcome, and what the next runner does. A proxy holds the
 * runner at the step: it drops the runner's commands, or holds back Redis' replies.
 */
import { describe, expect, onTestFinished, test } from 'vitest';
import { startProxy } from '../engine/proxies.ts';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import { freePort } from '../helpers/redis.ts';
import { RedisProxy } from '../helpers/redis-proxy.ts';
import type { Runner } from '../helpers/runner.ts';
import { waitFor } from '../helpers/wait-for.ts';

const stage = useEndToEnd();

const modes = {
  'at-most-once': { delivery: 'at-most-once' },
  'at-most-once, interrupted jobs go back': { delivery: 'at-most-once', interrupted: 'requeue' },
  'at-least-once': { delivery: 'at-least-once' },
};
type Mode = keyof typeof modes;

/** The final state of a job. */
interface Fate {
  /** How often its program started and ended. */
  readonly begun: number;
  readonly ended: number;
  /** The exception of its failure record. */
  readonly failed: readonly string[];
}

const lost = { begun: 1, ended: 0, failed: [] };
const died = 'Resque::PruneDeadWorkerDirtyExit';

function jobOf(id: string) {
  return { class: 'Job', args: [id] };
}

/** Runs until its file `go-ID` exists. */
function script(): string {
  return stage.script(
    `read -r job || :; id=\${job#*args}; id=\${id#*:[?}; id=\${id%%?]*}
echo "begin $id" >> "$D/log"
while [ ! -e "$D/go-$id" ]; do sleep 0.1; done
echo "end $id" >> "$D/log"`,
  );
}

async function startRunner(mode: Mode, port = stage.redis.port): Promise<Runner> {
  const redis = { server: '127.0.0.1', port };
  return await stage.run({ redis, script: stage.path('script-1'), runners: { mail: 1 }, ...modes[mode] });
}

async function begun(id: string): Promise<void> {
  await waitFor(() => stage.fileLines('log').includes(`begin ${id}`), { message: () => `${id} runs` });
}

/** Waits until the runner is blocked in BLPOP or BLMOVE, with no other command on its way. */
async function waitForIdle(): Promise<void> {
  await waitFor(async () => /cmd=bl(pop|move)/.test(String(await stage.client.client('LIST'))), {
    message: 'the runner waits for jobs',
  });
}

/** Kills the runner; the next one finishes the work. @returns the final state of these jobs */
async function succeed(runner: Runner, mode: Mode, ...ids: string[]): Promise<Fate[]> {
  runner.signal('SIGKILL');
  await runner.waitForExit();
  const next = await startRunner(mode);
  await next.waitForLine('peer.recovered');
  // If a program of the dead runner were still running, it would end now too.
  for (const id of [...ids, 'last']) stage.write(`go-${id}`);
  await stage.enqueue('mail', jobOf('last'));
  await waitFor(() => stage.fileLines('log').includes('end last'), { message: () => next.describe() });
  await next.stop();
  const failures = (await stage.rawFailures()).map(
    (raw) => JSON.parse(raw.toString()) as { exception: string; payload: { args: [string] } },
  );
  const lines = stage.fileLines('log');
  const fates = ids.map((id) => ({
    begun: lines.filter((line) => line === `begin ${id}`).length,
    ended: lines.filter((line) => line === `end ${id}`).length,
    failed: failures.filter(({ payload }) => payload.args[0] === id).map(({ exception }) => exception),
  }));
  // Every job that is not lost has one outcome, and so does `last`.
  const isLost = ({ ended, failed }: Fate) => ended === 0 && failed.length === 0;
  expect(await stage.stat('processed')).toBe(fates.filter((fate) => !isLost(fate)).length + 1);
  expect(await stage.backlog('mail')).toEqual([]);
  return fates;
}

describe.each(Object.keys(modes) as Mode[])('%s: a runner dies', (mode) => {
  const by = <T>(atMostOnce: T, goingBack: T, atLeastOnce: T): T =>
    ({
      'at-most-once': atMostOnce,
      'at-most-once, interrupted jobs go back': goingBack,
      'at-least-once': atLeastOnce,
    })[mode];

  test('after a wait returns a job and before anything is recorded: only at-most-once loses it', async () => {
    script();
    const proxy = await startProxy(stage.redis.port);
    const runner = await startRunner(mode, proxy.port);
    await waitForIdle();
    proxy.judge = (text) => (text.includes(':step') ? 'lose' : 'pass');
    await stage.enqueue('mail', jobOf('a'));
    await begun('a');
    expect(await succeed(runner, mode, 'a')).toEqual([
      by<Fate>(lost, lost, { begun: 2, ended: 1, failed: [] }),
    ]);
  });

  test('after Redis hands out a job and before its program starts, and after its outcome but before the reply', async () => {
    script();
    const port = await freePort();
    const proxy = new RedisProxy(port, stage.redis.port);
    onTestFinished(() => proxy.close());
    const runner = await startRunner(mode, port);
    await stage.enqueue('mail', jobOf('a'), jobOf('b'));
    await begun('a');
    proxy.hold('evalsha');
    stage.write('go-a');
    await waitFor(async () => (await stage.backlog('mail')).length === 0, { message: 'b is handed out' });
    expect(await stage.stat('processed')).toBe(1);
    expect(stage.fileLines('log')).not.toContain('begin b');
    const again = { begun: 1, ended: 1, failed: [] };
    expect(await succeed(runner, mode, 'a', 'b')).toEqual([
      { begun: 1, ended: 1, failed: [] },
      by<Fate>({ begun: 0, ended: 0, failed: [died] }, again, again),
    ]);
  });

  test('while its job runs', async () => {
    script();
    const runner = await startRunner(mode);
    await stage.enqueue('mail', jobOf('a'));
    await begun('a');
    await waitFor(async () => (await recordedJobs()) === 1, { message: 'it is on record' });
    const again = { begun: 2, ended: 1, failed: [] };
    expect(await succeed(runner, mode, 'a')).toEqual([
      by<Fate>({ begun: 1, ended: 0, failed: [died] }, again, again),
    ]);
  });

  test('after its job ended and before the outcome reaches Redis', async () => {
    script();
    const proxy = await startProxy(stage.redis.port);
    const runner = await startRunner(mode, proxy.port);
    await stage.enqueue('mail', jobOf('a'));
    await begun('a');
    await waitFor(async () => (await recordedJobs()) === 1, { message: 'it is on record' });
    proxy.judge = (text) => (text.includes(':step') ? 'lose' : 'pass');
    const steps = proxy.count(':step');
    stage.write('go-a');
    await waitFor(() => proxy.count(':step') > steps, { message: 'the runner reports how the job ended' });
    const again = { begun: 2, ended: 2, failed: [] };
    expect(await succeed(runner, mode, 'a')).toEqual([
      by<Fate>({ begun: 1, ended: 1, failed: [died] }, again, again),
    ]);
  });
});

async function recordedJobs(): Promise<number> {
  const keys = await stage.client.keys(stage.key('worker:*:mail'));
  return keys.length;
}
