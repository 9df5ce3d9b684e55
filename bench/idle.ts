/** What a runner costs that has nothing to do: CPU, memory, connections, commands. `--seconds=60`. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Bench, runBench } from './lib/bench.ts';
import { numberFlag } from './lib/flags.ts';
import { cpuSeconds, residentMegabytes } from './lib/process-usage.ts';
import { startRedis } from './lib/redis-server.ts';
import { printHeading, printTable, printVerdict } from './lib/report.ts';
import { startRunner } from './lib/subjects.ts';
import { waitFor } from './lib/wait-for.ts';

const queueCount = 8;
/** From the last job to the measurement, for the garbage of the start to be collected. */
const settleMs = 3_000;

async function measure(bench: Bench): Promise<void> {
  const seconds = numberFlag('seconds', 60);
  const redis = await startRedis(bench);
  await printHeading(`idle: ${seconds} s without a job, ${queueCount} queues of 4 slots`, redis);
  const queues = Array.from({ length: queueCount }, (_, at) => `queue-${at}`);
  const runner = await startRunner(bench, {
    redis,
    runners: Object.fromEntries(queues.map((queue) => [queue, 4])),
    script: '/bin/true',
  });
  // One that has just started has not yet made all that it will keep.
  for (const queue of queues) await redis.enqueueMany(queue, 10);
  const wanted = String(10 * queueCount);
  await waitFor('the jobs before', async () => (await redis.client.get('resque:stat:processed')) === wanted);
  await sleep(settleMs);

  const callsBefore = await redis.commandCalls();
  const cpuBefore = await cpuSeconds(runner.pid);
  const startedAt = performance.now();
  await sleep(seconds * 1000);
  const elapsed = (performance.now() - startedAt) / 1000;
  const cpuShare = (await cpuSeconds(runner.pid)) - cpuBefore;
  const callsAfter = await redis.commandCalls();
  // The first look at the calls is among those of the second.
  callsAfter.set('info', (callsAfter.get('info') ?? 0) - 1);
  const connections = (await redis.connections()).length;

  const cpuPercent = (100 * cpuShare) / elapsed;
  const calls = [...callsAfter]
    .map(([name, count]) => ({ name, count: count - (callsBefore.get(name) ?? 0) }))
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.count - a.count);
  const total = calls.reduce((sum, { count }) => sum + count, 0);
  printTable([
    ['CPU, % of a core', cpuPercent.toFixed(3)],
    ['CPU, ms in all', (1000 * cpuShare).toFixed(0)],
    ['memory, MB resident', residentMegabytes(runner.pid).toFixed(1)],
    ['Redis connections', String(connections)],
    ['Redis commands per second', (total / elapsed).toFixed(2)],
    ...calls.map(({ name, count }) => [`  ${name}`, `${(count / elapsed).toFixed(2)} (${count})`]),
  ]);
  console.log('Commands that a script calls count beside the evalsha that runs it.\n');
  printVerdict('CPU under 0.2 % of a core', cpuPercent < 0.2, `${cpuPercent.toFixed(3)} %`);
  printVerdict('at most 2 Redis connections', connections <= 2, String(connections));
}

await runBench(measure);
