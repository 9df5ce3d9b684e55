import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { Redis } from 'ioredis';
import { describe, expect, test } from 'vitest';
import { ownIdentity } from '../../../src/engine/machine/identity.ts';
import { isAlive } from '../../helpers/processes.ts';
import { useRedis } from '../../helpers/redis.ts';
import {
  assertSafeForResqueWeb,
  assertSafeHeartbeat,
  assertSafeWorkerRecord,
} from '../../helpers/resque-web.ts';
import { useDirectory } from '../directory.ts';
import { runCommand } from '../run-command.ts';

const server = useRedis();
const directory = useDirectory();

const goodFailure = JSON.stringify({
  failed_at: '2026/11/24 15:20:19 UTC',
  payload: { class: 'Good', args: [1] },
  exception: 'E',
  error: 'e',
  backtrace: ['a'],
  worker: 'h:1:q',
  queue: 'q',
});

async function check(...args: string[]): Promise<{ code: number | undefined; lines: string[] }> {
  const redis = `redis://127.0.0.1:${server.port}`;
  const config = { redis, runners: { mail: 1 }, script: '/bin/true' };
  writeFileSync(join(directory.path, 'cfg.json'), JSON.stringify(config));
  const { code, stdout, stderr } = await runCommand(['check', ...args], { cwd: directory.path });
  expect(stderr).toBe('');
  return { code, lines: stdout.split('\n').filter((line) => /^\S+ +(data|failures) /.test(line)) };
}

/** Every key with its value. */
async function dump(): Promise<Record<string, string>> {
  const keys = (await server.client.keys('*')).sort();
  const values = await Promise.all(keys.map((key) => server.client.dumpBuffer(key)));
  return Object.fromEntries(keys.map((key, at) => [key, values[at]?.toString('hex') ?? '']));
}

/** What is found in a dry run, which changes nothing; then the repair, after which nothing is found. */
async function findAndRepair(): Promise<{ found: string[]; repaired: string[] }> {
  const before = await dump();
  const { code, lines: found } = await check();
  expect(code).toBe(1);
  expect(await dump()).toEqual(before);
  const { code: repairCode, lines: repaired } = await check('--repair');
  expect(repaired.filter((line) => line.startsWith('FAIL'))).toEqual([]);
  expect(repairCode).toBe(0);
  const { code: lastCode, lines: last } = await check();
  expect(last.filter((line) => line.startsWith('FAIL'))).toEqual([]);
  expect(lastCode).toBe(0);
  return { found, repaired };
}

function iso(agoSeconds: number): string {
  return new Date(Date.now() - agoSeconds * 1_000).toISOString().replace(/\.\d+Z$/, '+00:00');
}

async function register(id: string, agoSeconds: number | null, record?: string | Buffer): Promise<void> {
  await server.client.sadd('resque:workers', id);
  await server.client.set(`resque:worker:${id}:started`, '2026-11-24 15:20:19 +0000');
  if (agoSeconds !== null) await server.client.hset('resque:workers:heartbeat', id, iso(agoSeconds));
  if (record !== undefined) await server.client.set(`resque:worker:${id}`, record);
}

function jobRecord(queue: string, payload: string): string {
  return `{"queue":"${queue}","run_at":"2026-11-24T15:20:19Z","payload":${payload}}`;
}

async function enlist(owner: string, changes: object = {}): Promise<void> {
  const entry = {
    machine: 'elsewhere',
    pid: 1,
    startedAt: '1',
    requeues: [],
    maxRecoveries: 3,
    nonce: `nonce-of-${owner}`,
    seenAtMs: Date.now() - 400_000,
    ...changes,
  };
  await server.client.hset('resque:runners', owner, JSON.stringify(entry));
}

async function failures() {
  return (await server.client.lrangeBuffer('resque:failed', 0, -1)).map((raw) => assertSafeForResqueWeb(raw));
}

