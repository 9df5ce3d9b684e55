/** A runner sleeps so long that another one assumes it is dead and recovers it. Then it wakes up. */
import { describe, expect, test } from 'vitest';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import { freeze, isAlive } from '../helpers/processes.ts';
import type { Runner } from '../helpers/runner.ts';
import { waitFor } from '../helpers/wait-for.ts';
import type { ConfigObject } from '../helpers/workbench.ts';

const stage = useEndToEnd({ redis: { appendOnly: true }, timeoutMs: 60_000, isInProcess: true });
const clean = { code: 0, signal: undefined };

/** Each job waits for its file `go-ARG`; a job whose argument ends in 7 fails. */
const script = () =>
  stage.script(`read -r job || :; arg=$(echo "$job" | tr -dc 0-9); echo "$arg $$" >> "$D/began"
while [ ! -e "$D/go-$arg" ]; do sleep 0.02; done
echo "$arg" >> "$D/ended"; case $arg in *7) exit 1;; esac`);

function job(arg: number) {
  return { class: 'Job', args: [arg] };
}

/** Both runners take jobs from `mail`, and each one from its own queue. */
function configFor(own: string, settings: ConfigObject): ConfigObject {
  return { script: script(), runners: { mail: 2, [own]: 1 }, ...settings };
}

/** Pids of the programs that ran a job, in order. */
function pidsOf(arg: number): number[] {
  const lines = stage.fileLines('began').map((line) => line.split(' ').map(Number));
  return lines.flatMap(([each, pid]) => (each === arg && pid !== undefined ? [pid] : []));
}

/** @returns the pid of its program */
async function began(arg: number, times = 1): Promise<number> {
  const message = () => `job ${arg} began ${times} times: ${stage.read('began')}`;
  await waitFor(() => pidsOf(arg).length >= times, { message });
  return pidsOf(arg)[times - 1] ?? 0;
}

/** Starts the runner that will sleep, and waits until its jobs are running and recorded in Redis. */
async function runWith(args: readonly number[], settings: ConfigObject): Promise<Runner> {
  await stage.enqueue('mail', ...args.map(job));
  const runner = await stage.run(configFor('first', settings), { args: ['--drain'], isProgram: true });
  for (const arg of args) await began(arg);
  const isRecord = (key: string) => !/:(started|payload)$/.test(key);
  await waitFor(
    async () => (await stage.client.keys('resque:worker:*')).filter(isRecord).length === args.length,
    { message: 'they are on record' },
  );
  return runner;
}

/**
 * Another runner recovers the sleeping one. The sleeper's entry is changed to look as if it ran on another machine, where
 * its programs can't be seen, and had been silent for minutes.
 */
async function recover(sleeper: Runner, settings: ConfigObject): Promise<Runner> {
  const entries = Object.entries(await stage.client.hgetall('resque:runners'));
  const [owner, text] = entries.find(([name]) => name.endsWith(`:${sleeper.pid}`)) ?? ['', '{}'];
  const entry = JSON.parse(text);
  // As in its last heartbeat, which contained all of them.
  const open = String(await stage.client.client('LIST')).matchAll(/^id=(\d+) .* name=resque-runner/gm);
  const connections = { ...entry.connections, ids: [...open].map(([, id]) => Number(id)) };
  const seenAtMs = entry.seenAtMs - 400_000;
  const elsewhere = { ...entry, machine: 'another-boot pid:[1]', mark: 'elsewhere', seenAtMs, connections };
  await stage.client.hset('resque:runners', owner, JSON.stringify(elsewhere));
  const other = await stage.run(configFor('second', settings), { isBesidePrograms: true });
  await other.waitForLine('peer.recovered');
  return other;
}

/** The sleeper finds a job on its own queue, and reports once what happened. @returns the report */
async function wake(sleeper: Runner): Promise<string> {
  stage.write('go-100');
  await stage.enqueue('first', job(100));
  sleeper.signal('SIGCONT');
  const { message } = await sleeper.waitForLine('engine.declared-dead');
  await began(100);
  return message;
}

