/** Waiting children, under commands and in races, with an engine in the test's process and real children. */
import { describe, expect, test } from 'vitest';
import {
  type Born,
  children as childrenOf,
  livingChildren,
  persistent,
  prestarted,
  tellBirth,
  waitForChildren,
  waitForEnd,
  waitForNewChild,
} from '../../helpers/children.ts';
import { isAlive, kill } from '../../helpers/processes.ts';
import { randomCases } from '../../helpers/random-cases.ts';
import { useRedis } from '../../helpers/redis.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { type TestEngine, useEngines } from '../stage.ts';

const stage = useEngines(useRedis());
const files = { fileLines: (name: string) => stage.lines(name) };

const quick = 'echo "$$ $job" >> "$D/ran"';

const queuesOf = (born: readonly Born[]) => born.map(({ queue }) => queue).sort();

/** Every job ended once, and no successful job began or ended more than once. */
function assertOneOutcomeEach(engine: TestEngine, count: number): void {
  const finished = engine.all('job.finished');
  expect(finished).toHaveLength(count);
  expect(new Set(finished.map(({ jobId }) => jobId)).size).toBe(count);
}

describe.each([prestarted, persistent])('$name children', ({ config, script: scriptFor }) => {
  test('of a paused queue leave, and those of other queues stay', async () => {
    const script = stage.script(scriptFor(quick));
    const engine = await stage.start([
      stage.runner('mail', script, { ...config, concurrency: 2 }),
      stage.runner('news', script, config),
    ]);
    const [, , news] = await waitForChildren(files, 3);
    await engine.do({ type: 'pause-queue', queue: 'mail' });
    await waitForChildren(files, 1);
    expect(queuesOf(livingChildren(files))).toEqual(['news']);
    await engine.do({ type: 'resume-queue', queue: 'mail' });
    await waitForChildren(files, 3);
    expect(queuesOf(livingChildren(files))).toEqual(['mail', 'mail', 'news']);
    if (news?.queue === 'news') expect(isAlive(news.pid)).toBe(true);
    expect(engine.all('runner.throttled')).toEqual([]);
  });

  test('of an entry with several queues serve a queue that is not paused', async () => {
    const script = stage.script(scriptFor('echo "$1 $job" >> "$D/ran"'));
    const engine = await stage.start([stage.runner('mail,news', script, { ...config, concurrency: 2 })]);
    expect(queuesOf(await waitForChildren(files, 2))).toEqual(['mail', 'mail']);
    await engine.do({ type: 'pause-queue', queue: 'mail' });
    await waitFor(() => queuesOf(livingChildren(files)).join() === 'news,news', {
      message: 'they are for news',
    });
    await stage.enqueue('news', 1);
    await engine.wait('job.finished');
    expect(stage.lines('ran')).toEqual(['news {"class":"Job","args":[1]}']);
    await engine.do({ type: 'pause-queue', queue: 'news' });
    await waitForChildren(files, 0);
  });

  test('follow a change of slots immediately', async () => {
    const script = stage.script(scriptFor(quick));
    const engine = await stage.start([stage.runner('mail', script, config)]);
    const [first] = await waitForChildren(files, 1);
    await engine.do({ type: 'set-concurrency', runner: 'mail', concurrency: 5 });
    await waitForChildren(files, 5);
    await engine.do({ type: 'set-concurrency', runner: 'mail', concurrency: 2 });
    const left = await waitForChildren(files, 2);
    expect(left.map(({ pid }) => pid)).toContain(first?.pid);
    await stage.enqueue('mail', 1, 2, 3);
    await engine.wait('job.finished', 3);
    await waitForChildren(files, 2);
    expect(engine.all('runner.throttled')).toEqual([]);
  });

  test('are started for every one of many slots', async () => {
    const script = stage.script(scriptFor(quick));
    const engine = await stage.start([stage.runner('mail', script, { ...config, concurrency: 50 })]);
    await waitForChildren(files, 50);
    expect(new Set(childrenOf(files).map(({ worker }) => worker)).size).toBe(50);
    await engine.stop('terminate');
    expect(livingChildren(files)).toEqual([]);
  });

  test.each([
    ['SIGTERM', 'echo $$ > "$D/began"; sleep 60', ['SIGTERM']],
    ['SIGKILL', 'echo $$ > "$D/began"; sleep 60', ['SIGKILL']],
    ['SIGTERM', 'trap "" TERM; echo $$ > "$D/began"; while :; do sleep 0.1; done', ['SIGTERM', 'SIGKILL']],
  ] as const)('at a job that is killed on request (%s, %s) end with it', async (signal, body, signals) => {
    const script = stage.script(scriptFor(body));
    const entry = { ...config, concurrency: 2, killAfterSeconds: 0.2 };
    const engine = await stage.start([stage.runner('mail', script, entry)]);
    const both = await waitForChildren(files, 2);
    await stage.enqueue('mail', 1);
    const { job } = await engine.wait('job.started');
    await waitFor(() => stage.lines('began').length === 1, { message: 'it has begun' });
    await engine.do({ type: 'kill-job', jobId: job.id, signal });
    expect(await engine.wait('job.finished')).toMatchObject({
      outcome: 'failed',
      signal: signals.at(-1),
      failure: { exception: 'Resque::DirtyExit' },
    });
    expect(engine.all('job.killed').map((killed) => killed.signal)).toEqual(signals);
    const idle = both.find(({ pid }) => pid !== job.pid);
    await waitForNewChild(files, both);
    expect(livingChildren(files).map(({ pid }) => pid)).toContain(idle?.pid);
    expect(engine.all('runner.throttled')).toEqual([]);
  });

  test('run or leave a job that arrives during a pause, and lose none', async () => {
    const engine = await stage.start([stage.runner('mail', stage.script(scriptFor(quick)), config)]);
    const rounds = randomCases(60);
    for (let round = 0; round < rounds; round += 1) {
      const push = stage.redis.rpush('resque:queue:mail', JSON.stringify({ class: 'Job', args: [round] }));
      for (let turn = 0; turn < round % 5; turn += 1) await new Promise(setImmediate);
      await Promise.all([engine.do({ type: 'pause-queue', queue: 'mail' }), push]);
      for (let turn = 0; turn < round % 3; turn += 1) await new Promise(setImmediate);
      await engine.do({ type: 'resume-queue', queue: 'mail' });
      await engine.wait('job.finished', round + 1);
    }
    assertOneOutcomeEach(engine, rounds);
    for (const { outcome } of engine.all('job.finished')) expect(outcome).toBe('succeeded');
    expect(stage.lines('ran')).toHaveLength(rounds);
    expect(engine.all('runner.throttled')).toEqual([]);
    await waitForChildren(files, 1);
  });

  test('all end immediately when the engine is abandoned', async () => {
    const stubborn = `trap "" TERM; ${tellBirth}; while :; do sleep 0.1; done`;
    const entry = { ...config, concurrency: 3, killAfterSeconds: 600 };
    const engine = await stage.start([stage.runner('mail', stage.script(stubborn), entry)]);
    await waitForChildren(files, 3);
    // One of them now has a job; a prestarted one is replaced by another waiting child.
    await stage.enqueue('mail', 1);
    await engine.wait('job.started');
    const all = await waitForChildren(files, config.isPrestarted === true ? 4 : 3);
    engine.engine.abandon();
    for (const child of all) await waitForEnd(child);
  });

  test('that are killed at any time lose no job and run none twice', async () => {
    const script = stage.script(scriptFor('echo "begin $job" >> "$D/ran"; echo "end $job" >> "$D/ran"'));
    const engine = await stage.start([stage.runner('mail', script, { ...config, concurrency: 2 })]);
    const count = randomCases(150);
    await stage.enqueue('mail', ...Array.from({ length: count }, (_, at) => at));
    for (let kills = 0; engine.all('job.finished').length < count; kills += 1) {
      const living = livingChildren(files);
      const victim = living[kills % Math.max(1, living.length)];
      if (victim !== undefined && kills % 3 === 0) kill(victim.pid);
      await new Promise(setImmediate);
    }
    assertOneOutcomeEach(engine, count);
    const lines = stage.lines('ran');
    for (const { jobId, outcome } of engine.all('job.finished')) {
      const args = engine.all('job.started').find(({ job }) => job.id === jobId)?.job.args;
      const times = (word: string) =>
        lines.filter((line) => line === `${word} {"class":"Job","args":${args}}`).length;
      expect(times('begin'), `job ${args}`).toBeLessThanOrEqual(1);
      if (outcome === 'succeeded') expect(times('end'), `job ${args}`).toBe(1);
    }
    await engine.wait('counters.changed');
    await waitFor(async () => (await stage.stat('processed')) === count, {
      message: 'all outcomes are written',
    });
  });
});

test('output of a prestarted child from before its job is the beginning of the job’s output', async () => {
  const script = stage.script(`echo booting; echo "with care" >&2; ${tellBirth}; read -r job; echo working`);
  const engine = await stage.start([stage.runner('mail', script, prestarted.config)]);
  await waitForChildren(files, 1);
  await stage.enqueue('mail', 1);
  const { jobId } = await engine.wait('job.finished');
  const reader = engine.engine.openOutput(jobId);
  const { pieces } = reader?.read(10_000) ?? { pieces: [] };
  reader?.close();
  const textOf = (stream: string) =>
    pieces.flatMap((piece) => (piece.stream === stream ? [piece.text] : [])).join('');
  expect([textOf('stdout'), textOf('stderr')]).toEqual(['booting\nworking\n', 'with care\n']);
});
