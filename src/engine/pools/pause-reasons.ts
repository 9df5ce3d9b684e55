/** Reasons why something takes no jobs: each at most once per kind. */
import type { PauseReason } from '../../protocol/events.ts';
import { type PoolPause, pauseKinds } from '../../resque/workers/runner-entry.ts';

export type PauseKind = PauseReason['kind'];

/** Characters of a pause's reason in Redis. */
const longestDetail = 300;

/** @returns whether that is news */
export function addReason(reasons: Map<PauseKind, PauseReason>, kind: PauseKind, detail: string): boolean {
  const known = reasons.get(kind);
  if (known?.detail === detail) return false;
  reasons.set(kind, { kind, detail, sinceMs: known?.sinceMs ?? Date.now() });
  return true;
}

/** Those that Redis doesn't show by itself, as the runner's entry there has them. */
export function entryPauses(
  reasons: ReadonlyMap<PauseKind, PauseReason>,
  scope: Pick<PoolPause, 'runner' | 'queue'>,
): PoolPause[] {
  return [...reasons.values()].flatMap(({ kind: any, sinceMs, detail: full }) => {
    const kind = pauseKinds.find((each) => each === any);
    const detail = full.slice(0, longestDetail).toWellFormed();
    return kind === undefined ? [] : [{ ...scope, kind, detail, sinceMs }];
  });
}
