/**
 * Many delayed jobs that are due at once: how long a runner takes to move them to their queue, and how long Redis'
 * other clients wait for their replies. `--jobs=20000 --rounds=6`; `--runners=2` has several runners that share the work.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Bench, runBench } from './lib/bench.ts';
import { numberFlag } from './lib/flags.ts';
import { cpuSeconds } from './lib/process-usage.ts';
import { queueKey, type RedisServer, startRedis } from './lib/redis-server.ts';
import { percentileRow, printHeading, printTable, printVerdict, spreadText } from './lib/report.ts';
import { spread } from './lib/statistics.ts';
import { startRunner } from './lib/subjects.ts';
import { waitFor } from './lib/wait-for.ts';

const queue = 'later';
const wantedSeconds = 1;
const allowedWaitMs = 20;

/** ARGV: number of jobs, number of times that they are due at. All of them are there at once. */
const delayScript = `
for id = 0, ARGV[1] - 1 do
  local time = string.format('%d', 1700000000 + id % tonumber(ARGV[2]))
  local item = '{"class":"Noop","args":[' .. id .. ',"user@example.org"],"queue":"${queue}"}'
  redis.call('RPUSH', 'resque:delayed:' .. time, item)
  redis.call('SADD', 'resque:timestamps:' .. item, 'delayed:' .. time)
  redis.call('ZADD', 'resque:delayed_queue_schedule', time, time)
end
`;

interface Round {
  readonly seconds: number;
  readonly redisCpuMs: number;
  /** The longest time that Redis was busy with one move, in milliseconds. */
  readonly longestMoveMs: number;
  /** Times between a command of another client and its reply, in milliseconds. */
  readonly waits: readonly number[];
}

async function moveOnce(redis: RedisServer, jobs: number, times: number): Promise<Round> {
  await redis.client.eval(delayScript, 0, jobs, times);
  const cpuBefore = await cpuSeconds(redis.pid);
  await redis.client.slowlog('RESET');
  const waits: number[] = [];
  const length = async () => {
    const askedAt = performance.now();
    const moved = await redis.client.llen(queueKey(queue));
    waits.push(performance.now() - askedAt);
    return moved;
  };
  // The wait for the runner's next look isn't part of the work.
  await waitFor('the first job', async () => (await length()) > 0, { everyMs: 1 });
  const startedAt = performance.now();
  waits.length = 0;
  await waitFor('the last job', async () => (await length()) >= jobs, { everyMs: 1 });
  const seconds = (performance.now() - startedAt) / 1_000;
  const redisCpuMs = 1_000 * ((await cpuSeconds(redis.pid)) - cpuBefore);
  const calls = (await redis.client.slowlog('GET', 10_000)) as [id: number, at: number, micros: number][];
  const longestMoveMs = Math.max(0, ...calls.map(([, , micros]) => micros)) / 1_000;
  await redis.client.del(queueKey(queue));
  return { seconds, redisCpuMs, longestMoveMs, waits };
}

/** The same commands while nothing is moved. */
async function quietWaits(redis: RedisServer, seconds: number): Promise<number[]> {
  const waits: number[] = [];
  const endAt = performance.now() + 1_000 * seconds;
  while (performance.now() < endAt) {
    const askedAt = performance.now();
    await redis.client.llen(queueKey(queue));
    waits.push(performance.now() - askedAt);
    await sleep(1);
  }
  return waits;
}

async function measure(bench: Bench): Promise<void> {
  const jobs = numberFlag('jobs', 20_000);
  const rounds = numberFlag('rounds', 6);
  const runners = numberFlag('runners', 1);
  const redis = await startRedis(bench);
  await printHeading(`delayed: ${jobs} jobs that are due at once, ${rounds} rounds`, redis);
  await redis.client.config('SET', 'slowlog-log-slower-than', '500');
  await redis.client.config('SET', 'slowlog-max-len', '10000');
  for (let n = 0; n < runners; n += 1) {
    const settings = { scheduler: 'on', worker: { host: `bench-${n}` } };
    await startRunner(bench, {
      ...{ name: `runner-${n}`, redis, runners: { mail: 1 }, script: '/bin/true', settings },
    });
  }
  const rows: string[][] = [];
  const waitRows: string[][] = [];
  let slowest = 0;
  let longestMove = 0;
  for (const [name, times] of [
    ['due in the same second', 1],
    ['due in different seconds', jobs],
  ] as const) {
    const all: Round[] = [];
    for (let round = 0; round < rounds; round += 1) all.push(await moveOnce(redis, jobs, times));
    const seconds = spread(all.map((each) => each.seconds));
    const waits = all.flatMap((each) => each.waits);
    rows.push([
      name,
      spreadText(seconds, 2),
      (jobs / seconds.median).toFixed(0),
      spreadText(spread(all.map(({ redisCpuMs }) => redisCpuMs)), 0),
      spreadText(spread(all.map(({ longestMoveMs }) => longestMoveMs)), 1),
    ]);
    waitRows.push(percentileRow(`${name}, ms`, waits, [0.5, 0.99, 1], 2));
    slowest = Math.max(slowest, seconds.median);
    longestMove = Math.max(longestMove, ...all.map(({ longestMoveMs }) => longestMoveMs));
  }
  waitRows.push(percentileRow('nothing is due, ms', await quietWaits(redis, 2), [0.5, 0.99, 1], 2));
  printTable([['', 'seconds', 'jobs/s', "Redis' CPU, ms", 'longest move, ms'], ...rows]);
  printTable([['wait of other clients', 'median', '99 %', 'longest', 'commands'], ...waitRows]);
  printVerdict(`under ${wantedSeconds} s`, slowest < wantedSeconds, `${slowest.toFixed(2)} s`);
  printVerdict(
    `no move keeps Redis from other clients for longer than ${allowedWaitMs} ms`,
    longestMove <= allowedWaitMs,
    `${longestMove.toFixed(1)} ms`,
  );
}

await runBench(measure);
