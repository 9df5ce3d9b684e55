/** Which queues workers take jobs from, and groups of workers. Pure. */
import { queueList } from '../../resque/format/queue-patterns.ts';
import type { JudgedWorker } from '../../resque/workers/judge-workers.ts';

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
