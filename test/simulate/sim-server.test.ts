/** The simulated Redis, as a plain client sees it. */
import { Redis, type RedisOptions } from 'ioredis';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { Agenda } from '../../simulate/agenda.ts';
import type { Client, Link } from '../../simulate/link.ts';
import { RealRedis } from '../../simulate/real-redis.ts';
import { connectorOf } from '../../simulate/sim-process.ts';
import { type ServerHooks, SimServer } from '../../simulate/sim-server.ts';

let redis: RealRedis;
let agenda: Agenda;
let server: SimServer;
let hooks: ServerHooks;

beforeAll(async () => {
  redis = await RealRedis.start();
});
beforeEach(async () => {
  await redis.reset();
  agenda = new Agenda();
  hooks = {
    latencyMs: () => 1,
    onArrived: () => Promise.resolve(),
    onExecuted: () => Promise.resolve(null),
    onPopped: () => {},
    onPopReceived: () => {},
    onTrace: () => {},
  };
  server = new SimServer(agenda, redis.clients, redis.admin, {
    ...hooks,
    onArrived: (...args) => hooks.onArrived(...args),
    onExecuted: (...args) => hooks.onExecuted(...args),
  });
});
afterAll(() => redis.stop());

const client: Client = { name: 'client', isSuspended: false, isDead: false, stalledUntilMs: 0 };

/** Lets this much time pass. */
async function pass(ms: number): Promise<void> {
  const untilMs = agenda.nowMs + ms;
  while (await agenda.next(untilMs));
}

async function connect(): Promise<Redis> {
  const connection = new Redis({
    ...{ lazyConnect: true, protocol: 2, disableClientInfo: true, enableReadyCheck: false },
    ...{ retryStrategy: () => null, connectionName: 'test' },
    Connector: connectorOf(() => server.open(client)) as unknown as NonNullable<RedisOptions['Connector']>,
  });
  connection.on('error', () => {
    // Connections are cut on purpose.
  });
  const connected = connection.connect();
  // It isn't made at once, and not in simulated time.
  await new Promise((resolve) => setImmediate(resolve));
  await pass(10);
  await connected;
  return connection;
}

/** What has become of a promise by now. */
function outcomeOf<T>(promise: Promise<T>): { value?: T; error?: string } {
  const outcome: { value?: T; error?: string } = {};
  promise.then(
    (value) => {
      outcome.value = value;
    },
    (error: unknown) => {
      outcome.error = String(error);
    },
  );
  return outcome;
}

test('a blocking command waits in simulated time, until there is something or its time is over', async () => {
  const [waiting, working] = [await connect(), await connect()];
  const first = outcomeOf(waiting.blpop('a', 'b', 30));
  await pass(29_000);
  expect(first).toEqual({});
  await pass(2_000);
  expect(first).toEqual({ value: null });
  const second = outcomeOf(waiting.blpop('a', 'b', 0));
  await pass(1_000_000);
  const pushed = outcomeOf(working.rpush('b', '1', '2'));
  await pass(5);
  expect(pushed).toEqual({ value: 2 });
  expect(second).toEqual({ value: ['b', '1'] });
  expect(await redis.admin.call('LLEN', 'b')).toBe(1);
});

test('of several that wait, the first gets what comes first; one can be ended', async () => {
  const [first, second, working] = [await connect(), await connect(), await connect()];
  const outcomes = [outcomeOf(first.blpop('a', 0)), outcomeOf(second.blmove('a', 'b', 'LEFT', 'RIGHT', 0))];
  await pass(10);
  const ended = outcomeOf(working.client('UNBLOCK', server.linksOf(client)[0]?.id ?? 0));
  await pass(10);
  expect(ended).toEqual({ value: 1 });
  expect(outcomes).toEqual([{ value: null }, {}]);
  outcomes[0] = outcomeOf(first.blpop('a', 0));
  await pass(10);
  void working.rpush('a', '1', '2', '3');
  await pass(10);
  expect(outcomes).toEqual([{ value: ['a', '2'] }, { value: '1' }]);
});

