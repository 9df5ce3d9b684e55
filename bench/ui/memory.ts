/**
 * Memory over a very large number of lines, with the printing job open. It prints slowly enough for the screen to get all
 * lines. The buffer is full at 200,000 lines; then each new line turns an old one into garbage. V8 collects that late, so
 * this compares the peaks of two equal periods.
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

const linesPerSecond = 60_000;
/** The number of lines that the screen keeps. */
const keptLines = 200_000;
const sampleMs = 250;
/** Allowed random difference between two periods. */
const goalRatio = 1.05;

interface Sample {
  readonly lines: number;
  readonly screen: number;
  readonly engine: number;
}

export async function measureMemory(bench: Bench, redis: RedisServer): Promise<void> {
  const lines = numberFlag('lines', 3_000_000);
  const runners = { print: { concurrency: 1, script: LinePrinter.script } };
  const { screen, enginePid } = await startScreen(bench, 'memory', { redis, runners, script: '/bin/true' });
  const printer = new LinePrinter(bench, 'print');
  await printer.start(redis, 'print', { linesPerSecond, lines, waits: true });
  await screen.waitForText('PrintLines');
  screen.press('\r');
  await screen.waitForText('waiting 0');
  screen.press('\r');
  await screen.waitForText('FOLLOW');
  printer.goOn();
  const samples: Sample[] = [];
  const limitAt = performance.now() + 60_000 + (4_000 * lines) / linesPerSecond;
  const isOver = () => screen.shows(` ${lines} `);
  const sample = () => {
    const [screenNow, engineNow] = [residentMegabytes(screen.pid), residentMegabytes(enginePid)];
    samples.push({ lines: printer.lines(), screen: screenNow, engine: engineNow });
  };
  while (!isOver()) {
    sample();
    if (performance.now() > limitAt) throw new Error(`the last of ${lines} lines did not appear`);
    await sleep(sampleMs);
  }
  sample();
  const shown = shownLines(screen);
  if (shown < lines) console.log(`The screen was too slow for all lines: it got ${shown}.\n`);
  await screen.stop();
  report(samples, lines);
}

function report(samples: readonly Sample[], lines: number): void {
  const at = (wanted: number) => samples.findIndex((sample) => sample.lines >= wanted);
  const points = [0.1 * keptLines, 0.5 * keptLines, keptLines, lines / 3, (2 * lines) / 3, lines];
  const shown = [...new Set(points)]
    .filter((point) => point <= lines)
    .sort((a, b) => a - b)
    .map((point) => samples[at(point)]);
  const row = (who: 'screen' | 'engine') => [who, ...shown.map((sample) => sample?.[who].toFixed(0) ?? '')];
  printTable([
    ['MB resident after lines', ...shown.map((sample) => sample?.lines.toLocaleString('en') ?? '')],
    row('screen'),
    row('engine'),
  ]);
  // The buffer is full long before the first period begins. Each period has a sample, even on a busy machine.
  const middle = samples.slice(at(lines / 3), at((2 * lines) / 3) + 1);
  const last = samples.slice(at((2 * lines) / 3));
  for (const who of ['screen', 'engine'] as const) {
    const peak = (stretch: readonly Sample[]) => Math.max(...stretch.map((sample) => sample[who]));
    printVerdict(
      `the ${who} doesn't grow from the second third of ${lines.toLocaleString('en')} lines to the last`,
      peak(last) <= goalRatio * peak(middle),
      `at most ${peak(middle).toFixed(0)} MB, then ${peak(last).toFixed(0)} MB`,
    );
  }
}

/** The count in the line above the log. */
function shownLines(screen: Screen): number {
  const [, count = '0'] = /([\d,]+) lines?\b/.exec(screen.find(/FOLLOW .* lines?\b/) ?? '') ?? [];
  return Number(count.replaceAll(',', ''));
}
