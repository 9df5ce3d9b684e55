/** The jobs and workers of each queue. Pure. */
import type { ResqueKeys } from '../../resque/format/keys.ts';
import { withoutMarkup } from '../../resque/format/worker-record.ts';
import { isAlive, type JudgedWorker } from '../../resque/workers/judge-workers.ts';
import type { StatusFacts } from '../../resque/workers/read-status.ts';
import type { QueueStatus, RunningJob } from './document.ts';
import { limitsOfQueue, pausesOfQueue, slotChangesOfQueue, slotsOfQueue } from './pauses.ts';
import { averagePerMinute, finishedBy, type Rates, sumOf } from './rates.ts';
import { groupsOf, Listening, onlyQueueOf } from './workers.ts';

export function surveyQueues(
  facts: StatusFacts,
  workers: readonly JudgedWorker[],
  jobs: readonly RunningJob[],
  rates: Rates,
  keys: ResqueKeys,
): QueueStatus[] {
  const names = facts.queues.map(({ name }) => name);
  const listening = new Listening(names, workers);
  const listeners = groupsOf(workers, (worker) => listening.queuesOf(worker));
  // Our records leave out parts of the name that resque-web would treat as markup.
  const written = new Map([
    ...names.map((name) => [withoutMarkup(name), name] as const),
    ...names.map((name) => [name, name] as const),
  ]);
  const working = groupsOf(
    jobs.filter((job) => isAlive({ state: job.workerState })),
    ({ queue }) => (queue === null ? [] : [written.get(queue) ?? queue]),
  );
  const held = groupsOf(facts.held, ({ queue }) => [queue]);
  const typeOf = new Map(facts.wrongTypes.map(({ key, type }) => [key, type]));
  const queues = facts.queues.map(({ name, backlog }): QueueStatus => {
    const all = listeners.get(name) ?? [];
    const living = all.filter(isAlive);
    return {
      name,
      waiting: backlog,
      wrongType: backlog === null ? (typeOf.get(keys.queue(name)) ?? 'of another type') : null,
      workers: living.length,
      slots: slotsOfQueue(living, facts),
      ...limitsOfQueue(living, facts),
      ...pausesOfQueue(name, living, facts),
      slotChanges: slotChangesOfQueue(living, facts),
      lostWorkers: all.length - living.length,
      working: working.get(name)?.length ?? 0,
      held: (held.get(name) ?? []).reduce((sum, each) => sum + each.jobs, 0),
      isUnattended: backlog !== null && backlog > 0 && living.length === 0,
      ...ratesOf(name, living, facts.nowMs, rates),
    };
  });
  return queues.sort(byNeed);
}

/** Only for workers that serve this queue alone: jobs of other workers may belong to other queues. */
function ratesOf(
  name: string,
  living: readonly JudgedWorker[],
  nowMs: number,
  rates: Rates,
): Pick<QueueStatus, 'jobsPerMinute' | 'jobsPerSecond'> {
  const isOwn = (queues: string) => onlyQueueOf(queues) === name;
  if (living.length === 0 || !living.every(({ facts }) => isOwn(facts.about.queues))) {
    return { jobsPerMinute: null, jobsPerSecond: null };
  }
  const workers = living.map(({ facts }) => facts);
  return {
    jobsPerMinute: sumOf(
      workers.map((worker) => averagePerMinute(finishedBy(worker), worker.startedAtMs, nowMs)),
    ),
    jobsPerSecond: rates.of(
      workers,
      ({ about }) => isOwn(about.queues) || onlyQueueOf(about.queues) === null,
    ),
  };
}

function byNeed(a: QueueStatus, b: QueueStatus): number {
  return (
    Number(b.isUnattended) - Number(a.isUnattended) ||
    Number(b.wrongType !== null) - Number(a.wrongType !== null) ||
    (b.waiting ?? 0) - (a.waiting ?? 0) ||
    b.working - a.working ||
    (a.name < b.name ? -1 : 1)
  );
}
