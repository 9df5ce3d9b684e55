/**
 * What is wrong with the keys of workers and runners, and what would repair it. Pure: who is dead is told by
 * whoever can look at processes.
 *
 *     in the registry, alive        nothing of it is touched
 *     in the registry, dead         recovered, as any runner would
 *     ours, not in the registry     lost: silent for five minutes, it is entered and then recovered
 *     anyone else's                 reported when silent, never touched; only what kills or breaks others is repaired
 */

import { heartbeatTime } from '../format/timestamps.ts';
import { isPrunableId, readOwnWorkerId } from '../format/worker-id.ts';
import type { WrongType } from '../redis/bulk-reads.ts';
import { silentLimitMs } from '../workers/liveness.ts';
import { jobOfRecord, type RecordProblem, recordProblem } from '../workers/worker-problems.ts';
import type { OwnerState, ResqueState } from './state.ts';

export type Finding =
  | LeftOwner
  | BadRecord
  | { readonly kind: 'stray-record'; readonly id: string; readonly record: Buffer }
  | BadId
  | BadHeartbeat
  | {
      readonly kind: 'stray-heartbeat';
      readonly id: string;
      readonly value: string;
      readonly silentMs: number;
    }
  /** Only to be told. */
  | { readonly kind: 'unregistered-worker'; readonly id: string }
  | { readonly kind: 'silent-worker'; readonly id: string; readonly silentMs: number }
  | { readonly kind: 'unreadable-runner'; readonly owner: string }
  | ({ readonly kind: 'wrong-type' } & WrongType);

/** A runner process that is no more, and what it has left. */
export interface LeftOwner {
  readonly kind: 'left-owner';
  readonly owner: string;
  readonly state: OwnerState;
  /** Whether the registry has it. */
  readonly isListed: boolean;
  readonly registered: readonly string[];
  /** Ids that are not registered, with a record or a payload. */
  readonly strays: readonly string[];
  /** Of those ids, and all its own: with what is known of their last signs of life. */
  readonly heartbeats: ReadonlyMap<string, string>;
  /** Since its last sign of life; `null`: none is known. */
  readonly silentMs: number | null;
}

export interface BadRecord {
  readonly kind: 'bad-record';
  readonly id: string;
  readonly record: Buffer;
  readonly problem: RecordProblem;
  /** Of a worker that is no more: it goes to the failures, whole. Otherwise it is put right where it is. */
  readonly isLeft: boolean;
}

export interface BadId {
  readonly kind: 'bad-id';
  readonly id: string;
  /** Somebody lives under that name: only to be told. */
  readonly isAlive: boolean;
  readonly record: Buffer | null;
}

export interface BadHeartbeat {
  readonly kind: 'bad-heartbeat';
  readonly id: string;
  readonly value: string;
  readonly isRegistered: boolean;
}

export function findingsOf(
  state: ResqueState,
  isDead: (owner: string, state: OwnerState) => boolean,
): Finding[] {
  const left = leftOwners(state, isDead);
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
    // Before the runners: their recovery would take a record that it can't read for none.
    ...badRecords(state, isLeft),
    ...left,
    ...others.flatMap((id) => badId(state, id)),
    ...[...state.heartbeats].flatMap(([id, value]) => badHeartbeat(state, id, value, isLeft)),
    ...[...state.heartbeats.keys()].flatMap((id) => strayHeartbeat(state, id, isLiving)),
    ...strayRecords(state, (id) => isLeft(id) || isLiving(id)),
    ...others.flatMap((id) => silentWorker(state, id, isLiving)),
  ];
}

function leftOwners(state: ResqueState, isDead: (owner: string, state: OwnerState) => boolean): LeftOwner[] {
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
        ? its.entry === null || !isDead(owner, its)
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
        strays: ids.filter((id) => !state.workers.has(id)),
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

function badRecords(state: ResqueState, isLeft: (id: string) => boolean): Finding[] {
  return [...state.records].flatMap(([id, record]): Finding[] => {
    const problem = recordProblem(record);
    if (problem === null) return [];
    // With the payload beside it, its runner's recovery needs no record.
    if (isLeft(id)) {
      return state.payloads.has(id) ? [] : [{ kind: 'bad-record', id, record, problem, isLeft: true }];
    }
    // Nobody shows the record of a worker that isn't registered; and it may be no record.
    if (!state.workers.has(id)) return [];
    return isPrunableId(id) ? [{ kind: 'bad-record', id, record, problem, isLeft: false }] : [];
  });
}

function badId(state: ResqueState, id: string): Finding[] {
  if (isPrunableId(id)) return [];
  return [{ kind: 'bad-id', id, isAlive: isHeard(state, id), record: state.records.get(id) ?? null }];
}

function badHeartbeat(
  state: ResqueState,
  id: string,
  value: string,
  isLeft: (id: string) => boolean,
): Finding[] {
  if (heartbeatTime(value) !== null) return [];
  const isRegistered = state.workers.has(id);
  // It goes with its worker.
  if (isRegistered && (isLeft(id) || !isPrunableId(id))) return [];
  return [{ kind: 'bad-heartbeat', id, value, isRegistered }];
}

function strayHeartbeat(state: ResqueState, id: string, isLiving: (id: string) => boolean): Finding[] {
  const value = state.heartbeats.get(id) ?? '';
  const time = heartbeatTime(value);
  if (state.workers.has(id) || time === null || isLiving(id)) return [];
  const age = state.nowMs - time;
  if (age > silentLimitMs) return [{ kind: 'stray-heartbeat', id, value, silentMs: age }];
  return [{ kind: 'unregistered-worker', id }];
}

/** Of workers that nobody knows and nobody has heard of. */
function strayRecords(state: ResqueState, isOwned: (id: string) => boolean): Finding[] {
  return [...state.records].flatMap(([id, record]): Finding[] => {
    if (state.workers.has(id) || isOwned(id) || !isPrunableId(id) || isHeard(state, id)) return [];
    const job = jobOfRecord(record);
    const isOld = job !== null && (job.runAtMs === null || state.nowMs - job.runAtMs > silentLimitMs);
    return isOld ? [{ kind: 'stray-record', id, record }] : [];
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
