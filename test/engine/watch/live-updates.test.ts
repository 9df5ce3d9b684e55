/** What is told only while somebody looks. */
import { describe, expect, test } from 'vitest';
import { printedLineLimit } from '../../../src/protocol/events.ts';
import { useRedis } from '../../helpers/redis.ts';
import { staysTrue, waitFor } from '../../helpers/wait-for.ts';
import { startProxy } from '../proxies.ts';
import { type TestEngine, useEngines } from '../stage.ts';

const stage = useEngines(useRedis());
const told = (engine: TestEngine) =>
  engine.all('job.printed').map(({ jobId, stream, line }) => `${jobId} ${stream} ${line}`);
const gate = (name: string) => `while [ ! -e "$D/${name}" ]; do sleep 0.1; done`;

/** Waits until this line was told. */
async function hear(engine: TestEngine, line: string): Promise<void> {
  await waitFor(() => told(engine).includes(line), {
    message: () => `${line} is told: ${told(engine).join('; ')}`,
  });
}

async function printed(engine: TestEngine, jobId: string, text: string): Promise<void> {
  const reader = engine.engine.openOutput(jobId);
  let heard = '';
  await waitFor(
    () => {
      heard += reader
        ?.read(10_000)
        .pieces.map((piece) => piece.text)
        .join('');
      return heard.includes(text);
    },
    { message: `${text} is printed` },
  );
  reader?.close();
}

describe('the latest line of a job', () => {
  test('is told when somebody begins to look, and when it changes', async () => {
    const engine = await stage.start([
      stage.runner('mail', stage.script(`echo one; ${gate('go')}; echo two; sleep 30`)),
    ]);
    await stage.enqueue('mail', 1);
    await engine.wait('job.started');
    await printed(engine, '1', 'one');
    expect(told(engine)).toEqual([]);
    const end = engine.engine.watch();
    expect(told(engine)).toEqual(['1 stdout one']);
    stage.write('go');
    await hear(engine, '1 stdout two');
    end();
  });

  test('is not told while nobody looks, and looking is counted', async () => {
    const script = stage.script(
      `${gate('go')}; for n in 1 2 3 4 5 6; do echo $n; sleep 0.1; done; ${gate('end')}`,
    );
    const engine = await stage.start([stage.runner('mail', script)]);
    await stage.enqueue('mail', 1);
    await engine.wait('job.started');
    const ends = [engine.engine.watch(), engine.engine.watch()];
    ends[0]?.();
    ends[0]?.();
    stage.write('go');
    await waitFor(() => told(engine).length > 0, { message: 'the other one is told' });
    ends[1]?.();
    const count = told(engine).length;
    await printed(engine, '1', '6');
    expect(told(engine)).toHaveLength(count);
    const end = engine.engine.watch();
    expect(told(engine).at(-1)).toBe('1 stdout 6');
    end();
    stage.write('end');
  });

  test('is told at most every 250 ms, cut to its limit, whatever floods', async () => {
    const script = stage.script(`yes "${'long '.repeat(200)}" & yes "$RANDOM" & sleep 1.5; kill %1 %2`);
    const engine = await stage.start([stage.runner('mail', script)]);
    const end = engine.engine.watch();
    await stage.enqueue('mail', 1);
    const { durationMs } = await engine.wait('job.finished');
    end();
    const events = engine.all('job.printed');
    expect(events.length).toBeGreaterThan(0);
    expect(events.length).toBeLessThanOrEqual(durationMs / 250 + 1);
    for (const { line } of events) expect(line.length).toBeLessThanOrEqual(printedLineLimit);
  });

  test('is that of stderr where both printed, and progress is its last word', async () => {
    const body = `echo out; echo err >&2; ${gate('go')}; printf '10%%\\r20%%\\r'; sleep 30`;
    const engine = await stage.start([stage.runner('mail', stage.script(body))]);
    const end = engine.engine.watch();
    await stage.enqueue('mail', 1);
    await hear(engine, '1 stderr err');
    stage.write('go');
    await hear(engine, '1 stdout 20%');
    end();
  });

  test('is not told again where it stays the same, nor of a job that has ended', async () => {
    const script = stage.script('for n in 1 2 3 4 5 6 7 8; do echo same; sleep 0.1; done; echo last');
    const engine = await stage.start([stage.runner('mail', script)]);
    const end = engine.engine.watch();
    await stage.enqueue('mail', 1);
    const { seq } = await engine.wait('job.finished');
    await staysTrue(() => engine.all('job.printed').every((event) => event.seq < seq), {
      message: 'nothing is told of it any more',
      forMs: 350,
    });
    expect(told(engine).filter((line) => line === '1 stdout same')).toHaveLength(1);
    end();
  });
});

