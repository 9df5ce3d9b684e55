/** The time from the command to the first frame with the queues, including the start of the engine. */
import type { Bench, Command } from '../lib/bench.ts';
import { numberFlag } from '../lib/flags.ts';
import type { RedisServer } from '../lib/redis-server.ts';
import { percentileRow, printTable, printVerdict } from '../lib/report.ts';
import { Screen } from '../lib/screen.ts';
import { median } from '../lib/statistics.ts';
import { runnerProgram, writeConfig } from '../lib/subjects.ts';
import { timeOf } from '../lib/time-of.ts';

const goalMs = 450;
const queues = ['transcode', 'mailers', 'search', 'low'];

export async function measureFirstFrame(bench: Bench, redis: RedisServer): Promise<void> {
  const program = runnerProgram();
  const runners = Object.fromEntries(queues.map((queue) => [queue, 4]));
  const config = writeConfig(bench, 'first-frame', { redis, runners, script: '/bin/true' });
  const samples = { floor: [] as number[], version: [] as number[], frame: [] as number[] };
  const rounds = 2 * numberFlag('rounds', 6);
  // The first run reads the files from disk, so it isn't counted.
  for (let round = -1; round < rounds; round += 1) {
    const floor = await timeOf([process.execPath, '-e', '0']);
    const version = await timeOf([process.execPath, program, '--version']);
    const frame = await firstFrame(bench, [process.execPath, program, config]);
    if (round < 0) continue;
    samples.floor.push(floor);
    samples.version.push(version);
    samples.frame.push(frame);
  }
  const row = (name: string, values: readonly number[]) => percentileRow(name, values, [0, 0.5, 0.9, 1], 0);
  printTable([
    ['ms', 'least', 'p50', 'p90', 'most', 'runs'],
    row('the queues on the screen', samples.frame),
    row('--version, to its end', samples.version),
    row('node -e 0, to its end', samples.floor),
  ]);
  const p50 = median(samples.frame);
  const times = (p50 / median(samples.floor)).toFixed(1);
  printVerdict(
    `first frame within ${goalMs} ms of the command (median)`,
    p50 <= goalMs,
    `${p50.toFixed(0)} ms, ${times} times a bare start of Node`,
  );
}

async function firstFrame(bench: Bench, command: Command): Promise<number> {
  const screen = new Screen(bench, { command });
  const isThere = () => queues.every((queue) => screen.shows(queue));
  const cameMs = await screen.waitUntil('the queues are on the screen', isThere);
  await screen.stop();
  return cameMs - screen.startedAtMs;
}
