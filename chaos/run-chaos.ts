/**
 * One run: a Redis, two runners, jobs, and random faults. Then the faults stop until all work is done, and the run checks
 * each job.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readJobLog } from './job-log.ts';
import { idOfLock, idOfPayload, lockOf, payloadOf, writeJobProgram } from './job-program.ts';
import { type Fault, limits, makePlan, type PlannedJob, shared } from './plan.ts';
import { processesWithVariable } from './processes.ts';
import { Random } from './random.ts';
import { ChaosRedis } from './redis.ts';
import { RedisHistory } from './redis-history.ts';
import { Runners } from './runners.ts';
import { type ChaosFigures, judge } from './verdict.ts';

export type Delivery = 'at-most-once' | 'at-least-once';

export interface ChaosOptions {
  readonly delivery: Delivery;
  readonly seed: number;
  readonly jobs: number;
  /** Of each job that fails. With more than one, it is retried soon, and entries have limits and locks. */
  readonly attempts: number;
  readonly kills: number;
  /** Between two faults. */
  readonly longestPauseMs: number;
  /** The built program. */
  readonly program: string;
  /** After the last fault, all jobs must be done within this time. */
  readonly limitMs: number;
}

export interface ChaosResult {
  readonly figures: ChaosFigures;
  /** Broken promises, each in one or more lines. */
  readonly broken: readonly string[];
  /** Has all logs if a promise was broken; otherwise it has been removed. */
  readonly directory: string;
}

const markVariable = 'RR_CHAOS_MARK';
/** Between two faults, jobs are enqueued in this many pieces. */
const piecesPerFault = 5;
const pollMs = 50;

export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const { delivery, seed, jobs, attempts, kills, longestPauseMs, program, limitMs } = options;
  const directory = mkdtempSync(join(tmpdir(), 'rr-chaos-'));
  const mark = randomUUID();
  const isOnce = attempts === 1;
  const plan = makePlan(seed, jobs, kills, longestPauseMs, attempts);
  const { script, log } = writeJobProgram(directory);
  const redis = await ChaosRedis.start(directory);
  const runners = new Runners({
    directory,
    program,
    config: {
      redis: { server: '127.0.0.1', port: redis.port },
      runners: isOnce
        ? limits
        : Object.fromEntries(
            Object.entries(limits).map(([key, concurrency]) => [key, { concurrency, ...shared[key] }]),
          ),
      script,
      delivery,
      retry: isOnce ? null : { attempts, backoff: [0.5, 2] },
      // More than the kills, so that each job runs in the end.
      maxRecoveries: kills + 1,
      shutdownTimeout: 20,
    },
    jobLog: log,
    env: { [markVariable]: mark },
  });
  const abandon = () => {
    runners.abandon();
    redis.abandon();
    for (const pid of processesWithVariable(markVariable, mark)) kill(pid);
  };
  const interrupted = () => {
    abandon();
    rmSync(directory, { recursive: true, force: true });
  };
  process.once('exit', interrupted);
  const broken: string[] = [];
  const startedAt = performance.now();
  try {
    const enqueued: Promise<void>[] = [];
    let next = 0;
    const enqueue = (until: number) => {
      const piece = plan.jobs.slice(next, Math.round(until));
      next += piece.length;
      const lock = (job: PlannedJob) => (isOnce ? '' : lockOf(job));
      enqueued.push(
        redis.enqueue(piece.map((job) => ({ queue: job.queue, payload: payloadOf(job), lock: lock(job) }))),
      );
    };
    const pieces = plan.faults.length * piecesPerFault;
    for (const [at, { fault, afterMs }] of plan.faults.entries()) {
      for (let piece = 1; piece <= piecesPerFault; piece += 1) {
        // Not at the moment of a fault: that wouldn't be random.
        await pause(afterMs / piecesPerFault / 2);
        enqueue((plan.jobs.length * (at * piecesPerFault + piece)) / pieces);
        await pause(afterMs / piecesPerFault / 2);
      }
      await commit(fault, runners, redis);
    }
    await runners.thawed();
    await redis.settled();
    await Promise.all(enqueued);
    const faultsMs = performance.now() - startedAt;
    const rest = await quiet(redis, runners, limitMs);
    if (rest !== null) broken.push(rest);
    const settledMs = performance.now() - startedAt - faultsMs;
    const orphans = processesWithVariable('RESQUE_RUNNER', '').filter((pid) => isMarked(pid, mark));
    if (orphans.length > 0) broken.push(`children are alive with nothing to do: ${orphans.join()}`);
    await runners.stop();
    broken.push(...runners.faults, ...(await leftIn(redis, rest !== null)));
    const alive = processesWithVariable(markVariable, mark);
    if (alive.length > 0) broken.push(`processes are left: ${alive.join()}`);
    const failures = await redis.client.lrange('resque:failed', 0, -1);
    const counted = await countedIn(redis);
    const locked = (await redis.client.keys('resque:lock:*')).map((key) => idOfLock(key) ?? key);
    const processed = Number(await redis.client.get('resque:stat:processed'));
    await redis.stop();
    const { figures, faults } = judge({
      delivery,
      attempts,
      jobs: plan.jobs,
      log: readJobLog(readFileSync(log, 'utf8'), isOnce ? {} : shared),
      history: new RedisHistory(redis.directory),
      failures,
      processed,
      counted,
      locked,
      kills: runners.kills,
      recoveredAfterMs: runners.recoveredAfterMs,
      faultsMs,
      settledMs,
    });
    broken.push(...faults);
    if (broken.length === 0) rmSync(directory, { recursive: true, force: true });
    return { figures, broken, directory };
  } finally {
    process.off('exit', interrupted);
    abandon();
  }
}

