/**
 * In which order the queues are listed. The default puts trouble first; all else stays in the order of the config. Numbers change all the
 * time, and a list must stand still to be read. So the order is made of levels, a queue that recovers keeps its level for a
 * while, and the list is sorted every few seconds, not in every frame.
 */
import { age } from '../../messages/quantities.ts';
import type { Snapshot } from '../../protocol/snapshot.ts';
import { poolOf, queueStatus, ratePerSecond } from '../../store/selectors.ts';
import type { QueueOrder, QueueSort } from '../../store/view.ts';
import { jobsOfRow, type QueueRow, queueRows } from './queue-rows.ts';

/** From the worst to the best. */
const levels = {
  unstartable: 0,
  failingMost: 1,
  failingMany: 2,
  throttled: 3,
  failing: 4,
  behind: 5,
  old: 6,
  calm: 7,
} as const;
type Level = (typeof levels)[keyof typeof levels];

const sortEveryMs = 2_000;
/** A queue that recovers keeps its place for so long. */
const calmMs = 15_000;
/** Waiting jobs that take longer than this at the present rate are a queue that falls behind. */
const behindMs = 10 * 60_000;
const oldMs = 5 * 60_000;
const recentMs = 60_000;

/**
 * Which part of a queue's jobs fails, from 0 to 1: of the last minute, or of the last 15 minutes if that is worse. Engines of
 * older versions don't count it; then a failure in the last minute looks like a few.
 */
export function failingShare(row: QueueRow, nowMs: number): number {
  const all = (row.members ?? [row]).flatMap(({ statistics }) => statistics?.windows ?? []);
  if (all.length === 0 && !isMeasured(row)) {
    return row.lastFailure !== null && nowMs - row.lastFailure.atMs < recentMs ? fewShare : 0;
  }
  const shares = (['lastMinute', 'last15Minutes'] as const).map((window) => {
    const finished = all.reduce((sum, windows) => sum + windows[window].finished, 0);
    const failed = all.reduce((sum, windows) => sum + windows[window].failed, 0);
    return finished === 0 ? 0 : failed / finished;
  });
  return Math.max(...shares);
}

export const mostShare = 0.5;
const manyShare = 0.1;
const fewShare = 0.01;

function isMeasured(row: QueueRow): boolean {
  return (row.members ?? [row]).some(({ statistics }) => statistics !== undefined);
}

function levelOf(row: QueueRow, model: Snapshot, nowMs: number): Level {
  const running = jobsOfRow(model, row).length;
  const pool = poolOf(model, row);
  const status = queueStatus(row, pool, running, model.engine);
  if (status === 'unstartable' || status === 'unreadable') return levels.unstartable;
  const share = failingShare(row, nowMs);
  if (share >= mostShare) return levels.failingMost;
  if (share >= manyShare) return levels.failingMany;
  if ((pool?.throttled ?? null) !== null && pool?.key === row.name) return levels.throttled;
  if (share >= fewShare) return levels.failing;
  const isWaiting = (row.backlog ?? 0) > 0;
  if (isWaiting && status !== 'paused' && status !== 'draining') {
    const { drainMs = null, oldest = null } = row.statistics ?? {};
    if (drainMs !== null && drainMs > behindMs) return levels.behind;
    if (oldest !== null && nowMs - oldest.sinceMs > oldMs) return levels.old;
  }
  return levels.calm;
}

/** Why a queue needs attention; `null` if its row says it, or if it has recovered. */
export function troubleOf(row: QueueRow, model: Snapshot, nowMs: number): string | null {
  const { drainMs = null, oldest = null } = row.statistics ?? {};
  switch (levelOf(row, model, nowMs)) {
    case levels.failingMost:
    case levels.failingMany:
    case levels.failing:
      return isMeasured(row)
        ? `${Math.round(failingShare(row, nowMs) * 100)} % of its recent jobs failed`
        : 'a job failed in the last minute';
    case levels.behind:
      return drainMs === null ? null : `its waiting jobs take ${age(drainMs)} at this rate`;
    case levels.old:
      return oldest === null
        ? null
        : `its oldest job has waited ${oldest.isKnown ? '' : 'at most '}${age(nowMs - oldest.sinceMs)}`;
    default:
      return null;
  }
}

