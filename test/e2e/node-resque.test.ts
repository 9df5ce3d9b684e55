/** Compatibility with node-resque, which enqueues, works, reads, retries and clears at the same time. */
import { appendFileSync } from 'node:fs';
import { type ParsedFailedJobPayload, Queue, Worker } from 'node-resque';
import { expect, onTestFinished, test } from 'vitest';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import { assertSafeForResqueWeb } from '../helpers/resque-web.ts';
import { tally } from '../helpers/tallies.ts';
import { waitFor } from '../helpers/wait-for.ts';

const e2e = useEndToEnd({ timeoutMs: 90_000 });

/** Records start and end in a file per queue, without starting another program. Fails if the args contain `"bad"`. */
const marking = `
  read -r p
  id=\${p#*'"args":['}; id=\${id%%[],]*}
  echo "start $id" >> "$D/$1.log"
  case $p in *slow*) sleep 0.02;; esac
  echo "end $id" >> "$D/$1.log"
  case $p in *bad*) echo '{"exception":"JobError","error":"it is bad","backtrace":["at job"]}' >&2; exit 1;; esac
  exit 0`;

async function connect(): Promise<Queue> {
  const queue = new Queue({ connection: { pkg: 'ioredis', host: '127.0.0.1', port: e2e.redis.port } });
  queue.on('error', (error) => {
    throw error;
  });
  await queue.connect();
  onTestFinished(() => queue.end());
  return queue;
}

/** Some jobs are `slow`, to fill the slots, and some are `bad`. */
function kindsOf(id: number): string[] {
  return [...(id % 5 === 0 ? ['slow'] : []), ...(id % 10 === 3 ? ['bad'] : [])];
}

async function enqueue(queue: Queue, names: readonly string[], count: number): Promise<void> {
  for (let start = 0; start < count; start += 100) {
    const ids = Array.from({ length: Math.min(100, count - start) }, (_, n) => start + n);
    await Promise.all(
      ids.map((id) => queue.enqueue(names[id % names.length] ?? '', 'Job', [id, ...kindsOf(id)])),
    );
  }
}

test('1,000 jobs on 8 queues with different limits run exactly once, within their limits', async () => {
  const limits: Record<string, number> = {};
  for (let n = 1; n <= 8; n++) limits[`queue-${n}`] = n;
  const names = Object.keys(limits);
  const queue = await connect();
  const count = 1_000;
  await enqueue(queue, names, count);
  e2e.mayLeaveKeys('connection_test_key');

  const runner = await e2e.run({ runners: limits, script: e2e.script(marking) }, { args: ['--drain'] });
  expect(await runner.waitForExit(60_000)).toEqual({ code: 0, signal: undefined });

  const runs = new Map<string, number>();
  for (const name of names) {
    const seen = tally(e2e.fileLines(`${name}.log`));
    expect(seen.peak, `${name} at the same time`).toBeLessThanOrEqual(limits[name] ?? 0);
    // A limit that is never reached would prove nothing.
    if (name !== 'queue-1') expect(seen.peak, `${name} at the same time`).toBeGreaterThan(1);
    for (const [id, times] of seen.runs) runs.set(id, (runs.get(id) ?? 0) + times);
  }
  expect(runs.size).toBe(count);
  expect([...runs.values()].every((times) => times === 1)).toBe(true);

  expect(await queue.failedCount()).toBe(count / 10);
  const failures = await queue.failed(0, -1);
  const badIds = Array.from({ length: count }, (_, id) => id).filter((id) => kindsOf(id).includes('bad'));
  expect(failures.map(({ payload }) => Number(payload.args[0])).sort((a, b) => a - b)).toEqual(badIds);
  for (const failure of failures) {
    expect(failure).toMatchObject({ exception: 'JobError', error: 'it is bad', backtrace: ['at job'] });
    expect(failure.payload.class).toBe('Job');
    expect(failure.queue).toBe(failure.payload.queue);
    expect(failure.worker).toMatch(new RegExp(`\\.runner:${runner.pid}-\\d+:${failure.queue}$`));
  }
  expect(await queue.stats()).toMatchObject({ processed: String(count), failed: String(count / 10) });
  expect(await queue.workers()).toEqual({});
  expect(await queue.allWorkingOn()).toEqual({});
  expect((await queue.queues()).sort()).toEqual(names);
  for (const name of names) expect(await queue.length(name)).toBe(0);
});

test('node-resque sees the workers and what they run', async () => {
  const queue = await connect();
  e2e.mayLeaveKeys('connection_test_key');
  const script = e2e.script('while [ ! -e "$D/go" ]; do sleep 0.1; done');
  const runner = await e2e.run({ runners: { mail: 1 }, script });
  await queue.enqueue('mail', 'Job', [1]);
  const { job } = await runner.waitForLine('job.started');
  const [host, pid] = job?.worker.split(':') ?? [];
  await waitFor(async () => (await queue.workingOn(`${host}:${pid}`, 'mail')) !== null, {
    message: 'node-resque finds the job',
  });
  expect(await queue.workers()).toEqual({ [`${host}:${pid}`]: 'mail' });
  const working = JSON.parse((await queue.workingOn(`${host}:${pid}`, 'mail')) ?? '') as unknown;
  expect(working).toMatchObject({ queue: 'mail', payload: { class: 'Job', queue: 'mail', args: [1] } });
  e2e.write('go');
  await runner.waitForFinished(1);
});

