/** Jobs that fail and run again: what lies in Redis meanwhile and in the end. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { PoolConfig, RetryPolicy } from '../../../src/config/config.ts';
import { ownIdentity } from '../../../src/engine/machine/identity.ts';
import { readEntry } from '../../../src/resque/delayed/retry-entry.ts';
import { writeEntry } from '../../../src/resque/workers/runner-entry.ts';
import { keepSnapshot, restoreSnapshot } from '../../helpers/older-redis.ts';
import { useRedis } from '../../helpers/redis.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { useEngines } from '../stage.ts';

const stage = useEngines(useRedis());

function policy(attempts: number, rest: Partial<RetryPolicy> = {}): { retry: RetryPolicy } {
  const rule = {
    attempts,
    on: 'any',
    firstDelaySeconds: 15,
    longestDelaySeconds: 3600,
    jitter: 0,
    queue: null,
  } as const;
  return { retry: { ...rule, classes: {}, ...rest } };
}

const failing =
  'cat > "$D/payload"; echo "$RESQUE_ATTEMPT/$RESQUE_ATTEMPTS" >> "$D/runs"; echo oops >&2; exit 75';

async function start(script: string, rest: Partial<PoolConfig>) {
  return await stage.start([stage.runner('mail', stage.script(script), rest)]);
}

async function enqueue(payload: string): Promise<void> {
  await stage.redis.sadd('resque:queues', 'mail');
  await stage.redis.rpush('resque:queue:mail', payload);
}

interface Waiting {
  readonly due: string;
  readonly item: string;
}

/** The only delayed job. Everything that Ruby writes for one is checked here. */
async function waiting(): Promise<Waiting> {
  await waitFor(async () => (await stage.redis.zcard('resque:delayed_queue_schedule')) > 0, {
    message: 'a job waits',
  });
  const [due = '', score] = await stage.redis.zrange(
    'resque:delayed_queue_schedule',
    '0',
    '-1',
    'WITHSCORES',
  );
  expect(score).toBe(due);
  const [item = '', ...others] = await stage.redis.lrange(`resque:delayed:${due}`, 0, -1);
  expect(others).toEqual([]);
  expect(await stage.redis.smembers(`resque:timestamps:${item}`)).toEqual([`delayed:${due}`]);
  return { due, item };
}

/** A scheduler moves the job to its queue, in the form that it writes. */
async function move({ due, item }: Waiting, form = item): Promise<void> {
  await stage.redis
    .multi()
    .del(`resque:delayed:${due}`)
    .zrem('resque:delayed_queue_schedule', due)
    .del(`resque:timestamps:${item}`)
    .rpush(`resque:queue:${(JSON.parse(item) as { queue: string }).queue}`, form)
    .exec();
}

async function failures(): Promise<Record<string, unknown>[]> {
  const records = await stage.redis.lrange('resque:failed', 0, -1);
  return records.map((record) => JSON.parse(record) as Record<string, unknown>);
}

async function retryKeys(): Promise<string[]> {
  return (await stage.redis.keys('resque:*retry*')).sort();
}

/** Jobs that still wait at the end of a test. */
async function removeWaiting(): Promise<void> {
  const keys = await stage.redis.keys('resque:*');
  const ofWaiting = /^resque:(delayed|timestamps:|runner:retry:)/;
  await stage.redis.del(...keys.filter((key) => ofWaiting.test(key)));
}

const original = '{"id":"f3a1", "class":"Mail","args":[1,"\\u00e9",1.0,{"a":[1e20]}]}';
const item = '{"class":"Mail","args":[1,"é",1.0,{"a":[1e20]}],"queue":"mail"}';

