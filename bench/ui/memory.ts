/**
 * Memory over very many lines, the job that prints them being open: slowly enough for the screen to get every one
 * of them. Its buffer is full at 200,000 lines; from then on nothing may grow.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from '../lib/bench.ts';
import { numberFlag } from '../lib/flags.ts';
import { residentMegabytes } from '../lib/process-usage.ts';
import type { RedisServer } from '../lib/redis-server.ts';
import { printTable, printVerdict } from '../lib/report.ts';
import type { Screen } from '../lib/screen.ts';
import { LinePrinter } from './line-printer.ts';
import { startScreen } from './stage.ts';

const linesPerSecond = 50_000;
const samples = 10;
/** As the screen keeps them. */
const keptLines = 200_000;
/** What garbage may make of it from one look to the next. */
const goalMegabytes = 15;

interface Sample {
  readonly lines: number;
  readonly screen: number;
  readonly engine: number;
}

export async function measureMemory(bench: Bench, redis: RedisServer): Promise<void> {
  const lines = numberFlag('lines', 1_000_000);
  const runners = { print: { concurrency: 1, script: LinePrinter.script } };
  const { screen, enginePid } = await startScreen(bench, 'memory', { redis, runners, script: '/bin/true' });
  const sample = (): Sample => ({
    lines: shownLines(screen),
    screen: residentMegabytes(screen.pid),
    engine: residentMegabytes(enginePid),
  });
  const atStart = sample();
  await new LinePrinter(bench, 'print').start(redis, 'print', { linesPerSecond, lines });
  await screen.waitForText('PrintLines');
  screen.press('\r');
  await screen.waitForText('FOLLOW');
  const taken: Sample[] = [atStart];
  for (let at = 1; at <= samples; at += 1) {
    const wanted = Math.floor((lines * at) / samples);
    await screen.waitUntil(`${wanted} lines on the screen`, () => shownLines(screen) >= wanted, 300_000);
    taken.push(sample());
  }
  await sleep(1_000);
  taken.push(sample());
  const hasSkipped = screen.shows('skipped');
  await screen.stop();

  printTable([
    ['MB resident after', ...taken.map((each) => each.lines.toLocaleString('en'))],
    ['screen', ...taken.map((each) => each.screen.toFixed(0))],
    ['engine', ...taken.map((each) => each.engine.toFixed(0))],
  ]);
  if (hasSkipped) console.log('The screen was too slow for all lines, and some were skipped.');
  const full = taken.filter((each) => each.lines >= keptLines);
  for (const who of ['screen', 'engine'] as const) {
    const before = full[0]?.[who] ?? atStart[who];
    const after = taken.at(-1)?.[who] ?? Number.NaN;
    printVerdict(
      `the ${who} doesn't grow once the screen's buffer is full (by ${goalMegabytes} MB or more)`,
      after - before < goalMegabytes,
      `${before.toFixed(0)} MB, at the end ${after.toFixed(0)} MB`,
    );
  }
}

/** As the rule above the log counts them. */
function shownLines(screen: Screen): number {
  const [, count = '0'] = /([\d,]+) lines?\b/.exec(screen.find(/FOLLOW .* lines?\b/) ?? '') ?? [];
  return Number(count.replaceAll(',', ''));
}
