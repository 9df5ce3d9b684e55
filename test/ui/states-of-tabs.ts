/** Workers and delayed jobs as an engine reads them. */
import type { DelayedInfo, ScheduleInfo, WorkerInfo } from '../../src/protocol/redis-views.ts';

export function workerInfo(id: string, rest: Partial<WorkerInfo> = {}): WorkerInfo {
  const [host = '', pid = ''] = id.split(':');
  return {
    ...{ id, kind: 'resque', state: 'idle', death: null, host, pid: Number.parseInt(pid, 10) },
    ...{ process: `${host}:${Number.parseInt(pid, 10)}`, queues: id.split(':')[2] ?? '', isOwn: false },
    ...{ silentMs: 3_000, ageMs: 7_200_000, processed: 1_204, failed: 3, job: null },
    ...rest,
  };
}

export function delayedInfo(dueAtMs: number, args: string, rest: Partial<DelayedInfo> = {}): DelayedInfo {
  const time = String(dueAtMs / 1_000);
  return {
    ...{ time, index: 0, sha1: `${time}${args}`, id: `${time}@3fa9c1d2`, dueAtMs },
    ...{ queue: 'mail', jobClass: 'SendMail', args, isReadable: true, retry: null },
    ...rest,
  };
}

export function scheduleInfo(name: string, nextAtMs: number, rest: Partial<ScheduleInfo> = {}): ScheduleInfo {
  return {
    ...{ name, source: 'config', timing: '0 3 * * *', queue: 'low', jobClass: 'Report', args: '[1]' },
    ...{ description: '', nextAtMs, lastAtMs: null, problem: null },
    ...rest,
  };
}
