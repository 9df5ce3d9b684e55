/**
 * No-op jobs while the metrics of the runner are scraped once a second, beside the same runner without metrics: what it costs
 * to be watched. The scraper runs all the time, also in the turns of the other one. A turn takes a few seconds, so that there
 * are several scrapes in each.
 */
import { request } from 'node:http';
import type { Bench, Command } from '../lib/bench.ts';
import { runContest, turnRatios } from '../lib/contest.ts';
import { startRunnerContestant } from '../lib/contestants.ts';
import { numberFlag } from '../lib/flags.ts';
import { noopProgram } from '../lib/job-programs.ts';
import type { RedisServer } from '../lib/redis-server.ts';
import { printVerdict, spreadText } from '../lib/report.ts';

const goal = 1.03;
const jobsFactor = 4;
const scrapeEveryMs = 1_000;

export async function measureMetrics(bench: Bench, redis: RedisServer): Promise<void> {
  const jobs = jobsFactor * numberFlag('jobs', 2_000);
  const script: Command = [await noopProgram(bench)];
  const socketPath = bench.path('metrics.sock');
  const settings = { metrics: { listen: `unix:${socketPath}` } };
  const unwatched = await startRunnerContestant(bench, redis, { name: 'unwatched', script, jobs });
  const scraped = await startRunnerContestant(bench, redis, { name: 'scraped', script, jobs, settings });
  const scrapes = scrape(socketPath);
  try {
    await runContest(redis, [unwatched, scraped], [[scraped, unwatched]]);
  } finally {
    clearInterval(scrapes);
  }
  const cpu = turnRatios(scraped, unwatched, 'cpuMsPerJob');
  printVerdict(
    `a scrape a second: at most ${goal} of the CPU per job without metrics (median)`,
    cpu.median <= goal,
    spreadText(cpu, 3),
  );
}

function scrape(socketPath: string): NodeJS.Timeout {
  return setInterval(() => {
    const sent = request({ socketPath, path: '/metrics' }, (response) => response.resume());
    // At the end of the bench, the runner is gone before the scraper.
    sent.on('error', () => {});
    sent.end();
  }, scrapeEveryMs);
}
