/**
 * Problems with the keys of workers and runners. Pure: the caller, which can see processes, decides who is dead.
 *
 *     in the registry, alive           left alone
 *     in the registry, dead            recovered, as by any runner
 *     ours, but not in the registry    after five minutes of silence, entered and then recovered
 *     of other clients                 reported when silent, never touched; only what breaks others is repaired
 */

import { areTwo } from '../delayed/move.ts';
import type { ResqueKeys } from '../format/keys.ts';
import { queueList } from '../format/queue-patterns.ts';
import { heartbeatTime, runAtText } from '../format/timestamps.ts';
import { isPrunableId, readOwnWorkerId } from '../format/worker-id.ts';
import { withoutMarkup } from '../format/worker-record.ts';
import type { WrongType } from '../redis/bulk-reads.ts';
import { livenessOf, silentLimitMs, type Vantage } from '../workers/liveness.ts';
import type { PoolLimits } from '../workers/runner-entry.ts';
import { jobOfRecord, type RecordProblem, recordProblem, shownRecord } from '../workers/worker-problems.ts';
import { unreadableJob } from './failed-entry.ts';
import { failed, givenUp, heartbeatSet, type Repair, rewritten, scheduled } from './repair.ts';
import type { OwnerState, ResqueState } from './state.ts';

/** `repair` is left out if the problem is only reported. */
export type Finding =
  | LeftOwner
  | BadRecord
  | { readonly kind: 'stray-record'; readonly id: string; readonly repair: Repair }
  /** Only reported if a living worker has this id. */
  | { readonly kind: 'bad-id'; readonly id: string; readonly repair?: Repair }
  | {
      readonly kind: 'bad-heartbeat';
      readonly id: string;
      readonly value: string;
      readonly isRegistered: boolean;
      readonly repair: Repair;
    }
  | {
      readonly kind: 'stray-heartbeat';
      readonly id: string;
      readonly silentMs: number;
      readonly repair: Repair;
    }
  | { readonly kind: 'unregistered-worker'; readonly id: string }
  | { readonly kind: 'silent-worker'; readonly id: string; readonly silentMs: number }
  | { readonly kind: 'unreadable-runner'; readonly owner: string }
  | { readonly kind: 'two-schedulers'; readonly master: string; readonly leader: string }
  | { readonly kind: 'unknown-schedules'; readonly names: readonly string[] }
  | DifferentLimits
  /** Times of delayed jobs that are missing in the schedule. */
  | { readonly kind: 'unscheduled-times'; readonly times: readonly string[]; readonly repair: Repair }
  | { readonly kind: 'undeliverable-jobs'; readonly count: number }
  | ({ readonly kind: 'wrong-type' } & WrongType);

/** A dead runner process, and what it left. */
export interface LeftOwner {
  readonly kind: 'left-owner';
  readonly owner: string;
  readonly state: OwnerState;
  /** Whether it is in the registry. */
  readonly isListed: boolean;
  readonly registered: readonly string[];
  /** Unregistered ids with a record or a payload, and whether they have a record. */
  readonly strays: ReadonlyMap<string, boolean>;
  /** Heartbeats of all its ids. */
  readonly heartbeats: ReadonlyMap<string, string>;
  /** Since its last heartbeat; `null` if none is known. */
  readonly silentMs: number | null;
}

/** Living runners whose configs disagree about the limits of a queue. */
interface DifferentLimits {
  readonly kind: 'different-limits';
  readonly queue: string;
  /** What each says. */
  readonly limits: readonly (Pick<PoolLimits, 'limit' | 'rate'> & { readonly owner: string })[];
}

export interface BadRecord {
  readonly kind: 'bad-record';
  readonly id: string;
  readonly problem: RecordProblem;
  /** Whether the worker is dead: the record then becomes a failure. Otherwise it is repaired in place. */
  readonly isLeft: boolean;
  readonly repair: Repair;
}

