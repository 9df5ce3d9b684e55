/** The programs that do jobs in a contest. */
import type { Bench, BenchProcess, Command } from './bench.ts';
import type { Contestant } from './contest.ts';
import { drainingWork } from './drain.ts';
import { textFlag } from './flags.ts';
import type { RedisServer } from './redis-server.ts';
import { type RunnerSpec, startPeer, startRunner } from './subjects.ts';

/** Slots in all contests except those that vary the number. */
export const slots = 4;

interface Jobs {
  /** Jobs per turn. */
  readonly jobs: number;
  readonly payloadBytes?: number;
}

export interface RunnerContestantSpec extends Jobs, Omit<RunnerSpec, 'redis' | 'runners'> {
  /** Also the name of its queue. */
  readonly name: string;
  /** Replaces the queue of its name with `slots`. */
  readonly runners?: RunnerSpec['runners'];
  /** The queues that get jobs. */
  readonly queues?: readonly string[];
}

export async function startRunnerContestant(
  bench: Bench,
  redis: RedisServer,
  spec: RunnerContestantSpec,
): Promise<Contestant> {
  const { name, jobs, payloadBytes, queues = [name], runners = { [name]: slots } } = spec;
  const process = await startRunner(bench, { ...spec, redis, runners });
  return contestant(redis, { name, process, queues, jobs, payloadBytes });
}

interface BaselineContestantSpec extends Jobs {
  readonly command: Command;
}

export async function startBaselineContestant(
  bench: Bench,
  redis: RedisServer,
  { command, jobs, payloadBytes }: BaselineContestantSpec,
): Promise<Contestant> {
  const name = 'baseline';
  const process = await startBaseline(bench, redis, { queues: [name], command });
  return contestant(redis, { name, process, queues: [name], jobs, payloadBytes });
}

/** The program to compare the runner with: the baseline, or the build of `--against=FILE`. */
export async function startOpponent(
  bench: Bench,
  redis: RedisServer,
  spec: BaselineContestantSpec,
): Promise<Contestant> {
  const build = textFlag('against');
  if (build === null) return await startBaselineContestant(bench, redis, spec);
  const { command: script, ...jobs } = spec;
  return await startRunnerContestant(bench, redis, { name: 'against', build, script, ...jobs });
}

/** It is ready when each of its slots waits for jobs. */
export async function startBaseline(
  bench: Bench,
  redis: RedisServer,
  { queues, command }: { readonly queues: readonly string[]; readonly command: Command },
): Promise<BenchProcess> {
  const before = (await redis.blockedConnections()).length;
  const args = [String(redis.port), queues.join(), String(slots), ...command];
  const process = await startPeer(bench, { name: 'baseline', args, isBundled: false });
  await redis.waitForBlpop(before + queues.length * slots);
  return process;
}

interface ContestantSpec extends Pick<Contestant, 'name' | 'process' | 'jobs'> {
  readonly queues: readonly string[];
  readonly payloadBytes: number | undefined;
}

function contestant(
  redis: RedisServer,
  { name, process, jobs, queues, payloadBytes }: ContestantSpec,
): Contestant {
  return { name, process, jobs, turns: [], work: drainingWork(redis, queues, payloadBytes) };
}
