/** `npm run simulate`: see README.md beside this file. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { removeBundleOnSignals, wholeNumber } from '../chaos/command.ts';
import { makeSchedule } from './make-schedule.ts';
import { RealRedis } from './real-redis.ts';
import { type Result, runSchedule } from './run-schedule.ts';
import type { Schedule } from './schedule.ts';
import { shrink } from './shrink.ts';

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
      schedules: { type: 'string', default: '500' },
      file: { type: 'string' },
      trace: { type: 'boolean', default: false },
      twice: { type: 'boolean', default: false },
      'no-shrink': { type: 'boolean', default: false },
    },
  });
  const given =
    values.file === undefined ? null : (JSON.parse(readFileSync(values.file, 'utf8')) as Schedule);
  const first = given?.seed ?? wholeNumber(values.seed);
  const count = given === null ? wholeNumber(values.schedules) : 1;
  console.log(`seeds ${first} to ${first + count - 1}\n`);
  const redis = await RealRedis.start();
  process.once('exit', () => redis.abandon());
  const startedAt = performance.now();
  let [failed, runs, ms] = [0, 0, 0];
  try {
    for (let seed = first; seed < first + count; seed += 1) {
      const schedule = given ?? makeSchedule(seed);
      const result = await runSchedule(schedule, redis);
      if (values.twice) {
        const again = await runSchedule(schedule, redis);
        const at = again.trace.findIndex((line, index) => line !== result.trace[index]);
        if (at !== -1) console.log(`seed ${seed} differs:\n${result.trace[at]}\n${again.trace[at]}`);
      }
      runs += result.runs;
      ms += result.ms;
      if (values.trace) console.log(result.trace.join('\n'));
      if (result.violations.length === 0) continue;
      failed += 1;
      process.exitCode = 1;
      console.log(`seed ${seed}:\n${result.violations.map((line) => `- ${line}\n`).join('')}`);
      if (!values['no-shrink']) print(await shrink(schedule, result, redis), values.trace);
    }
  } finally {
    await redis.stop();
  }
  const tookSeconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  const simulatedHours = (ms / 3_600_000).toFixed(1);
  console.log(
    `${count} schedules in ${tookSeconds} s: ${runs} runs of jobs in ${simulatedHours} simulated hours`,
  );
  console.log(failed === 0 ? 'every promise was kept' : `${failed} schedules broke a promise`);
}

function print({ schedule, result }: { schedule: Schedule; result: Result }, isTraced: boolean): void {
  console.log(`  the same with less:\n  ${JSON.stringify(schedule)}`);
  for (const line of result.violations) console.log(`  - ${line}`);
  if (isTraced) console.log(result.trace.map((line) => `  ${line}`).join('\n'));
  console.log('');
}

removeBundleOnSignals('resque-runner-simulate-');
await main();