describe('a job that failed', () => {
  test('waits as the delayed job that Ruby would write, and is not on the failed list', async () => {
    const engine = await start(failing, policy(3));
    const before = Math.floor(Date.now() / 1_000);
    await enqueue(original);
    const { due, ...job } = await waiting();
    expect(job.item).toBe(item);
    expect(Number(due) - before).toBeGreaterThanOrEqual(15);
    expect(Number(due) - before).toBeLessThan(25);
    const finished = await engine.wait('job.finished');
    expect(finished).toMatchObject({ outcome: 'retried', next: { number: 2, of: 3, inSeconds: 15 } });
    await waitFor(async () => (await stage.stat('failed')) === 1, { message: 'it is counted' });
    expect(await stage.stat('processed')).toBe(1);
    expect(await failures()).toEqual([]);
    expect(engine.all('failure.recorded')).toEqual([]);
    const names = await retryKeys();
    const forms = [
      item,
      '{"class":"Mail","args":[1,"é",1.0,{"a":[1e20]}]}',
      '{"class":"Mail","args":[1,"é",1.0,{"a":[1.0e+20]}]}',
      '{"class":"Mail","queue":"mail","args":[1,"é",1,{"a":[100000000000000000000]}]}',
    ];
    const entry = readEntry((await stage.redis.lindex(names[0] ?? '', 0)) ?? '');
    expect(entry).toMatchObject({ attempt: 2, lastError: 'UnclassifiedRunnerError: oops', item });
    const sha1 = (text: string) => createHash('sha1').update(text).digest('hex');
    expect(names).toEqual(forms.map((form) => `resque:runner:retry:${sha1(form)}`).sort());
    for (const name of names) {
      const seconds = await stage.redis.ttl(name);
      expect(seconds).toBeGreaterThan(7 * 86_400);
      expect(seconds).toBeLessThan(7 * 86_400 + 30);
    }
    await removeWaiting();
  });

  test.each([
    ['our runner', item],
    ['resque-scheduler', '{"class":"Mail","args":[1,"é",1.0,{"a":[1.0e+20]}]}'],
    ['node-resque', '{"class":"Mail","queue":"mail","args":[1,"é",1,{"a":[100000000000000000000]}]}'],
  ])(
    'runs again with its exact payload after %s has moved it, and in the end there is one record',
    async (_, form) => {
      const engine = await start(failing, policy(3));
      await enqueue(original);
      for (const attempt of [1, 2]) {
        await engine.wait('job.finished', attempt);
        await move(await waiting(), form);
      }
      await engine.wait('failure.recorded');
      await waitFor(async () => (await failures()).length === 1, { message: 'it is recorded' });
      expect(stage.lines('runs')).toEqual(['1/3', '2/3', '3/3']);
      expect(engine.all('job.finished').map(({ outcome }) => outcome)).toEqual([
        'retried',
        'retried',
        'failed',
      ]);
      const [record] = await failures();
      expect(Object.keys(record ?? {}).slice(0, 10)).toEqual([
        ...['failed_at', 'payload', 'exception', 'error', 'backtrace', 'worker', 'queue'],
        ...['attempts', 'first_failed_at', 'exit_code'],
      ]);
      expect(record).toMatchObject({ attempts: 3, exit_code: 75, payload: { id: 'f3a1' } });
      expect(record?.first_failed_at).toMatch(/^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d UTC$/);
      expect(await stage.stat('failed')).toBe(3);
      expect(await retryKeys()).toEqual([]);
    },
  );

  test('gets the bytes that were on its queue at first', async () => {
    const engine = await start('cat > "$D/payload-$RESQUE_ATTEMPT"; exit $((2 - RESQUE_ATTEMPT))', policy(3));
    await enqueue(original);
    await engine.wait('job.finished');
    await move(await waiting());
    expect(await engine.wait('job.finished', 2)).toMatchObject({ outcome: 'succeeded' });
    const { readFileSync } = await import('node:fs');
    for (const attempt of [1, 2])
      expect(readFileSync(stage.path(`payload-${attempt}`), 'utf8')).toBe(original);
    await waitFor(async () => (await retryKeys()).length === 0, { message: 'nothing of it is left' });
  });

  test('that was popped by a step knows its attempt, too', async () => {
    const engine = await start('cat > /dev/null; echo "$RESQUE_ATTEMPT" >> "$D/runs"; exit 1', policy(2));
    await stage.enqueue('mail', 'a', 'b', 'c');
    await engine.wait('job.finished', 3);
    await waitFor(async () => (await stage.redis.zcard('resque:delayed_queue_schedule')) > 0, {
      message: 'they wait',
    });
    const queued = await stage.redis.keys('resque:delayed:*');
    for (const key of queued) {
      const items = await stage.redis.lrange(key, 0, -1);
      await stage.redis.del(key, ...items.map((each) => `resque:timestamps:${each}`));
      await stage.redis.del('resque:delayed_queue_schedule');
      await stage.redis.rpush('resque:queue:mail', ...items);
    }
    await engine.wait('failure.recorded', 3);
    expect(stage.lines('runs')).toEqual(['1', '1', '1', '2', '2', '2']);
    await waitFor(async () => (await failures()).length === 3, { message: 'all are recorded' });
    expect(await retryKeys()).toEqual([]);
  });
});

