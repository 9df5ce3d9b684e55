/**
 * A script of `failed`, `enqueue`, `delayed` or `check` that Redis refuses has written nothing, whichever of its commands this user
 * may not run. What runners send is tried in test/engine/outcomes/refusals.test.ts.
 */
import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { replaceScript } from '../../src/resque/audit/failed-repair.ts';
import { givenUp, repairArguments, repairScript, scheduled } from '../../src/resque/audit/repair.ts';
import { changeDelayedScript } from '../../src/resque/delayed/list-scripts.ts';
import { moveScript } from '../../src/resque/delayed/move.ts';
import { addScript, beginScript, resumeScript } from '../../src/resque/enqueue/scripts.ts';
import { changeScript } from '../../src/resque/failed/change-script.ts';
import { resqueKeys } from '../../src/resque/format/keys.ts';
import type { Script } from '../../src/resque/redis/script.ts';
import { useRedis } from '../helpers/redis.ts';

const server = useRedis();
const record = '{"failed_at":"x","payload":{"class":"A"},"queue":"mail"}';
const marks = ['m', 'queue:mail', 'queues'].map((name) => `resque:${name}`);
const lists = ['resque:failed', 'resque:queues'];
const change = [1, 1, 0, record];

async function mark(redis: Redis): Promise<void> {
  await redis.hset('resque:m', { run: 'run', step: 0, queue: 'mail', jobs: 0, place: '0' });
}

const none = () => Promise.resolve();
const item = '{"class":"A","args":[],"queue":"mail"}';

async function delay(redis: Redis, ...items: readonly string[]): Promise<void> {
  await redis.zadd('resque:delayed_queue_schedule', 1_700_000_000, '1700000000');
  for (const each of items) {
    await redis.rpush('resque:delayed:1700000000', each);
    await redis.sadd(`resque:timestamps:${each}`, 'delayed:1700000000');
  }
}

function sha1Of(text: string): string {
  return createHash('sha1').update(text).digest('hex');
}

const worker = 'h.runner:1-0:mail';
const workerJob = '{"queue":"mail","payload":{"class":"A"}}';
const keys = resqueKeys('resque');
const adoption = {
  seen: [[['EXISTS', keys.workerPayload(worker)], 1]],
  writes: [
    ['HSET', keys.runners, 'h.runner:1', '{}'],
    ['SADD', keys.heldQueues('h.runner:1'), 'mail'],
    ['SET', keys.worker(worker), '{}', 'NX'],
    ['SADD', keys.workers, worker],
  ],
} as const;

