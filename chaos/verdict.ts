/** Checks the fate of each job against the promises. */
import type { JobLog, Run } from './job-log.ts';
import { idOfPayload } from './job-program.ts';
import type { PlannedJob } from './plan.ts';
import type { RedisHistory } from './redis-history.ts';

export interface Evidence {
  readonly delivery: 'at-most-once' | 'at-least-once';
  /** That each job may have. */
  readonly attempts: number;
  readonly jobs: readonly PlannedJob[];
  readonly log: JobLog;
  readonly history: RedisHistory;
  /** Raw records of the `failed` list. */
  readonly failures: readonly string[];
  readonly processed: number;
  /** Jobs whose attempts are still counted in Redis. */
  readonly counted: readonly string[];
  /** Jobs whose lock is still there. */
  readonly locked: readonly string[];
  readonly kills: number;
  readonly recoveredAfterMs: readonly number[];
  readonly faultsMs: number;
  readonly settledMs: number;
}

export interface ChaosFigures {
  readonly jobs: number;
  readonly kills: number;
  readonly recoveries: number;
  readonly slowestRecoveryMs: number;
  readonly faultsMs: number;
  readonly settledMs: number;
  /** In all attempts. */
  readonly runs: number;
  readonly ranToTheEnd: number;
  readonly failedByThemselves: number;
  /** `Resque::PruneDeadWorkerDirtyExit` */
  readonly failedByRecovery: number;
  /** Those of them whose program had nevertheless finished. */
  readonly failedByRecoveryThoughDone: number;
  /** Neither done, nor failed, nor on any list. */
  readonly lost: number;
  /** BLPOP took them, and nothing has been written about them since; some may have run. */
  readonly poppedForNothing: number;
  readonly ranMoreThanOnce: number;
  /** Repeated runs, by their state at the kill of their runner. */
  readonly repeatedRunning: number;
  readonly repeatedEnded: number;
}

/** How many faults of a kind are shown in full; the rest is counted. */
const examples = 5;

const deadRunner = 'Resque::PruneDeadWorkerDirtyExit';

interface Recorded {
  readonly exception: string;
  readonly payload: unknown;
  readonly attempts?: number;
  readonly first_failed_at?: string;
}

