/** What operators set by hand survives HUP and a restart, until someone goes back to the config. */
import { expect, test } from 'vitest';
import type { PoolConfig } from '../../../src/config/config.ts';
import { wordingOf } from '../../../src/messages/events.ts';
import type { Command } from '../../../src/protocol/commands.ts';
import type { EngineEvent } from '../../../src/protocol/events.ts';
import { useRedis } from '../../helpers/redis.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { startProxy } from '../proxies.ts';
import type { RedisProxy } from '../redis-proxy.ts';
import { type TestEngine, useEngines } from '../stage.ts';

const stage = useEngines(useRedis());
const configFile = '/srv/app/cfg.json';
const key = 'resque:runner:overrides:test.runner:/srv/app/cfg.json';
const kept = { configFile };
const by = 'ann@pts/3';
const monthSeconds = 30 * 24 * 60 * 60;

const pool = (name: string, rest: Partial<PoolConfig> = {}) => stage.runner(name, stage.script(':'), rest);

async function set(engine: TestEngine, ...commands: Command[]): Promise<void> {
  for (const command of commands) {
    expect(await engine.engine.execute(command, by)).toMatchObject({ ok: true });
  }
}

/** Waits until Redis keeps exactly these. */
async function waitForKept(...abouts: string[]): Promise<void> {
  await waitFor(async () => (await stage.redis.hkeys(key)).sort().join() === abouts.sort().join(), {
    message: `kept: ${abouts.join()}`,
  });
}

/** Cuts the connections, and each new one, until `judge` says otherwise. */
function away(proxy: RedisProxy): void {
  proxy.judge = () => 'cut';
  proxy.cut();
}

function text(event: EngineEvent): string | undefined {
  return wordingOf(event, null)?.text;
}

const pauseMail: Command = { type: 'pause-queue', queue: 'mail' };
const eightSlots: Command = { type: 'set-concurrency', runner: 'images', concurrency: 8 };

test('a restart keeps pauses and slots, before it takes the first job, and says so', async () => {
  const runners = [pool('mail'), pool('images', { concurrency: 4 })];
  const first = await stage.start(runners, kept);
  await set(first, pauseMail, eightSlots);
  await waitForKept('queue:mail', 'slots:images');
  expect(await stage.redis.ttl(key)).toBeGreaterThan(monthSeconds - 60);
  const [paused] = first.all('queue.paused');
  await first.stop();
  // As if that were some time ago.
  await stage.redis.expire(key, 100);
  await stage.enqueue('mail', 1, 2);
  await stage.enqueue('images', 3);
  stage.mayLeaveKeys('queue:mail');

  const second = await stage.start(runners, kept);
  await second.wait('job.finished');
  expect(await stage.backlog('mail')).toEqual([1, 2]);
  expect(second.all('job.started').map(({ job }) => job.queue)).toEqual(['images']);
  expect(second.all('queue.paused')[0]?.pauses).toEqual(paused?.pauses);
  expect(second.all('runner.changed')).toMatchObject([
    { runner: { key: 'images', concurrency: 8, configuredConcurrency: 4, override: { by } } },
  ]);
  const told = await second.wait('overrides.kept');
  expect(told.kept).toMatchObject([
    { kind: 'pause', queue: 'mail', by },
    { kind: 'slots', runner: 'images', slots: 8, configured: 4, by },
  ]);
  const when = String.raw`20\d\d-\d\d-\d\d \d\d:\d\d`;
  expect(text(told)).toMatch(
    new RegExp(
      `^kept from before: mail paused by ann@pts/3 since ${when}; images 8 slots instead of 4, by ann@pts/3 since ${when}; ` +
        'to go back to the config: resque-runner reset --all$',
    ),
  );
  // The start counts as use.
  await waitFor(async () => (await stage.redis.ttl(key)) > 100, { message: 'another 30 days' });
});

