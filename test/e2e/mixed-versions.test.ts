/** A rolling upgrade: runners of this and an earlier version share queues. */
import { execa } from 'execa';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { StatusDocument } from '../../src/cli/status/document.ts';
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
const deliveries = ['at-most-once', 'at-least-once'] as const;
const cases = (['old', 'new'] as const).flatMap((first) =>
  deliveries.map((delivery) => [first, delivery] as const),
);

function programOf(version: Version): string {
  return version === 'new' ? currentProgram : oldProgram;
}

function otherThan(version: Version): Version {
  return version === 'new' ? 'old' : 'new';
}

/** Waits for the file `go`; jobs whose argument ends in 7 fail. */
const script = () =>
  stage.script(`read -r job || :; arg=$(echo "$job" | tr -dc 0-9); echo "$arg $$" >> "$D/began"
while [ ! -e "$D/go" ]; do sleep 0.02; done
case $arg in *7) exit 1;; esac`);

function run(version: Version, delivery: string): Promise<Runner> {
  const config = { script: script(), runners: { mail: { concurrency: 2, delivery } } };
  return stage.run(config, { args: ['--drain'], program: programOf(version) });
}

async function enqueue(count: number): Promise<void> {
  await stage.enqueue('mail', ...Array.from({ length: count }, (_, arg) => ({ class: 'Job', args: [arg] })));
}

function began(): { readonly arg: number; readonly pid: number }[] {
  return stage.fileLines('began').map((line) => {
    const [arg = 0, pid = 0] = line.split(' ').map(Number);
    return { arg, pid };
  });
}

async function command(version: Version, name: string): Promise<string> {
  const url = `redis://127.0.0.1:${stage.redis.port}`;
  const words = [programOf(version), name, stage.path('cfg.json'), '--redis', url, '--json'];
  const { stdout } = await execa(process.execPath, words, { cwd: stage.directory, reject: false });
  return stdout;
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

describe.each(cases)('the %s version starts first, %s', (first, delivery) => {
  test('both run the jobs of a queue, show each other as alive, and drain', async () => {
    await enqueue(60);
    const runners = [await run(first, delivery), await run(otherThan(first), delivery)];
    await stage.waitForFileLines('began', 4);
    const onRecord = async () => (await stage.client.keys('resque:worker:*:mail')).length === 4;
    await waitFor(onRecord, { message: 'all four are on record' });
    for (const version of ['old', 'new'] as const) {
      const status = JSON.parse(await command(version, 'status')) as StatusDocument;
      const seen = status.processes.map(({ kind, state, pid }) => ({ kind, state, pid }));
      const working = runners.map(({ pid }) => ({ kind: 'resque-runner', state: 'working', pid }));
      expect(seen).toHaveLength(2);
      expect(seen).toEqual(expect.arrayContaining(working));
      expect(status.totals).toMatchObject({ running: 4, workers: 4, staleWorkers: 0, deadWorkers: 0 });
      expect(await dataVerdicts(version)).toEqual(['ok: 4 workers, 0 failures: nothing to repair']);
    }
    stage.write('go');
    for (const runner of runners) {
      expect(await runner.waitForExit(20_000)).toEqual(clean);
      expect(runner.all('peer.recovered')).toEqual([]);
      expect(runner.all('job.started').length).toBeGreaterThan(1);
    }
    const args = began().map(({ arg }) => arg);
    expect(args.sort((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, arg) => arg));
    expect(await stage.stat('processed')).toBe(60);
    expect(await stage.stat('failed')).toBe(6);
    expect(await stage.client.llen('resque:failed')).toBe(6);
    await expectNoKeyLeft();
  });

  test('if it is killed while jobs run, the other one recovers it', async () => {
    await enqueue(2);
    const victim = await run(first, delivery);
    await stage.waitForFileLines('began', 2);
    await waitFor(async () => (await stage.client.keys('resque:worker:*:mail')).length === 2, {
      message: 'both jobs are on record',
    });
    const pids = began().map(({ pid }) => pid);
    victim.signal('SIGKILL');
    await victim.waitForExit();
    stage.write('go');
    const status = JSON.parse(await command(otherThan(first), 'status')) as StatusDocument;
    expect(status.processes.map(({ state }) => state)).toEqual(['dead']);
    const [verdict, ...others] = await dataVerdicts(otherThan(first));
    expect(verdict).toMatch(new RegExp(`^fail: .*:${victim.pid} `));
    expect(others).toEqual([]);
    const survivor = await run(otherThan(first), delivery);
    const goesBack = delivery === 'at-least-once';
    const recovered = await survivor.waitForLine('peer.recovered');
    expect(recovered).toMatchObject(goesBack ? { failed: 0, requeued: 2 } : { failed: 2, requeued: 0 });
    expect(pids.some(isAlive)).toBe(false);
    expect(await survivor.waitForExit()).toEqual(clean);
    expect(began()).toHaveLength(goesBack ? 4 : 2);
    expect(await stage.stat('processed')).toBe(2);
    expect(await stage.stat('failed')).toBe(goesBack ? 0 : 2);
    expect(await stage.client.llen('resque:failed')).toBe(goesBack ? 0 : 2);
    await expectNoKeyLeft();
  });
});
