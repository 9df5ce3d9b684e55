/** What php-resque's `Status` reads of jobs that it tracks and that a runner takes. */
import { describe, expect, test } from 'vitest';
import { ownIdentity } from '../../../src/engine/machine/identity.ts';
import { jobStatuses } from '../../../src/resque/format/job-status.ts';
import { writeEntry } from '../../../src/resque/workers/runner-entry.ts';
import { keepSnapshot, restoreSnapshot } from '../../helpers/older-redis.ts';
import { useRedis } from '../../helpers/redis.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { useEngines } from '../stage.ts';

const { waiting, running, failed, complete } = jobStatuses;
const stage = useEngines(useRedis());
const untilGo = 'cat > /dev/null; echo >> "$D/began"; while [ ! -e "$D/go" ]; do sleep 0.02; done';
const enqueuedAt = 1_764_309_540;
/** As `json_encode` writes it in `Status::create`. */
const created = `{"status":1,"updated":${enqueuedAt},"started":${enqueuedAt},"result":null}`;

/** As `json_encode` writes it in `JobHandler::create`. */
function payloadOf(members: object, args = '["a\\/b"]'): string {
  const rest = JSON.stringify({ id: 'f3a1', prefix: '', queue_time: 1764309540.1234, ...members }).slice(1);
  return `{"class":"My\\\\Job","args":[${args}],${rest}`;
}

async function enqueue(...payloads: string[]): Promise<void> {
  await stage.redis.sadd('resque:queues', 'mail');
  await stage.redis.rpush('resque:queue:mail', ...payloads);
}

async function track(name = 'f3a1'): Promise<void> {
  stage.mayLeaveKeys(`job:${name}:status`);
  await stage.redis.set(`resque:job:${name}:status`, created);
}

/** The number; everything else is checked here. */
async function statusOf(name = 'f3a1'): Promise<number> {
  const key = `resque:job:${name}:status`;
  const text = (await stage.redis.get(key)) ?? '';
  if (text === created) return waiting;
  const [, status, updated] =
    /^\{"status":([1-4]),"updated":(\d+),"started":1764309540,"result":null\}$/.exec(text) ?? [];
  expect(status, text).toBeDefined();
  expect(Math.abs(Number(updated) - Date.now() / 1_000)).toBeLessThan(60);
  const seconds = await stage.redis.ttl(key);
  if (Number(status) >= failed) expect(seconds).toBeGreaterThan(86_300);
  else expect(seconds).toBe(-1);
  return Number(status);
}

async function untilStatus(status: number, name?: string): Promise<void> {
  await waitFor(async () => (await statusOf(name)) === status, { message: `its status is ${status}` });
}

describe.each(['a wait', 'a step'] as const)('a job that %s brings is running, then complete', (bringer) => {
  test.each([
    ['as php-resque writes it', 'f3a1', payloadOf({})],
    ['with a prefix', 'app_f3a1', payloadOf({ prefix: 'app' })],
    ['that its record cannot hold as it is', 'f3a1', payloadOf({}, '"\\ud83d\\ude00"')],
    ['that is large', 'f3a1', payloadOf({}, JSON.stringify('x'.repeat(100_000)))],
  ])('%s', async (_, name, payload) => {
    await track(name);
    if (bringer === 'a step') await enqueue(payload);
    const engine = await stage.start([stage.runner('mail', stage.script(untilGo))]);
    if (bringer === 'a wait') {
      await stage.waitForIdle();
      await enqueue(payload);
    }
    await untilStatus(running, name);
    stage.write('go');
    await engine.wait('job.finished');
    await untilStatus(complete, name);
  });
});

test.each(['at-most-once', 'at-least-once'] as const)('%s: a job that fails has failed', async (delivery) => {
  await track();
  await enqueue(payloadOf({}));
  const engine = await stage.start([stage.runner('mail', stage.script('exit 1'), { delivery })]);
  await engine.wait('job.finished');
  await untilStatus(failed);
});

test('a job that is retried waits, runs and ends with the status of its id, which schedulers drop', async () => {
  await track();
  await enqueue(payloadOf({}));
  const once = { attempts: 2, on: 'any', firstDelaySeconds: 0, longestDelaySeconds: 0, jitter: 0 } as const;
  const retry = { ...once, queue: null, classes: {} };
  await stage.redis.set('resque:resque_scheduler_leader_lock', 'other:1');
  const script = stage.script(`[ "$RESQUE_ATTEMPT" = 2 ] || exit 1; ${untilGo}`);
  const engine = await stage.start([stage.runner('mail', script, { retry })]);
  await engine.wait('job.finished');
  await untilStatus(waiting);
  await stage.redis.del('resque:resque_scheduler_leader_lock');
  await untilStatus(running);
  stage.write('go');
  await engine.wait('job.finished', 2);
  await untilStatus(complete);
});

