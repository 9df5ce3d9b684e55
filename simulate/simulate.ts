/** `npm run simulate`: see README.md beside this file. */
import { parseArgs } from 'node:util';
import { RealRedis } from './real-redis.ts';
import { runSchedule } from './run-schedule.ts';
import { makeSchedule } from './schedule.ts';

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
      schedules: { type: 'string', default: '500' },
      trace: { type: 'boolean', default: false },
    },
  });
  const first = Number(values.seed);
  const redis = await RealRedis.start();
  const startedMs = performance.now();
  try {
    for (let seed = first; seed < first + Number(values.schedules); seed += 1) {
      const schedule = makeSchedule(seed);
      const began = performance.now();
      const result = await runSchedule(schedule, redis);
      const { violations, trace, ms, runs } = result;
      if (values.trace) console.log(trace.join('\n'));
      console.log(`seed ${seed}: ${(ms / 1000).toFixed(0)} s simulated, ${runs} runs, ${trace.length} lines, ${(performance.now() - began).toFixed(0)} ms`);
      for (const what of violations) console.log(`- ${what}`);
    }
  } finally {
    await redis.stop();
  }
  console.log(`${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
}

await main();
