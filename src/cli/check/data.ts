/** Checks workers, failures and queues in Redis for remains of dead workers and data that breaks other programs, and repairs them. */
import { randomUUID } from 'node:crypto';
import { type Config, holdsSchedulerLocks } from '../../config/config.ts';
import { Spooling } from '../../engine/outcomes/spooling.ts';
import { type EngineMeans, thisMachine } from '../../engine/process/engine-means.ts';
import { findLeftPrograms } from '../../engine/process/left-programs.ts';
import { wordingOf } from '../../messages/events.ts';
import { plural } from '../../messages/quantities.ts';
import { Audit, type OrphanedJobs, type RepairResult } from '../../resque/audit/audit.ts';
import type { ProblemCounts } from '../../resque/audit/failed-repair.ts';
import type { Finding } from '../../resque/audit/findings.ts';
import type { ResqueState } from '../../resque/audit/state.ts';
import { resqueKeys } from '../../resque/format/keys.ts';
import { describeRedis, type ReachableRedis, type Redis } from '../../resque/redis/connection.ts';
import { senderOn } from '../../resque/redis/handshake.ts';
import { RedisError } from '../../resque/redis/redis-error.ts';
import type { CommandSender } from '../../resque/redis/send.ts';
import { livenessOf } from '../../resque/workers/liveness.ts';
import { readRegistry } from '../../resque/workers/registry.ts';
import type { Io } from '../command-line/io.ts';
import { ownStateDirectory } from '../files/own-directories.ts';
import { findEmbeddedRedis } from '../redis/embedded-redis.ts';
import { withRedis } from '../redis/with-redis.ts';
import { failuresText, findingText, onlyTold, waitingText } from './data-messages.ts';
import { fail, ok, type Verdict, warn } from './verdict.ts';

/** For the whole check: lists of failures can be long. */
const limitMs = 600_000;
const subject = 'data';

export async function checkData(
  io: Pick<Io, 'env'>,
  config: Config,
  isRepairing: boolean,
): Promise<Verdict[]> {
  const redis = await reachable(config);
  if (redis === null) return [];
  try {
    return await withRedis(redis, limitMs, (connection) =>
      examine(connection, config, { isRepairing, spoolDirectory: ownStateDirectory(io) }),
    );
  } catch (error) {
    if (!(error instanceof RedisError)) throw error;
    // Redis is unreachable; another verdict reports that, with the fix.
    if (error.kind === 'away' || error.kind === 'foreign') return [];
    return [warn(subject, `could not check workers, failures and queues: ${error.message}`)];
  }
}

async function reachable({ redis }: Config): Promise<ReachableRedis | null> {
  return redis.kind === 'embedded' ? await findEmbeddedRedis(redis.directory) : redis;
}

interface Task {
  readonly isRepairing: boolean;
  readonly spoolDirectory: string;
}

