/** Jobs that read their whole payload, small or large. */
import type { Bench } from '../lib/bench.ts';
import { runContest } from '../lib/contest.ts';
import { startOpponent, startRunnerContestant } from '../lib/contestants.ts';
import { numberFlag } from '../lib/flags.ts';
import { readAllProgram } from '../lib/job-programs.ts';
import type { RedisServer } from '../lib/redis-server.ts';

/** Large payloads need fewer jobs. */
const sizes = [
  { title: '1 KB', payloadBytes: 1_000, share: 1 },
  { title: '1 MB', payloadBytes: 1_000_000, share: 1 / 10 },
];

export async function measurePayload(bench: Bench, redis: RedisServer): Promise<void> {
  const command = await readAllProgram(bench);
  for (const { title, payloadBytes, share } of sizes) {
    const jobs = Math.ceil(share * numberFlag('jobs', 2_000));
    console.log(title);
    const ours = { name: 'runner', script: command, jobs, payloadBytes };
    const contestants = [
      await startRunnerContestant(bench, redis, ours),
      await startOpponent(bench, redis, { command, jobs, payloadBytes }),
    ] as const;
    await runContest(redis, contestants, [contestants]);
  }
}
