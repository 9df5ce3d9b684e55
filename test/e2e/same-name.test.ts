/** Runners in containers: each is process 1 of its own pid namespace, and all have the same host name. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { beforeEach, describe, expect, test } from 'vitest';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import { freeze, isAlive } from '../helpers/processes.ts';
import type { Runner } from '../helpers/runner.ts';
import { waitFor } from '../helpers/wait-for.ts';

const container = [
  'unshare',
  ...(process.getuid?.() === 0 ? [] : ['--map-root-user']),
  ...['--pid', '--fork', '--mount-proc', '--kill-child'],
];
const canUnshare = spawnSync('sh', ['-c', `${container.join(' ')} true`]).status === 0;

const stage = useEndToEnd({ timeoutMs: 60_000 });
const clean = { code: 0, signal: undefined };
const deliveries = ['at-most-once', 'at-least-once'] as const;

beforeEach(({ skip }) => skip(!canUnshare, 'this user may make no pid namespaces'));

/** Waits for the file `go`. */
const script = () =>
  stage.script(`read -r job || :; echo "$(echo "$job" | tr -dc 0-9) $RESQUE_WORKER" >> "$D/began"
while [ ! -e "$D/go" ]; do sleep 0.02; done`);

/** Drains, because a signal can't reach the process in its namespace. */
function run(delivery: string): Promise<Runner> {
  const runners = { mail: { concurrency: 2, delivery } };
  const config = { script: script(), runners, worker: { host: 'ctr' } };
  return stage.run(config, { args: ['--drain'], prefix: container });
}

/** The outer pid of process 1 in the container that this process created. */
function firstChildOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ')[0]);
}

async function enqueue(count: number): Promise<void> {
  await stage.enqueue('mail', ...Array.from({ length: count }, (_, arg) => ({ class: 'Job', args: [arg] })));
}

async function onRecord(count: number): Promise<string[]> {
  await stage.waitForFileLines('began', count);
  const records = () => stage.client.keys('resque:worker:*:mail');
  await waitFor(async () => (await records()).length === count, { message: `${count} jobs are on record` });
  return (await records()).sort();
}

/** As if the only runner had been silent for so long. */
async function setSilent(ms: number): Promise<void> {
  const [[owner, text] = ['', '{}']] = Object.entries(await stage.client.hgetall('resque:runners'));
  const entry = JSON.parse(text);
  await stage.client.hset(
    'resque:runners',
    owner,
    JSON.stringify({ ...entry, seenAtMs: entry.seenAtMs - ms }),
  );
}

/** Checks that each job ran once and no keys are left. */
async function expectAllDone(jobs: number): Promise<void> {
  const args = stage.fileLines('began').map((line) => Number(line.split(' ')[0]));
  expect(args.sort((a, b) => a - b)).toEqual(Array.from({ length: jobs }, (_, arg) => arg));
  expect(await stage.stat('processed')).toBe(jobs);
  expect(await stage.stat('failed')).toBe(0);
  expect(await stage.client.exists('resque:workers', 'resque:runners', 'resque:failed')).toBe(0);
}

describe.each(deliveries)('%s', (delivery) => {
  test('both have names of their own and run the jobs of the queue', async () => {
    await enqueue(40);
    const runners = [await run(delivery), await run(delivery)];
    const hosts = new Set(
      (await onRecord(4)).map((record) => /:(ctr-[0-9a-f]{8}):1-[01]:mail$/.exec(record)?.[1]),
    );
    expect(hosts.size).toBe(2);
    stage.write('go');
    for (const runner of runners) {
      expect(await runner.waitForExit()).toEqual(clean);
      expect(runner.all('peer.recovered')).toEqual([]);
    }
    await expectAllDone(40);
  });

  test('both keep their jobs if Redis loses all data', async () => {
    await enqueue(4);
    const runners = [await run(delivery), await run(delivery)];
    const records = await onRecord(4);
    await stage.client.multi().flushall().call('CLIENT', 'KILL', 'TYPE', 'normal').exec();
    for (const runner of runners) await runner.waitForLine('steps.forgotten');
    expect(await onRecord(4)).toEqual(records);
    stage.write('go');
    for (const runner of runners) expect(await runner.waitForExit()).toEqual(clean);
    await expectAllDone(4);
  });

  test('the successor of a runner whose container ended recovers it', async () => {
    await enqueue(2);
    const first = await run(delivery);
    await onRecord(2);
    first.signal('SIGKILL');
    await first.waitForExit();
    stage.write('go');
    await setSilent(60_000);
    const second = await run(delivery);
    expect(await second.waitForExit()).toEqual(clean);
    const [failed, requeued] = delivery === 'at-least-once' ? [0, 2] : [2, 0];
    expect(second.all('peer.recovered')).toMatchObject([{ failed, requeued }]);
    expect(stage.fileLines('began')).toHaveLength(2 + requeued);
    expect(await stage.stat('processed')).toBe(2);
    expect(await stage.stat('failed')).toBe(failed);
    expect(isAlive(first.pid)).toBe(false);
  });

  test('a runner that slept and was recovered by its successor goes on when it wakes up', async () => {
    await enqueue(2);
    const first = await run(delivery);
    await onRecord(2);
    const inner = firstChildOf(first.pid);
    await freeze(inner);
    await setSilent(400_000);
    const second = await run(delivery);
    const [failed, requeued] = delivery === 'at-least-once' ? [0, 2] : [2, 0];
    expect(await second.waitForLine('peer.recovered')).toMatchObject({ failed, requeued });
    if (requeued > 0) await stage.waitForFileLines('began', 4);
    process.kill(inner, 'SIGCONT');
    const { message } = await first.waitForLine('engine.declared-dead');
    expect(message).toContain('killed 2 running jobs');
    await first.waitForLine('redis.up', () => true, {
      from: first.lines.findIndex(({ event }) => event === 'redis.down'),
    });
    stage.write('go');
    expect(await first.waitForExit()).toEqual(clean);
    expect(await second.waitForExit()).toEqual(clean);
    expect(await stage.stat('processed')).toBe(2);
    expect(await stage.stat('failed')).toBe(failed);
    expect(await stage.client.llen('resque:failed')).toBe(failed);
  });
});