/** What each finds, and what it is sent: so that it writes all that it ever writes. */
const cases: [string, Script, (redis: Redis) => Promise<unknown>, string[], (string | number)[]][] = [
  [
    'retries a failure',
    changeScript,
    (redis) => redis.rpush('resque:failed', record),
    lists,
    [
      'retry',
      'mark',
      10,
      1,
      1,
      1,
      ...change.slice(1),
      'retried',
      'resque:queue:mail',
      'mail',
      '{"class":"A"}',
    ],
  ],
  [
    'removes a failure',
    changeScript,
    (redis) => redis.rpush('resque:failed', record),
    lists,
    ['remove', 'mark', 10, 1, 1, 1, ...change.slice(1)],
  ],
  ['begins an enqueue', beginScript, none, marks, ['run', 'mail', '0', 60, '', '']],
  ['resumes an enqueue', resumeScript, mark, marks, ['run 2', 'mail', 60]],
  [
    'enqueues',
    addScript,
    mark,
    marks,
    ['run', 'mail', 60, 1, 'RPUSH', '1', 1, 1, '{"class":"A"}', '', '', ''],
  ],
  [
    'enqueues a unique job',
    addScript,
    mark,
    [...marks, 'resque:lock:a'],
    ['run', 'mail', 60, 1, 'RPUSH', '1', 1, 1, '{"class":"A"}', '', 'resque:lock:a', 60],
  ],
  ['begins an enqueue of delayed jobs', beginScript, none, marks, ['run', 'mail', '0', 60, 'in', 60]],
  [
    'delays jobs',
    addScript,
    mark,
    marks,
    ['run', 'mail', 60, 1, 'RPUSH', '1', 1, 1, item, '4000000000', '', ''],
  ],
  [
    'moves due jobs',
    moveScript,
    (redis) => delay(redis, item, '{"queue":"low"}', 'not JSON'),
    [],
    ['resque:', 'us:1', 'resque:master', 'resque:leader', 60, 2, 1_000_000, 5_000],
  ],
  [
    'runs a delayed job now',
    changeDelayedScript,
    (redis) => delay(redis, item),
    [],
    ['resque:', 'run', 'mark', '1700000000', 0, sha1Of(item)],
  ],
  [
    'removes a delayed job',
    changeDelayedScript,
    (redis) => delay(redis, item),
    [],
    ['resque:', 'remove', 'mark', '1700000000', 0, sha1Of(item)],
  ],
  [
    'enters a time into the schedule',
    repairScript,
    (redis) => redis.rpush('resque:delayed:1700000000', item),
    [],
    ['resque:', ...repairArguments(scheduled(keys, ['1700000000']))].map(String),
  ],
  [
    'enters a runner into the registry',
    repairScript,
    (redis) => redis.set(`resque:worker:${worker}:payload`, '{}'),
    [],
    ['resque:', ...repairArguments(adoption)].map(String),
  ],
  [
    'records the job of a worker as failed',
    repairScript,
    (redis) => redis.mset(`resque:worker:${worker}`, workerJob, `resque:worker:${worker}:started`, 'x'),
    [],
    ['resque:', ...repairArguments(givenUp(keys, worker, Buffer.from(workerJob)))].map(String),
  ],
  [
    'replaces a failure',
    replaceScript,
    (redis) => redis.rpush('resque:failed', record),
    ['resque:failed'],
    [10, 0, record, '{}'],
  ],
];

async function dump(redis: Redis): Promise<Record<string, string>> {
  const keys = (await redis.keys('*')).sort();
  const values = await Promise.all(keys.map((key) => redis.dumpBuffer(key)));
  return Object.fromEntries(keys.map((key, at) => [key, values[at]?.toString('hex') ?? '']));
}

test.each(cases)(
  'a script that %s does so completely or not at all',
  async (_, script, prepare, keys, args) => {
    const redis = server.client;
    const commands = [
      ...new Set(
        [...script.source.matchAll(/(?:redis\.p?call|read|need)\('([A-Z]+)'/g)].map(([, name = '']) => name),
      ),
      'LPUSH',
      'RPUSH',
      // A repair gets its commands as arguments.
      ...args.map(String).filter((arg) => /^(?:SET|DEL|[HSZ](?:SET|ADD|REM|DEL|GET))$/.test(arg)),
    ];
    const limited = redis.duplicate({ username: 'limited', password: 'secret', lazyConnect: true });
    await redis.call('ACL', 'SETUSER', 'limited', 'reset', 'on', '>secret', '~*', '&*', '+@all');
    await limited.connect();
    const run = () => limited.eval(script.source, keys.length, ...keys, ...args);
    let refusals = 0;
    try {
      for (const command of commands) {
        await redis.flushall();
        await prepare(redis);
        const before = await dump(redis);
        await redis.call('ACL', 'SETUSER', 'limited', `-${command}`);
        const isRefused = await run().then(
          () => false,
          () => true,
        );
        if (isRefused) {
          refusals += 1;
          expect(await dump(redis), `without ${command}`).toEqual(before);
        }
        await redis.call('ACL', 'SETUSER', 'limited', `+${command}`);
        if (isRefused) await run();
        expect(await dump(redis), 'it has something to write').not.toEqual(before);
      }
    } finally {
      limited.disconnect();
      await redis.call('ACL', 'DELUSER', 'limited');
    }
    expect(refusals).toBeGreaterThan(1);
  },
);