/** Both continue and end, and nothing is counted twice. */
async function end(
  sleeper: Runner,
  other: Runner,
  { processed, failed }: { readonly processed: number; readonly failed: number },
): Promise<void> {
  stage.write('go-200');
  await stage.enqueue('second', job(200));
  await began(200);
  expect(await sleeper.waitForExit()).toEqual(clean);
  await stage.waitForStat('processed', processed + 2);
  expect(await other.stop()).toEqual(clean);
  expect(sleeper.all('engine.declared-dead')).toHaveLength(1);
  expect(other.all('engine.declared-dead')).toEqual([]);
  expect(other.all('peer.recovered')).toHaveLength(1);
  expect(await stage.stat('processed')).toBe(processed + 2);
  expect(await stage.stat('failed')).toBe(failed);
  expect(await stage.client.llen('resque:failed')).toBe(failed);
  expect(await stage.client.smembers('resque:workers')).toEqual([]);
}

const goingBack = [
  ['at-least-once', { delivery: 'at-least-once' }],
  ['"interrupted": "requeue"', { interrupted: 'requeue' }],
] as const;

describe('jobs that the recovery recorded as failed', () => {
  test('their programs are killed', async () => {
    const sleeper = await runWith([1, 7], {});
    await freeze(sleeper.pid);
    const other = await recover(sleeper, {});
    expect(pidsOf(1).concat(pidsOf(7)).every(isAlive)).toBe(true);
    const message = await wake(sleeper);
    expect(message).toContain('killed 2 running jobs');
    await sleeper.waitForFinished(3);
    expect(pidsOf(1).concat(pidsOf(7)).some(isAlive)).toBe(false);
    await end(sleeper, other, { processed: 2, failed: 2 });
    expect(stage.fileLines('ended').sort()).toEqual(['100', '200']);
  });

  test('an outcome from the time of its sleep is dropped', async () => {
    const sleeper = await runWith([1, 7], {});
    await freeze(sleeper.pid);
    stage.write('go-1');
    stage.write('go-7');
    await waitFor(() => stage.fileLines('ended').length === 2, { message: 'the programs end' });
    const other = await recover(sleeper, {});
    await wake(sleeper);
    await sleeper.waitForFinished(3);
    await end(sleeper, other, { processed: 2, failed: 2 });
  });

  test('outcomes that waited for Redis are dropped', async () => {
    const sleeper = await runWith([1, 7], {});
    await stage.redis.kill();
    await sleeper.waitForLine('redis.down');
    stage.write('go-1');
    stage.write('go-7');
    await sleeper.waitForFinished(2);
    await freeze(sleeper.pid);
    await stage.redis.start();
    const other = await recover(sleeper, {});
    const message = await wake(sleeper);
    expect(message).toContain('dropped 2 outcomes');
    await end(sleeper, other, { processed: 2, failed: 2 });
  });
});

describe.each(goingBack)('jobs that were put back on their queue (%s)', (_, settings) => {
  test('the program of a job that now runs elsewhere is killed', async () => {
    const sleeper = await runWith([1], settings);
    const [pid = 0] = pidsOf(1);
    await freeze(sleeper.pid);
    const other = await recover(sleeper, settings);
    await began(1, 2);
    expect(isAlive(pid)).toBe(true);
    const message = await wake(sleeper);
    expect(message).toContain('killed 1 running job');
    await waitFor(() => !isAlive(pid), { message: 'its program is killed' });
    stage.write('go-1');
    await other.waitForFinished(1);
    await end(sleeper, other, { processed: 1, failed: 0 });
    expect(pidsOf(1)).toHaveLength(2);
    expect(stage.fileLines('ended').sort()).toEqual(['1', '100', '200']);
  });

  test('an outcome from the time of its sleep is dropped, and the job runs again', async () => {
    const sleeper = await runWith([7], settings);
    await freeze(sleeper.pid);
    stage.write('go-7');
    await stage.waitForFileLines('ended');
    const other = await recover(sleeper, settings);
    await other.waitForFinished(1);
    await wake(sleeper);
    await end(sleeper, other, { processed: 1, failed: 1 });
    expect(pidsOf(7)).toHaveLength(2);
  });
});

