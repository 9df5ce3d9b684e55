/** What must hold when a run is over: every job is accounted for, once, and nothing is left. */
import type { Dump } from './dump.ts';
import { idIn, type Job, type Run } from './job-book.ts';
import type { World } from './world.ts';

export async function checkEnd(world: World): Promise<string[]> {
  const dump = await world.dump();
  const failures = (dump.get('resque:failed')?.values ?? []).map(String);
  return [
    ...[...world.book.jobs.values()].flatMap((job) => jobFaults(job, failures, world)),
    ...counterFaults(world, dump, failures.length),
    ...leftKeys(dump),
    ...world.spoolFiles.filter((file) => !file.endsWith('.late')).map((file) => `a spool file is left: ${file}`),
  ];
}

function jobFaults(job: Job, failures: readonly string[], world: World): string[] {
  const { id, runs, mayBeLost, isInFlight, forgottenMs } = job;
  const faults: string[] = [];
  const records = failures.filter((text) => idIn(Buffer.from(text)) === id).length;
  const hasEnded = runs.some(({ outcome }) => outcome === 'success' || outcome === 'failure');
  if (!hasEnded && records === 0 && mayBeLost === null && !isInFlight) faults.push(`${id} is lost`);
  if (world.hasForgotten && forgottenMs >= 0) return faults;
  const certainly = (outcome: Run['outcome']) => runs.filter((run) => run.outcome === outcome && isCertain(run)).length;
  const failed = certainly('failure');
  // A run that its runner didn't live to account for is recorded as failed by others, or not, or had been already.
  const uncertain = runs.filter((run) => !isCertain(run)).length;
  const isSettled = failed + certainly('success') > 0;
  const [least, most] = [failed, failed + uncertain + (isSettled ? 0 : 1)];
  if (records < least || records > most)
    faults.push(`${id} has ${records} failure records, and should have ${least === most ? least : `${least} to ${most}`}`);
  return faults;
}

/** Whether there is no doubt that its outcome came to Redis: its runner lived to write it, and nobody thought otherwise. */
function isCertain(run: Run): boolean {
  return run.isWritten || (run.outcome !== null && !run.isAbandoned && !run.isRecovered);
}

function counterFaults(world: World, dump: Dump, failures: number): string[] {
  const keys = ['resque:stat:processed', 'resque:stat:failed', 'resque:failed', 'INCRBY'];
  if (world.hasForgotten || keys.some((key) => world.spoilt.has(key))) return [];
  const count = (name: string) => Number(dump.get(`resque:stat:${name}`)?.values[0] ?? 0);
  const faults: string[] = [];
  if (count('failed') !== failures) faults.push(`stat:failed is ${count('failed')}, of ${failures} failures`);
  const successes = world.book.runs.filter(({ outcome }) => outcome === 'success');
  const certain = successes.filter(isCertain).length;
  const [least, most] = [failures + certain, failures + successes.length];
  const processed = count('processed');
  if (processed < least || processed > most)
    faults.push(`stat:processed is ${processed}, and should be ${least === most ? least : `${least} to ${most}`}`);
  return faults;
}

function leftKeys(dump: Dump): string[] {
  const mayStay = /^resque:(failed|queues|stat:processed|stat:failed|runner:dead:.*)$/;
  return [...dump.keys()].filter((key) => !mayStay.test(key)).map((key) => `a key is left after a clean stop: ${key}`);
}
