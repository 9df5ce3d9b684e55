/** The cost of the screen while every frame changes, and while nothing happens. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from '../lib/bench.ts';
import { jobsEnded } from '../lib/drain.ts';
import { numberFlag } from '../lib/flags.ts';
import type { RedisServer } from '../lib/redis-server.ts';
import { printTable, printVerdict } from '../lib/report.ts';
import { LinePrinter } from './line-printer.ts';
import { cpuPercents, type OwnScreen, startScreen } from './stage.ts';

const busyGoalPercent = 15;
const idleGoalPercent = 1;
const queues = ['transcode', 'mailers', 'search', 'low'];
/** Far more often than frames. */
const linesPerSecond = 20;
/** Time for earlier garbage to be collected and code to be compiled. */
const settleMs = 5_000;

interface Figures {
  readonly screenCpu: number;
  readonly engineCpu: number;
  readonly framesPerSecond: number;
}

export async function measureFrames(bench: Bench, redis: RedisServer): Promise<void> {
  const seconds = numberFlag('seconds', 30);
  const each = { concurrency: 4, script: LinePrinter.script };
  const runners = Object.fromEntries(queues.map((queue) => [queue, each]));
  const stage = await startScreen(bench, 'frames', { redis, runners, script: '/bin/true' });
  const print = async (options: { readonly lines?: number }) => {
    for (const queue of queues) {
      const printer = new LinePrinter(bench, queue);
      await printer.start(redis, queue, { linesPerSecond, stream: 'stderr', ...options });
    }
  };
  // Measure a screen that has been open for a while, not one that has just started.
  const ended = await jobsEnded(redis, queues.length);
  await print({ lines: linesPerSecond });
  await ended();
  await sleep(Math.min(settleMs, 1000 * seconds));
  const idle = await observe(stage, 2 * seconds);
  await print({});
  await sleep(Math.min(settleMs, 1000 * seconds));
  const busy = await observe(stage, seconds);
  await stage.screen.stop();

  const row = (name: string, { screenCpu, engineCpu, framesPerSecond }: Figures) => [
    name,
    screenCpu.toFixed(2),
    engineCpu.toFixed(2),
    framesPerSecond.toFixed(2),
  ];
  printTable([
    ['', 'screen CPU %', 'engine CPU %', 'frames/s'],
    row('4 jobs whose latest lines change', busy),
    row('nothing happens', idle),
  ]);
  const perFrame = (10 * busy.screenCpu) / busy.framesPerSecond;
  printVerdict(
    `the screen takes less than ${busyGoalPercent} % of a core while the picture changes`,
    busy.screenCpu < busyGoalPercent,
    `${busy.screenCpu.toFixed(1)} %, ${perFrame.toFixed(1)} ms per frame`,
  );
  printVerdict(
    `and less than ${idleGoalPercent} % while nothing happens`,
    idle.screenCpu < idleGoalPercent,
    `${idle.screenCpu.toFixed(2)} %`,
  );
}

async function observe({ screen, enginePid }: OwnScreen, seconds: number): Promise<Figures> {
  const framesBefore = screen.frames;
  const [screenCpu = Number.NaN, engineCpu = Number.NaN] = await cpuPercents([screen.pid, enginePid], () =>
    sleep(1000 * seconds),
  );
  return { screenCpu, engineCpu, framesPerSecond: (screen.frames - framesBefore) / seconds };
}