test('a job that Redis handed to it while it slept runs once, if Redis has no other copy', async () => {
  const sleeper = await stage.run(configFor('first', {}), { isProgram: true });
  await waitFor(async () => /cmd=blpop/.test(String(await stage.client.client('LIST'))), {
    message: 'it waits',
  });
  await freeze(sleeper.pid);
  await stage.enqueue('mail', job(1));
  expect(await stage.backlog('mail')).toEqual([]);
  stage.write('go-1');
  const other = await recover(sleeper, {});
  await wake(sleeper);
  await began(1);
  await sleeper.waitForFinished(2);
  sleeper.signal('SIGQUIT');
  await end(sleeper, other, { processed: 1, failed: 0 });
  expect(pidsOf(1)).toHaveLength(1);
});

test('at-least-once: a job that Redis handed to it while it slept is put back and not lost', async () => {
  const settings = { delivery: 'at-least-once' };
  const sleeper = await stage.run(configFor('first', settings), { isProgram: true });
  await waitFor(async () => /cmd=blmove/.test(String(await stage.client.client('LIST'))), {
    message: 'it waits',
  });
  await freeze(sleeper.pid);
  await stage.enqueue('mail', job(1));
  await waitFor(async () => (await stage.backlog('mail')).length === 0, { message: 'the job is handed out' });
  const other = await recover(sleeper, settings);
  await began(1);
  await wake(sleeper);
  stage.write('go-1');
  await other.waitForFinished(1);
  sleeper.signal('SIGQUIT');
  await end(sleeper, other, { processed: 1, failed: 0 });
  expect(stage.fileLines('ended').sort()).toEqual(['1', '100', '200']);
});

test("after it registers again, an outcome that can't reach Redis is stored on disk for another runner", async () => {
  const sleeper = await stage.run(configFor('first', {}), { isProgram: true });
  await freeze(sleeper.pid);
  const other = await recover(sleeper, {});
  await wake(sleeper);
  await stage.waitForStat('processed', 1);
  await stage.enqueue('first', job(1));
  await began(1);
  await stage.redis.kill();
  stage.write('go-1');
  await sleeper.waitForFinished(2);
  sleeper.signal('SIGTERM');
  await sleeper.waitForLine('engine.stopping');
  // It stops waiting for Redis.
  sleeper.signal('SIGTERM');
  await sleeper.waitForLine('outcomes.spooled');
  expect((await sleeper.waitForExit()).code).toBe(0);
  const from = other.position;
  await stage.redis.start();
  await other.waitForLine('outcomes.restored');
  expect(await other.waitForLine('peer.recovered', () => true, { from })).toMatchObject({ failed: 0 });
  expect(await stage.stat('processed')).toBe(2);
  expect(await stage.stat('failed')).toBe(0);
  expect(await other.stop()).toEqual(clean);
});

test('after it registers again, its death is recovered like any other', async () => {
  const sleeper = await stage.run(configFor('first', {}), { isProgram: true });
  await freeze(sleeper.pid);
  const other = await recover(sleeper, {});
  await wake(sleeper);
  await stage.waitForStat('processed', 1);
  await stage.enqueue('first', job(1));
  const pid = await began(1);
  await waitFor(async () => (await stage.client.keys('resque:worker:*:first')).length === 1, {
    message: 'it is on record',
  });
  sleeper.signal('SIGKILL');
  await sleeper.waitForExit();
  const third = await stage.run(configFor('third', {}));
  await third.waitForLine('peer.recovered');
  expect(isAlive(pid)).toBe(false);
  await stage.waitForStat('failed', 1);
  expect(await stage.stat('processed')).toBe(2);
  expect(await third.stop()).toEqual(clean);
  expect(await other.stop()).toEqual(clean);
});