describe('what check finds in Redis', () => {
  test('finds nothing where all is well: a live runner, live foreign workers, good failures', async () => {
    const identity = ownIdentity();
    await enlist(`web.runner:${process.pid}`, { ...identity, seenAtMs: Date.now() });
    await register(`web.runner:${process.pid}-0:mail`, 5, jobRecord('mail', '{"class":"A","args":[]}'));
    await register('ruby:12:mail', 5, jobRecord('mail', '{"class":"A","args":[]}'));
    await register('php:13:mail', null);
    await server.client.set('resque:worker:ping:node:14+1', '{"time":1}');
    await server.client.rpush('resque:failed', goodFailure);
    const before = await dump();
    for (const args of [[], ['--repair']]) {
      const { code, lines } = await check(...args);
      expect(lines).toEqual(['ok   data       3 workers, 1 failure: nothing to repair']);
      expect(code).toBe(0);
    }
    expect(await dump()).toEqual(before);
  });

  test.runIf(process.platform === 'linux')(
    'names the orphaned programs, and ends them only to repair',
    async () => {
      const mark = 'left-by-doctor-test';
      const start = (env: Record<string, string>) =>
        execa('sleep', ['300'], { detached: true, reject: false, env: { RESQUE_RUNNER: mark, ...env } });
      const programs = [start({ RESQUE_QUEUE: 'mail' }), start({ RESQUE_QUEUE: 'low' })];
      const pids = programs.map(({ pid = 0 }) => pid);
      try {
        await enlist('web.runner:4000000', { ...ownIdentity(), mark, pid: 4_000_000, seenAtMs: Date.now() });
        await register('web.runner:4000000-0:mail', 5, jobRecord('mail', '{"class":"A","args":[]}'));
        const named = (pid: number, queue: string) => `pid ${pid} (queue ${queue})`;
        const list = [named(pids[0] ?? 0, 'mail'), named(pids[1] ?? 0, 'low')].join(', ');
        const { lines } = await check();
        expect(lines[0]).toContain(
          `; --repair ends 2 programs that it left running: ${list}, records 1 job as failed, unregisters its workers`,
        );
        expect(pids.every(isAlive)).toBe(true);
        expect((await check('--repair')).code).toBe(0);
        expect(pids.some(isAlive)).toBe(false);
      } finally {
        for (const program of programs) program.kill('SIGKILL');
        await Promise.all(programs);
      }
    },
  );

  test('recovers a runner whose process is gone, with its jobs and its workers', async () => {
    // This machine, but no such process.
    await enlist('web.runner:4000000', { ...ownIdentity(), pid: 4_000_000, seenAtMs: Date.now() });
    await register(
      'web.runner:4000000-0:mail',
      5,
      jobRecord('mail', '{"class":"A","args":[12345678901234567890]}'),
    );
    await register('web.runner:4000000-1:mail', 5);
    await server.client.set('resque:runner:web.runner:4000000:step', 'n 3', 'EX', 604_800);
    await server.client.rpush('resque:queue:mail', 'last');
    await server.client.sadd('resque:runner:web.runner:4000000:held', 'mail');
    await server.client.rpush('resque:runner:web.runner:4000000:held:mail', '{"class":"B"}', '{"class":"C"}');
    const { found, repaired } = await findAndRepair();
    expect(found[0]).toMatch(
      /^FAIL data {7}runner web\.runner:4000000 is dead \(last .*\), with 2 workers registered, 2 jobs held; --repair records 1 job as failed, puts 2 jobs back to the head of their queues, unregisters its workers$/,
    );
    expect(repaired[0]).toContain('repaired: recorded 1 job as failed, put 2 jobs back');
    const [failure] = await server.client.lrange('resque:failed', 0, -1);
    expect(failure).toContain('[12345678901234567890]');
    expect(await failures()).toMatchObject([
      { exception: 'Resque::PruneDeadWorkerDirtyExit', queue: 'mail' },
    ]);
    expect(await server.client.lrange('resque:queue:mail', 0, -1)).toEqual([
      '{"class":"B"}',
      '{"class":"C"}',
      'last',
    ]);
    const left = (await server.client.keys('*')).sort();
    expect(left).toEqual([
      'resque:failed',
      'resque:queue:mail',
      'resque:queues',
      'resque:runner:recoveries',
      'resque:stat:failed',
      'resque:stat:processed',
    ]);
  });

  test('recovers what runners left that no registry knows: workers, held jobs, payloads, steps', async () => {
    await register('old.runner:7-0:mail', 4_000, jobRecord('mail', '{"class":"A"}'));
    await server.client.set(
      'resque:worker:old.runner:7-1:mail',
      jobRecord('mail', '{"class":"Unregistered"}'),
    );
    await server.client.set('resque:worker:old.runner:7-2:mail:payload', 'not JSON');
    await server.client.rpush('resque:runner:old.runner:8:held:mail', '{"class":"B"}', '{"class":"C"}');
    await server.client.set('resque:runner:old.runner:9:step', 'n 3', 'EX', 604_000);
    const { found } = await findAndRepair();
    expect(found).toHaveLength(3);
    expect(found.join('\n')).toContain(
      'runner old.runner:7 is not registered (last seen 66 min ago), with 1 worker registered, 2 jobs of workers',
    );
    expect(await server.client.lrange('resque:queue:mail', 0, -1)).toEqual([
      '{"class":"B"}',
      '{"class":"C"}',
    ]);
    const records = await failures();
    expect(records.map(({ payload, raw_payload: raw }) => raw ?? payload.class).sort()).toEqual([
      'A',
      'Unregistered',
      'not JSON',
    ]);
    expect((await server.client.keys('*')).filter((key) => /runner:old|worker/.test(key))).toEqual([]);
    expect(await server.client.hlen('resque:runners')).toBe(0);
  });

  test('leaves alone a runner of no registry that was heard of within five minutes', async () => {
    await register('new.runner:7-0:mail', 60, jobRecord('mail', '{"class":"A"}'));
    await server.client.rpush('resque:runner:new.runner:7:held:mail', '{"class":"A"}');
    await server.client.set('resque:runner:new.runner:8:step', 'n 0', 'EX', 604_800);
    const before = await dump();
    expect((await check('--repair')).code).toBe(0);
    expect(await dump()).toEqual(before);
  });

  test('only tells of foreign workers that are silent, or alive but not registered', async () => {
    await register('ruby:1:mail', 4_000, jobRecord('mail', '{"class":"A","args":[]}'));
    await register('ruby:2-1:mail', 4_000);
    await server.client.hset('resque:workers:heartbeat', 'ruby:3:mail', iso(5));
    await server.client.set('resque:worker:ruby:3:mail', jobRecord('mail', '{"class":"A","args":[]}'));
    const before = await dump();
    const { code, lines } = await check('--repair');
    expect(code).toBe(0);
    expect(lines.every((line) => line.startsWith('warn'))).toBe(true);
    expect(lines).toHaveLength(3);
    expect(lines.join('\n')).toContain('worker ruby:1:mail has had no heartbeat for 66 min');
    expect(lines.join('\n')).toContain('worker ruby:3:mail is alive but not registered');
    expect(await dump()).toEqual(before);
  });

  test('mends heartbeats that kill Ruby workers, removes those of nobody', async () => {
    await register('ruby:1:mail', null);
    await register('ruby:2:mail', 10);
    const heartbeats = { 'ruby:1:mail': '1764000000', 'gone:1:q': '', 'gone:2:q': iso(9_000) };
    await server.client.hset('resque:workers:heartbeat', heartbeats);
    const fresh = await server.client.hget('resque:workers:heartbeat', 'ruby:2:mail');
    const { found } = await findAndRepair();
    expect(found).toHaveLength(3);
    const after = await server.client.hgetall('resque:workers:heartbeat');
    expect(Object.keys(after).sort()).toEqual(['ruby:1:mail', 'ruby:2:mail']);
    for (const value of Object.values(after)) assertSafeHeartbeat(value);
    expect(after['ruby:2:mail']).toBe(fresh);
  });

  test.each(['h:1', 'h:1:', 'h'])('unregisters the worker id %s, and accounts for its job', async (id) => {
    await register(id, null, jobRecord('q', '{"class":"A"}'));
    await server.client.hset('resque:workers:heartbeat', id, '');
    await register('ruby:2:mail', 10);
    await findAndRepair();
    expect(await server.client.smembers('resque:workers')).toEqual(['ruby:2:mail']);
    expect(await failures()).toMatchObject([{ worker: id, queue: 'q', payload: { class: 'A' } }]);
    expect(await server.client.keys(`resque:worker:${id}*`)).toEqual([]);
  });

  test('says that a worker with such an id has to be ended while it lives', async () => {
    await register('h:1', 10);
    const before = await dump();
    const { code, lines } = await check('--repair');
    expect(code).toBe(1);
    expect(lines).toEqual([
      expect.stringMatching(/^FAIL data .*crashes Ruby's worker pruning; stop that worker$/),
    ]);
    expect(await dump()).toEqual(before);
  });

  test.each([
    ['not JSON', Buffer.from('{"queue":junk,"run_at":1}')],
    ['not UTF-8', Buffer.from('{"queue":"\xff"}', 'latin1')],
    ['an array', Buffer.from('[1]')],
    ['without a payload', Buffer.from('{"queue":"q","run_at":"2026-11-24T15:20:19Z","payload":null}')],
    ['a payload that is a string', Buffer.from('{"queue":"q","payload":"text"}')],
  ])('mends the record of a worker: %s', async (_, record) => {
    await register('ruby:1:mail', 10, record);
    await enlist('gone.runner:2');
    await register('gone.runner:2-0:mail', 4_000, record);
    const { found } = await findAndRepair();
    expect(found.filter((line) => line.includes('breaks resque-web'))).toHaveLength(2);
    const rewritten = assertSafeWorkerRecord(
      (await server.client.getBuffer('resque:worker:ruby:1:mail')) ?? Buffer.of(),
    );
    const [failure] = await failures();
    for (const kept of [rewritten, { ...failure }]) expect(rawOf(kept)).toEqual(record);
    expect(failure).toMatchObject({ worker: 'gone.runner:2-0:mail' });
    expect(await server.client.smembers('resque:workers')).toEqual(['ruby:1:mail']);
  });

  test('records the job of a worker that is not registered, and silent, as failed', async () => {
    await server.client.set(
      'resque:worker:ruby:8:mail',
      `{"run_at":"${new Date().toISOString()}","queue":"mail","payload":{"class":"B"}}`,
    );
    const old =
      '{"queue":"mail","run_at":"2020-01-01T00:00:00Z","payload":{"class":"A","args":[],"id":"a1"}}';
    await server.client.set('resque:worker:ruby:9:mail', old);
    await server.client.set('resque:job:a1:status', '{"status":2,"updated":7}');
    await findAndRepair();
    expect(await failures()).toMatchObject([{ worker: 'ruby:9:mail', payload: { class: 'A', args: [] } }]);
    expect(await server.client.get('resque:job:a1:status')).toMatch(/^\{"status":3,/);
    expect(await server.client.exists('resque:worker:ruby:8:mail')).toBe(1);
  });

  test('only tells of keys that are of the wrong type', async () => {
    await server.client.sadd('resque:queues', 'odd');
    await server.client.set('resque:queue:odd', 'x');
    await server.client.set('resque:queue:mail', 'x');
    await server.client.set('resque:failed', 'x');
    await server.client.set('resque:workers', 'x');
    const before = await dump();
    const { code, lines } = await check('--repair');
    expect(code).toBe(1);
    expect(lines).toHaveLength(4);
    expect(lines.join('\n')).toContain('key resque:queue:odd is a string but should be a list');
    expect(await dump()).toEqual(before);
  });

  test('mends each kind of failure that breaks resque-web, in place, and drops nothing', async () => {
    const good = JSON.parse(goodFailure) as Record<string, unknown>;
    const bad: (string | Buffer)[] = [
      '',
      'not JSON',
      '42',
      '"text"',
      'null',
      '[]',
      Buffer.from('{"error":"\xff"}', 'latin1'),
      goodFailure.replace(/}$/, `,"deep":${'['.repeat(120)}${']'.repeat(120)}}`),
      ...[
        { worker: null },
        { worker: undefined },
        { worker: {} },
        { backtrace: 'line 1\nline 2' },
        { backtrace: { a: 1 } },
        { payload: [1, 2] },
        { payload: 3 },
        { payload: { class: 'ActiveJob::QueueAdapters::ResqueAdapter::JobWrapper', args: [] } },
      ].map((change) => JSON.stringify({ ...good, ...change })),
    ];
    const entries = bad.flatMap((entry) => [goodFailure, entry]);
    await server.client.rpush('resque:failed', ...entries);
    const { found } = await findAndRepair();
    expect(found.every((line) => /^FAIL failures /.test(line))).toBe(true);
    const after = await server.client.lrangeBuffer('resque:failed', 0, -1);
    expect(after).toHaveLength(entries.length - 1);
    const records = await failures();
    // In their places; what was there is still in them.
    const kept = after.filter((raw) => raw.toString() !== goodFailure);
    expect(kept).toHaveLength(bad.length - 1);
    expect(rawOf({ ...JSON.parse(String(kept[0])) } as object)).toEqual(Buffer.from('not JSON'));
    expect(records.find((record) => record.backtrace?.length === 2)?.backtrace).toEqual(['line 1', 'line 2']);
    expect(records.find((record) => record.raw_payload === '[1,2]')?.payload).toEqual({
      class: 'InvalidPayload',
      args: ['[1,2]'],
    });
  });

  test('mends failures while another client adds and removes', async () => {
    const bad = (n: number) =>
      JSON.stringify({ worker: null, failed_at: '2026/11/24 15:20:19 UTC', queue: 'q', n });
    await server.client.rpush('resque:failed', ...Array.from({ length: 3_000 }, (_, n) => bad(n)));
    const other = new Redis({ port: server.port });
    let isOver = false;
    const removed: string[] = [];
    const busy = (async () => {
      while (!isOver) {
        const entry = await other.lpop('resque:failed');
        if (entry !== null) removed.push(entry);
        await other.rpush('resque:failed', goodFailure);
      }
    })();
    await check('--repair');
    isOver = true;
    await busy;
    other.disconnect();
    await check('--repair');
    const numbers = [...removed, ...(await server.client.lrange('resque:failed', 0, -1))]
      .map((text) => (JSON.parse(text) as { n?: number }).n)
      .filter((n) => n !== undefined);
    expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: 3_000 }, (_, n) => n));
    expect((await check()).code).toBe(0);
  });

  test('goes through 20,000 failures, half of them bad', async () => {
    const bad = goodFailure.replace('"h:1:q"', 'null');
    for (let n = 0; n < 10; n += 1) {
      const page = Array.from({ length: 1_000 }, (_, at) => [
        goodFailure,
        bad.replace('[1]', `[${n * 1_000 + at}]`),
      ]);
      await server.client.rpush('resque:failed', ...page.flat());
    }
    const { lines } = await check('--repair');
    expect(lines).toEqual([expect.stringContaining('10000 entries break')]);
    expect((await check()).code).toBe(0);
  });
});

/** The bytes that a repair kept. */
function rawOf(record: object): Buffer {
  const { raw_record: text, raw_record_base64: base64 } = record as Record<string, string | undefined>;
  return text === undefined ? Buffer.from(base64 ?? '', 'base64') : Buffer.from(text);
}
