/** The kind of each worker, and whether it is alive: for `status` and the screen. Pure. */
import type { Death, WorkerKind, WorkerState } from '../../protocol/redis-views.ts';
import { deathOf, livenessOf, type RedisView, silentLimitMs, type Vantage } from './liveness.ts';
import type { WorkerFacts } from './registry.ts';
import type { RunnerEntry } from './runner-entry.ts';

export interface WorkersFacts extends RedisView {
  readonly workers: readonly WorkerFacts[];
  /** `HOST:PID` of each registered runner process → its entry; `null` if this version can't read it. */
  readonly runners: ReadonlyMap<string, RunnerEntry | null>;
}

export interface JudgedWorker {
  readonly facts: WorkerFacts;
  readonly kind: WorkerKind;
  readonly state: WorkerState;
  /** Why it counts as `stale` or `dead`; otherwise `null`. */
  readonly death: Death | null;
  /** Since the last heartbeat of the worker or its runner; `null` if there is none. */
  readonly silentMs: number | null;
}

export function judgeWorkers(facts: WorkersFacts, here: Vantage): JudgedWorker[] {
  const doubts = new Map([...facts.runners].map(([owner, entry]) => [owner, doubtOf(entry, facts, here)]));
  return facts.workers.map((worker) => {
    const { process } = worker.about;
    const kind = kindOf(worker, facts);
    const entry = kind === 'resque-runner' ? (facts.runners.get(process) ?? null) : null;
    const seenAt = [worker.seenAtMs, entry?.seenAtMs ?? null].filter((time) => time !== null);
    const silent = seenAt.length === 0 ? null : Math.max(0, facts.nowMs - Math.max(...seenAt));
    const doubt = kind === 'resque-runner' ? (doubts.get(process) ?? null) : null;
    const state = stateOf(worker, doubt, silent);
    const isSilent = state === 'stale';
    const death =
      state === 'dead' && entry !== null ? deathOf(entry, here, facts) : isSilent ? 'silent' : null;
    return { facts: worker, kind, state, death, silentMs: silent };
  });
}

/** Whether it is alive or may be. */
export function isAlive({ state }: { readonly state: WorkerState }): boolean {
  return state !== 'stale' && state !== 'dead';
}

/** The state of a runner that has an entry but no registered worker. */
export function stateOfRunner(
  entry: RunnerEntry | null,
  facts: WorkersFacts,
  here: Vantage,
): { readonly state: WorkerState; readonly silentMs: number | null } {
  if (entry === null) return { state: 'idle', silentMs: null };
  const silentMs = Math.max(0, facts.nowMs - entry.seenAtMs);
  const doubt = doubtOf(entry, facts, here);
  return { state: doubt ?? (silentMs > silentLimitMs ? 'stale' : 'idle'), silentMs };
}

/** A runner has an entry in the registry, or a name that only runners use: its entry may be lost. */
function kindOf({ about, isPinging }: WorkerFacts, { runners }: WorkersFacts): WorkerKind {
  if (about.part === 'slot' && (runners.has(about.process) || about.host.endsWith('.runner'))) {
    return 'resque-runner';
  }
  return about.part === 'number' || isPinging ? 'node-resque' : 'resque';
}

function stateOf(
  { record, wrongRecordType }: WorkerFacts,
  doubt: 'dead' | 'unknown' | null,
  silent: number | null,
): WorkerState {
  if (doubt !== null) return doubt;
  if (silent !== null && silent > silentLimitMs) return 'stale';
  return isWorking(record) || wrongRecordType !== null ? 'working' : 'idle';
}

/** Some clients write an empty object for an idle worker. */
export function isWorking(record: Buffer | null): boolean {
  return record !== null && record.toString('latin1') !== '{}';
}

/** Whether a runner is dead or its state unknown. A silence of more than five minutes is not included: that is `stale`. */
function doubtOf(entry: RunnerEntry | null, facts: WorkersFacts, here: Vantage): 'dead' | 'unknown' | null {
  if (entry === null) return null;
  const liveness = livenessOf(entry, here, facts);
  if (liveness === 'dead') return deathOf(entry, here, facts) === 'silent' ? null : 'dead';
  return liveness === 'unknown' ? 'unknown' : null;
}
