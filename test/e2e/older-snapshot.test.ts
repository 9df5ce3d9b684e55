/** A Redis that crashes and is restarted from a snapshot that is older than what the runners know. */
import { expect, test } from 'vitest';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import { freeze } from '../helpers/processes.ts';
import type { Runner } from '../helpers/runner.ts';
import { waitFor } from '../helpers/wait-for.ts';

const stage = useEndToEnd();
const clean = { code: 0, signal: undefined };
const jobs = 400;
const deliveries = ['at-most-once', 'at-least-once'] as const;

function argOf(payload: string): number {
  return Number(/\d+/.exec(payload)?.[0]);
}

/** How often each job ran, by its number. */
function runs(): Map<number, number> {
  const counts = new Map<number, number>();
  for (const arg of stage.fileLines('ran').map(argOf)) counts.set(arg, (counts.get(arg) ?? 0) + 1);
  return counts;
}

async function enqueue(count: number): Promise<void> {
  await stage.enqueue('mail', ...Array.from({ length: count }, (_, arg) => ({ class: 'Job', args: [arg] })));
}

/** @returns args of the jobs that wait in the snapshot */
async function takeSnapshot(runners: readonly Runner[]): Promise<number[]> {
  for (const { pid } of runners) await freeze(pid);
  // What the runners had sent before may come in between.
  const waiting = await waitFor(
    async () => {
      const before = await stage.backlog('mail');
      await stage.client.save();
      const after = await stage.backlog('mail');
      return before.length === after.length ? after : null;
    },
    { message: 'nothing happens while the snapshot is taken' },
  );
  for (const runner of runners) runner.signal('SIGCONT');
  return waiting.map(argOf);
}

/** With the data of the snapshot: nothing else is on the disk. */
async function crash(): Promise<void> {
  await stage.redis.kill();
  await stage.redis.start();
}

const note = 'read -r job || :; echo "$job" >> "$D/ran"';

test.each(deliveries)(
  '%s: two runners lose no job, and only those run twice that were waiting in the snapshot',
  async (delivery) => {
    await enqueue(jobs);
    const script = stage.script(`${note}; sleep 0.02; case $job in *7]*) exit 1;; esac`);
    const config = { script, runners: { mail: { concurrency: 4, delivery } } };
    const runners = [
      await stage.run(config, { args: ['--drain'] }),
      await stage.run(config, { args: ['--drain'] }),
    ];
    await stage.waitForFileLines('ran', 60);
    const waiting = await takeSnapshot(runners);
    await stage.waitForFileLines('ran', stage.fileLines('ran').length + 100);
    await crash();

    for (const runner of runners) {
      expect(await runner.waitForExit(20_000)).toEqual(clean);
      expect(runner.all('peer.recovered')).toEqual([]);
      const forgotten = runner.all('steps.forgotten');
      expect(forgotten.map(({ message }) => message)).toEqual([
        expect.stringMatching(/forgot the last \d+ steps of this runner/),
      ]);
      expect(forgotten[0]?.settled).toBe(0);
    }
    const counts = runs();
    expect(counts.size).toBe(jobs);
    const twice = [...counts].filter(([, count]) => count > 1).map(([arg]) => arg);
    expect(twice.length).toBeGreaterThan(0);
    expect(waiting).toEqual(expect.arrayContaining(twice));
    expect(Math.max(...counts.values())).toBe(2);
    expect(await stage.stat('processed')).toBe(jobs + twice.length);
    const failed = 40 + twice.filter((arg) => arg % 10 === 7).length;
    expect(await stage.stat('failed')).toBe(failed);
    expect(await stage.client.llen('resque:failed')).toBe(failed);
    expect(await stage.client.smembers('resque:workers')).toEqual([]);
  },
);

test.each(deliveries)(
  '%s: a runner that the snapshot does not know goes on, with the jobs that it runs',
  async (delivery) => {
    await stage.client.save();
    const script = stage.script(`${note}; while [ ! -e "$D/go" ]; do sleep 0.02; done`);
    const runner = await stage.run({ script, runners: { mail: { concurrency: 2, delivery } } });
    await enqueue(3);
    await stage.waitForFileLines('ran', 2);
    await crash();
    const { message } = await runner.waitForLine('steps.forgotten');
    expect(message).toMatch(/came back without this runner's data .* 2 running jobs back on record/);
    stage.write('go');
    await stage.waitForStat('processed', 2);
    await enqueue(1);
    await stage.waitForStat('processed', 3);
    expect(await runner.stop()).toEqual(clean);
  },
);
