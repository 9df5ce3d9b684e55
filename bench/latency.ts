/**
 * How soon a job starts: from just before RPUSH to the first instruction of its program, on an idle runner and
 * at half of its load; beside it, in turns, the floor (one BLPOP and one spawn). `--rounds=16`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Bench, runBench } from './lib/bench.ts';
import { numberFlag } from './lib/flags.ts';
import { residentMegabytes } from './lib/process-usage.ts';
import { payloadOf, type RedisServer, startRedis } from './lib/redis-server.ts';
import { printHeading, printTable, printVerdict, spreadText } from './lib/report.ts';
import { makeStartProbe, type StartProbe } from './lib/start-probe.ts';
import { median, percentile, ratios } from './lib/statistics.ts';
import { startPeer, startRunner } from './lib/subjects.ts';
import { waitFor } from './lib/wait-for.ts';

/** Of one round of one side. */
const idleJobs = 20;
const loadedJobs = 50;
const slots = 4;
const startLimitMs = 30_000;

/** The runner or the floor: a queue that it takes from. */
type Side = 'runner' | 'floor';
const sides = ['runner', 'floor'] as const;

interface Sample {
  /** From RPUSH to the first instruction, ms. */
  readonly latency: number;
  /** From `spawn` to the first instruction, ms; only of the floor. */
  readonly spawn: number;
}

/** By side and round. */
type Samples = Record<Side, Sample[][]>;

class Pusher {
  readonly #redis: RedisServer;
  readonly #probe: StartProbe;
  #lastId = 0;

  constructor(redis: RedisServer, probe: StartProbe) {
    this.#redis = redis;
    this.#probe = probe;
  }

  async push(side: Side): Promise<Sample> {
    this.#lastId += 1;
    const id = this.#lastId;
    const started = this.#probe.started(id);
    const pushedNs = process.hrtime.bigint();
    void this.#redis.client.rpush(`resque:queue:${side}`, payloadOf(id));
    const report = await Promise.race([started, sleep(startLimitMs, null, { ref: false })]);
    if (report === null)
      throw new Error(`The ${side} has not started job ${id} within ${startLimitMs / 1000} s`);
    return {
      latency: milliseconds(report.startedNs - pushedNs),
      spawn: milliseconds(report.startedNs - report.spawnedNs),
    };
  }
}

/** One job after the other, each onto a side that has had time to fall idle. */
async function idleRound(pusher: Pusher, side: Side): Promise<Sample[]> {
  const samples: Sample[] = [];
  for (let job = 0; job < idleJobs; job += 1) {
    await sleep(25 + 25 * Math.random());
    samples.push(await pusher.push(side));
  }
  return samples;
}

/** Jobs that come by chance, `rate` a second on average, whether the last ones have started or not. */
async function loadedRound(pusher: Pusher, side: Side, rate: number): Promise<Sample[]> {
  const pushed: Promise<Sample>[] = [];
  let dueAt = performance.now();
  for (let job = 0; job < loadedJobs; job += 1) {
    dueAt += (-Math.log(1 - Math.random()) * 1000) / rate;
    const aheadMs = dueAt - performance.now();
    if (aheadMs > 0) await sleep(aheadMs);
    pushed.push(pusher.push(side));
  }
  const samples = await Promise.all(pushed);
  await sleep(100);
  return samples;
}

async function alternate(rounds: number, round: (side: Side) => Promise<Sample[]>): Promise<Samples> {
  const samples: Samples = { runner: [], floor: [] };
  for (let at = 0; at < rounds; at += 1) {
    for (const side of sides) samples[side].push(await round(side));
  }
  return samples;
}

/** Jobs a second that the runner gets through with this program. */
async function capacity(redis: RedisServer): Promise<number> {
  const count = 600;
  const processed = async () => Number(await redis.client.get('resque:stat:processed'));
  const wanted = (await processed()) + count;
  const startedAt = performance.now();
  await redis.enqueueMany('runner', count);
  await waitFor('the jobs that show the capacity', async () => (await processed()) >= wanted, { everyMs: 5 });
  return (count * 1000) / (performance.now() - startedAt);
}

function report(title: string, samples: Samples): void {
  const row = (name: string, values: readonly number[]) => [
    name,
    ...[0.5, 0.9, 0.99].map((p) => percentile(values, p).toFixed(2)),
    String(values.length),
  ];
  const latencies = (side: Side) => samples[side].flat().map(({ latency }) => latency);
  const spawns = samples.floor.flat().map(({ spawn }) => spawn);
  console.log(title);
  printTable([
    ['ms', 'p50', 'p90', 'p99', 'jobs'],
    row('runner: RPUSH to first instruction', latencies('runner')),
    row('floor: the same, one BLPOP and one spawn', latencies('floor')),
    row('of that: spawn() to first instruction', spawns),
  ]);
}

function medians(rounds: readonly Sample[][]): number[] {
  return rounds.map((round) => median(round.map(({ latency }) => latency)));
}

function compare(samples: Samples): string {
  const ratio = ratios(medians(samples.runner), medians(samples.floor));
  const difference = p50(samples.runner) - p50(samples.floor);
  return `difference of the medians ${difference.toFixed(2)} ms, ratio ${spreadText(ratio, 2)}`;
}

function p50(rounds: readonly Sample[][]): number {
  return median(rounds.flat().map(({ latency }) => latency));
}

function milliseconds(nanoseconds: bigint): number {
  return Number(nanoseconds) / 1e6;
}

async function measure(bench: Bench): Promise<void> {
  const rounds = numberFlag('rounds', 16);
  const redis = await startRedis(bench);
  await printHeading('latency: from RPUSH to the first instruction of the program', redis);
  const probe = await makeStartProbe(bench);
  const { program, env } = probe;
  if (!probe.isCompiled) console.log('No C compiler here: the program is a shell, whose own start counts.\n');
  const runner = await startRunner(bench, { redis, runners: { runner: slots }, script: program, env });
  const args = [String(redis.port), 'floor', program];
  const floor = await startPeer(bench, { name: 'floor', args, isBundled: true, env });
  await redis.waitForBlpop(2);
  const pusher = new Pusher(redis, probe);

  // What is measured is a daemon, so compiled code: some jobs before.
  await capacity(redis);
  await alternate(2, (side) => loadedRound(pusher, side, 200));

  const idle = await alternate(rounds, (side) => idleRound(pusher, side));
  const rate = (await capacity(redis)) / 2;
  const loaded = await alternate(rounds, (side) => loadedRound(pusher, side, rate));

  report('On an idle runner:', idle);
  console.log(`${compare(idle)}\n`);
  report(`At half load, ${rate.toFixed(0)} jobs/s (half of what the runner gets through here):`, loaded);
  console.log(`${compare(loaded)}\n`);
  const memory = (pid: number) => residentMegabytes(pid).toFixed(0);
  console.log(
    `Memory that each spawn copies: runner ${memory(runner.pid)} MB, floor ${memory(floor.pid)} MB.\n`,
  );
  const spawn = median(idle.floor.flat().map((sample) => sample.spawn));
  printVerdict(
    'job start follows RPUSH by no more than 3 ms plus the cost of one spawn (median)',
    p50(idle.runner) <= 3 + spawn,
    `${p50(idle.runner).toFixed(2)} ms, allowed 3 + ${spawn.toFixed(2)} = ${(3 + spawn).toFixed(2)} ms`,
  );
}

await runBench(measure);
