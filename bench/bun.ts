/** Compares the built runner on Bun and on Node, in turns: no-op jobs through 4 slots. `--rounds=6 --jobs=2000`. */
import { resolve } from 'node:path';
import { execa } from 'execa';
import { type Bench, runBench } from './lib/bench.ts';
import { printLegend, runContest } from './lib/contest.ts';
import { slots, startRunnerContestant } from './lib/contestants.ts';
import { findProgram } from './lib/find-program.ts';
import { numberFlag } from './lib/flags.ts';
import { noopProgram } from './lib/job-programs.ts';
import { startRedis } from './lib/redis-server.ts';
import { printHeading } from './lib/report.ts';

async function measure(bench: Bench): Promise<void> {
  const bun = findProgram('bun', [resolve('node_modules', '.bin')]);
  if (bun === null) {
    console.log('bun: skipped because it is not installed; `npm install --no-save bun` installs it.');
    return;
  }
  const { stdout: version } = await execa(bun, ['--version']);
  const redis = await startRedis(bench);
  await printHeading(`bun: no-op jobs through ${slots} slots, on Bun ${version} and on Node`, redis);
  const spec = { script: await noopProgram(bench), jobs: numberFlag('jobs', 2_000) };
  const byBun = await startRunnerContestant(bench, redis, { ...spec, name: 'bun', executable: bun });
  const byNode = await startRunnerContestant(bench, redis, { ...spec, name: 'node' });
  await runContest(redis, [byBun, byNode], [[byBun, byNode]]);
  printLegend();
}

await runBench(measure);
