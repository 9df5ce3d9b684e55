/** What a worker runs, from its record; of any client. Pure. */
import { parsedJson } from '../format/json.ts';
import { argsTextLimit } from '../format/payload.ts';
import { timeOfText } from '../format/timestamps.ts';
import { isWorking } from './judge-workers.ts';
import type { WorkerFacts } from './registry.ts';
import { jobOfRecord, recordProblem } from './worker-problems.ts';

export interface CurrentJob {
  /** `null` if the record can't be read. */
  readonly queue: string | null;
  /** `null` if the job has none, or the record can't be read. */
  readonly jobClass: string | null;
  /** JSON text of its args, cut; '' if there are none. */
  readonly argsText: string;
  /** By the worker's clock; `null` if the record doesn't have it. */
  readonly runAtMs: number | null;
  /** Why it can't be read, for people; otherwise `null`. */
  readonly problem: string | null;
}

/** @returns `null` if it runs nothing */
export function currentJob(worker: WorkerFacts): CurrentJob | null {
  const { record, wrongRecordType, isRecordCut } = worker;
  if (wrongRecordType !== null) return unreadable(`its record is a ${wrongRecordType}, not a string`);
  if (record === null || !isWorking(record)) return null;
  if (isRecordCut) return jobOfHead(record);
  const job = jobOfRecord(record);
  if (job === null) return unreadable(`its record is ${recordProblem(record) ?? 'without a payload'}`);
  const { queue, payload, runAtMs } = job;
  return {
    ...{ queue, runAtMs },
    jobClass: payload.isObject ? payload.jobClass : null,
    argsText: payload.isObject ? payload.argsText : '',
    problem: payload.isObject ? null : `its payload is ${payload.reason}`,
  };
}

/** All clients write the queue and the time before the payload, and its class before its args. */
function jobOfHead(record: Buffer): CurrentJob {
  const head = record.toString('utf8').toWellFormed();
  const member = (name: string) => {
    const [, json] = new RegExp(`"${name}":("(?:[^"\\\\]|\\\\.)*")`, 's').exec(head) ?? [];
    return textOf(json);
  };
  const runAt = member('run_at');
  const [, args = ''] = /"args":(.*)$/s.exec(head) ?? [];
  return {
    queue: member('queue'),
    jobClass: member('class'),
    argsText: args === '' ? '' : `${args.slice(0, argsTextLimit)}…`,
    runAtMs: runAt === null ? null : timeOfText(runAt),
    problem: null,
  };
}

function textOf(json: string | undefined): string | null {
  const value = json === undefined ? undefined : parsedJson(json);
  return value === undefined ? null : String(value);
}

function unreadable(problem: string): CurrentJob {
  return { queue: null, jobClass: null, argsText: '', runAtMs: null, problem };
}