test('delayed jobs and schedules are counted when somebody begins to look, and then told when they change', async () => {
  const engine = await stage.start([stage.runner('mail', stage.script(':'))]);
  const end = engine.engine.watch();
  expect(await engine.wait('delayed.counted')).toMatchObject({
    ...{ jobs: 0, isComplete: true, hasSchedules: false },
  });
  stage.mayLeaveKeys('delayed:4000000000', 'delayed_queue_schedule', 'persistent_schedules');
  await stage.redis.rpush('resque:delayed:4000000000', 'a', 'b');
  await stage.redis.hset('resque:persistent_schedules', 'night', '{}');
  await stage.redis.zadd('resque:delayed_queue_schedule', 4_000_000_000, '4000000000');
  expect(await engine.wait('delayed.counted', 2)).toMatchObject({ jobs: 2, hasSchedules: true });
  end();
});

describe('backlogs and failures', () => {
  const backlogs = (engine: TestEngine) =>
    engine.all('queue.backlog').map(({ queue, backlog }) => `${queue} ${backlog}`);
  const totals = (engine: TestEngine) => engine.all('failures.counted').map(({ total }) => total);
  const paused = async () => {
    const engine = await stage.start([stage.runner('a,b', stage.script(':'))]);
    await engine.do({ type: 'pause-all' });
    // Not one job comes and goes back.
    await stage.waitForNoWait();
    stage.mayLeaveKeys('queue:a', 'queue:b');
    return engine;
  };

  test('are counted when somebody begins to look, and then told when they change', async () => {
    const engine = await paused();
    await stage.enqueue('a', 1, 2);
    const end = engine.engine.watch();
    await engine.wait('failures.counted');
    expect(backlogs(engine)).toEqual(['a 2', 'b 0']);
    expect(totals(engine)).toEqual([0]);
    await stage.enqueue('b', 1);
    await stage.redis.rpush('resque:failed', 'x');
    await engine.wait('failures.counted', 2);
    expect(backlogs(engine)).toEqual(['a 2', 'b 0', 'b 1']);
    expect(totals(engine)).toEqual([0, 1]);
    end();
  });

  test('are asked for once a second, in one go, and not at all while nobody looks', async () => {
    const engine = await paused();
    const calls = async () =>
      Number(/cmdstat_llen:calls=(\d+)/.exec(await stage.redis.info('commandstats'))?.[1] ?? 0);
    await stage.redis.config('RESETSTAT');
    await staysTrue(async () => (await calls()) === 0, { message: 'nothing is asked for', forMs: 1_500 });
    const begin = performance.now();
    const end = engine.engine.watch();
    // Two queues and the failures.
    await waitFor(async () => (await calls()) >= 9, { message: 'three reads' });
    expect(performance.now() - begin).toBeGreaterThan(1_500);
    end();
    await stage.redis.config('RESETSTAT');
    await staysTrue(async () => (await calls()) === 0, {
      message: 'nothing is asked for any more',
      forMs: 1_500,
    });
    expect(backlogs(engine)).toEqual(['a 0', 'b 0']);
    expect(totals(engine)).toEqual([0]);
  });

  test('are told again of a queue that went and came back', async () => {
    const all = stage.runner('*', stage.script(':'), { concurrency: 1 });
    const engine = await stage.start([all]);
    await engine.do({ type: 'pause-all' });
    stage.mayLeaveKeys('queue:a');
    await stage.enqueue('a', 1);
    const end = engine.engine.watch();
    await waitFor(() => backlogs(engine).includes('a 1'), { message: 'it is counted' });
    const config = stage.config([stage.runner('b', stage.script(':'))]);
    engine.engine.reconfigure(config);
    engine.engine.reconfigure(stage.config([all]));
    await waitFor(() => backlogs(engine).filter((text) => text === 'a 1').length === 2, {
      message: () => `it is counted anew\n${engine.describe()}`,
    });
    end();
  });

  test('are not asked for while Redis is away, and again when it is back', async () => {
    const proxy = await startProxy(stage.server.port);
    const engine = await stage.start([stage.runner('a', stage.script(':'))], { port: proxy.port });
    const end = engine.engine.watch();
    await engine.wait('failures.counted');
    proxy.judge = () => 'cut';
    proxy.cut();
    await engine.wait('redis.down');
    await stage.redis.rpush('resque:failed', 'x');
    await staysTrue(() => totals(engine).length === 1, { message: 'nothing is told', forMs: 1_200 });
    proxy.judge = () => 'pass';
    await engine.wait('failures.counted', 2, 20_000);
    end();
  });

  test('no longer end the engine than without', async () => {
    const engine = await stage.start([stage.runner('a', stage.script(':'))]);
    engine.engine.watch();
    await engine.wait('failures.counted');
    await engine.stop();
    const { length } = engine.events;
    engine.engine.watch();
    await staysTrue(() => engine.events.length === length, { message: 'nothing is told', forMs: 1_100 });
  });

  test('that can not be counted are left out', async () => {
    const engine = await paused();
    await stage.redis.set('resque:failed', 'text');
    const end = engine.engine.watch();
    await waitFor(() => backlogs(engine).length === 2, { message: 'the queues are counted' });
    expect(totals(engine)).toEqual([]);
    end();
  });
});
