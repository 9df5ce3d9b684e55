/** A rolling upgrade: runners of this and an earlier version share queues. */
import { execa } from 'execa';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { StatusDocument } from '../../src/cli/status/document.ts';
import { runCommand } from '../cli/run-command.ts';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import { buildOldVersion, hasCommit } from '../helpers/old-version.ts';
import { isAlive } from '../helpers/processes.ts';
import { currentProgram, type Runner } from '../helpers/runner.ts';
import { waitFor } from '../helpers/wait-for.ts';

/** The last one that knows no standing, no tombstones and no connections in its entry. */
const commit = '769db4b';
const isThere = hasCommit(commit);

const stage = useEndToEnd({ timeoutMs: 60_000 });
const clean = { code: 0, signal: undefined };
let oldProgram = '';

beforeAll(async () => {
  if (isThere) oldProgram = await buildOldVersion(commit);
});
beforeEach(({ skip }) => skip(!isThere, `this clone has no commit ${commit}`));

type Version = 'old' | 'new';
const versions = ['old', 'new'] as const;
/** The jobs of each queue are delivered in another way. */
const runners = {
  mail: { concurrency: 1, delivery: 'at-most-once' },
  news: { concurrency: 1, delivery: 'at-least-once' },
};
const queues = Object.keys(runners);

function programOf(version: Version): string {
  return version === 'new' ? currentProgram : oldProgram;
}

function otherThan(version: Version): Version {
  return version === 'new' ? 'old' : 'new';
}

/** Waits for the file `go`; jobs whose argument ends in 7 fail. */
const script = () =>
  stage.script(`read -r job || :; arg=$(echo "$job" | tr -dc 0-9); echo "$1 $arg $$" >> "$D/began"
while [ ! -e "$D/go" ]; do sleep 0.02; done
case $arg in *7) exit 1;; esac`);

function run(version: Version): Promise<Runner> {
  return stage.run({ script: script(), runners }, { args: ['--drain'], program: programOf(version) });
}

/** So many on each queue. */
async function enqueue(count: number): Promise<void> {
  for (const queue of queues)
    await stage.enqueue(queue, ...Array.from({ length: count }, (_, arg) => ({ class: 'Job', args: [arg] })));
}

function began(queue: string): { readonly arg: number; readonly pid: number }[] {
  const lines = stage.fileLines('began').map((line) => line.split(' '));
  return lines.flatMap(([name, arg, pid]) =>
    name === queue ? [{ arg: Number(arg), pid: Number(pid) }] : [],
  );
}

async function waitForRecords(count: number): Promise<void> {
  const records = async () =>
    (await stage.client.keys('resque:worker:*')).filter((key) => !/:(started|payload)$/.test(key));
  await waitFor(async () => (await records()).length === count, { message: `${count} jobs are on record` });
}

/** Commands of this version run in this process. */
async function command(version: Version, name: string): Promise<string> {
  const url = `redis://127.0.0.1:${stage.redis.port}`;
  const words = [name, stage.path('cfg.json'), '--redis', url, '--json'];
  const cwd = stage.directory;
  if (version === 'new') return (await runCommand(words, { cwd })).stdout;
  return (await execa(process.execPath, [oldProgram, ...words], { cwd, reject: false })).stdout;
}

/** The results of `check` about the data in Redis. */
async function dataVerdicts(version: Version): Promise<string[]> {
  const { verdicts } = JSON.parse(await command(version, 'check')) as {
    verdicts: readonly { readonly level: string; readonly subject: string; readonly text: string }[];
  };
  return verdicts.filter(({ subject }) => subject === 'data').map(({ level, text }) => `${level}: ${text}`);
}

async function expectNoKeyLeft(): Promise<void> {
  expect(await stage.client.smembers('resque:workers')).toEqual([]);
  expect(await stage.client.exists('resque:runners', 'resque:workers:heartbeat')).toBe(0);
}

describe.each(versions)('the %s version starts first', (first) => {
  test('both run the jobs of all queues, show each other as alive, and drain', async () => {
    await enqueue(20);
    const both = [await run(first), await run(otherThan(first))];
    await stage.waitForFileLines('began', 4);
    await waitForRecords(4);
    for (const version of versions) {
      const status = JSON.parse(await command(version, 'status')) as StatusDocument;
      const seen = status.processes.map(({ kind, state, pid }) => ({ kind, state, pid }));
      const working = both.map(({ pid }) => ({ kind: 'resque-runner', state: 'working', pid }));
      expect(seen).toHaveLength(2);
      expect(seen).toEqual(expect.arrayContaining(working));
      expect(status.totals).toMatchObject({ running: 4, workers: 4, staleWorkers: 0, deadWorkers: 0 });
      expect(await dataVerdicts(version)).toEqual(['ok: 4 workers, 0 failures: nothing to repair']);
    }
    stage.write('go');
    for (const runner of both) {
      expect(await runner.waitForExit(20_000)).toEqual(clean);
      expect(runner.all('peer.recovered')).toEqual([]);
      for (const queue of queues)
        expect(runner.all('job.started', ({ job }) => job?.queue === queue).length).toBeGreaterThan(1);
    }
    for (const queue of queues) {
      const args = began(queue).map(({ arg }) => arg);
      expect(args.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, arg) => arg));
    }
    expect(await stage.stat('processed')).toBe(40);
    expect(await stage.stat('failed')).toBe(4);
    expect(await stage.client.llen('resque:failed')).toBe(4);
    await expectNoKeyLeft();
  });

  test('if it is killed while jobs run, the other one recovers it', async () => {
    await enqueue(1);
    const victim = await run(first);
    await stage.waitForFileLines('began', 2);
    await waitForRecords(2);
    const pids = queues.flatMap(began).map(({ pid }) => pid);
    victim.signal('SIGKILL');
    await victim.waitForExit();
    stage.write('go');
    const status = JSON.parse(await command(otherThan(first), 'status')) as StatusDocument;
    expect(status.processes.map(({ state }) => state)).toEqual(['dead']);
    const [verdict, ...others] = await dataVerdicts(otherThan(first));
    expect(verdict).toMatch(new RegExp(`^fail: .*:${victim.pid} `));
    expect(others).toEqual([]);
    const survivor = await run(otherThan(first));
    expect(await survivor.waitForLine('peer.recovered')).toMatchObject({ failed: 1, requeued: 1 });
    expect(pids.some(isAlive)).toBe(false);
    expect(await survivor.waitForExit()).toEqual(clean);
    expect(began('mail')).toHaveLength(1);
    expect(began('news')).toHaveLength(2);
    expect(await stage.stat('processed')).toBe(2);
    expect(await stage.stat('failed')).toBe(1);
    expect(await stage.failure()).toMatchObject({ queue: 'mail' });
    await expectNoKeyLeft();
  });
});