/** @param schedules names of those of the config; `null` if it leaves schedules to others */
export function findingsOf(
  state: ResqueState,
  keys: ResqueKeys,
  here: Vantage,
  schedules: readonly string[] | null = null,
): Finding[] {
  const left = leftOwners(state, here);
  const leftNames = new Set(left.map(({ owner }) => owner));
  const ownerOf = (id: string) => readOwnWorkerId(id)?.process ?? '';
  const isLeft = (id: string) => leftNames.has(ownerOf(id));
  const isLiving = (id: string) => state.owners.get(ownerOf(id))?.entryText != null && !isLeft(id);
  const others = [...state.workers].filter((id) => !isLeft(id));
  const unreadable = [...state.owners].filter(
    ([, { entry, entryText }]) => entryText !== null && entry === null,
  );
  return [
    ...state.wrongTypes.map((wrong): Finding => ({ kind: 'wrong-type', ...wrong })),
    ...unreadable.map(([owner]): Finding => ({ kind: 'unreadable-runner', owner })),
    // Before the runners, because their recovery ignores records that it can't read.
    ...badRecords(state, keys, isLeft),
    ...left,
    ...others.flatMap((id) => badId(state, keys, id)),
    ...[...state.heartbeats].flatMap(([id, value]) => badHeartbeat(state, keys, id, value, isLeft)),
    ...[...state.heartbeats.keys()].flatMap((id) => strayHeartbeat(state, keys, id, isLiving)),
    ...strayRecords(state, keys, (id) => isLeft(id) || isLiving(id)),
    ...others.flatMap((id) => silentWorker(state, id, isLiving)),
    ...differentLimits(state, (owner) => !leftNames.has(owner)),
    ...delayedFindings(state, keys),
    ...unknownSchedules(state, schedules),
  ];
}

/** A Ruby scheduler with a schedule file may have enqueued them. It can't while a runner holds its lock. */
function unknownSchedules({ unkeptSchedules }: ResqueState, schedules: readonly string[] | null): Finding[] {
  if (schedules === null) return [];
  const names = unkeptSchedules.filter((name) => !schedules.includes(name));
  return names.length > 0 ? [{ kind: 'unknown-schedules', names }] : [];
}

/** A runner without a limit takes jobs no matter how many others run, so it counts, too. */
function differentLimits(
  { owners, queues }: ResqueState,
  isAlive: (owner: string) => boolean,
): DifferentLimits[] {
  const living = [...owners]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([owner, { entry }]) => (entry !== null && isAlive(owner) ? [{ owner, entry }] : []));
  if (!living.some(({ entry }) => entry.limits !== undefined)) return [];
  const pools = living.map(({ owner, entry: { slots = [], limits = [] } }) => ({
    owner,
    lists: slots.map(({ runner }) => ({
      list: queueList(runner),
      limits: limits.find((each) => each.runner === runner),
    })),
  }));
  const named = pools.flatMap(({ lists }) => lists.flatMap(({ list }) => list.names));
  return [...new Set([...queues, ...named])].flatMap((queue): DifferentLimits[] => {
    const limits = pools.flatMap(({ owner, lists }) => {
      // Of several pools, the first one has the queue.
      const pool = lists.find(({ list }) => list.expand([queue]).includes(queue));
      return pool === undefined
        ? []
        : [{ owner, limit: pool.limits?.limit ?? null, rate: pool.limits?.rate ?? null }];
    });
    const [first] = limits;
    const areSame = limits.every(({ limit, rate }) => limit === first?.limit && rate === first.rate);
    return areSame ? [] : [{ kind: 'different-limits', queue, limits }];
  });
}

function delayedFindings(
  { schedulers, unscheduled: times, undeliverable: count }: ResqueState,
  keys: ResqueKeys,
): Finding[] {
  const { master, leader } = schedulers;
  return [
    ...(master !== null && leader !== null && areTwo(schedulers)
      ? [{ kind: 'two-schedulers' as const, master, leader }]
      : []),
    ...(times.length > 0
      ? [{ kind: 'unscheduled-times' as const, times, repair: scheduled(keys, times) }]
      : []),
    ...(count > 0 ? [{ kind: 'undeliverable-jobs' as const, count }] : []),
  ];
}

function leftOwners(state: ResqueState, here: Vantage): LeftOwner[] {
  const hosts = new Set([...state.owners.keys()].map((owner) => owner.slice(0, owner.lastIndexOf(':'))));
  const idsOf = new Map<string, Set<string>>();
  for (const id of [...state.workers, ...state.records.keys(), ...state.payloads]) {
    const parts = readOwnWorkerId(id);
    if (parts === null || !(parts.host.endsWith('.runner') || hosts.has(parts.host))) continue;
    const ids = idsOf.get(parts.process) ?? new Set();
    idsOf.set(parts.process, ids.add(id));
  }
  const none = { entry: null, entryText: null, held: new Map(), step: null, stepAgeMs: null };
  return [...new Set([...state.owners.keys(), ...idsOf.keys()])].flatMap((owner): LeftOwner[] => {
    const its = state.owners.get(owner) ?? none;
    const ids = [...(idsOf.get(owner) ?? [])];
    const silent = silenceOf(state, its, ids);
    if (
      its.entryText !== null
        ? its.entry === null || livenessOf(its.entry, here, state) !== 'dead'
        : silent !== null && silent <= silentLimitMs
    ) {
      return [];
    }
    return [
      {
        kind: 'left-owner',
        owner,
        state: its,
        isListed: its.entryText !== null,
        registered: ids.filter((id) => state.workers.has(id)),
        strays: new Map(ids.filter((id) => !state.workers.has(id)).map((id) => [id, state.records.has(id)])),
        heartbeats: new Map(ids.flatMap((id) => entryOf(state.heartbeats, id))),
        silentMs: silent,
      },
    ];
  });
}

