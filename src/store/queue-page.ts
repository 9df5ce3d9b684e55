import type { Opened, QueuePage } from './view.ts';

/** The page of a queue that is open, or comes back from what is open on top of it. */
export function queuePageOf(opened: Opened | null): QueuePage | null {
  for (let at: Opened | undefined = opened ?? undefined; at !== undefined; at = at.over) {
    if (at.kind === 'queue') return at;
  }
  return null;
}
