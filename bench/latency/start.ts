/**
 * The time until a job starts: from just before RPUSH to the first instruction of its program, on an idle runner and at
 * half load. In turns with the floor (one BLPOP and one spawn).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from '../lib/bench.ts';
import { drainedPerSecond } from '../lib/drain.ts';
import { numberFlag } from '../lib/flags.ts';
import { residentMegabytes } from '../lib/process-usage.ts';
import type { RedisServer } from '../lib/redis-server.ts';
import { percentileRow, printTable, printVerdict, spreadText } from '../lib/report.ts';
import { makeStartProbe } from '../lib/start-probe.ts';
import { median, percentile, ratios, type Spread } from '../lib/statistics.ts';
import { startPeer, startRunner } from '../lib/subjects.ts';
import { Pusher, type Sample } from './pusher.ts';

/** Jobs per round of one side. */
const idleJobs = 20;
const loadedJobs = 50;
const slots = 4;
/** Limit for the median start on an idle runner, as a multiple of the floor's. */
const floorGoal = 1.15;
/** Limit for the slowest start in a hundred, as a multiple of the median. */
const tailGoal = 3;

/** The runner or the floor; also the name of its queue. */
type Side = 'runner' | 'floor';
const sides = ['runner', 'floor'] as const;

/** By side and round. */
type Samples = Record<Side, Sample[][]>;

/** One job after another, each for a side that has had time to become idle. */
async function idleRound(pusher: Pusher, side: Side): Promise<Sample[]> {
  const samples: Sample[] = [];
  for (let job = 0; job < idleJobs; job += 1) {
    await sleep(25 + 25 * Math.random());
    samples.push(await pusher.push(side));
  }
  return samples;
}

/** Jobs at random times, `rate` per second on average, even if earlier jobs have not started yet. */
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

/** Jobs per second that the runner can do with this program. */
async function capacity(redis: RedisServer): Promise<number> {
  return await drainedPerSecond(redis, ['runner'], 600);
}

function report(title: string, samples: Samples): void {
  const row = (name: string, values: readonly number[]) => percentileRow(name, values, [0.5, 0.9, 0.99], 2);
  const latencies = (side: Side) => latenciesOf(samples[side]);
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

/** Round by round. */
function toFloor(samples: Samples): Spread {
  return ratios(medians(samples.runner), medians(samples.floor));
}

function compare(samples: Samples): string {
  const difference = p50(samples.runner) - p50(samples.floor);
  const ownTail = tail(samples.runner).toFixed(1);
  const floorTail = tail(samples.floor).toFixed(1);
  return (
    `difference of the medians ${difference.toFixed(2)} ms, ratio ${spreadText(toFloor(samples), 2)}; ` +
    `p99 in medians: runner ${ownTail}, floor ${floorTail}`
  );
}

function latenciesOf(rounds: readonly Sample[][]): number[] {
  return rounds.flat().map(({ latency }) => latency);
}

function p50(rounds: readonly Sample[][]): number {
  return median(latenciesOf(rounds));
}

/** The slowest start in a hundred, as a multiple of the median. */
function tail(rounds: readonly Sample[][]): number {
  return percentile(latenciesOf(rounds), 0.99) / p50(rounds);
}

export async function measureStart(bench: Bench, redis: RedisServer): Promise<void> {
  const rounds = numberFlag('rounds', 16);
  const probe = await makeStartProbe(bench, 'started');
  const { program, env } = probe;
  if (!probe.isCompiled)
    console.log('There is no C compiler, so the program is a shell and its own start counts.\n');
  const runner = await startRunner(bench, { redis, runners: { runner: slots }, script: program, env });
  const args = [String(redis.port), 'floor', program];
  const floor = await startPeer(bench, { name: 'floor', args, isBundled: true, env });
  await redis.waitForBlpop(2);
  const pusher = new Pusher(redis, probe);

  // Some jobs to warm up: a daemon runs compiled code.
  await capacity(redis);
  await alternate(2, (side) => loadedRound(pusher, side, 200));

  const idle = await alternate(rounds, (side) => idleRound(pusher, side));
  const rate = (await capacity(redis)) / 2;
  const loaded = await alternate(rounds, (side) => loadedRound(pusher, side, rate));

  report('On an idle runner:', idle);
  console.log(`${compare(idle)}\n`);
  report(
    `At half load, ${rate.toFixed(0)} jobs/s (half of the runner's throughput on this machine):`,
    loaded,
  );
  console.log(`${compare(loaded)}\n`);
  const memory = (pid: number) => residentMegabytes(pid).toFixed(0);
  console.log(
    `Memory, which makes a fork() slower: runner ${memory(runner.pid)} MB, floor ${memory(floor.pid)} MB.\n`,
  );
  for (const process of [runner, floor]) await process.stop();
  const ratio = toFloor(idle);
  printVerdict(
    `idle, a start takes at most ${floorGoal} times the floor's (median)`,
    ratio.median <= floorGoal,
    spreadText(ratio, 2),
  );
  printVerdict(
    `idle, the slowest start in a hundred takes at most ${tailGoal} medians`,
    tail(idle.runner) <= tailGoal,
    tail(idle.runner).toFixed(2),
  );
}
