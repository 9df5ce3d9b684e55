/**
 * The cost of an idle runner: CPU, memory, connections, commands. The baseline runs at the same time with its own Redis, so
 * that their commands can be counted separately. `--seconds=60`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Bench, type BenchProcess, runBench } from './lib/bench.ts';
import { slots, startBaseline } from './lib/contestants.ts';
import { drain } from './lib/drain.ts';
import { numberFlag } from './lib/flags.ts';
import { cpuSeconds, residentMegabytes } from './lib/process-usage.ts';
import { type RedisServer, startRedis } from './lib/redis-server.ts';
import { printHeading, printTable, printVerdict } from './lib/report.ts';
import { startRunner } from './lib/subjects.ts';

const queues = Array.from({ length: 8 }, (_, at) => `queue-${at}`);
/** Wait between the last job and the measurement, so that the garbage of the start is collected. */
const settleMs = 3_000;

interface Subject {
  readonly process: BenchProcess;
  readonly redis: RedisServer;
}

interface Figures {
  readonly cpuPercent: number;
  readonly cpuMs: number;
  readonly megabytes: number;
  readonly connections: number;
  /** By command, the most frequent first. */
  readonly calls: readonly { readonly name: string; readonly count: number; readonly perSecond: number }[];
  readonly callsPerSecond: number;
}

/** @returns its usage during the measurement */
async function observe({ process, redis }: Subject, seconds: number): Promise<Figures> {
  const callsBefore = await redis.commandCalls();
  const cpuBefore = await cpuSeconds(process.pid);
  const startedAt = performance.now();
  await sleep(seconds * 1000);
  const elapsed = (performance.now() - startedAt) / 1000;
  const cpu = (await cpuSeconds(process.pid)) - cpuBefore;
  const callsAfter = await redis.commandCalls();
  // The second reading of the calls includes the first reading itself.
  callsAfter.set('info', (callsAfter.get('info') ?? 0) - 1);
  const calls = [...callsAfter]
    .map(([name, count]) => ({ name, count: count - (callsBefore.get(name) ?? 0) }))
    .filter(({ count }) => count > 0)
    .map(({ name, count }) => ({ name, count, perSecond: count / elapsed }))
    .sort((a, b) => b.count - a.count);
  return {
    cpuPercent: (100 * cpu) / elapsed,
    cpuMs: 1000 * cpu,
    megabytes: residentMegabytes(process.pid),
    connections: (await redis.connections()).length,
    calls,
    callsPerSecond: calls.reduce((sum, { perSecond }) => sum + perSecond, 0),
  };
}

async function startSubjects(bench: Bench, redis: RedisServer): Promise<[Subject, Subject]> {
  const script = '/bin/true';
  const runners = Object.fromEntries(queues.map((queue) => [queue, slots]));
  const ours = { redis, process: await startRunner(bench, { redis, runners, script }) };
  const other = await startRedis(bench, 'redis-of-baseline');
  const baseline = {
    redis: other,
    process: await startBaseline(bench, other, { queues, command: [script] }),
  };
  // A runner that has just started has not yet allocated all its memory.
  for (const subject of [ours, baseline]) await drain(subject.redis, queues, 10 * queues.length);
  return [ours, baseline];
}

async function measure(bench: Bench): Promise<void> {
  const seconds = numberFlag('seconds', 60);
  const redis = await startRedis(bench);
  await printHeading(`idle: ${seconds} s without jobs, ${queues.length} queues of ${slots} slots`, redis);
  const [ours, baseline] = await startSubjects(bench, redis);
  await sleep(settleMs);
  const [own, its] = await Promise.all([observe(ours, seconds), observe(baseline, seconds)]);

  const row = (name: string, text: (figures: Figures) => string) => [name, text(own), text(its)];
  const callsOf = ({ calls }: Figures, name: string) => {
    const { count = 0, perSecond = 0 } = calls.find((each) => each.name === name) ?? {};
    return `${perSecond.toFixed(2)} (${count})`;
  };
  const names = new Set([...own.calls, ...its.calls].map(({ name }) => name));
  printTable([
    ['', 'runner', 'baseline'],
    row('CPU, % of a core', ({ cpuPercent }) => cpuPercent.toFixed(3)),
    row('CPU, ms in total', ({ cpuMs }) => cpuMs.toFixed(0)),
    row('memory, MB resident', ({ megabytes }) => megabytes.toFixed(1)),
    row('Redis connections', ({ connections }) => String(connections)),
    row('Redis commands per second', ({ callsPerSecond }) => callsPerSecond.toFixed(2)),
    ...[...names].map((name) => row(`  ${name}`, (figures) => callsOf(figures, name))),
  ]);
  console.log('Commands in a script are counted in addition to its evalsha.\n');
  printVerdict('CPU under 0.2 % of a core', own.cpuPercent < 0.2, `${own.cpuPercent.toFixed(3)} %`);
  printVerdict('at most 2 Redis connections', own.connections <= 2, String(own.connections));
}

await runBench(measure);