describe('a job in an entry with a policy', () => {
  test('can ask for its next run, for none, or to be left alone for a while', async () => {
    const engine = await start(
      'read line; case "$line" in *later*) echo "{\\"snooze\\":60}" >&2;; *never*) echo "{\\"error\\":\\"no\\",\\"retry\\":false}" >&2; exit 1;; *soon*) echo "{\\"error\\":\\"x\\",\\"retry_in\\":2}" >&2; exit 1;; esac',
      policy(3),
    );
    await stage.enqueue('mail', 'later', 'never', 'soon');
    await engine.wait('job.finished', 3);
    expect(
      engine.all('job.finished').map(({ outcome, next }) => [outcome, next?.number, next?.inSeconds]),
    ).toEqual([
      ['snoozed', 1, 60],
      ['failed', undefined, undefined],
      ['retried', 2, 2],
    ]);
    await waitFor(async () => (await stage.stat('processed')) === 2, { message: 'two are counted' });
    expect(await stage.stat('failed')).toBe(2);
    expect(await failures()).toMatchObject([{ error: 'no', attempts: 1 }]);
    await removeWaiting();
  });

  test.each(['{"args":[1]}', '{"class":"Mail"}', '{"class":"Mail","args":{"a":1}}'])(
    'fails at once if it could not wait as a delayed job: %s',
    async (payload) => {
      const engine = await start(failing, policy(3));
      await enqueue(payload);
      await engine.wait('failure.recorded');
      await waitFor(async () => (await failures()).length === 1, { message: 'it is recorded' });
      const [record] = await failures();
      expect(record?.error).toBe('oops (not retried: a delayed job needs a class and an array of args)');
    },
  );

  test('is retried on another queue if the policy says so', async () => {
    const engine = await start(failing, policy(3, { queue: 'mail_slow' }));
    await stage.enqueue('mail', 'a');
    await engine.wait('job.finished');
    expect(JSON.parse((await waiting()).item)).toMatchObject({ queue: 'mail_slow' });
    await removeWaiting();
  });

  test('fails at once where a key of another type is in the way', async () => {
    stage.mayLeaveKeys('delayed_queue_schedule');
    await stage.redis.set('resque:delayed_queue_schedule', 'x');
    const engine = await start(failing, policy(3));
    await stage.enqueue('mail', 'a');
    expect(await engine.wait('retries.refused')).toMatchObject({ count: 1 });
    expect(await failures()).toMatchObject([{ error: 'oops', attempts: 1 }]);
  });
});

describe('a child that was started before its job', () => {
  const attemptFirst = 'echo "$RESQUE_ATTEMPT" >> "$D/runs"; cat > /dev/null; exit 1';

  test('runs only first attempts, because it was told of one', async () => {
    const engine = await start(attemptFirst, { ...policy(2), isPrestarted: true });
    await waitFor(() => stage.lines('runs').length === 1, { message: 'a child waits' });
    await stage.enqueue('mail', 'a');
    await engine.wait('job.finished');
    await move(await waiting());
    await engine.wait('failure.recorded');
    expect(stage.lines('runs')).toContain('2');
    await waitFor(async () => (await failures()).length === 1, { message: 'it is recorded' });
    expect(await failures()).toMatchObject([{ attempts: 2 }]);
  });

  test('and stays for many jobs says in its result when a job runs again', async () => {
    const script = [
      'while read -r line; do',
      '  case "$line" in',
      '    *later*) echo "{\\"ok\\":true,\\"snooze\\":60}" >&3;;',
      '    *soon*) echo "{\\"error\\":\\"x\\",\\"retry_in\\":2}" >&3;;',
      '    *) echo "{\\"retry\\":false}" >&3;;',
      '  esac',
      'done',
    ].join('\n');
    const engine = await start(script, { ...policy(3), mode: 'persistent' });
    await stage.enqueue('mail', 'later', 'soon', 'never');
    await engine.wait('job.finished', 3);
    const ends = engine.all('job.finished').map(({ outcome, next }) => [outcome, next?.inSeconds]);
    expect(ends).toEqual([
      ['snoozed', 60],
      ['retried', 2],
      ['failed', undefined],
    ]);
    await engine.stop();
    await removeWaiting();
  });
});

