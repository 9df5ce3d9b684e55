/** Limits are never exceeded, take effect immediately when raised, and don't affect running jobs when lowered. */
import { describe, expect, test } from 'vitest';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import type { LogLine, Runner } from '../helpers/runner.ts';
import { tally } from '../helpers/tallies.ts';
import { staysTrue, waitFor } from '../helpers/wait-for.ts';

const e2e = useEndToEnd({ isInProcess: true });

function jobs(count: number): object[] {
  return Array.from({ length: count }, (_, n) => ({ class: 'Job', args: [n] }));
}

/** Records its start and end, and runs for the given time. */
function marking(seconds: string): string {
  return e2e.script(`
    id=$(sed 's/.*\\[\\([0-9]*\\)\\].*/\\1/')
    echo "start $id" >> "$D/$1.log"; sleep ${seconds}; echo "end $id" >> "$D/$1.log"`);
}

/** Runs until the test creates the file `go`. */
function waiting(): string {
  return e2e.script('echo $$ >> "$D/started"; while [ ! -e "$D/go" ]; do sleep 0.1; done');
}

/** The most jobs that ran at the same time, according to the log after a line. */
function peakOf(lines: readonly LogLine[], from = 0): number {
  let running = 0;
  let peak = 0;
  for (const [index, { event }] of lines.entries()) {
    if (event === 'job.finished') running--;
    if (event !== 'job.started') continue;
    running++;
    if (index >= from) peak = Math.max(peak, running);
  }
  return peak;
}

async function reload(runner: Runner, concurrency: number, script: string): Promise<number> {
  const from = runner.position;
  runner.writeConfig(e2e.config({ runners: { mail: concurrency }, script }));
  runner.signal('SIGHUP');
  await runner.waitForLine('config.reloaded', undefined, { from });
  return runner.lines.findIndex(({ event }, index) => index >= from && event === 'config.reloaded');
}

test('each queue fills its slots and no more', async () => {
  const limits = { one: 1, two: 2, five: 5 };
  const script = e2e.script(`
    id=$(sed 's/.*\\[\\([0-9]*\\)\\].*/\\1/')
    echo "start $id" >> "$D/$1.log"; while [ ! -e "$D/go" ]; do sleep 0.1; done; echo "end $id" >> "$D/$1.log"`);
  for (const queue of Object.keys(limits)) await e2e.enqueue(queue, ...jobs(30));
  const runner = await e2e.run({ runners: limits, script }, { args: ['--drain'] });
  for (const [queue, limit] of Object.entries(limits)) await e2e.waitForFileLines(`${queue}.log`, limit);
  await staysTrue(() => runner.all('job.started').length <= 8, { message: 'no more start', forMs: 200 });
  e2e.write('go');
  await runner.waitForExit(20_000);
  for (const [queue, limit] of Object.entries(limits)) {
    const { peak, runs } = tally(e2e.fileLines(`${queue}.log`));
    expect(peak).toBe(limit);
    expect([...runs.values()]).toEqual(Array(30).fill(1));
  }
});

test('jobs that arrive one at a time fill all slots too', async () => {
  const script = waiting();
  const runner = await e2e.run({ runners: { mail: 4 }, script });
  for (let n = 1; n <= 4; n++) {
    await e2e.enqueue('mail', { class: 'Job', args: [n] });
    await e2e.waitForFileLines('started', n);
  }
  await e2e.enqueue('mail', ...jobs(3));
  e2e.write('go');
  await runner.waitForFinished(7);
  expect(peakOf(runner.lines)).toBe(4);
});

test('a full queue does not hold up another one', async () => {
  const slow = waiting();
  await e2e.enqueue('slow', ...jobs(10));
  const runner = await e2e.run({
    runners: { slow: { concurrency: 2, script: slow }, fast: { concurrency: 1, script: '/bin/true' } },
  });
  await e2e.waitForFileLines('started', 2);
  await e2e.enqueue('fast', ...jobs(10));
  await runner.waitForFinished(10);
  expect(runner.all('job.finished').every(({ queue }) => queue === 'fast')).toBe(true);
  expect(await e2e.backlog('slow')).toHaveLength(8);
  e2e.write('go');
  await runner.waitForFinished(20);
});

describe('concurrency, reloaded under load,', () => {
  test('raised, takes effect at once', async () => {
    const script = waiting();
    await e2e.enqueue('mail', ...jobs(10));
    const runner = await e2e.run({ runners: { mail: 1 }, script });
    await e2e.waitForFileLines('started', 1);
    await reload(runner, 4, script);
    // No job ends, so only the new limit can start these.
    await e2e.waitForFileLines('started', 4);
    expect(runner.all('job.finished')).toEqual([]);
    e2e.write('go');
    await runner.waitForFinished(10);
    expect(peakOf(runner.lines)).toBe(4);
  });

  test('raised while idle, takes effect on the next jobs', async () => {
    const script = waiting();
    const runner = await e2e.run({ runners: { mail: 1 }, script });
    await reload(runner, 3, script);
    await e2e.enqueue('mail', ...jobs(4));
    await e2e.waitForFileLines('started', 3);
    e2e.write('go');
    await runner.waitForFinished(4);
    expect(peakOf(runner.lines)).toBe(3);
  });

  test('lowered, lets running jobs finish and starts none above it', async () => {
    const script = marking('0.1');
    await e2e.enqueue('mail', ...jobs(60));
    const runner = await e2e.run({ runners: { mail: 6 }, script });
    await runner.waitForFinished(6);
    expect(peakOf(runner.lines)).toBe(6);
    const at = await reload(runner, 2, script);
    await runner.waitForFinished(60);
    expect(runner.all('job.finished').every(({ outcome }) => outcome === 'succeeded')).toBe(true);
    expect(peakOf(runner.lines, at)).toBe(2);
    expect(tally(e2e.fileLines('mail.log')).runs.size).toBe(60);
  });

  test('changed up and down many times, loses and repeats no job', async () => {
    const script = marking('0.01');
    const runner = await e2e.run({ runners: { mail: 2 }, script });
    let enqueued = 0;
    for (const concurrency of [8, 1, 5, 2, 7, 1, 3, 1, 6]) {
      await e2e.enqueue('mail', ...Array.from({ length: 20 }, () => ({ class: 'Job', args: [enqueued++] })));
      const at = await reload(runner, concurrency, script);
      await runner.waitForFinished(enqueued - 10, 20_000);
      expect(peakOf(runner.lines, at)).toBeLessThanOrEqual(concurrency);
    }
    await runner.waitForFinished(enqueued, 20_000);
    const { runs } = tally(e2e.fileLines('mail.log'));
    expect([...runs.values()]).toEqual(Array(enqueued).fill(1));
    await e2e.waitForStat('processed', enqueued);
  });
});

test('two runners share a queue without running a job twice', async () => {
  const script = marking('0.005');
  await e2e.enqueue('mail', ...jobs(300));
  const config = { runners: { mail: 3 }, script };
  const runners = [await e2e.run(config), await e2e.run(config)];
  await waitFor(() => runners.every((runner) => runner.all('job.finished').length > 0), {
    message: 'both runners take jobs',
  });
  await e2e.waitForStat('processed', 300);
  const { peak, runs } = tally(e2e.fileLines('mail.log'));
  expect([...runs.values()]).toEqual(Array(300).fill(1));
  expect(peak).toBeLessThanOrEqual(6);
});
