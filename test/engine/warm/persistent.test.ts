/** Persistent children that run many jobs or break the protocol, with an engine in the test's process. */
import { describe, expect, test } from 'vitest';
import {
  children as childrenOf,
  persistentScript,
  sayOk,
  tellBirth,
  waitForChildren,
  waitForEnd,
} from '../../helpers/children.ts';
import { isAlive } from '../../helpers/processes.ts';
import { useRedis } from '../../helpers/redis.ts';
import { staysTrue, waitFor } from '../../helpers/wait-for.ts';
import { type TestEngine, useEngines } from '../stage.ts';

const stage = useEngines(useRedis({ isOwn: true }));
const files = { fileLines: (name: string) => stage.lines(name) };
const quick = 'echo "$$ $job" >> "$D/ran"';

/** Every job ended once, and no successful job began or ended more than once. */
function assertOneOutcomeEach(engine: TestEngine, count: number): void {
  const finished = engine.all('job.finished');
  expect(finished).toHaveLength(count);
  expect(new Set(finished.map(({ jobId }) => jobId)).size).toBe(count);
}

describe('children', () => {
  test('that exit with 0 after any of their jobs lose none', async () => {
    const body = `${quick}; ${sayOk}; n=\${job#*[}; n=\${n%]*}; [ $((n % 3)) -ne 0 ] || exit 0`;
    const script = stage.script(persistentScript(body));
    const engine = await stage.start([stage.runner('mail', script, { mode: 'persistent', concurrency: 2 })]);
    const count = 300;
    await stage.enqueue('mail', ...Array.from({ length: count }, (_, at) => at));
    await engine.wait('job.finished', count, 20_000);
    assertOneOutcomeEach(engine, count);
    for (const { outcome } of engine.all('job.finished')) expect(outcome).toBe('succeeded');
    expect(new Set(stage.lines('ran').map((line) => line.split(' ')[1])).size).toBe(count);
    expect(stage.lines('ran')).toHaveLength(count);
    expect(engine.all('runner.throttled')).toEqual([]);
  });

  test('that write two results for each job still end each job once', async () => {
    const script = stage.script(persistentScript(`${quick}; ${sayOk}; ${sayOk}`));
    const engine = await stage.start([stage.runner('mail', script, { mode: 'persistent', concurrency: 2 })]);
    const count = 60;
    await stage.enqueue('mail', ...Array.from({ length: count }, (_, at) => at));
    await engine.wait('job.finished', count, 20_000);
    assertOneOutcomeEach(engine, count);
    const jobs = stage.lines('ran').map((line) => line.slice(line.indexOf(' ') + 1));
    expect(new Set(jobs).size).toBe(jobs.length);
    await waitFor(async () => (await stage.stat('processed')) === count, {
      message: 'all outcomes are written',
    });
  });

  test('that reach maxJobs are replaced one after the other, and no job is lost or repeated', async () => {
    const script = stage.script(persistentScript());
    const engine = await stage.start([
      stage.runner('mail', script, { mode: 'persistent', concurrency: 2, maxJobs: 7 }),
    ]);
    const count = 200;
    await stage.enqueue('mail', ...Array.from({ length: count }, (_, at) => at));
    await engine.wait('job.finished', count, 20_000);
    const jobsOf = new Map<string, number>();
    for (const line of stage.lines('ran')) {
      const [pid = ''] = line.split(' ');
      jobsOf.set(pid, (jobsOf.get(pid) ?? 0) + 1);
    }
    expect(Math.max(...jobsOf.values())).toBe(7);
    expect([...jobsOf.values()].reduce((sum, jobs) => sum + jobs, 0)).toBe(count);
    for (const { outcome } of engine.all('job.finished')) expect(outcome).toBe('succeeded');
  });

  test('that write a result without a job and ignore TERM are not replaced before they have exited', async () => {
    const script = stage.script(`trap "" TERM; ${tellBirth}; ${sayOk}; while :; do sleep 0.1; done`);
    const entry = { mode: 'persistent', killAfterSeconds: 0.4, concurrency: 2 } as const;
    const engine = await stage.start([stage.runner('mail', script, entry)]);
    const { throttled } = await engine.wait('runner.throttled');
    expect(throttled).toMatchObject({ signal: 'SIGKILL' });
    expect(throttled.lastWords).toBe('it wrote a result to descriptor 3 without a job');
    expect(childrenOf(files)).toHaveLength(2);
  });

  test('that close their descriptor before a job cause throttling', async () => {
    const script = stage.script(`${tellBirth}; exec 3>&-; read -r job`);
    const engine = await stage.start([stage.runner('mail', script, { mode: 'persistent' })]);
    const { throttled } = await engine.wait('runner.throttled');
    expect(throttled.lastWords).toBe('it closed its descriptor 3');
    expect(childrenOf(files)).toHaveLength(1);
  });

  test('that close it after a job get no other job, and have time to finish', async () => {
    const script = stage.script(
      persistentScript(`${quick}; ${sayOk}; exec 3>&-; while [ ! -e "$D/go" ]; do sleep 0.1; done
        echo "$$" >> "$D/tidy"; exit 0`),
    );
    const engine = await stage.start([
      stage.runner('mail', script, { mode: 'persistent', killAfterSeconds: 60 }),
    ]);
    const [child] = await waitForChildren(files, 1);
    await stage.enqueue('mail', 1);
    await engine.wait('job.finished');
    // The runner may notice the closed descriptor a little later.
    await waitFor(
      async () => {
        await stage.enqueue('mail', 2);
        await engine.wait('job.finished', engine.all('job.started').length);
        return engine.all('job.started').at(-1)?.job.pid !== child?.pid;
      },
      { message: 'another child does the next job' },
    );
    expect(isAlive(child?.pid ?? 0)).toBe(true);
    stage.write('go');
    if (child !== undefined) await waitForEnd(child);
    expect(stage.lines('tidy')).toContain(`${child?.pid}`);
    for (const { outcome } of engine.all('job.finished')) expect(outcome).toBe('succeeded');
    expect(engine.all('runner.throttled')).toEqual([]);
  });

  test('that end after a job are reported with their output since then', async () => {
    const script = stage.script(`echo booting >&2
${persistentScript(`echo working >&2; ${sayOk}; while [ ! -e "$D/go" ]; do sleep 0.1; done; echo bye >&2; exit 3`)}`);
    const engine = await stage.start([stage.runner('mail', script, { mode: 'persistent' })]);
    await waitForChildren(files, 1);
    await stage.enqueue('mail', 1);
    await engine.wait('job.finished');
    stage.write('go');
    const { throttled } = await engine.wait('runner.throttled');
    expect(throttled).toMatchObject({ exitCode: 3, lastWords: 'bye' });
  });

  test('that crash in each job cause no throttling: there is one child for each job', async () => {
    const script = stage.script(persistentScript('echo oops >&2; exit 3'));
    const engine = await stage.start([stage.runner('mail', script, { mode: 'persistent' })]);
    await stage.enqueue('mail', ...Array.from({ length: 10 }, (_, at) => at));
    await engine.wait('job.finished', 10);
    for (const { failure } of engine.all('job.finished'))
      expect(failure).toMatchObject({ error: 'oops', exitCode: 3 });
    expect(engine.all('runner.throttled')).toEqual([]);
    await waitForChildren(files, 1);
    expect(childrenOf(files)).toHaveLength(11);
  });

  test('survive an outage of Redis, and continue', async () => {
    const script = stage.script(persistentScript());
    const engine = await stage.start([stage.runner('mail', script, { mode: 'persistent' })]);
    const [child] = await waitForChildren(files, 1);
    await stage.enqueue('mail', 1);
    await engine.wait('job.finished');
    await stage.server.restart();
    await engine.wait('redis.up', 2);
    await stage.enqueue('mail', 2);
    await engine.wait('job.finished', 2);
    expect(engine.all('job.started').map(({ job }) => job.pid)).toEqual([child?.pid, child?.pid]);
    await staysTrue(() => childrenOf(files).length === 1, { message: 'there was only one', forMs: 50 });
  });
});