describe('an attempt is not lost', () => {
  test.each(['at-most-once', 'at-least-once'] as const)(
    'when Redis comes back without the retry: it is written again (%s)',
    async (delivery) => {
      const engine = await start(failing, { ...policy(3), delivery });
      await stage.waitForIdle(delivery);
      await keepSnapshot(stage.redis);
      await stage.enqueue('mail', 'a');
      await engine.wait('job.finished');
      const job = await waiting();
      await engine.do({ type: 'pause-queue', queue: 'mail' });
      await stage.waitForNoWait();
      await restoreSnapshot(stage.redis);
      await engine.do({ type: 'resume-queue', queue: 'mail' });
      await engine.wait('steps.forgotten');
      expect(await waiting()).toEqual(job);
      await move(job);
      await engine.wait('job.finished', 2);
      expect(stage.lines('runs')).toEqual(['1/3', '2/3']);
      await waiting();
      await engine.stop();
      await removeWaiting();
    },
  );

  test('when its runner dies and the job goes back', async () => {
    const script = '[ "$RESQUE_ATTEMPT" = 1 ] && exit 1; echo "$RESQUE_ATTEMPT" >> "$D/runs"; exit 1';
    const engine = await start(script, { ...policy(2), delivery: 'at-least-once' });
    await stage.enqueue('mail', 'a');
    await engine.wait('job.finished');
    const job = await waiting();
    await engine.stop();
    // A runner took it and died.
    await move(job);
    const entry = (await stage.redis.lrange((await retryKeys())[0] ?? '', 0, 0))[0] ?? '';
    await stage.redis.del(...(await retryKeys()));
    const owner = 'test.runner:4000000';
    const worker = `${owner}-0:mail`;
    await stage.redis.lmove('resque:queue:mail', `resque:runner:${owner}:held:mail`, 'LEFT', 'RIGHT');
    await stage.redis.sadd(`resque:runner:${owner}:held`, 'mail');
    await stage.redis.sadd('resque:workers', worker);
    await stage.redis.set(`resque:worker:${worker}:retry`, entry);
    const record = {
      queue: 'mail',
      run_at: '2026-01-01T00:00:00Z',
      worker,
      step: 1,
      payload: JSON.parse(job.item),
    };
    await stage.redis.set(`resque:worker:${worker}`, JSON.stringify(record));
    const dead = { ...ownIdentity(), pid: 4_000_000, startedAt: '1' };
    const about = { ...dead, mark: 'm', requeues: ['mail'], maxRecoveries: 3, slots: [], pauses: [] };
    const text = writeEntry({ ...about, nonce: 'n', seenAtMs: Date.now() });
    await stage.redis.hset('resque:runners', owner, text);
    stage.mayLeaveKeys('runner:dead:n', 'runner:recoveries');
    const next = await start(script, { ...policy(2), delivery: 'at-least-once' });
    await next.wait('peer.recovered');
    await next.wait('failure.recorded');
    expect(stage.lines('runs')).toEqual(['2']);
    await waitFor(async () => (await failures()).length === 1, { message: 'it is recorded' });
    expect(await retryKeys()).toEqual([]);
  });

  test('when the job goes back to its queue', async () => {
    const untilGo =
      'cat > /dev/null; echo "$RESQUE_ATTEMPT" >> "$D/runs"; [ "$RESQUE_ATTEMPT" = 1 ] && exit 1; [ -e "$D/go" ] && exit 1; sleep 60';
    const engine = await start(untilGo, { ...policy(2), interrupted: 'requeue' });
    await stage.enqueue('mail', 'a');
    await engine.wait('job.finished');
    await move(await waiting());
    await waitFor(() => stage.lines('runs').length === 2, { message: 'it runs again' });
    await engine.stop('kill');
    expect(await stage.backlog('mail')).toEqual(['a']);
    stage.write('go');
    const next = await start(untilGo, { ...policy(2), interrupted: 'requeue' });
    await next.wait('failure.recorded');
    expect(stage.lines('runs')).toEqual(['1', '2', '2']);
    await waitFor(async () => (await failures()).length === 1, { message: 'it is recorded' });
    expect(await failures()).toMatchObject([{ attempts: 2 }]);
    expect(await retryKeys()).toEqual([]);
  });

  test('to an equal job that is enqueued while it waits', async () => {
    const engine = await start(failing, policy(3));
    await enqueue(original);
    await engine.wait('job.finished');
    const job = await waiting();
    await enqueue(job.item);
    await engine.wait('job.finished', 2);
    expect(stage.lines('runs')).toEqual(['1/3', '1/3']);
    await engine.stop();
    await removeWaiting();
  });
});