test('the pause of all queues survives, but not one by a signal', async () => {
  const runners = [pool('mail')];
  const first = await stage.start(runners, kept);
  await first.engine.execute({ type: 'pause-all' }, 'SIGUSR2', false);
  await first.stop();
  const second = await stage.start(runners, kept);
  expect(second.all('queue.paused')).toEqual([]);
  await set(second, { type: 'pause-all' });
  await waitForKept('all');
  await second.stop();
  const third = await stage.start(runners, kept);
  expect((await third.wait('queue.paused')).pauses).toMatchObject([{ kind: 'all', detail: by }]);
  await third.engine.execute({ type: 'resume-all' }, 'SIGCONT', false);
  await waitForKept();
});

test('a config that is read again keeps them, and the log says what it kept', async () => {
  const runners = [pool('mail', { concurrency: 4 }), pool('images')];
  const engine = await stage.start(runners, kept);
  const reload = (...next: PoolConfig[]) => engine.engine.reconfigure({ ...engine.config, runners: next });
  await set(engine, { type: 'pause-queue', queue: 'images' }, { ...eightSlots, runner: 'mail' });
  reload(pool('mail', { concurrency: 6 }), pool('images'));
  expect(text(await engine.wait('config.reloaded'))).toMatch(
    /concurrency: 4 → 6; .*; kept: images paused by ann@pts\/3 since .*; mail 8 slots instead of 6, by ann/,
  );
  expect(engine.all('runner.changed').at(-1)).toMatchObject({
    runner: { concurrency: 8, configuredConcurrency: 6 },
  });
  // The config says the same now, so it may change it again.
  reload(pool('mail', { concurrency: 8 }), pool('images'));
  expect((await engine.wait('config.reloaded', 2)).kept).toMatchObject([{ kind: 'pause' }]);
  await waitForKept('queue:images');
  reload(pool('mail', { concurrency: 2 }), pool('images'));
  await engine.wait('config.reloaded', 3);
  expect(engine.all('runner.changed').at(-1)).toMatchObject({ runner: { concurrency: 2 } });
});

test('what the config no longer has does nothing, until the config has it again', async () => {
  const [mail, images] = [pool('mail'), pool('images', { concurrency: 4 })];
  const first = await stage.start([mail, images], kept);
  await set(first, pauseMail, eightSlots);
  await waitForKept('queue:mail', 'slots:images');
  await first.stop();
  const second = await stage.start([pool('other')], kept);
  expect(second.all('overrides.kept')).toEqual([]);
  second.engine.reconfigure({ ...second.config, runners: [mail, images] });
  expect(await second.wait('queue.added', 3)).toMatchObject({ queue: { name: 'images' } });
  expect(second.all('queue.added')[1]?.queue).toMatchObject({ name: 'mail', pauses: [{ detail: by }] });
  expect(second.all('runner.added').at(-1)).toMatchObject({ runner: { key: 'images', concurrency: 8 } });
});

test("the pause of a pattern's queue survives", async () => {
  const runners = [pool('m_*')];
  await stage.enqueue('m_1', 0);
  await stage.enqueue('m_2', 0);
  const first = await stage.start(runners, kept);
  await first.wait('job.finished', 2);
  await set(first, { type: 'pause-queue', queue: 'm_1' });
  await waitForKept('queue:m_1');
  await first.stop();
  await stage.enqueue('m_1', 1);
  await stage.enqueue('m_2', 2);
  stage.mayLeaveKeys('queue:m_1');
  const second = await stage.start(runners, kept);
  await second.wait('job.finished');
  expect(second.all('job.started').map(({ job }) => job.queue)).toEqual(['m_2']);
  expect((await second.wait('overrides.kept')).kept).toMatchObject([{ queue: 'm_1' }]);
});

test('what is set while Redis is away is kept when it is back, in its last state', async () => {
  const proxy = await startProxy(stage.server.port);
  const engine = await stage.start([pool('mail'), pool('images', { concurrency: 4 })], {
    ...kept,
    port: proxy.port,
  });
  away(proxy);
  await engine.wait('redis.down');
  await set(engine, pauseMail, eightSlots, { type: 'resume-queue', queue: 'mail' }, { type: 'pause-all' });
  await set(engine, { ...eightSlots, concurrency: 6 });
  expect(await stage.redis.exists(key)).toBe(0);
  proxy.judge = () => 'pass';
  await engine.wait('redis.up', 2);
  await waitForKept('all', 'slots:images');
  expect(JSON.parse((await stage.redis.hget(key, 'slots:images')) ?? '')).toMatchObject({ by, slots: 6 });
});

