/**
 * A program that needs 300 ms before it reads its payload, like many interpreters with their libraries. Measures the time
 * from just before RPUSH until it has read the payload, with and without `prestart`, in turns. Jobs arrive one at a time,
 * so far apart that the next program is already waiting.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from '../lib/bench.ts';
import { numberFlag } from '../lib/flags.ts';
import type { RedisServer } from '../lib/redis-server.ts';
import { percentileRow, printTable, printVerdict } from '../lib/report.ts';
import { makeStartProbe } from '../lib/start-probe.ts';
import { median } from '../lib/statistics.ts';
import { startRunner } from '../lib/subjects.ts';
import { Pusher } from './pusher.ts';

const goalMs = 5;
const slots = 4;
const bootSeconds = 0.3;
const betweenMs = 600;
/** Jobs per round of one side. */
const jobsOfRound = 5;

const sides = ['prestart', 'plain'] as const;

export async function measurePrestart(bench: Bench, redis: RedisServer): Promise<void> {
  const rounds = numberFlag('rounds', 16);
  const probe = await makeStartProbe(bench, 'prestarted');
  const env = { ...probe.env, BENCH_BOOT_SECONDS: String(bootSeconds) };
  const latencies = { prestart: [] as number[], plain: [] as number[] };
  const runners = [];
  for (const side of sides) {
    const entry = { concurrency: slots, script: probe.program, prestart: side === 'prestart' };
    runners.push(await startRunner(bench, { name: side, redis, runners: { [side]: entry }, env }));
  }
  const pusher = new Pusher(redis, probe);
  // A round to warm up: a daemon runs compiled code.
  for (let round = -1; round < rounds; round += 1) {
    for (const side of sides) {
      for (let job = 0; job < jobsOfRound; job += 1) {
        await sleep(betweenMs);
        const { latency } = await pusher.push(side);
        if (round >= 0) latencies[side].push(latency);
      }
    }
  }
  for (const runner of runners) await runner.stop();

  printTable([
    ['ms from RPUSH until the payload is read', 'p50', 'p90', 'p99', 'jobs'],
    ...sides.map((side) => percentileRow(side, latencies[side], [0.5, 0.9, 0.99], 2)),
  ]);
  const p50 = median(latencies.prestart);
  printVerdict(
    `a program that takes ${1000 * bootSeconds} ms to start has its payload within ${goalMs} ms (median)`,
    p50 <= goalMs,
    `${p50.toFixed(2)} ms`,
  );
}
