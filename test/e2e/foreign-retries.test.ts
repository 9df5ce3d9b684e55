/** Other clients retry and remove our unusual failures without losing a job. */
import { Queue, Scheduler } from 'node-resque';
import { expect, onTestFinished, test } from 'vitest';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import type { FailureRecord } from '../helpers/resque-web.ts';
import { waitFor } from '../helpers/wait-for.ts';

const e2e = useEndToEnd({ isInProcess: true });

/** These jobs run and fail. */
const jobs = [
  '{"class":"Plain","args":[1]}',
  // As encoded by PHP's json_encode.
  String.raw`{"class":"App\\Jobs\\Send","args":[{"path":"\/tmp\/a","price":1.0}],"id":"5f"}`,
  // As encoded by Python's json.dumps.
  String.raw`{"class": "Send", "args": [1.0, "caf\u00e9", {"a": null}]}`,
];
/** These jobs never run. */
const noJobs = [
  ...['hello', '', '[1]', 'null', 'a:1:{s:5:"class";s:1:"A";}', `"${'x'.repeat(1_000)}"`].map((text) =>
    Buffer.from(text),
  ),
  Buffer.from([4, 8, 0x7b, 6, 0xff, 0xfe, 0]),
];
/** We run these jobs; other clients can't put them back unchanged. */
const ourJobs = ['{"args":[1]}', `{"class":"Deep","args":${'['.repeat(200)}${']'.repeat(200)}}`];

const all = [...[...jobs, ...ourJobs].map((text) => Buffer.from(text)), ...noJobs];
const runs = () => e2e.fileLines('runs').sort();

async function failAll(): Promise<void> {
  e2e.mayLeaveKeys('connection_test_key', 'queue:stuck');
  const script = e2e.script('cat >> "$D/runs"; echo >> "$D/runs"; exit 1');
  await e2e.enqueue('mail', ...all);
  await e2e.run({ runners: { mail: 1 }, script });
  await e2e.failures(all.length);
  expect(runs()).toEqual([...jobs, ...ourJobs].sort());
}

function rawOf({ raw_payload: text, raw_payload_base64: base64, payload }: FailureRecord): string {
  return typeof base64 === 'string' ? base64 : (text ?? JSON.stringify(payload));
}

const connection = () => ({ pkg: 'ioredis', host: '127.0.0.1', port: e2e.redis.port });

async function connect(): Promise<Queue> {
  const queue = new Queue({ connection: connection() });
  queue.on('error', (error) => {
    throw error;
  });
  await queue.connect();
  onTestFinished(() => queue.end());
  return queue;
}

test('node-resque retries, and then removes, each of them', async () => {
  await failAll();
  const before = (await e2e.failures(all.length)).map(rawOf).sort();
  const queue = await connect();
  for (const failure of await queue.failed(0, -1)) await queue.retryAndRemoveFailed(failure);
  await e2e.waitForStat('failed', 2 * all.length);
  const after = await e2e.failures(all.length);
  // The same jobs ran again, as node-resque enqueues them: with the queue, without unknown members.
  const again = jobs.map((text) => {
    const { class: jobClass, args } = JSON.parse(text) as { class: string; args: unknown[] };
    return JSON.stringify({ class: jobClass, queue: 'mail', args });
  });
  expect(runs()).toEqual([...jobs, ...ourJobs, ...again].sort());
  const kept = [
    ...ourJobs,
    ...noJobs.map((bytes) => (bytes.at(-1) === 0 ? bytes.toString('base64') : String(bytes))),
  ];
  expect(before).toEqual(expect.arrayContaining(kept));
  expect(after.map(rawOf)).toEqual(expect.arrayContaining(kept));
  for (const failure of await queue.failed(0, -1)) expect(await queue.removeFailed(failure)).toBe(1);
  expect(await queue.failedCount()).toBe(0);
});

test("node-resque's scheduler also retries the job of a stuck worker", async () => {
  await failAll();
  const seconds = Math.round(Date.now() / 1_000) - 100;
  await e2e.client.sadd(e2e.key('workers'), 'other:1:stuck');
  await e2e.client.set(e2e.key('worker:ping:other:1'), JSON.stringify({ name: 'other:1', time: seconds }));
  const stuck = {
    run_at: new Date(0),
    queue: 'stuck',
    payload: { class: 'S', args: [7] },
    worker: 'other:1',
  };
  await e2e.client.set(e2e.key('worker:other:1:stuck'), JSON.stringify(stuck));
  e2e.mayLeaveKeys('worker:other:1:stuck', 'resque_scheduler_leader_lock');

  const scheduler = new Scheduler({
    connection: connection(),
    retryStuckJobs: true,
    timeout: 50,
    stuckWorkerTimeout: 10_000,
  });
  const errors: unknown[] = [];
  scheduler.on('error', (error) => errors.push(error));
  await scheduler.connect();
  onTestFinished(async () => {
    await scheduler.end();
  });
  await scheduler.start();
  await waitFor(async () => errors.length > 0 || (await e2e.backlog('stuck')).length > 0, {
    message: 'the scheduler puts the job back',
  });
  expect(errors).toEqual([]);
  expect(await e2e.backlog('stuck')).toEqual(['{"class":"S","queue":"stuck","args":[7]}']);
  await e2e.failures(all.length);
});

/**
 * "Retry all" in resque-web: `Resque::Failure::Redis.requeue_all` of Resque 3.0.0 (lib/resque/failure/redis.rb), which
 * stops at the first entry that it can't retry, and `Resque::Job.create` (lib/resque/job.rb).
 */
async function retryAllAsRuby(): Promise<void> {
  const failed = e2e.key('failed');
  const count = await e2e.client.llen(failed);
  for (let index = 0; index < count; index += 1) {
    const item = JSON.parse((await e2e.client.lindex(failed, index)) ?? '') as Record<string, unknown>;
    item.retried_at = '2026/11/24 15:20:19 UTC';
    await e2e.client.lset(failed, index, JSON.stringify(item));
    const { class: jobClass, args } = item.payload as { class?: unknown; args?: unknown[] };
    // Resque.validate
    if (jobClass === undefined || jobClass === null || jobClass === '') throw new Error('NoClassError');
    await e2e.enqueue(String(item.queue), { class: jobClass, args: args ?? [] });
  }
}

test('"Retry all" in resque-web reaches the end, and no other job runs', async () => {
  await failAll();
  await retryAllAsRuby();
  await e2e.waitForStat('failed', 2 * all.length);
  const again = jobs.map((text) => {
    const { class: jobClass, args } = JSON.parse(text) as { class: string; args: unknown[] };
    return JSON.stringify({ class: jobClass, args });
  });
  expect(runs()).toEqual([...jobs, ...ourJobs, ...again].sort());
  const records = await e2e.failures(2 * all.length);
  const raws = (some: readonly FailureRecord[]) =>
    some
      .filter(({ payload }) => payload.class === 'InvalidPayload')
      .map(rawOf)
      .sort();
  expect(raws(records.slice(all.length))).toEqual(raws(records.slice(0, all.length)));
});
