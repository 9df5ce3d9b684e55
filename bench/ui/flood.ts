/**
 * A job that prints 200,000 lines per second, open on the job screen. Measures the response time of keys and the speed of
 * other jobs, in turns with the same flood while another screen is open.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from '../lib/bench.ts';
import { drainedPerSecond } from '../lib/drain.ts';
import { numberFlag } from '../lib/flags.ts';
import { noopProgram } from '../lib/job-programs.ts';
import type { RedisServer } from '../lib/redis-server.ts';
import { printTable, printVerdict, spreadText } from '../lib/report.ts';
import type { Screen } from '../lib/screen.ts';
import { percentile, ratios, spread } from '../lib/statistics.ts';
import { LinePrinter } from './line-printer.ts';
import { cpuPercents, type OwnScreen, pressKeys, startScreen } from './stage.ts';

const linesPerSecond = 200_000;
const goalMs = 100;
const paceGoal = 0.95;
/** Time until the screen is stable. */
const settleMs = 1_000;

/** The open screen: the flood's output, or the queues. */
type Scene = 'shown' | 'not shown';

interface SceneFigures {
  readonly jobsPerSecond: number[];
  readonly linesPerSecond: number[];
  readonly screenCpu: number[];
  readonly engineCpu: number[];
  /** The time from a key to the end of the resulting frame. */
  readonly keysMs: number[];
}

export async function measureFlood(bench: Bench, redis: RedisServer): Promise<void> {
  const rounds = numberFlag('rounds', 6);
  const jobs = Math.ceil(numberFlag('jobs', 2_000) / 2);
  const printer = new LinePrinter(bench, 'flood');
  const script = await noopProgram(bench);
  const runners = { flood: { concurrency: 1, script: LinePrinter.script }, work: 4 };
  const stage = await startScreen(bench, 'flood', { redis, runners, script });

  await drainedPerSecond(redis, ['work'], jobs);
  const withoutFlood: number[] = [];
  for (let round = 0; round < Math.ceil(rounds / 2); round += 1) {
    withoutFlood.push(await drainedPerSecond(redis, ['work'], jobs));
  }
  await printer.start(redis, 'flood', { linesPerSecond });

  const figures = { shown: noFigures(), 'not shown': noFigures() };
  for (let round = 0; round < rounds; round += 1) {
    await openJob(stage.screen);
    await measureScene(redis, stage, printer, jobs, figures.shown);
    await leaveJob(stage.screen);
    await measureScene(redis, stage, printer, jobs, figures['not shown']);
  }
  await stage.screen.stop();
  report(figures, withoutFlood);
}

function noFigures(): SceneFigures {
  return { jobsPerSecond: [], linesPerSecond: [], screenCpu: [], engineCpu: [], keysMs: [] };
}

/** The flood's queue is the first one, so it is selected. */
async function openJob(screen: Screen): Promise<void> {
  await screen.waitForText('PrintLines');
  screen.press('\r');
  await screen.waitForText('waiting 0');
  screen.press('\r');
  await screen.waitForText('FOLLOW');
  await sleep(settleMs);
}

async function leaveJob(screen: Screen): Promise<void> {
  // To the queue's page, and from there to the queues.
  screen.press('q');
  await screen.waitForText('waiting 0');
  screen.press('q');
  await screen.waitForText('Recent failures');
  await sleep(settleMs);
}

async function measureScene(
  redis: RedisServer,
  { screen, enginePid }: OwnScreen,
  printer: LinePrinter,
  jobs: number,
  figures: SceneFigures,
): Promise<void> {
  // First keys without other jobs, then other jobs without keys.
  const pids = [screen.pid, enginePid];
  const linesBefore = printer.lines();
  const startedAt = performance.now();
  const [screenCpu = Number.NaN, engineCpu = Number.NaN] = await cpuPercents(pids, async () => {
    figures.keysMs.push(...(await pressKeys(screen)));
  });
  figures.linesPerSecond.push((1000 * (printer.lines() - linesBefore)) / (performance.now() - startedAt));
  figures.screenCpu.push(screenCpu);
  figures.engineCpu.push(engineCpu);
  figures.jobsPerSecond.push(await drainedPerSecond(redis, ['work'], jobs));
}

function report(figures: Record<Scene, SceneFigures>, withoutFlood: readonly number[]): void {
  const scenes = Object.entries(figures);
  printTable([
    ['the flood is', 'lines/s', 'screen CPU %', 'engine CPU %', 'other jobs/s'],
    ...scenes.map(([scene, { linesPerSecond: lines, screenCpu, engineCpu, jobsPerSecond }]) => [
      scene,
      spreadText(spread(lines), 0),
      spreadText(spread(screenCpu), 0),
      spreadText(spread(engineCpu), 0),
      spreadText(spread(jobsPerSecond), 0),
    ]),
    ['not there', '', '', '', spreadText(spread(withoutFlood), 0)],
  ]);
  const percents = [0.5, 0.9, 0.99, 1];
  printTable([
    ['key to frame, ms', 'p50', 'p90', 'p99', 'most', 'keys'],
    ...scenes.map(([scene, { keysMs }]) => [
      scene,
      ...percents.map((p) => percentile(keysMs, p).toFixed(0)),
      String(keysMs.length),
    ]),
  ]);
  const shown = figures.shown;
  const p99 = percentile(shown.keysMs, 0.99);
  printVerdict(
    `a key is answered within ${goalMs} ms while the flood is shown (99 of 100)`,
    p99 <= goalMs,
    `${p99.toFixed(0)} ms, median ${percentile(shown.keysMs, 0.5).toFixed(0)} ms`,
  );
  const pace = ratios(shown.jobsPerSecond, figures['not shown'].jobsPerSecond);
  printVerdict(
    `other jobs keep at least ${paceGoal} of their speed while the flood is shown (median)`,
    pace.median >= paceGoal,
    spreadText(pace, 2),
  );
  const lines = ratios(shown.linesPerSecond, figures['not shown'].linesPerSecond);
  printVerdict(`so does the printing job`, lines.median >= paceGoal, spreadText(lines, 2));
}
