/** Checks the fate of each job against the promises. */
import type { JobLog, Run } from './job-log.ts';
import { idOfPayload } from './job-program.ts';
import type { PlannedJob } from './plan.ts';
import type { RedisHistory } from './redis-history.ts';

export interface Evidence {
  readonly delivery: 'at-most-once' | 'at-least-once';
  readonly jobs: readonly PlannedJob[];
  readonly log: JobLog;
  readonly history: RedisHistory;
  /** Raw records of the `failed` list. */
  readonly failures: readonly string[];
  readonly processed: number;
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

interface Recorded {
  readonly exception: string;
  readonly payload: unknown;
}

export function judge(evidence: Evidence): { figures: ChaosFigures; faults: string[] } {
  const { delivery, jobs, log, history, failures, processed } = evidence;
  const faults = [...log.faults];
  const isDead = ({ exception }: Recorded) => exception === 'Resque::PruneDeadWorkerDirtyExit';
  const records = new Map<string, Recorded[]>();
  for (const text of failures) {
    const record = JSON.parse(text) as Recorded;
    const id = idOfPayload(JSON.stringify(record.payload));
    if (id === null) faults.push(`a failure of no job: ${text}`);
    else records.set(id, [...(records.get(id) ?? []), record]);
  }
  const runsOf = (id: string) => log.runs.get(id) ?? [];
  const hasEnded = (id: string) => runsOf(id).some((run) => run.hasEnded);
  const ids = jobs.map(({ id }) => id);
  const popped = new Set(history.in('popped'));
  const lost = ids.filter((id) => !hasEnded(id) && !records.has(id));
  const repeated = ids.filter((id) => runsOf(id).length > 1);
  const repeatedRuns = repeated.flatMap((id) => runsOf(id).slice(0, -1));

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
      repeated.filter((id) => !runsOf(id).slice(0, -1).every(isExplained)),
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
  const failsOnce = (id: string) => (records.get(id) ?? []).length === 1;
  tell(
    'jobs are recorded as failed more than once',
    ids.filter((id) => (records.get(id) ?? []).length > 1),
  );
  tell(
    'jobs failed and are not recorded so',
    jobs
      .filter(({ id, fails }) => fails && hasEnded(id) && !popped.has(id) && !failsOnce(id))
      .map(({ id }) => id),
  );
  tell(
    'jobs ended well and are recorded as failed',
    jobs
      .filter(({ id, fails }) => !fails && records.get(id)?.some((record) => !isDead(record)))
      .map(({ id }) => id),
  );
  for (const place of ['queued', 'recorded', 'held'] as const)
    tell(`jobs are ${place} at the end`, history.in(place));
  // If a job finished before anything was written about it, its outcome counts, unless that was lost, too.
  const mayCount = [...popped].filter(hasEnded).length;
  const [least, most] = [ids.length - popped.size, ids.length - popped.size + mayCount];
  if (processed < least || processed > most) {
    faults.push(`counted ${processed} outcomes of ${ids.length} jobs, expected ${least} to ${most}`);
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