test('node-resque distinguishes all workers and their jobs, and cleans up stuck workers by name', async () => {
  const queue = await connect();
  e2e.mayLeaveKeys('connection_test_key', 'failed', 'stat:failed');
  const script = e2e.script('echo >> "$D/began"; while [ ! -e "$D/go" ]; do sleep 0.1; done');
  const runner = await e2e.run({ runners: { mail: 2, jobs: 1 }, script });
  await Promise.all([1, 2].map((id) => queue.enqueue('mail', 'Job', [id])));
  await queue.enqueue('jobs', 'Job', [3]);
  await e2e.waitForFileLines('began', 3);
  const working = async () => {
    const all = Object.entries(await queue.allWorkingOn());
    return all.flatMap(([name, job]) => (typeof job === 'string' ? [] : [{ name, job }]));
  };
  await waitFor(async () => (await working()).length === 3, { message: 'node-resque sees three jobs' });
  // The log may come later than what Redis shows.
  await waitFor(() => runner.all('job.started').length === 3, { message: 'three jobs in the log' });
  const names = runner.all('job.started').map(({ job }) => job?.worker.split(':', 2).join(':') ?? '');
  const seen = await working();
  expect(seen.map(({ name }) => name).sort()).toEqual([...new Set(names)].sort());
  expect(seen.map(({ job }) => job.payload.args[0]).sort()).toEqual([1, 2, 3]);
  expect(Object.keys(await queue.workers()).sort()).toEqual([...names].sort());
  expect(await queue.cleanOldWorkers(3_600_000)).toEqual({});
  expect(await e2e.client.exists('resque:stat:failed', 'resque:failed')).toBe(0);
  await waitFor(async () => Object.keys(await queue.cleanOldWorkers(0)).length === 3, {
    message: 'they count as stuck',
  });
  expect(await e2e.stat('failed')).toBe(3);
  await e2e.client.del('resque:failed');
  e2e.write('go');
  await runner.waitForFinished(3);
});

test('no job or entry is lost while another worker runs and another client retries and clears', async () => {
  const count = 400;
  const names = ['alpha', 'beta', 'gamma'];
  const queue = await connect();
  e2e.mayLeaveKeys('connection_test_key');
  await enqueue(queue, names, count);

  const log = (id: number, what: string, name: string) =>
    appendFileSync(e2e.path(`${name}.log`), `${what} ${id}\n`);
  const perform = async function (this: Worker, id: number, ...kinds: string[]): Promise<void> {
    const name = String(this.queue);
    log(id, 'start', name);
    await new Promise((resolve) => setTimeout(resolve, kinds.includes('slow') ? 20 : 1));
    log(id, 'end', name);
    if (kinds.includes('bad')) throw new Error('it is bad here too');
  };
  const connection = { pkg: 'ioredis', host: '127.0.0.1', port: e2e.redis.port };
  const worker = new Worker(
    { connection, queues: names, name: 'other-host:4711', timeout: 5 },
    { Job: { perform } },
  );
  let workerFailures = 0;
  const workerErrors: unknown[] = [];
  worker.on('error', (error) => workerErrors.push(error));
  worker.on('failure', () => workerFailures++);
  await worker.connect();

  const runner = await e2e.run({
    runners: { alpha: 2, beta: { concurrency: 1, delivery: 'at-least-once' }, gamma: 3 },
    script: e2e.script(marking),
  });
  await worker.start();

  // Each failure is retried twice, then removed.
  const retries = new Map<number, number>();
  let removed = 0;
  const badCount = Array.from({ length: count }, (_, id) => id).filter((id) =>
    kindsOf(id).includes('bad'),
  ).length;
  const tend = async (failure: ParsedFailedJobPayload): Promise<void> => {
    const id = Number(failure.payload.args[0]);
    const before = retries.get(id) ?? 0;
    if (before < 2) {
      // Throws if it doesn't find the entry by its value.
      await queue.retryAndRemoveFailed(failure);
      retries.set(id, before + 1);
    } else removed += await queue.removeFailed(failure);
  };
  await waitFor(
    async () => {
      for (const raw of await e2e.rawFailures()) {
        if (raw.includes('.runner:')) assertSafeForResqueWeb(raw);
      }
      for (const failure of await queue.failed(0, -1)) await tend(failure);
      return removed === badCount;
    },
    { message: () => `${badCount} failures are removed, not ${removed}`, timeoutMs: 60_000 },
  );
  await waitFor(
    async () => {
      const left = await Promise.all(names.map((name) => queue.length(name)));
      return left.every((length) => length === 0);
    },
    { message: 'all queues are empty', timeoutMs: 30_000 },
  );
  await worker.end();
  await runner.stop();

  const runs = new Map<number, number>();
  for (const name of names) {
    for (const [id, times] of tally(e2e.fileLines(`${name}.log`)).runs) {
      runs.set(Number(id), (runs.get(Number(id)) ?? 0) + times);
    }
  }
  expect(workerErrors).toEqual([]);
  expect(runs.size).toBe(count);
  for (const [id, times] of runs) expect(times, `runs of job ${id}`).toBe(1 + (retries.get(id) ?? 0));
  // Both ran jobs.
  expect(workerFailures).toBeGreaterThan(0);
  const finished = runner.all('job.finished');
  expect(finished.length).toBeGreaterThan(50);
  const ownFailures = finished.filter(({ outcome }) => outcome === 'failed').length;
  expect(ownFailures + workerFailures).toBe(3 * badCount);
  expect(await e2e.stat('failed')).toBe(3 * badCount);
  // node-resque doesn't count a failed job as processed.
  expect(await e2e.stat('processed')).toBe(count + 2 * badCount - workerFailures);
  expect(await queue.failedCount()).toBe(0);
});