test('what is set before the first connection wins over what was kept', async () => {
  const runners = [pool('mail'), pool('images', { concurrency: 4 })];
  const first = await stage.start(runners, kept);
  await set(first, pauseMail, eightSlots);
  await waitForKept('queue:mail', 'slots:images');
  await first.stop();
  const proxy = await startProxy(stage.server.port);
  away(proxy);
  const second = await stage.start(runners, { ...kept, port: proxy.port, awaitRedis: false });
  await set(second, { ...eightSlots, concurrency: 2 });
  proxy.judge = () => 'pass';
  expect((await second.wait('overrides.kept')).kept).toMatchObject([{ queue: 'mail' }, { slots: 2 }]);
  await waitFor(async () => (await stage.redis.hget(key, 'slots:images'))?.includes('2') === true, {
    message: 'the later number is kept',
  });
});

test('a runner that stops while Redis is away says that the next one does not know the changes', async () => {
  const proxy = await startProxy(stage.server.port);
  away(proxy);
  const engine = await stage.start([pool('mail')], { ...kept, port: proxy.port, awaitRedis: false });
  await engine.wait('redis.down');
  await set(engine, pauseMail);
  await engine.stop('kill');
  expect(text(await engine.wait('overrides.refused'))).toBe(
    "pauses and slots set by hand won't survive a restart: Redis doesn't keep them: Redis is away",
  );
});

test.each<[string, Command]>([
  ['a queue', { type: 'reset-queue', queue: 'images' }],
  ['everything', { type: 'reset-all' }],
])('back to the config before the first connection: %s', async (_what, command) => {
  const runners = [pool('images', { concurrency: 4 })];
  const first = await stage.start(runners, kept);
  await set(first, eightSlots, { type: 'pause-queue', queue: 'images' });
  await waitForKept('queue:images', 'slots:images');
  await first.stop();
  const proxy = await startProxy(stage.server.port);
  away(proxy);
  const second = await stage.start(runners, { ...kept, port: proxy.port, awaitRedis: false });
  await set(second, command);
  proxy.judge = () => 'pass';
  await second.wait('redis.up');
  await waitForKept();
  expect([...second.all('overrides.kept'), ...second.all('queue.paused')]).toEqual([]);
  expect(second.all('runner.changed')).toEqual([]);
});

test('a Redis that has lost its data is told again', async () => {
  const proxy = await startProxy(stage.server.port);
  const engine = await stage.start([pool('mail'), pool('images')], { ...kept, port: proxy.port });
  await stage.enqueue('images', 1);
  await engine.wait('job.finished');
  await set(engine, pauseMail);
  await waitForKept('queue:mail');
  away(proxy);
  await engine.wait('redis.down');
  await stage.redis.flushall();
  proxy.judge = () => 'pass';
  await engine.wait('steps.forgotten');
  await waitForKept('queue:mail');
});

test('runners of other configs have their own, and those of the same config share them', async () => {
  const runners = [pool('mail'), pool('images', { concurrency: 4 })];
  const [one, two] = [await stage.start(runners, kept), await stage.start(runners, kept)];
  const other = await stage.start(runners, { configFile: '/srv/app/other.json' });
  await set(one, pauseMail, eightSlots);
  await waitForKept('queue:mail', 'slots:images');
  // A change of the other one leaves alone what it doesn't know.
  await set(two, { ...eightSlots, concurrency: 5 });
  await waitFor(async () => (await stage.redis.hget(key, 'slots:images'))?.includes('5') === true, {
    message: 'the last change is kept',
  });
  expect(two.all('queue.paused')).toEqual([]);
  expect(other.all('queue.paused')).toEqual([]);
  const next = await stage.start(runners, kept);
  expect((await next.wait('overrides.kept')).kept).toMatchObject([{ queue: 'mail' }, { slots: 5 }]);
  expect((await stage.start(runners, { configFile: '/srv/app/other.json' })).all('overrides.kept')).toEqual(
    [],
  );
});