test('a connection can be cut before a command, and after it with its reply lost', async () => {
  const cut = (link: Link) => server.cut(link, true);
  for (const [moment, count] of [
    ['onArrived', 0],
    ['onExecuted', 1],
  ] as const) {
    const connection = await connect();
    hooks = {
      ...hooks,
      [moment]: (link: Link) => {
        cut(link);
        return Promise.resolve(null);
      },
    };
    const outcome = outcomeOf(connection.incr('count'));
    await pass(10);
    expect(outcome.error).toContain('Connection is closed');
    const reply = (await redis.admin.call('GET', 'count')) as Buffer | null;
    expect(Number(reply?.toString() ?? 0)).toBe(count);
    hooks = { ...hooks, onArrived: () => Promise.resolve(), onExecuted: () => Promise.resolve(null) };
  }
});

test('a transaction is carried out as one, and what is sent later comes later', async () => {
  const connection = await connect();
  const results = outcomeOf(connection.multi().set('a', '1').incr('a').exec());
  const later = outcomeOf(connection.get('a'));
  await pass(10);
  expect(results.value).toEqual([
    [null, 'OK'],
    [null, 2],
  ]);
  expect(later).toEqual({ value: '2' });
});

test('a key with a time to live goes by simulated time', async () => {
  const connection = await connect();
  const first = outcomeOf(connection.set('lock', 'mine', 'PX', 10_000, 'NX'));
  await pass(9_000);
  const second = outcomeOf(connection.set('lock', 'yours', 'PX', 10_000, 'NX'));
  await pass(2_000);
  const third = outcomeOf(connection.set('lock', 'yours', 'PX', 10_000, 'NX'));
  await pass(10);
  expect([first, second, third]).toEqual([{ value: 'OK' }, { value: null }, { value: 'OK' }]);
});

test('the keys of scripts go by simulated time, too', async () => {
  const connection = await connect();
  const script = `
redis.call('SET', 'rate', '1', 'PX', 10000)
redis.call('LPUSH', 'free', '1')
return redis.call('EXPIRE', 'free', 60)`;
  const sha1 = outcomeOf(connection.script('LOAD', script));
  await pass(10);
  void connection.evalsha(String(sha1.value), 0);
  await pass(9_000);
  expect(await redis.admin.call('EXISTS', 'rate', 'free')).toBe(2);
  await pass(2_000);
  expect(await redis.admin.call('EXISTS', 'rate', 'free')).toBe(1);
  await pass(50_000);
  expect(await redis.admin.call('EXISTS', 'rate', 'free')).toBe(0);
});

test('moves from a list to itself end when there is something, and leave it there', async () => {
  const [first, second, working] = [await connect(), await connect(), await connect()];
  const looks = [first, second].map((each) => outcomeOf(each.blmove('a', 'a', 'LEFT', 'LEFT', 0)));
  await pass(10);
  void working.rpush('a', '1', '2');
  await pass(10);
  expect(looks).toEqual([{ value: '1' }, { value: '1' }]);
  expect((await redis.admin.call('LRANGE', 'a', 0, -1)) as Buffer[]).toEqual(
    ['1', '2'].map((text) => Buffer.from(text)),
  );
});

test('a server that becomes a replica ends all waits and refuses writes', async () => {
  const [waiting, working] = [await connect(), await connect()];
  const wait = outcomeOf(waiting.blpop('a', 0));
  await pass(10);
  server.state.isReplica = true;
  await redis.setReplica(true);
  server.unblockAll();
  const write = outcomeOf(working.set('a', '1'));
  await pass(10);
  expect(wait.error).toContain('UNBLOCKED');
  expect(write.error).toContain('READONLY');
  await redis.setReplica(false);
});