async function examine(connection: Redis, config: Config, task: Task): Promise<Verdict[]> {
  const { isRepairing } = task;
  const sender = await senderOn(connection);
  const machine = thisMachine();
  const audit = new Audit(sender, resqueKeys(config.namespace), {
    here: machine,
    endPrograms: (entry) => machine.endPrograms(entry),
    requeues: config.runners.filter(({ interrupted }) => interrupted === 'requeue').map(({ key }) => key),
    maxRecoveries: config.maxRecoveries,
    lockPrefix: config.schedulerLockPrefix,
    failedLimit: config.failedLimit,
    schedules: holdsSchedulerLocks(config) ? config.schedules.map(({ name }) => name) : null,
    queues: config.runners.map(({ key }) => key).filter((key) => !/[*?[,!]/.test(key)),
  });
  const verdicts = await spoolVerdicts(sender, config, machine, task);
  const { state, findings } = await audit.examine();
  for (const finding of findings) {
    verdicts.push(await (isRepairing ? repaired(audit, finding) : found(audit, finding)));
  }
  if (!state.wrongTypes.some(({ key }) => key === resqueKeys(config.namespace).failed)) {
    verdicts.push(...(isRepairing ? await repairedFailures(audit) : await foundFailures(audit)));
  }
  if (verdicts.length === 0) verdicts.push(ok(subject, `${countsText(state)}: nothing to repair`));
  return verdicts;
}

/** Comes first: a recovery would treat jobs as unfinished whose outcomes are only on disk. */
async function spoolVerdicts(
  sender: CommandSender,
  { redis, namespace, failedLimit }: Config,
  machine: EngineMeans,
  { isRepairing, spoolDirectory }: Task,
): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  const spooling = new Spooling({
    client: {
      session: sender,
      keys: resqueKeys(namespace),
      owner: `check:${process.pid}`,
      nonce: randomUUID(),
      failedLimit,
    },
    directory: spoolDirectory,
    scope: `${describeRedis(redis)} ${namespace}`,
    machine,
    publish: (fact) => {
      const text = wordingOf(fact, null)?.text ?? '';
      if (fact.type === 'outcomes.restored') verdicts.push(ok('spool', text));
      if (fact.type === 'spool.failed') verdicts.push(fail('spool', text));
    },
  });
  const registry = await readRegistry(sender, resqueKeys(namespace));
  const entries = [...registry.runners.values()].map(({ entry }) => entry).filter((entry) => entry !== null);
  const deadOnes = entries.filter((entry) => livenessOf(entry, machine, registry) === 'dead');
  const dead = new Set(deadOnes.map(({ nonce }) => nonce));
  if (isRepairing) await spooling.restoreDead(dead);
  else for (const waiting of spooling.waiting(dead)) verdicts.push(fail('spool', waitingText(waiting)));
  return verdicts;
}

async function found(audit: Audit, finding: Finding): Promise<Verdict> {
  const programs = finding.kind === 'left-owner' ? findLeftPrograms(audit.entryOf(finding)) : [];
  const { what, would } = findingText(finding, await orphanedJobsOf(audit, finding), programs);
  if (onlyTold(finding)) return warn(subject, what);
  return fail(subject, would === '' ? what : `${what}; --repair ${would}`);
}

async function orphanedJobsOf(audit: Audit, finding: Finding): Promise<OrphanedJobs | null> {
  return finding.kind === 'left-owner' ? await audit.orphanedJobs(finding) : null;
}

async function repaired(audit: Audit, finding: Finding): Promise<Verdict> {
  let result: RepairResult;
  try {
    result = await audit.repair(finding);
  } catch (error) {
    if (!(error instanceof RedisError) || error.kind === 'away') throw error;
    return fail(subject, `${findingText(finding, null).what}; the repair failed: ${error.message}`);
  }
  const { what, did } = findingText(finding, result.kind === 'repaired' ? result.orphanedJobs : null);
  switch (result.kind) {
    case 'repaired':
      return ok(subject, `${what}; repaired: ${did}`);
    case 'told':
      return onlyTold(finding) ? warn(subject, what) : fail(subject, what);
    case 'changed':
      return fail(subject, `${what}; not repaired, because it was just changing; run --repair again`);
    case 'held-up':
      return fail(
        subject,
        `${what}; not repaired: another process is recovering it, or it has programs that may still be running and that you can't end; run --repair again, as their user or as root`,
      );
  }
}

async function foundFailures(audit: Audit): Promise<Verdict[]> {
  return verdictsOf(await audit.failures.look(), ({ what, would }) =>
    fail('failures', `${what}; --repair ${would}`),
  );
}

async function repairedFailures(audit: Audit): Promise<Verdict[]> {
  const { repaired, left } = await audit.failures.repair();
  return [
    ...verdictsOf(repaired, ({ what, did }) => ok('failures', `${what}; repaired: ${did}`)),
    ...verdictsOf(left, ({ what }) =>
      fail('failures', `${what}; not repaired, because the list changes too fast; run --repair again`),
    ),
  ];
}

function verdictsOf(
  counts: ProblemCounts,
  verdict: (text: ReturnType<typeof failuresText>) => Verdict,
): Verdict[] {
  return [...counts].map(([problem, count]) => verdict(failuresText(problem, count)));
}

function countsText({ workers, failures }: ResqueState): string {
  return `${plural(workers.size, 'worker')}, ${plural(failures, 'failure')}`;
}
