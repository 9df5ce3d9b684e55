/** Checks the end of a run: every job is accounted for once, and nothing is left. */
import type { Dump, DumpedKey } from './dump.ts';
import { idsOf, type Job, type Run } from './job-book.ts';
import type { Witness } from './witness.ts';
import type { World } from './world.ts';

/** For a minute, a runner can rewrite outcomes that Redis forgets. */
const rewrittenMs = 55_000;

const heldList = /^resque:runner:.*:held:[^:]*$/;

export async function checkEnd(world: World): Promise<string[]> {
  const dump = await world.dump();
  const failures = dump.get('resque:failed')?.values ?? [];
  const { book, witness, spoolFiles } = world;
  // The key of their queue had another type when they were due.
  const undeliverable = dump.get('resque:runner:undeliverable')?.values ?? [];
  // Redis has forgotten that a dead runner holds jobs of these queues: `check --repair` finds them.
  const stranded = [...dump].filter(([key]) => witness.hasForgotten && heldList.test(key));
  const kept = new Set([
    ...(witness.spoilt.size > 0 ? undeliverable.flatMap(idsOf) : []),
    ...stranded.flatMap(([, { values }]) => values.flatMap(idsOf)),
  ]);
  const jobs = [...book.jobs.values()].filter(({ id }) => !kept.has(id));
  return [
    ...jobs.flatMap((job) => jobFaults(job, recordsOf(job, failures), witness)),
    ...(witness.hasForgotten ? [] : counterFaults(dump, book.runs, failures.length, witness)),
    ...leftKeys(dump, world),
    ...witness.recurring.atEnd(dump),
    ...spoolFiles.map((file) => `a spool file is left: ${file}`),
  ];
}

/** A record may contain its job's id more than once. */
function recordsOf({ id }: Job, failures: readonly Buffer[]): number {
  return failures.filter((record) => idsOf(record).includes(id)).length;
}

function jobFaults(job: Job, records: number, witness: Witness): string[] {
  const { id, runs, mayBeLost, isInFlight } = job;
  const faults: string[] = [];
  const hasEnded = runs.some(({ outcome }) => outcome === 'success' || outcome === 'failure');
  if (!hasEnded && records === 0 && mayBeLost === null && !isInFlight) faults.push(`${id} is lost`);
  if (job.copies > 1) return [...faults, ...twinFaults(job, records, witness)];
  const certain = runs.filter(isCertain);
  const failed = certain.filter(({ outcome }) => outcome === 'failure');
  const isSettled = certain.some(({ outcome }) => outcome === 'success' || outcome === 'failure');
  const least = failed.filter((run) => isKept(run, witness)).length;
  // If a runner died before it accounted for a run, others may or may not have recorded it as failed. The same holds for a
  // run that Redis was rolled back to.
  const uncertain = runs.length - certain.length + witness.forgottenMs.length;
  const most = failed.length + uncertain + (isSettled ? 0 : 1) + refusedRetries(certain, witness);
  if (records < least || records > most)
    faults.push(
      `${id} has ${records} failure records, and should have ${least === most ? least : `${least} to ${most}`}`,
    );
  return faults;
}

/** A key of another type costs a retry: the run counts as failed. */
function refusedRetries(certain: readonly Run[], { spoilt }: Witness): number {
  const mayBeRefused = [...spoilt].some((key) => /^resque:(delayed|timestamps)/.test(key));
  return mayBeRefused ? certain.filter(({ outcome }) => outcome === 'retry').length : 0;
}

/** Identical jobs can only be counted. */
function twinFaults({ id, runs, copies }: Job, records: number, { hasForgotten }: Witness): string[] {
  if (hasForgotten) return [];
  const count = (outcome: Run['outcome']) => runs.filter((run) => run.outcome === outcome).length;
  const ended = count('success') + Math.max(records, count('failure'));
  if (ended < copies) return [`of ${copies} jobs ${id} only ${ended} have ended`];
  return ended > copies && runs.every(isCertain) ? [`of ${copies} jobs ${id}, ${ended} have ended`] : [];
}

/** Whether its outcome certainly reached Redis: its runner lived to write it, and no other declared it dead. */
function isCertain(run: Run): boolean {
  return run.writtenMs !== null || (run.outcome !== null && !run.isAbandoned && !run.isRecovered);
}