test('a drain ignores what was kept and leaves nothing, and does not wait for a queue that someone paused', async () => {
  const runners = [pool('mail'), pool('images', { concurrency: 4 })];
  const first = await stage.start(runners, kept);
  await set(first, pauseMail);
  await waitForKept('queue:mail');
  await first.stop();
  await stage.enqueue('mail', 1);
  const drain = await stage.start(runners, { ...kept, drain: true });
  await drain.engine.stopped;
  expect(await stage.stat('processed')).toBe(1);
  expect(drain.all('overrides.kept')).toEqual([]);
  await waitForKept('queue:mail');

  stage.mayLeaveKeys('queue:mail');
  const slow = stage.runner('images', stage.script('until [ -e "$D/go" ]; do sleep 0.02; done'));
  await stage.enqueue('images', 2);
  const paused = await stage.start([pool('mail'), slow], { ...kept, drain: true });
  await paused.wait('job.started');
  await set(paused, pauseMail);
  await stage.enqueue('mail', 3);
  stage.write('go');
  await paused.engine.stopped;
  expect(await stage.backlog('mail')).toEqual([3]);
  expect(text(await paused.wait('engine.stopping'))).toBe('stopping: every queue is empty or paused');
});

test.each<[string, Command, string[]]>([
  ['a queue', { type: 'reset-queue', queue: 'mail' }, ['queue:m_1', 'slots:m_*']],
  ['an entry with its queues', { type: 'reset-queue', queue: 'm_*' }, ['queue:mail', 'slots:mail']],
  ['everything', { type: 'reset-all' }, []],
])('back to the config: %s', async (_what, command, left) => {
  await stage.enqueue('m_1', 0);
  const engine = await stage.start([pool('mail', { concurrency: 2 }), pool('m_*')], kept);
  await engine.wait('job.finished');
  await set(engine, pauseMail, { type: 'pause-queue', queue: 'm_1' });
  await set(engine, { ...eightSlots, runner: 'mail' }, { ...eightSlots, runner: 'm_*' });
  await waitForKept('queue:mail', 'queue:m_1', 'slots:mail', 'slots:m_*');
  await set(engine, command);
  await waitForKept(...left);
  await set(engine, { type: 'reset-all' });
  await waitForKept();
  expect(
    engine
      .all('queue.resumed')
      .map(({ queue }) => queue)
      .sort(),
  ).toEqual(['m_1', 'mail']);
  const slots = new Map(engine.all('runner.changed').map(({ runner }) => [runner.key, runner.concurrency]));
  expect(Object.fromEntries(slots)).toEqual({ mail: 2, 'm_*': 1 });
});

test('the number of the config is no change by hand', async () => {
  const engine = await stage.start([pool('images', { concurrency: 4 })], kept);
  await set(engine, eightSlots);
  await waitForKept('slots:images');
  await set(engine, { ...eightSlots, concurrency: 4 });
  await waitForKept();
  expect(engine.all('runner.changed').at(-1)?.runner).not.toHaveProperty('override');
});

test('without a name for the config nothing is kept, and a key of the wrong type costs nothing but that', async () => {
  const first = await stage.start([pool('mail')]);
  await set(first, pauseMail);
  await first.stop();
  await stage.redis.set(key, 'x', 'EX', 100);
  const second = await stage.start([pool('mail')], kept);
  expect(text(await second.wait('overrides.refused'))).toMatch(
    /^pauses and slots set by hand won't survive a restart: Redis doesn't keep them: WRONGTYPE/,
  );
  expect(second.all('queue.paused')).toEqual([]);
  await stage.enqueue('mail', 1);
  await second.wait('job.finished');
  await set(second, pauseMail);
  await second.wait('queue.paused');
});

test('a runner that stops does not go back to the config, because it would take jobs', async () => {
  const engine = await stage.start([stage.runner('mail', stage.script('sleep 30'))], kept);
  await stage.enqueue('mail', 1);
  await engine.wait('job.started');
  engine.engine.stop('quit');
  expect(await engine.do({ type: 'reset-all' })).toMatchObject({ ok: false, code: 'stopping' });
  expect(await engine.do({ type: 'reset-queue', queue: 'mail' })).toMatchObject({ ok: false });
});