/** A queue that can't start because of its entry is no trouble of its own. */
function isOwnTrouble(row: QueueRow, level: Level): boolean {
  if (level === levels.calm) return false;
  if (level > levels.unstartable || row.members !== undefined || row.runner === row.name) return true;
  return row.pauses.some(({ kind }) => kind === 'unreadable');
}

type Figure = (row: QueueRow, model: Snapshot, nowMs: number) => number;

/** Sorts by numbers, largest first. */
const figures: Readonly<Partial<Record<QueueSort, Figure>>> = {
  slots: (row, model) => jobsOfRow(model, row).length,
  waiting: ({ backlog }) => backlog ?? 0,
  rate: ({ throughput }, _, nowMs) => ratePerSecond(throughput, nowMs),
  failed: ({ failed }) => failed,
};

/** Remembers what is needed to keep the order steady. */
export class QueueSorter {
  readonly #levels = new Map<string, { level: Level; sinceMs: number }>();
  #sort: QueueSort | null = null;
  #order: QueueOrder = { names: [], troubled: new Set(), firstSinceMs: 0 };
  #sortedAtMs = Number.NEGATIVE_INFINITY;

  /** Call it for each frame. @returns the same object while nothing moves */
  next(model: Snapshot, sort: QueueSort, nowMs: number): QueueOrder {
    const rows = queueRows(model);
    const isDue = nowMs - this.#sortedAtMs >= sortEveryMs || nowMs < this.#sortedAtMs;
    if (sort === this.#sort && !isDue && this.#hasSame(rows)) return this.#order;
    const isResorted = sort !== this.#sort;
    this.#sort = sort;
    this.#sortedAtMs = nowMs;
    const names = this.#sorted(rows, model, sort, nowMs).map(({ name }) => name);
    const troubled = new Set(
      rows.flatMap((row) => (isOwnTrouble(row, this.#levelOf(row.name)) ? [row.name] : [])),
    );
    const before = this.#order;
    const isMoved =
      names.length !== before.names.length || names.some((name, at) => name !== before.names[at]);
    const isSameTrouble =
      troubled.size === before.troubled.size && [...troubled].every((name) => before.troubled.has(name));
    if (!isMoved && isSameTrouble) return before;
    const isFirstMoved = !isResorted && before.names.length > 0 && names[0] !== before.names[0];
    this.#order = { names, troubled, firstSinceMs: isFirstMoved ? nowMs : before.firstSinceMs };
    return this.#order;
  }

  #hasSame(rows: readonly QueueRow[]): boolean {
    return rows.length === this.#order.names.length && rows.every(({ name }) => this.#levels.has(name));
  }

  #levelOf(name: string): Level {
    return this.#levels.get(name)?.level ?? levels.calm;
  }

  #sorted(rows: readonly QueueRow[], model: Snapshot, sort: QueueSort, nowMs: number): readonly QueueRow[] {
    this.#judge(rows, model, nowMs);
    if (sort === 'config') return rows;
    if (sort === 'name') return rows.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const figure = figures[sort];
    const rank = (row: QueueRow) =>
      figure === undefined ? this.#levelOf(row.name) : -figure(row, model, nowMs);
    // Otherwise in the order of the config; there the queues of a pattern follow their entry, by name.
    const sorted = rows.map((row) => ({ row, rank: rank(row) })).sort((a, b) => a.rank - b.rank);
    return sorted.map(({ row }) => row);
  }

  /** It gets worse at once, and better only after a while. */
  #judge(rows: readonly QueueRow[], model: Snapshot, nowMs: number): void {
    const names = new Set(rows.map(({ name }) => name));
    for (const name of this.#levels.keys()) if (!names.has(name)) this.#levels.delete(name);
    for (const row of rows) {
      const level = levelOf(row, model, nowMs);
      const known = this.#levels.get(row.name);
      if (known === undefined || level <= known.level || nowMs - known.sinceMs >= calmMs) {
        this.#levels.set(row.name, { level, sinceMs: nowMs });
      }
    }
  }
}
