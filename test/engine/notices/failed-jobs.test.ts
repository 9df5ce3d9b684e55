/** Jobs that failed for good in a running engine, and the programs that hear of them. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { PoolConfig } from '../../../src/config/config.ts';
import { keepSnapshot, restoreSnapshot } from '../../helpers/older-redis.ts';
import { useRedis } from '../../helpers/redis.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { atStep, cutAndBack, isStep, startProxy } from '../proxies.ts';
import type { Verdict } from '../redis-proxy.ts';
import { firstOwner, type TestEngine, useEngines } from '../stage.ts';

const stage = useEngines(useRedis());

/** Notes each record as a line. */
const noting = () => [stage.script(`printf '%s\\n' "$(cat)" >> "$D/heard"`)];
const failing = 'read -r job || :; case "$job" in *-*) exit 1;; esac';

function runner(rest: Partial<PoolConfig> = {}, body = failing): PoolConfig {
  return stage.runner('mail', stage.script(body), { onFailure: noting(), ...rest });
}

async function heard(count: number, engine: TestEngine): Promise<string[]> {
  await waitFor(() => stage.lines('heard').length >= count, {
    message: () => `${count} are told\n${engine.describe()}`,
  });
  return stage.lines('heard');
}

const failures = () => stage.redis.lrange('resque:failed', 0, -1);

test('a job that failed is told: its record byte for byte, its queue, and what a job gets', async () => {
  stage.mayLeaveKeys('failed');
  const script = stage.script(
    'cat > "$D/record"; printf "%s\\n" "$#" "$1" "$2" "$RESQUE_QUEUE" "$RESQUE_WORKER" "$HELLO" "$PWD" > "$D/what"',
  );
  const entry = stage.runner(
    'mail',
    stage.script('echo "{\\"exception\\":\\"Boom\\",\\"error\\":\\"é\\"}" >&2; exit 1'),
    {
      onFailure: [script, 'first word'],
      args: ['for the job'],
      env: { HELLO: 'there' },
      cwd: '/',
    },
  );
  const engine = await stage.start([entry]);
  await stage.enqueue('mail', 1);
  await waitFor(() => existsSync(stage.path('what')) && stage.lines('what').length === 7, {
    message: () => engine.describe(),
  });
  expect(await failures()).toEqual([readFileSync(stage.path('record'), 'utf8')]);
  expect(stage.lines('what')).toEqual([
    ...['2', 'first word', 'mail', 'mail', `${firstOwner}-0:mail`, 'there', '/'],
  ]);
});

test('jobs that succeed, go back or fail in an entry without a program are not told', async () => {
  stage.mayLeaveKeys('failed', 'queue:mail', 'queues');
  const slow = 'read -r job || :; case "$job" in *9*) touch "$D/slow"; exec sleep 300;; esac';
  const engine = await stage.start(
    [runner({ interrupted: 'requeue', concurrency: 2 }, slow), stage.runner('news', stage.script('exit 1'))],
    { shutdownTimeoutSeconds: 0 },
  );
  await stage.enqueue('mail', 1, 9);
  await stage.enqueue('news', -1);
  await engine.wait('job.finished', 2);
  await waitFor(() => existsSync(stage.path('slow')), { message: 'one is running' });
  await engine.stop('terminate');
  expect(
    engine
      .all('job.finished')
      .map(({ outcome }) => outcome)
      .sort(),
  ).toEqual(['failed', 'requeued', 'succeeded']);
  expect(stage.lines('heard')).toEqual([]);
});

test('a job without a valid payload is told, too', async () => {
  stage.mayLeaveKeys('failed');
  const engine = await stage.start([runner()]);
  await stage.redis.rpush('resque:queue:mail', 'junk');
  expect(await heard(1, engine)).toEqual(await failures());
});

test('nobody is told before Redis has the outcome', async () => {
  stage.mayLeaveKeys('failed');
  const proxy = await startProxy(stage.server.port);
  const engine = await stage.start([runner({}, 'while [ ! -e "$D/go" ]; do sleep 0.02; done; exit 1')], {
    port: proxy.port,
  });
  await stage.enqueue('mail', -1);
  await engine.wait('job.started');
  let isHolding = false;
  proxy.judge = (text) => {
    if (!isStep(text) || !text.includes('failed_at')) return 'pass';
    isHolding = true;
    return 'hold';
  };
  stage.write('go');
  await waitFor(() => isHolding, { message: 'the outcome is on its way' });
  expect(engine.all('job.finished')).toHaveLength(1);
  // A program that was started by now would be over before so many others.
  for (let n = 0; n < 20; n += 1) await promisify(execFile)('/bin/sh', ['-c', 'cat < /dev/null']);
  expect([await failures(), stage.lines('heard')]).toEqual([[], []]);
  proxy.judge = () => 'pass';
  proxy.release();
  expect(await heard(1, engine)).toEqual(await failures());
});