/** Whether Redis must still have it: Redis has not forgotten it, or the runner has rewritten it. */
function isKept({ process, programEndMs, writtenMs }: Run, { forgottenMs }: Witness): boolean {
  if (writtenMs === null || programEndMs === null) return forgottenMs.length === 0;
  // The time of the write is unknown: some time after the run's end.
  const forgotten = forgottenMs.filter((atMs) => atMs >= programEndMs);
  if (forgotten.length === 0) return true;
  // A runner without anything to write doesn't notice that Redis became older without a restart.
  const learned =
    process.stopped !== null && forgotten.every((atMs) => process.programs.lastWrittenMs > atMs);
  const isInTime = forgotten.every((atMs) => atMs - programEndMs < rewrittenMs);
  return learned && isInTime && !process.wasDeclaredDead;
}

function counterFaults(dump: Dump, runs: readonly Run[], failures: number, witness: Witness): string[] {
  const { spoilt } = witness;
  const counters = ['resque:stat:processed', 'resque:stat:failed', 'resque:failed', 'INCRBY'];
  if (counters.some((name) => spoilt.has(name))) return [];
  const count = (name: string) => Number(dump.get(`resque:stat:${name}`)?.values[0]?.toString() ?? 0);
  const faults: string[] = [];
  const retries = runs.filter(({ outcome }) => outcome === 'retry');
  const certain = retries.filter(isCertain);
  const failed = count('failed');
  const leastFailed = failures + certain.length - refusedRetries(certain, witness);
  if (failed < leastFailed || failed > failures + retries.length)
    faults.push(`stat:failed is ${failed}, of ${failures} failures${beside(retries)}`);
  const successes = runs.filter(({ outcome }) => outcome === 'success');
  const ended = Math.max(failed, leastFailed);
  const [least, most] = [ended + successes.filter(isCertain).length, ended + successes.length];
  const processed = count('processed');
  if (processed < least || processed > most)
    faults.push(
      `stat:processed is ${processed}, and should be ${least === most ? least : `${least} to ${most}`}`,
    );
  return faults;
}

function beside(retries: readonly Run[]): string {
  return retries.length === 0 ? '' : ` and ${retries.length} retries`;
}

function leftKeys(dump: Dump, { witness, mixesDeliveries, book, stoppedOwners }: World): string[] {
  const { hasForgotten, countsAttempts, spoilt } = witness;
  const hasInvalid = [...book.jobs.values()].some(({ shape }) => shape === 'invalid');
  const mayStay = [
    /^resque:(failed|queues|stat:processed|stat:failed|runner:dead:.*)$/,
    // They expire soon.
    /^resque:runner:(free|rate):.*$/,
    ...(witness.recurring.isNeeded
      ? [/^resque:(queue:recurring|delayed:last_enqueued_at|runner:cron:.*)$/]
      : []),
    // See rest.ts. A step without an entry, as one may be rolled back to, lives for a week.
    ...(hasForgotten ? [heldList, /^resque:runner:.*:step$/] : []),
    // A job that can't run doesn't register its worker, nor does one of which Redis is told again; the next heartbeat does,
    // if the runner lives to send it.
    ...(hasInvalid || hasForgotten ? [/^resque:stat:(processed|failed):.*$/] : []),
    // How often a job was recovered is counted until a runner is done with it that holds it.
    ...(spoilt.size > 0 ? [/^resque:runner:undeliverable$/] : []),
    ...(mixesDeliveries ? [/^resque:runner:recoveries$/] : []),
  ];
  // The count of a job that is lost stays for a week.
  const isOfLost = (...values: readonly Buffer[]) =>
    values.flatMap(idsOf).every((id) => book.jobs.get(id)?.mayBeLost !== null);
  const isCount = (key: string, value: DumpedKey) =>
    key.startsWith('resque:runner:retry:') && (!countsAttempts || isOfLost(...value.values));
  // A key that gets its type back after its job has left: `remove_delayed` finds nothing there.
  const isSpoiltTime = (key: string) => key.startsWith('resque:timestamps:') && spoilt.has(key);
  // Of a job that is lost, or if its deletion was refused.
  const isLock = (key: string) =>
    /^resque:(lock|loners):/.test(key) && (!witness.locks.isSound || isOfLost(Buffer.from(key)));
  // The lock of a runner that died expires.
  const isOfDead = (key: string, { values }: DumpedKey) =>
    /^resque:resque(_scheduler_leader_lock|:resque_scheduler_master_lock)$/.test(key) &&
    !stoppedOwners.includes(String(values[0]));
  const left = [...dump]
    .filter(([key, value]) => !mayStay.some((pattern) => pattern.test(key)) && !isCount(key, value))
    .filter(([key, value]) => !isSpoiltTime(key) && !isLock(key) && !isOfDead(key, value))
    .map(([key]) => key);
  return left.map((key) => `a key is left after a clean stop: ${key}`);
}
