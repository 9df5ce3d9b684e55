/**
 * Checks that nothing grows: runs a day's worth of short jobs, and measures memory, descriptors, keys and CPU after each
 * tenth. `--jobs=1000000 --slots=8`.
 */
import { readdirSync } from 'node:fs';
import { type Bench, runBench } from './lib/bench.ts';
import { drain } from './lib/drain.ts';
import { numberFlag } from './lib/flags.ts';
import { noopProgram } from './lib/job-programs.ts';
import { cpuSeconds, residentMegabytes } from './lib/process-usage.ts';
import { type RedisServer, startRedis } from './lib/redis-server.ts';
import { printHeading, printTable, printVerdict } from './lib/report.ts';
import { startRunner } from './lib/subjects.ts';
import { waitFor } from './lib/wait-for.ts';

interface Sample {
  readonly jobs: number;
  readonly megabytes: number;
  readonly descriptors: number;
  readonly keys: number;
  readonly jobsPerSecond: number;
  readonly cpuMsPerJob: number;
}

const parts = 10;
const queue = 'soak';
const goalMegabytes = 65;
/** Awaited between the last job of a part and its measurement. */
const settled = 'the step of the last job';

async function measure(bench: Bench): Promise<void> {
  const jobs = numberFlag('jobs', 1_000_000);
  const slots = numberFlag('slots', 8);
  const redis = await startRedis(bench);
  await printHeading(`soak: ${jobs} no-op jobs through ${slots} slots`, redis);
  const script = await noopProgram(bench);
  const runner = await startRunner(bench, { redis, runners: { [queue]: slots }, script });
  const samples: Sample[] = [];
  for (let part = 1; part <= parts; part += 1) {
    const sample = await run(redis, runner.pid, Math.round((jobs * part) / parts), samples.at(-1)?.jobs ?? 0);
    samples.push(sample);
    // The bench takes long and may be interrupted, so it prints each sample.
    console.log(`${sample.jobs} jobs: ${sample.megabytes.toFixed(1)} MB, ${sample.descriptors} descriptors`);
  }
  printTable([
    ['after jobs', 'MB resident', 'descriptors', 'keys', 'jobs/s', 'CPU ms per job'],
    ...samples.map(({ jobs: after, megabytes, descriptors, keys, jobsPerSecond, cpuMsPerJob }) => [
      String(after),
      megabytes.toFixed(1),
      String(descriptors),
      String(keys),
      jobsPerSecond.toFixed(0),
      cpuMsPerJob.toFixed(2),
    ]),
  ]);
  const [first, last] = [samples[0], samples.at(-1)];
  if (first === undefined || last === undefined) return;
  console.log(
    `CPU per job, last tenth and first tenth: ${last.cpuMsPerJob.toFixed(3)} to ${first.cpuMsPerJob.toFixed(3)} ms, ` +
      `ratio ${(last.cpuMsPerJob / first.cpuMsPerJob).toFixed(2)}\n`,
  );
  const growth = last.megabytes - first.megabytes;
  printVerdict(
    'no more memory than after the first tenth, within 5 MB',
    growth <= 5,
    `${growth.toFixed(1)} MB`,
  );
  printVerdict(
    `at most ${goalMegabytes} MB at the end`,
    last.megabytes <= goalMegabytes,
    `${last.megabytes.toFixed(1)} MB`,
  );
  printVerdict(
    'no more descriptors',
    last.descriptors <= first.descriptors,
    `${first.descriptors} → ${last.descriptors}`,
  );
  printVerdict('no more keys', last.keys <= first.keys, `${first.keys} → ${last.keys}`);
}

async function run(redis: RedisServer, pid: number, until: number, from: number): Promise<Sample> {
  const startedAt = performance.now();
  const cpuBefore = await cpuSeconds(pid);
  await drain(redis, [queue], until - from);
  const seconds = (performance.now() - startedAt) / 1000;
  const cpu = (await cpuSeconds(pid)) - cpuBefore;
  await waitFor(settled, async () => (await redis.blockedConnections()).length > 0);
  return {
    jobs: until,
    megabytes: residentMegabytes(pid),
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    keys: await redis.client.dbsize(),
    jobsPerSecond: (until - from) / seconds,
    cpuMsPerJob: (1000 * cpu) / (until - from),
  };
}

await runBench(measure);
