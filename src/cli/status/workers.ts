/** Whose each worker is and whether it lives. Pure. */
import { queueList } from '../../resque/queue-patterns.ts';
import type { RunnerEntry } from '../../resque/runner-entry.ts';
import type { StatusFacts } from '../../resque/status/read-status.ts';
import type { WorkerFacts } from '../../resque/status/read-workers.ts';
import type { WorkerKind, WorkerState } from './document.ts';

/** As Resque itself, see `Resque.prune_interval`: who is silent for longer is taken for dead by others. */
const silentMs = 300_000;

/** Whether the process of that entry is no more; `null` where nobody can tell from here. */
export type IsGone = (entry: RunnerEntry) => boolean | null;

export interface JudgedWorker {
  readonly facts: WorkerFacts;
  readonly kind: WorkerKind;
  readonly state: WorkerState;
  /** Since its last sign of life, or that of its runner; `null`: none is known. */
  readonly silentMs: number | null;
}

export function judgeWorkers(facts: StatusFacts, isGone: IsGone): JudgedWorker[] {
  const gone = new Map([...facts.runners].map(([owner, entry]) => [owner, isGoneRunner(entry, isGone)]));
  return facts.workers.map((worker) => {
    const { process } = worker.about;
    const kind = kindOf(worker, facts);
    const entry = kind === 'resque-runner' ? (facts.runners.get(process) ?? null) : null;
    const seenAt = [worker.seenAtMs, entry?.seenAtMs ?? null].filter((time) => time !== null);
    const silent = seenAt.length === 0 ? null : Math.max(0, facts.nowMs - Math.max(...seenAt));
    const isDead = kind === 'resque-runner' && gone.get(process) === true;
    return { facts: worker, kind, state: stateOf(worker, isDead, silent), silentMs: silent };
  });
}

export function isAlive({ state }: { readonly state: WorkerState }): boolean {
  return state === 'idle' || state === 'working';
}

/** What of a process that has no worker any more, but an entry. */
export function stateOfRunner(
  entry: RunnerEntry | null,
  nowMs: number,
  isGone: IsGone,
): { readonly state: WorkerState; readonly silentMs: number | null } {
  if (entry === null) return { state: 'idle', silentMs: null };
  const silent = Math.max(0, nowMs - entry.seenAtMs);
  if (isGoneRunner(entry, isGone)) return { state: 'dead', silentMs: silent };
  return { state: silent > silentMs ? 'stale' : 'idle', silentMs: silent };
}

/** A registry entry, or a name that only a runner gives: one whose entry is lost is still ours. */
function kindOf({ about, isPinging }: WorkerFacts, { runners }: StatusFacts): WorkerKind {
  if (about.part === 'slot' && (runners.has(about.process) || about.host.endsWith('.runner'))) {
    return 'resque-runner';
  }
  return about.part === 'number' || isPinging ? 'node-resque' : 'resque';
}

function stateOf(
  { record, wrongRecordType }: WorkerFacts,
  isDead: boolean,
  silent: number | null,
): WorkerState {
  if (isDead) return 'dead';
  if (silent !== null && silent > silentMs) return 'stale';
  return isWorking(record) || wrongRecordType !== null ? 'working' : 'idle';
}

/** Some clients write an empty object for a worker that is idle. */
export function isWorking(record: Buffer | null): boolean {
  return record !== null && record.toString('latin1') !== '{}';
}

function isGoneRunner(entry: RunnerEntry | null, isGone: IsGone): boolean {
  return entry !== null && isGone(entry) === true;
}

/** Which queues each worker takes jobs from, of those that there are. */
export class Listening {
  readonly #known: readonly string[];
  readonly #expanded = new Map<string, readonly string[]>();
  /** Runner process → queues that an entry of its config names: patterns of its other entries leave them out. */
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

/** The one queue that a list names, where it is about no other. */
export function onlyQueueOf(text: string): string | null {
  const list = queueList(text);
  return list.isDynamic || list.names.length !== 1 || text.includes('!') ? null : (list.names[0] ?? null);
}
