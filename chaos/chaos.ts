/** `npm run chaos`: see README.md beside this file. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { printTable } from '../bench/lib/report.ts';
import { removeBundleOnSignals, wholeNumber } from './command.ts';
import { type ChaosResult, type Delivery, runChaos } from './run-chaos.ts';
import type { ChaosFigures } from './verdict.ts';

const modes: readonly Delivery[] = ['at-most-once', 'at-least-once'];
/** A recovery that finds the lock taken tries again within a minute. */
const limitMs = 150_000;
/** Retries follow when the faults have ended. */
const msPerRetry = 10;
const longestPauseMs = 1_000;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
      jobs: { type: 'string', default: '10000' },
      kills: { type: 'string', default: '50' },
      attempts: { type: 'string', default: '1' },
      delivery: { type: 'string' },
      runner: { type: 'string', default: join('dist', 'resque-runner.js') },
    },
  });
  const [seed, jobs, kills] = [wholeNumber(values.seed), wholeNumber(values.jobs), wholeNumber(values.kills)];
  const attempts = wholeNumber(values.attempts);
  const program = resolve(values.runner);
  if (!existsSync(program)) throw new Error(`${program} doesn't exist: run npm run build`);
  const { delivery } = values;
  const wanted = modes.filter((mode) => delivery === undefined || delivery === mode);
  if (wanted.length === 0) throw new Error(`--delivery must be ${modes.join(' or ')}, got "${delivery}"`);
  console.log(`seed ${seed}: ${jobs} jobs of ${attempts} attempts, ${kills} kills of two runners\n`);
  const results: ChaosResult[] = [];
  for (const mode of wanted) {
    results.push(
      await runChaos({
        ...{ delivery: mode, seed, jobs, attempts, kills, longestPauseMs, program },
        limitMs: limitMs + msPerRetry * jobs * (attempts - 1),
      }),
    );
  }
  printTable([
    ['', ...wanted],
    ...rows.map(([title, cell]) => [title, ...results.map(({ figures }) => cell(figures))]),
  ]);
  for (const [at, { broken, directory }] of results.entries()) {
    if (broken.length === 0) continue;
    process.exitCode = 1;
    console.log(`${wanted[at]}: broken promises (all logs are in ${directory}):`);
    for (const line of broken) console.log(`- ${line}`);
  }
  if (process.exitCode !== 1) console.log('every promise was kept');
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
const rate = (part: number, whole: number) => `${part} (${((100 * part) / whole).toFixed(3)} %)`;

const rows: readonly (readonly [string, (figures: ChaosFigures) => string])[] = [
  ['jobs', ({ jobs }) => String(jobs)],
  ['runners killed', ({ kills }) => String(kills)],
  ['dead runners recovered', ({ recoveries }) => String(recoveries)],
  ['slowest recovery after the kill', ({ slowestRecoveryMs }) => seconds(slowestRecoveryMs)],
  ['time under faults', ({ faultsMs }) => seconds(faultsMs)],
  ['time to settle', ({ settledMs }) => seconds(settledMs)],
  ['runs', ({ runs }) => String(runs)],
  ['jobs that ran to their end', ({ ranToTheEnd }) => String(ranToTheEnd)],
  ['jobs that failed by themselves', ({ failedByThemselves }) => String(failedByThemselves)],
  ['jobs failed by recovery', ({ failedByRecovery }) => String(failedByRecovery)],
  ['  of these, had come to their end', (figures) => String(figures.failedByRecoveryThoughDone)],
  ['jobs lost', ({ lost, jobs }) => rate(lost, jobs)],
  ['jobs popped by BLPOP and not recorded', ({ poppedForNothing, jobs }) => rate(poppedForNothing, jobs)],
  [
    'jobs with an attempt that ran more than once',
    ({ ranMoreThanOnce, jobs }) => rate(ranMoreThanOnce, jobs),
  ],
  ['  runs repeated: ran at a kill', ({ repeatedRunning }) => String(repeatedRunning)],
  ['  runs repeated: had ended, not yet recorded', ({ repeatedEnded }) => String(repeatedEnded)],
];

removeBundleOnSignals('resque-runner-chaos-');
await main();
