/** What must hold when a run is over: every job is accounted for, once, and nothing is left. */
import type { Dump } from './dump.ts';
import { idsOf, type Job, type Run } from './job-book.ts';
import type { Witness } from './witness.ts';
import type { World } from './world.ts';

/** A runner writes outcomes again that Redis has forgotten, for a minute. */
const rewrittenMs = 55_000;

export async function checkEnd(world: World): Promise<string[]> {
  const dump = await world.dump();
  const failures = dump.get('resque:failed')?.values ?? [];
  const { book, witness, spoolFiles } = world;
  return [
    ...[...book.jobs.values()].flatMap((job) => jobFaults(job, recordsOf(job, failures), witness)),
    ...(witness.hasForgotten ? [] : counterFaults(dump, book.runs, failures.length, witness)),
    ...leftKeys(dump, world),
    ...spoolFiles.map((file) => `a spool file is left: ${file}`),
  ];
}

/** A record may tell of its job more than once. */
function recordsOf({ id }: Job, failures: readonly Buffer[]): number {
  return failures.filter((record) => idsOf(record).includes(id)).length;
}

function jobFaults(job: Job, records: number, witness: Witness): string[] {
  const { id, runs, mayBeLost, isInFlight } = job;
  const faults: string[] = [];
  const hasEnded = runs.some(({ outcome }) => outcome === 'success' || outcome === 'failure');
  if (!hasEnded && records === 0 && mayBeLost === null && !isInFlight) faults.push(`${id} is lost`);
  if ((job.copies ?? 1) > 1) return [...faults, ...twinFaults(job, records, witness)];
  const certain = runs.filter(isCertain);
  const failed = certain.filter(({ outcome }) => outcome === 'failure');
  const isSettled = certain.some(({ outcome }) => outcome !== 'requeue');
  const least = failed.filter((run) => isKept(run, witness)).length;
  // A run that its runner didn't live to account for is recorded as failed by others, or not, or had been already. So is
  // one that Redis was rolled back to.
  const uncertain = runs.length - certain.length + witness.forgottenMs.length;
  const most = failed.length + uncertain + (isSettled ? 0 : 1);
  if (records < least || records > most)
    faults.push(
      `${id} has ${records} failure records, and should have ${least === most ? least : `${least} to ${most}`}`,
    );
  return faults;
}

/** Jobs that are the same can only be counted. */
function twinFaults({ id, runs, copies = 1 }: Job, records: number, { hasForgotten }: Witness): string[] {
  if (hasForgotten) return [];
  const count = (outcome: Run['outcome']) => runs.filter((run) => run.outcome === outcome).length;
  const ended = count('success') + Math.max(records, count('failure'));
  if (ended < copies) return [`of ${copies} jobs ${id} only ${ended} have ended`];
  return ended > copies && runs.every(isCertain) ? [`of ${copies} jobs ${id}, ${ended} have ended`] : [];
}

/** Whether there is no doubt that its outcome came to Redis: its runner lived to write it, and nobody thought otherwise. */
function isCertain(run: Run): boolean {
  return run.writtenMs !== null || (run.outcome !== null && !run.isAbandoned && !run.isRecovered);
}

/** Whether Redis must still have it: it has not forgotten it, or was told again. */
function isKept({ process, programEndMs, writtenMs }: Run, { forgottenMs }: Witness): boolean {
  if (writtenMs === null || programEndMs === null) return forgottenMs.length === 0;
  // When Redis wrote it, only Redis knows: some time after its end.
  const forgotten = forgottenMs.filter((atMs) => atMs >= programEndMs);
  if (forgotten.length === 0) return true;
  // A runner that has nothing to write learns nothing of a Redis that became older without a restart.
  const learned =
    process.stopped !== null && forgotten.every((atMs) => process.programs.lastWrittenMs > atMs);
  const isInTime = forgotten.every((atMs) => atMs - programEndMs < rewrittenMs);
  return learned && isInTime && !process.wasDeclaredDead;
}

function counterFaults(dump: Dump, runs: readonly Run[], failures: number, { spoilt }: Witness): string[] {
  const counters = ['resque:stat:processed', 'resque:stat:failed', 'resque:failed', 'INCRBY'];
  if (counters.some((name) => spoilt.has(name))) return [];
  const count = (name: string) => Number(dump.get(`resque:stat:${name}`)?.values[0]?.toString() ?? 0);
  const faults: string[] = [];
  if (count('failed') !== failures) faults.push(`stat:failed is ${count('failed')}, of ${failures} failures`);
  const successes = runs.filter(({ outcome }) => outcome === 'success');
  const [least, most] = [failures + successes.filter(isCertain).length, failures + successes.length];
  const processed = count('processed');
  if (processed < least || processed > most)
    faults.push(
      `stat:processed is ${processed}, and should be ${least === most ? least : `${least} to ${most}`}`,
    );
  return faults;
}

function leftKeys(dump: Dump, { witness: { hasForgotten }, mixesDeliveries, book }: World): string[] {
  const hasInvalid = [...book.jobs.values()].some(({ shape }) => shape === 'invalid');
  const mayStay = [
    /^resque:(failed|queues|stat:processed|stat:failed|runner:dead:.*)$/,
    // See rest.ts. A step without an entry, as one may be rolled back to, lives for a week.
    ...(hasForgotten ? [/^resque:runner:.*:held:[^:]*$/, /^resque:runner:.*:step$/] : []),
    // A job that can't run doesn't register its worker, nor does one of which Redis is told again; the next heartbeat does,
    // if the runner lives to send it.
    ...(hasInvalid || hasForgotten ? [/^resque:stat:(processed|failed):.*$/] : []),
    // How often a job was recovered is counted until a runner is done with it that holds it.
    ...(mixesDeliveries ? [/^resque:runner:recoveries$/] : []),
  ];
  const left = [...dump.keys()].filter((key) => !mayStay.some((pattern) => pattern.test(key)));
  return left.map((key) => `a key is left after a clean stop: ${key}`);
}
