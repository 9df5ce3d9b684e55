/**
 * What screens get that don't skip unknown events: those before `skipsUnknownEvents`. They skip them as they happen, but crash
 * on them in the history of a snapshot.
 */
import type { Snapshot } from '../../protocol/snapshot.ts';

/** What all of these screens know. This never changes: they don't learn any more. */
const knownInHistory: ReadonlySet<string> = new Set([
  'engine.started',
  'engine.stopping',
  'engine.stopped',
  'redis.up',
  'redis.down',
  'runner.changed',
  'runner.throttled',
  'runner.unthrottled',
  'queue.paused',
  'queue.resumed',
  'job.killed',
  'job.finished',
  'failure.recorded',
  'failures.retried',
  'failures.removed',
  'failures.trimmed',
  'notice.failed',
  'notice.dropped',
  'command.executed',
  'config.reloaded',
  'config.rejected',
  'peer.recovered',
  'peer.deferred',
  'outcomes.spooled',
  'outcomes.restored',
  'spool.failed',
  'steps.forgotten',
  'engine.declared-dead',
  'outcome.dropped',
  'engine.renamed',
  'counter.refused',
  'scheduler.changed',
  'jobs.undeliverable',
  'schedule.enqueued',
  'schedule.skipped',
  'schedule.failed',
  'retries.refused',
]);

export function withKnownHistory(snapshot: Snapshot): Snapshot {
  return { ...snapshot, history: snapshot.history.filter(({ type }) => knownInHistory.has(type)) };
}