test('a job that an interruption puts back waits again', async () => {
  await track();
  await enqueue(payloadOf({}));
  stage.mayLeaveKeys('queue:mail');
  const engine = await stage.start(
    [stage.runner('mail', stage.script(untilGo), { interrupted: 'requeue' })],
    { shutdownTimeoutSeconds: 0 },
  );
  await untilStatus(running);
  await engine.stop('terminate');
  expect(await stage.redis.llen('resque:queue:mail')).toBe(1);
  expect(await statusOf()).toBe(waiting);
});

test('a job has no status unless it is tracked, by an id that PHP does not call empty', async () => {
  await track('7');
  await track('0');
  await track('');
  const untracked = payloadOf({ id: 'untracked' });
  await enqueue(untracked, ...[7, '0', '', null, ['7']].map((id) => payloadOf({ id })));
  const engine = await stage.start([stage.runner('mail', stage.script(':'))], { drain: true });
  await engine.engine.stopped;
  expect(await stage.stat('processed')).toBe(6);
  expect(await stage.redis.keys('resque:job:*')).toHaveLength(3);
  for (const name of ['7', '0', '']) expect(await stage.redis.get(`resque:job:${name}:status`)).toBe(created);
});

test.each([
  ['of another type', async () => void (await stage.redis.rpush('resque:job:f3a1:status', 'a')), '~*'],
  ['that holds no JSON', async () => void (await stage.redis.set('resque:job:f3a1:status', 'a')), '~*'],
  ['that it may not touch', async () => track(), '~resque:[^j]*'],
])('a status %s costs no job', async (_, prepare, permitted) => {
  stage.mayLeaveKeys('job:f3a1:status');
  await prepare();
  await stage.redis.call('ACL', 'SETUSER', 'php', 'reset', 'on', '>secret', permitted, '&*', '+@all');
  await enqueue(payloadOf({}), payloadOf({}), payloadOf({}, '"\\ud83d\\ude00"'));
  const engine = await stage.start([stage.runner('mail', stage.script('exit 1'))], {
    user: { username: 'php', password: 'secret' },
  });
  await engine.wait('job.finished', 3);
  await waitFor(async () => (await stage.stat('failed')) === 3, { message: () => engine.describe() });
  expect(engine.all('redis.down')).toEqual([]);
  await engine.stop();
  await stage.redis.call('ACL', 'DELUSER', 'php');
});

test.each([
  ['recorded as failed', [], failed],
  ['put back', ['mail'], waiting],
] as const)('a job of a dead runner that is %s says so', async (_, requeues, status) => {
  await track();
  await stage.redis.set('resque:job:f3a1:status', created.replace('"status":1', '"status":2'));
  const [owner, worker] = ['gone.runner:1', 'gone.runner:1-0:mail'];
  await stage.redis.sadd('resque:workers', worker);
  const record = `{"queue":"mail","run_at":"2026-11-24T15:20:19Z","payload":${payloadOf({})}}`;
  await stage.redis.set(`resque:worker:${worker}`, record);
  const entry = { ...ownIdentity(), startedAt: '1', nonce: 'other', requeues, maxRecoveries: 3, seenAtMs: 0 };
  await stage.redis.hset('resque:runners', owner, writeEntry(entry));
  stage.mayLeaveKeys('queue:mail');
  const engine = await stage.start([stage.runner('other', stage.script(':'))]);
  expect(engine.all('peer.recovered')).toHaveLength(1);
  expect(await statusOf()).toBe(status);
});

test('a status that a Redis which comes back older has forgotten is written again', async () => {
  await track();
  const engine = await stage.start([stage.runner('mail', stage.script(untilGo))]);
  await enqueue(payloadOf({}));
  await untilStatus(running);
  await keepSnapshot(stage.redis);
  stage.write('go');
  await engine.wait('job.finished');
  await untilStatus(complete);
  await restoreSnapshot(stage.redis);
  expect(await statusOf()).toBe(running);
  await enqueue(payloadOf({ id: 'untracked' }));
  await engine.wait('steps.forgotten');
  await untilStatus(complete);
});
