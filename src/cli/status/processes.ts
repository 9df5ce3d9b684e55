/** Groups workers by process: a runner has one worker per slot. Pure. */
import type { WorkerState } from '../../protocol/redis-views.ts';
import { readWorkerId } from '../../resque/format/worker-id.ts';
import { isAlive, type JudgedWorker, stateOfRunner } from '../../resque/workers/judge-workers.ts';
import type { Vantage } from '../../resque/workers/liveness.ts';
import type { StatusFacts } from '../../resque/workers/read-status.ts';
import type { ProcessStatus, WorkerStatus } from './document.ts';
import type { LocalRunners } from './local-runners.ts';
import { pausesOfProcess, slotChangesOfProcess, slotsOf } from './pauses.ts';
import { averagePerMinute, finishedBy, type Rates, sumOf } from './rates.ts';
import { groupsOf, seconds } from './workers.ts';

/** Everything that Redis knows. */
type RecordedProcess = Omit<ProcessStatus, 'statistics'>;

export function surveyProcesses(
  facts: StatusFacts,
  workers: readonly JudgedWorker[],
  rates: Rates,
  here: Vantage,
  local: LocalRunners,
): ProcessStatus[] {
  const groups = groupsOf(workers, ({ facts: { about } }) => [about.process]);
  const without = [...facts.runners.keys()].filter((owner) => !groups.has(owner));
  const processes = [
    ...[...groups].map(([name, group]) => processOf(name, group, facts, rates)),
    ...without.map((owner) => withoutWorkers(owner, facts, here)),
  ].map((process): ProcessStatus => ({ ...process, statistics: local.get(process.name) ?? [] }));
  return processes.sort(
    (a, b) =>
      Number(isAlive(a)) - Number(isAlive(b)) ||
      compare(a.host, b.host) ||
      (a.pid ?? 0) - (b.pid ?? 0) ||
      compare(a.name, b.name),
  );
}

function processOf(
  name: string,
  group: readonly JudgedWorker[],
  facts: StatusFacts,
  rates: Rates,
): RecordedProcess {
  const { nowMs } = facts;
  const all = group.map((worker) => worker.facts);
  const first = readWorkerId(all[0]?.id ?? name);
  const starts = all.map(({ startedAtMs }) => startedAtMs).filter((start) => start !== null);
  const startedAtMs = starts.length === 0 ? null : Math.min(...starts);
  const silences = group.map(({ silentMs }) => silentMs).filter((silence) => silence !== null);
  const finished = sumOf(all.map(finishedBy));
  const queues = [...new Set(all.map(({ about }) => about.queues))].sort(compare);
  return {
    name,
    host: first.host,
    pid: first.pid,
    kind: group[0]?.kind ?? 'resque',
    state: stateOf(group),
    heartbeatAgeSeconds: seconds(silences.length === 0 ? null : Math.min(...silences)),
    ageSeconds: seconds(startedAtMs === null ? null : nowMs - startedAtMs),
    queues,
    slots: slotsOf(name, group, facts),
    slotChanges: slotChangesOfProcess(name, facts),
    ...pausesOfProcess(name, queues, facts),
    workers: group.map((worker) => workerOf(worker, nowMs)).sort((a, b) => compare(a.id, b.id)),
    working: group.filter(({ state }) => state === 'working').length,
    finished,
    failed: sumOf(all.map(({ failed }) => failed)),
    held: heldBy(name, facts),
    jobsPerMinute: averagePerMinute(finished, startedAtMs, nowMs),
    jobsPerSecond: rates.of(all, ({ about }) => about.process === name),
  };
}

/** A runner whose workers were removed from Redis by another program. Its next heartbeat registers them again. */
function withoutWorkers(owner: string, facts: StatusFacts, here: Vantage): RecordedProcess {
  const { host, pid } = readWorkerId(owner);
  const { state, silentMs } = stateOfRunner(facts.runners.get(owner) ?? null, facts, here);
  return {
    name: owner,
    host,
    pid,
    kind: 'resque-runner',
    state,
    heartbeatAgeSeconds: seconds(silentMs),
    ageSeconds: null,
    queues: [],
    slots: slotsOf(owner, [], facts),
    slotChanges: slotChangesOfProcess(owner, facts),
    ...pausesOfProcess(owner, [], facts),
    workers: [],
    working: 0,
    finished: null,
    failed: null,
    held: heldBy(owner, facts),
    jobsPerMinute: null,
    jobsPerSecond: null,
  };
}

function workerOf({ facts, state, silentMs }: JudgedWorker, nowMs: number): WorkerStatus {
  return {
    id: facts.id,
    state,
    queues: facts.about.queues,
    heartbeatAgeSeconds: seconds(silentMs),
    ageSeconds: seconds(facts.startedAtMs === null ? null : nowMs - facts.startedAtMs),
    finished: finishedBy(facts),
    failed: facts.failed,
  };
}

function stateOf(group: readonly JudgedWorker[]): WorkerState {
  const states = group.map(({ state }) => state);
  if (states.includes('working')) return 'working';
  if (states.includes('idle')) return 'idle';
  return states[0] ?? 'idle';
}

function heldBy(owner: string, { held }: StatusFacts): number {
  return held.filter((each) => each.owner === owner).reduce((sum, { jobs }) => sum + jobs, 0);
}

function compare(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