/** Since the latest of all signs of life of a process. @returns `null`: there is none */
function silenceOf(state: ResqueState, owner: OwnerState, ids: readonly string[]): number | null {
  const ages = ids.flatMap((id) => {
    const time = heartbeatTime(state.heartbeats.get(id) ?? '');
    return time === null ? [] : [state.nowMs - time];
  });
  if (owner.stepAgeMs !== null) ages.push(owner.stepAgeMs);
  if (owner.entry !== null) ages.push(state.nowMs - owner.entry.seenAtMs);
  return ages.length === 0 ? null : Math.min(...ages);
}

function badRecords(state: ResqueState, keys: ResqueKeys, isLeft: (id: string) => boolean): Finding[] {
  return [...state.records].flatMap(([id, record]): Finding[] => {
    const problem = recordProblem(record);
    if (problem === null) return [];
    const queue = id.split(':').slice(2).join(':');
    // If the payload is beside it, the recovery needs no record.
    if (isLeft(id)) {
      if (state.payloads.has(id)) return [];
      const job = { failure: unreadableJob(id, queue, record), statusName: '' };
      return [{ kind: 'bad-record', id, problem, isLeft: true, repair: failed(keys, id, record, job) }];
    }
    // No client shows the record of an unregistered worker, and the key may not be a record.
    if (!state.workers.has(id) || !isPrunableId(id)) return [];
    const shown = shownRecord(record, withoutMarkup(queue), runAtText(new Date()));
    return [{ kind: 'bad-record', id, problem, isLeft: false, repair: rewritten(keys, id, record, shown) }];
  });
}

function badId(state: ResqueState, keys: ResqueKeys, id: string): Finding[] {
  if (isPrunableId(id)) return [];
  if (isHeard(state, id)) return [{ kind: 'bad-id', id }];
  return [{ kind: 'bad-id', id, repair: givenUp(keys, id, state.records.get(id) ?? null) }];
}

function badHeartbeat(
  state: ResqueState,
  keys: ResqueKeys,
  id: string,
  value: string,
  isLeft: (id: string) => boolean,
): Finding[] {
  if (heartbeatTime(value) !== null) return [];
  const isRegistered = state.workers.has(id);
  // It is removed together with its worker.
  if (isRegistered && (isLeft(id) || !isPrunableId(id))) return [];
  // A registered worker gets the current time: if it is dead, it will be found by its silence.
  const repair = heartbeatSet(keys, id, value, isRegistered ? state.nowMs : null);
  return [{ kind: 'bad-heartbeat', id, value, isRegistered, repair }];
}

function strayHeartbeat(
  state: ResqueState,
  keys: ResqueKeys,
  id: string,
  isLiving: (id: string) => boolean,
): Finding[] {
  const value = state.heartbeats.get(id) ?? '';
  const time = heartbeatTime(value);
  if (state.workers.has(id) || time === null || isLiving(id)) return [];
  const age = state.nowMs - time;
  if (age > silentLimitMs) {
    const repair = heartbeatSet(keys, id, value, null);
    return [{ kind: 'stray-heartbeat', id, silentMs: age, repair }];
  }
  return [{ kind: 'unregistered-worker', id }];
}

/** Records of unregistered workers without a heartbeat. */
function strayRecords(state: ResqueState, keys: ResqueKeys, isOwned: (id: string) => boolean): Finding[] {
  return [...state.records].flatMap(([id, record]): Finding[] => {
    if (state.workers.has(id) || isOwned(id) || !isPrunableId(id) || isHeard(state, id)) return [];
    const job = jobOfRecord(record);
    const isOld = job !== null && (job.runAtMs === null || state.nowMs - job.runAtMs > silentLimitMs);
    return isOld ? [{ kind: 'stray-record', id, repair: givenUp(keys, id, record) }] : [];
  });
}

function silentWorker(state: ResqueState, id: string, isLiving: (id: string) => boolean): Finding[] {
  const time = heartbeatTime(state.heartbeats.get(id) ?? '');
  if (time === null || isLiving(id) || !isPrunableId(id) || state.nowMs - time <= silentLimitMs) return [];
  return [{ kind: 'silent-worker', id, silentMs: state.nowMs - time }];
}

function isHeard(state: ResqueState, id: string): boolean {
  const time = heartbeatTime(state.heartbeats.get(id) ?? '');
  return time !== null && state.nowMs - time <= silentLimitMs;
}

function entryOf(map: ReadonlyMap<string, string>, key: string): [string, string][] {
  const value = map.get(key);
  return value === undefined ? [] : [[key, value]];
}