test.each<[string, Verdict]>([
  ['Redis has done', 'pass-and-cut'],
  ['Redis never got', 'cut'],
])('each is told once if the connection is lost in a step that %s', async (_, verdict) => {
  stage.mayLeaveKeys('failed');
  for (const step of [1, 2, 3]) {
    await stage.redis.flushall();
    stage.write('heard');
    const proxy = await startProxy(stage.server.port);
    const gate = `while [ ! -e "$D/go-${step}" ]; do sleep 0.05; done; ${failing}`;
    const engine = await stage.start([runner({ concurrency: 2 }, gate)], { port: proxy.port });
    await stage.enqueue('mail', -1, 2, -3, -4, 5, -6);
    await engine.wait('job.started', 2);
    atStep(proxy, step, verdict);
    stage.write(`go-${step}`);
    await cutAndBack(engine, proxy);
    await waitFor(async () => (await stage.stat('processed')) === 6, { message: () => engine.describe() });
    await engine.stop();
    expect(stage.lines('heard').sort()).toEqual((await failures()).sort());
    expect(stage.lines('heard')).toHaveLength(4);
  }
});

test('an outcome that is written again to a Redis that came back older is not told again', async () => {
  stage.mayLeaveKeys('failed');
  const engine = await stage.start([runner()]);
  await keepSnapshot(stage.redis);
  await stage.enqueue('mail', -1);
  await heard(1, engine);
  await restoreSnapshot(stage.redis);
  await stage.enqueue('mail', -2);
  await engine.wait('steps.forgotten');
  await heard(2, engine);
  await engine.stop();
  expect(await failures()).toHaveLength(2);
  expect(stage.lines('heard')).toEqual(await failures());
});

describe('jobs of a dead runner are told by the one that recovers them:', () => {
  async function leave(owner: string): Promise<void> {
    const worker = `${owner}-0:mail`;
    await stage.redis.sadd('resque:workers', worker);
    const job = { queue: 'mail', run_at: '2026-11-24T15:20:19Z', payload: { class: 'Left', args: [1] } };
    await stage.redis.set(`resque:worker:${worker}`, JSON.stringify(job));
    const entry = {
      machine: 'elsewhere',
      pid: 1,
      startedAt: '7',
      nonce: 'n',
      requeues: [],
      maxRecoveries: 0,
    };
    await stage.redis.hset('resque:runners', owner, JSON.stringify({ ...entry, seenAtMs: 0 }));
  }

  test('those that it ran', async () => {
    stage.mayLeaveKeys('failed', 'runner:dead:n');
    await leave('gone.runner:1');
    const engine = await stage.start([runner()]);
    expect(await heard(1, engine)).toEqual(await failures());
    expect(stage.lines('heard')[0]).toContain('Resque::PruneDeadWorkerDirtyExit');
  });

  test('those that it held, if they were recovered too often, and only they', async () => {
    stage.mayLeaveKeys('failed', 'runner:dead:n');
    await leave('gone.runner:1');
    await stage.redis.del('resque:worker:gone.runner:1-0:mail');
    await stage.redis.sadd('resque:runner:gone.runner:1:held', 'mail', 'news');
    await stage.redis.rpush('resque:runner:gone.runner:1:held:mail', '{"class":"Held","args":[1]}', 'junk');
    await stage.redis.rpush('resque:runner:gone.runner:1:held:news', '{"class":"Other","args":[]}');
    const engine = await stage.start([runner({ delivery: 'at-least-once' })]);
    expect((await heard(2, engine)).sort()).toEqual(
      (await failures()).filter((text) => text.includes('"queue":"mail"')).sort(),
    );
    expect(await failures()).toHaveLength(3);
  });
});

test('programs that hang hold up no job, no slot and no drain', async () => {
  stage.mayLeaveKeys('failed');
  const hanging = [stage.script('echo >> "$D/hanging"; exec sleep 300')];
  await stage.enqueue('mail', ...Array.from({ length: 150 }, (_, at) => -1 - at));
  const engine = await stage.start([runner({ onFailure: hanging, concurrency: 4 })], { drain: true });
  await engine.wait('engine.stopping', 1, 30_000);
  expect(await stage.stat('failed')).toBe(150);
  expect(engine.all('job.finished')).toHaveLength(150);
  expect(stage.lines('hanging').length).toBeLessThanOrEqual(4);
  // Four run and a hundred wait.
  engine.engine.stop('kill');
  await engine.engine.stopped;
  const dropped = engine.all('notice.dropped').reduce((sum, { count }) => sum + count, 0);
  expect(dropped).toBe(146);
});

test('a stop waits for the program of the last job, and a reload gives the next failures another program', async () => {
  stage.mayLeaveKeys('failed');
  const first = runner();
  const engine = await stage.start([first]);
  await stage.enqueue('mail', -1);
  await heard(1, engine);
  const second = [stage.script(`sleep 0.3; printf '%s\\n' "$(cat)" >> "$D/heard-2"`)];
  engine.engine.reconfigure({ ...engine.config, runners: [{ ...first, onFailure: second }] });
  expect((await engine.wait('config.reloaded')).changes).toEqual([
    expect.stringMatching(/^mail\.onFailure: /),
  ]);
  await stage.enqueue('mail', -2);
  await engine.wait('job.finished', 2);
  await engine.stop('terminate');
  expect(stage.lines('heard')).toHaveLength(1);
  expect([...stage.lines('heard'), ...stage.lines('heard-2')]).toEqual(await failures());
  expect(engine.events.at(-1)?.type).toBe('engine.stopped');
});