async function commit(fault: Fault, runners: Runners, redis: ChaosRedis): Promise<void> {
  switch (fault.kind) {
    case 'kill-runner':
      runners.kill(fault.seat);
      return;
    case 'freeze-runner':
      runners.freeze(fault.seat, fault.forMs);
      return;
    case 'freeze-redis':
      redis.freeze(fault.forMs);
      return;
    case 'restart-redis':
      redis.restart(fault.signal);
      return;
    case 'cut-connections':
      await redis.cut(fault.count, new Random(fault.seed));
  }
}

/** Waits until nothing is left to do. @returns what is left if that takes too long */
async function quiet(redis: ChaosRedis, runners: Runners, limitMs: number): Promise<string | null> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const rest = await toDo(redis, runners);
    if (rest === null) return null;
    if (performance.now() > deadline) return `work is left after ${limitMs / 1000} s: ${rest}`;
    await pause(pollMs);
  }
}

async function toDo({ client }: ChaosRedis, runners: Runners): Promise<string | null> {
  const keys = await client.keys('*');
  const isWork = (key: string) =>
    /^resque:(queue:|delayed|worker:.*-\d+:[^:]*(:payload)?$|runner:.*:held:|runner:recovery$)/.test(key);
  const work = keys.filter(isWork);
  if (work.length > 0) return work.join(' ');
  const owners = await client.hkeys('resque:runners');
  const pids = owners.map((owner) => Number(owner.slice(owner.lastIndexOf(':') + 1)));
  const isSame = pids.length === runners.pids.length && runners.pids.every((pid) => pids.includes(pid));
  if (!isSame) return `runners ${owners.join(' ')} are on record; alive are ${runners.pids.join()}`;
  const workers = await client.smembers('resque:workers');
  const foreign = workers.filter((id) => !runners.pids.some((pid) => id.includes(`:${pid}-`)));
  return foreign.length === 0 ? null : `workers ${foreign.join(' ')} are registered`;
}

/** What a clean stop must not leave in Redis, but has. */
async function leftIn({ client }: ChaosRedis, hadWork: boolean): Promise<string[]> {
  const allowed = ['resque:failed', 'resque:queues', 'resque:stat:processed', 'resque:stat:failed'];
  // The verdict is about locks and counts of attempts. What wakes runners at a limit, and times of a rate, expire soon.
  const isAllowed = (key: string) =>
    allowed.includes(key) || /^(chaos:|resque:(lock:|runner:(retry|free|rate):))/.test(key);
  const keys = (await client.keys('*')).filter((key) => !isAllowed(key));
  return keys.length === 0 || hadWork ? [] : [`keys are left after a clean stop: ${keys.join(' ')}`];
}

/** The jobs whose attempts are still counted in Redis. */
async function countedIn({ client }: ChaosRedis): Promise<string[]> {
  const keys = await client.keys('resque:runner:retry:*');
  const entries = await Promise.all(keys.map((key) => client.lrange(key, 0, -1)));
  return entries.flat().map((entry) => idOfPayload(entry.replaceAll('\\"', '"')) ?? entry);
}

function isMarked(pid: number, mark: string): boolean {
  return processesWithVariable(markVariable, mark).includes(pid);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // ESRCH: it has ended.
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
