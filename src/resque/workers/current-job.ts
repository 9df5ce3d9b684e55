/** What a worker runs, from its record; of any client. Pure. */
import type { WorkerJob } from '../../protocol/redis-views.ts';
import { asText, parsedJson } from '../format/json.ts';
import { argsTextLimit } from '../format/payload.ts';
import { timeOfText } from '../format/timestamps.ts';
import { isWorking } from './judge-workers.ts';
import type { WorkerFacts } from './registry.ts';
import { jobOfRecord, recordProblem } from './worker-problems.ts';

/** @returns `null` if it runs nothing */
export function currentJob(worker: WorkerFacts, nowMs: number): WorkerJob | null {
  const { record, wrongRecordType, isRecordCut } = worker;
  if (wrongRecordType !== null) return unreadable(`its record is a ${wrongRecordType}, not a string`);
  if (record === null || !isWorking(record)) return null;
  if (isRecordCut) return jobOfHead(record, nowMs);
  const job = jobOfRecord(record);
  if (job === null) return unreadable(`its record is ${recordProblem(record) ?? 'without a payload'}`);
  const { queue, payload, runAtMs } = job;
  return {
    queue,
    jobClass: payload.isObject ? payload.jobClass : null,
    args: payload.isObject ? payload.argsText : '',
    ageMs: ageAt(nowMs, runAtMs),
    problem: payload.isObject ? null : `its payload is ${payload.reason}`,
  };
}

/** All clients write the queue and the time before the payload, and its class before its args. */
function jobOfHead(record: Buffer, nowMs: number): WorkerJob {
  const head = record.toString('utf8').toWellFormed();
  const member = (name: string) => {
    const [, json] = new RegExp(`"${name}":("(?:[^"\\\\]|\\\\.)*")`, 's').exec(head) ?? [];
    return json === undefined ? null : asText(parsedJson(json));
  };
  const runAt = member('run_at');
  const [, args = ''] = /"args":(.*)$/s.exec(head) ?? [];
  return {
    queue: member('queue'),
    jobClass: member('class'),
    args: args === '' ? '' : `${args.slice(0, argsTextLimit)}…`,
    ageMs: ageAt(nowMs, runAt === null ? null : timeOfText(runAt)),
    problem: null,
  };
}

/** Another clock may be ahead of Redis' clock. */
export function ageAt(nowMs: number, atMs: number | null): number | null {
  return atMs === null ? null : Math.max(0, nowMs - atMs);
}

function unreadable(problem: string): WorkerJob {
  return { queue: null, jobClass: null, args: '', ageMs: null, problem };
}
