/** The kind of each worker, and whether it is alive. Pure. */
import { queueList } from '../../resque/format/queue-patterns.ts';
import { deathOf, livenessOf, silentLimitMs, type Vantage } from '../../resque/workers/liveness.ts';
import type { StatusFacts } from '../../resque/workers/read-status.ts';
import type { WorkerFacts } from '../../resque/workers/registry.ts';
import type { RunnerEntry } from '../../resque/workers/runner-entry.ts';
import type { WorkerKind, WorkerState } from './document.ts';

export interface JudgedWorker {
  readonly facts: WorkerFacts;
  readonly kind: WorkerKind;
  readonly state: WorkerState;
  /** Since the last heartbeat of the worker or its runner; `null` if there is none. */
  readonly silentMs: number | null;
}

export function judgeWorkers(facts: StatusFacts, here: Vantage): JudgedWorker[] {
  const doubts = new Map([...facts.runners].map(([owner, entry]) => [owner, doubtOf(entry, facts, here)]));
  return facts.workers.map((worker) => {
    const { process } = worker.about;
    const kind = kindOf(worker, facts);
    const entry = kind === 'resque-runner' ? (facts.runners.get(process) ?? null) : null;
    const seenAt = [worker.seenAtMs, entry?.seenAtMs ?? null].filter((time) => time !== null);
    const silent = seenAt.length === 0 ? null : Math.max(0, facts.nowMs - Math.max(...seenAt));
    const doubt = kind === 'resque-runner' ? (doubts.get(process) ?? null) : null;
    return { facts: worker, kind, state: stateOf(worker, doubt, silent), silentMs: silent };
  });
}

/** Whether it is alive or may be. */
export function isAlive({ state }: { readonly state: WorkerState }): boolean {
  return state !== 'stale' && state !== 'dead';
}

/** The state of a runner that has an entry but no registered worker. */
export function stateOfRunner(
  entry: RunnerEntry | null,
  facts: StatusFacts,
  here: Vantage,
): { readonly state: WorkerState; readonly silentMs: number | null } {
  if (entry === null) return { state: 'idle', silentMs: null };
  const silentMs = Math.max(0, facts.nowMs - entry.seenAtMs);
  const doubt = doubtOf(entry, facts, here);
  return { state: doubt ?? (silentMs > silentLimitMs ? 'stale' : 'idle'), silentMs };
}

/** A runner has an entry in the registry, or a name that only runners use: its entry may be lost. */
function kindOf({ about, isPinging }: WorkerFacts, { runners }: StatusFacts): WorkerKind {
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
function doubtOf(entry: RunnerEntry | null, facts: StatusFacts, here: Vantage): 'dead' | 'unknown' | null {
  if (entry === null) return null;
  const liveness = livenessOf(entry, here, facts);
  if (liveness === 'dead') return deathOf(entry, here, facts) === 'silent' ? null : 'dead';
  return liveness === 'unknown' ? 'unknown' : null;
}

/** Which of the existing queues each worker takes jobs from. */
export class Listening {
  readonly #known: readonly string[];
  readonly #expanded = new Map<string, readonly string[]>();
  /** Runner process → queues that one of its pools names. Patterns of its other pools exclude these queues. */
  readonly #named = new Map<string, Set<string>>();

  constructor(known: readonly string[], workers: readonly JudgedWorker[]) {
    this.#known = known;
    for (const { facts, kind } of workers) {
      if (kind !== 'resque-runner') continue;
      const { process, queues } = facts.about;
      const named = this.#named.get(process) ?? new Set();
      for (const name of queueList(queues).names) named.add(name);
      this.#named.set(process, named);
    }
  }

  queuesOf({ facts: { about }, kind }: JudgedWorker): readonly string[] {
    const all = this.#expand(about.queues);
    const named = kind === 'resque-runner' ? this.#named.get(about.process) : undefined;
    if (named === undefined || named.size === 0) return all;
    const own = queueList(about.queues);
    return own.isDynamic ? all.filter((name) => own.names.includes(name) || !named.has(name)) : all;
  }

  #expand(text: string): readonly string[] {
    const known = this.#expanded.get(text);
    if (known !== undefined) return known;
    const queues = queueList(text).expand(this.#known);
    this.#expanded.set(text, queues);
    return queues;
  }
}

/** The queue of a list that names exactly one queue and no pattern. */
export function onlyQueueOf(text: string): string | null {
  const list = queueList(text);
  return list.isDynamic || list.names.length !== 1 || text.includes('!') ? null : (list.names[0] ?? null);
}

/** Whole seconds, at least 0: another clock may be ahead of Redis' clock. */
export function seconds(ms: number | null): number | null {
  return ms === null ? null : Math.max(0, Math.floor(ms / 1_000));
}

/** Groups by name; an item may have several names. */
export function groupsOf<T>(all: readonly T[], namesOf: (each: T) => readonly string[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const each of all) {
    for (const name of namesOf(each)) {
      const group = groups.get(name);
      if (group === undefined) groups.set(name, [each]);
      else group.push(each);
    }
  }
  return groups;
}