export function judge(evidence: Evidence): { figures: ChaosFigures; faults: string[] } {
  const { delivery, attempts, jobs, log, history, failures, processed, counted, locked } = evidence;
  const faults = [...log.faults];
  const isDead = ({ exception }: Recorded) => exception === deadRunner;
  const records = new Map<string, Recorded[]>();
  for (const text of failures) {
    const record = JSON.parse(text) as Recorded;
    const id = idOfPayload(JSON.stringify(record.payload));
    if (id === null) faults.push(`a failure of no job: ${text}`);
    else records.set(id, [...(records.get(id) ?? []), record]);
  }
  const runsOf = (id: string) => log.runs.get(id) ?? [];
  const lastAttempt = new Map(jobs.map((job) => [job.id, Math.min(job.failures + 1, attempts)]));
  const hasEnded = (id: string) =>
    runsOf(id).some((run) => run.hasEnded && run.attempt === lastAttempt.get(id));
  const ids = jobs.map(({ id }) => id);
  const popped = new Set(history.in('popped'));
  const lost = ids.filter((id) => !hasEnded(id) && !records.has(id));
  /** Runs that were followed by another one of the same attempt. */
  const repeatedRunsOf = (id: string) =>
    runsOf(id).filter((run, at, runs) => run.attempt === runs[at + 1]?.attempt);
  const repeated = ids.filter((id) => repeatedRunsOf(id).length > 0);
  const repeatedRuns = repeated.flatMap(repeatedRunsOf);

  const tell = (what: string, which: readonly string[]) => {
    if (which.length === 0) return;
    faults.push([`${which.length} ${what}`, ...which.slice(0, examples).flatMap(describe)].join('\n'));
  };
  const describe = (id: string) => [
    `  job ${id}: ${JSON.stringify(jobs.find((job) => job.id === id))}`,
    ...history.of(id).map((line) => `    redis  ${line}`),
    ...runsOf(id).map((run) => `    run    ${JSON.stringify(run)}`),
    ...(records.get(id) ?? []).map((record) => `    failed ${JSON.stringify(record).slice(0, 200)}`),
  ];

  if (delivery === 'at-least-once') {
    tell('jobs are lost', lost);
    const isExplained = (run: Run) => run.atKill !== null;
    tell(
      'jobs ran again though no kill explains it',
      repeated.filter((id) => !repeatedRunsOf(id).every(isExplained)),
    );
    tell(
      'jobs failed for a recovery',
      ids.filter((id) => records.get(id)?.some(isDead)),
    );
  } else {
    tell('jobs ran more than once', repeated);
    tell(
      'jobs are lost though BLPOP was not in it',
      lost.filter((id) => !popped.has(id)),
    );
  }
  const isInTurn = (run: Run, at: number, runs: readonly Run[]) =>
    run.attempt - (runs[at - 1]?.attempt ?? 0) === 1 || run.attempt === runs[at - 1]?.attempt;
  tell(
    'jobs ran with attempts out of turn, or too many',
    ids.filter(
      (id) =>
        !runsOf(id).every((run, at, runs) => isInTurn(run, at, runs) && run.attempt <= attempts) ||
        (runsOf(id).at(-1)?.attempt ?? 0) > (lastAttempt.get(id) ?? 0),
    ),
  );
  const isDying = ({ failures: fails }: PlannedJob) => fails >= attempts;
  const failsOnce = (id: string) => (records.get(id) ?? []).length === 1;
  tell(
    'jobs are recorded as failed more than once',
    ids.filter((id) => (records.get(id) ?? []).length > 1),
  );
  tell(
    'jobs failed and are not recorded so',
    jobs
      .filter((job) => isDying(job) && hasEnded(job.id) && !popped.has(job.id) && !failsOnce(job.id))
      .map(({ id }) => id),
  );
  tell(
    'jobs ended well and are recorded as failed',
    jobs
      .filter((job) => !isDying(job) && records.get(job.id)?.some((record) => !isDead(record)))
      .map(({ id }) => id),
  );
  tell(
    'jobs are recorded as failed without all their attempts',
    ids.filter((id) => records.get(id)?.some((record) => attempts > 1 && !tellsAttempts(record, runsOf(id)))),
  );
  tell(
    'jobs are not waiting, but their attempts are counted',
    [...new Set(counted)].filter((id) => !popped.has(id)),
  );
  tell('jobs lost their lock while they waited or ran', history.unlocked);
  tell(
    'jobs are over, but their lock is left',
    locked.filter((id) => !popped.has(id)),
  );
  for (const place of ['queued', 'delayed', 'recorded', 'held'] as const)
    tell(`jobs are ${place} at the end`, history.in(place));
  // If a job finished before anything was written about it, its outcome counts, unless that was lost, too.
  const endsOf = (id: string) => runsOf(id).filter((run) => run.hasEnded).length;
  const mayCount = [...popped].filter((id) => endsOf(id) > history.delaysOf(id)).length;
  const delays = ids.reduce((sum, id) => sum + history.delaysOf(id), 0);
  const least = ids.length - popped.size + delays;
  const most = least + mayCount;
  if (processed < least || processed > most) {
    faults.push(`counted ${processed} outcomes, expected ${least} to ${most}`);
  }
  const dead = ids.filter((id) => records.get(id)?.some(isDead));
  return {
    faults,
    figures: {
      jobs: ids.length,
      kills: evidence.kills,
      recoveries: evidence.recoveredAfterMs.length,
      slowestRecoveryMs: Math.max(0, ...evidence.recoveredAfterMs),
      faultsMs: evidence.faultsMs,
      settledMs: evidence.settledMs,
      runs: ids.reduce((sum, id) => sum + runsOf(id).length, 0),
      ranToTheEnd: ids.filter(hasEnded).length,
      failedByThemselves: ids.filter((id) => records.get(id)?.some((record) => !isDead(record))).length,
      failedByRecovery: dead.length,
      failedByRecoveryThoughDone: dead.filter(hasEnded).length,
      lost: lost.length,
      poppedForNothing: popped.size,
      ranMoreThanOnce: repeated.length,
      repeatedRunning: repeatedRuns.filter(({ atKill }) => atKill === 'running' || atKill === 'starting')
        .length,
      repeatedEnded: repeatedRuns.filter(({ atKill }) => atKill === 'ended').length,
    },
  };
}

/** Also a recovery knows which run it ended. That run may have been too young for the log. */
function tellsAttempts(record: Recorded, runs: readonly Run[]): boolean {
  const { attempts, first_failed_at: first, exception } = record;
  const last = runs.at(-1)?.attempt ?? 1;
  if (exception !== deadRunner) return attempts === last && typeof first === 'string';
  if (attempts === undefined) return last === 1;
  return (attempts === last || attempts === last + 1) && typeof first === 'string';
}
