/** The running jobs, from the workers' records. Pure. */
import { jobOfRecord, type RecordProblem, recordProblem } from '../../resque/workers/worker-problems.ts';
import type { RunningJob } from './document.ts';
import { isWorking, type JudgedWorker, seconds } from './workers.ts';

/** Longest running first. */
export function runningJobs(workers: readonly JudgedWorker[], nowMs: number): RunningJob[] {
  const jobs = workers.flatMap((worker): RunningJob[] => {
    const { record, wrongRecordType } = worker.facts;
    if (wrongRecordType !== null)
      return [unreadable(worker, `its record is a ${wrongRecordType}, not a string`)];
    return record === null || !isWorking(record) ? [] : [jobOf(worker, record, nowMs)];
  });
  return jobs.sort((a, b) => (b.ageSeconds ?? -1) - (a.ageSeconds ?? -1));
}

function jobOf(worker: JudgedWorker, record: Buffer, nowMs: number): RunningJob {
  const job = jobOfRecord(record);
  if (job === null)
    return unreadable(worker, `its record is ${problemTexts[recordProblem(record) ?? 'payload']}`);
  const { queue, payload, runAtMs } = job;
  return {
    ...about(worker),
    queue,
    class: payload.isObject ? payload.jobClass : null,
    argsText: payload.isObject ? payload.argsText : '',
    ageSeconds: seconds(runAtMs === null ? null : nowMs - runAtMs),
    problem: payload.isObject ? null : `its payload is ${payload.reason}`,
  };
}

function unreadable(worker: JudgedWorker, problem: string): RunningJob {
  return { ...about(worker), queue: null, class: null, argsText: '', ageSeconds: null, problem };
}

function about({ facts, state }: JudgedWorker): Pick<RunningJob, 'worker' | 'process' | 'workerState'> {
  return { worker: facts.id, process: facts.about.process, workerState: state };
}

const problemTexts: Readonly<Record<RecordProblem, string>> = {
  'not-utf8': 'not UTF-8',
  'not-json': 'not JSON',
  'not-object': 'not a JSON object',
  'lone-surrogate': 'broken text',
  'too-deep': 'nested too deeply',
  payload: 'without a payload',
};
