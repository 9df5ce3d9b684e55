/** A screen with 1,000 queues, of which many change in every frame: its response time, memory and CPU. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from '../lib/bench.ts';
import { numberFlag } from '../lib/flags.ts';
import { noopProgram } from '../lib/job-programs.ts';
import { residentMegabytes } from '../lib/process-usage.ts';
import { queueKey, type RedisServer } from '../lib/redis-server.ts';
import { printTable, printVerdict } from '../lib/report.ts';
import { percentile } from '../lib/statistics.ts';
import { cpuPercents, pressKeys, startScreen } from './stage.ts';

const queueCount = 1_000;
const jobsPerSecond = 100;
const keyGoalMs = 60;
const memoryGoalMegabytes = 150;
const cpuGoalPercent = 10;
const settleMs = 3_000;

export async function measureManyQueues(bench: Bench, redis: RedisServer): Promise<void> {
  const seconds = numberFlag('seconds', 30);
  const names = Array.from({ length: queueCount }, (_, at) => `tenant_${String(at).padStart(4, '0')}`);
  await redis.client.sadd('resque:queues', ...names);
  const runners = { 'tenant_*': 8 };
  const stage = await startScreen(bench, 'many', { redis, runners, script: await noopProgram(bench) });
  await stage.screen.waitForText('tenant_0001');
  const work = arrivals(redis, names);
  await sleep(settleMs);
  const framesBefore = stage.screen.frames;
  const [screenCpu = Number.NaN, engineCpu = Number.NaN] = await cpuPercents(
    [stage.screen.pid, stage.enginePid],
    () => sleep(1000 * seconds),
  );
  const framesPerSecond = (stage.screen.frames - framesBefore) / seconds;
  const keysMs = await pressKeys(stage.screen);
  const [screenMemory, engineMemory] = [stage.screen.pid, stage.enginePid].map(residentMegabytes);
  await work.stop();
  await stage.screen.stop();
  await redis.client.del('resque:queues');

  printTable([
    [`${queueCount} queues, ${jobsPerSecond} jobs/s`, 'CPU %', 'MB', 'frames/s'],
    ['screen', screenCpu.toFixed(1), screenMemory?.toFixed(0) ?? '', framesPerSecond.toFixed(1)],
    ['engine', engineCpu.toFixed(1), engineMemory?.toFixed(0) ?? '', ''],
  ]);
  const p99 = percentile(keysMs, 0.99);
  printVerdict(
    `with ${queueCount} queues, a key is answered within ${keyGoalMs} ms (99 of 100)`,
    p99 <= keyGoalMs,
    `${p99.toFixed(0)} ms, median ${percentile(keysMs, 0.5).toFixed(0)} ms, ${keysMs.length} keys`,
  );
  printVerdict(
    `the screen of ${queueCount} queues takes at most ${memoryGoalMegabytes} MB`,
    (screenMemory ?? Number.NaN) <= memoryGoalMegabytes,
    `${screenMemory?.toFixed(0)} MB`,
  );
  printVerdict(
    `and at most ${cpuGoalPercent} % of a core`,
    screenCpu <= cpuGoalPercent,
    `${screenCpu.toFixed(1)} % at ${framesPerSecond.toFixed(1)} frames/s`,
  );
}

/** Puts jobs onto different queues, some every 50 ms, until it is stopped. */
function arrivals(redis: RedisServer, names: readonly string[]): { stop(): Promise<void> } {
  let count = 0;
  let isStopped = false;
  const eachMs = 50;
  const running = (async () => {
    while (!isStopped) {
      const pipeline = redis.client.pipeline();
      for (let n = 0; n < (jobsPerSecond * eachMs) / 1000; n += 1) {
        // A stride that is coprime to the number of queues visits them all, in no order that the screen shows.
        pipeline.rpush(queueKey(names[(count * 617) % names.length] ?? ''), '{"class":"Noop","args":[]}');
        count += 1;
      }
      await pipeline.exec();
      await sleep(eachMs);
    }
  })();
  return {
    stop: async () => {
      isStopped = true;
      await running;
    },
  };
}
