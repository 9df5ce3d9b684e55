/** What the Events tab keeps: the events that an operator wants to read again. */
import type { EngineEvent } from '../protocol/events.ts';
import { historyLimit } from '../protocol/snapshot.ts';

export function withEvent(history: readonly EngineEvent[], event: EngineEvent): readonly EngineEvent[] {
  if (!isWorthKeeping(event) || ('isPart' in event && event.isPart === true)) return history;
  return (history.length < historyLimit ? history : history.slice(1 - historyLimit)).concat([event]);
}

function isWorthKeeping(event: EngineEvent): boolean {
  switch (event.type) {
    case 'engine.started':
    case 'engine.stopping':
    case 'engine.stopped':
    case 'redis.up':
    case 'redis.down':
    case 'runner.changed':
    case 'runner.throttled':
    case 'runner.unthrottled':
    case 'queue.paused':
    case 'queue.resumed':
    case 'queues.paused':
    case 'queues.resumed':
    case 'job.killed':
    case 'failures.retried':
    case 'failures.removed':
    case 'failures.trimmed':
    case 'notice.failed':
    case 'notice.dropped':
    case 'command.executed':
    case 'config.reloaded':
    case 'config.rejected':
    case 'peer.recovered':
    case 'peer.deferred':
    case 'outcomes.spooled':
    case 'outcomes.restored':
    case 'spool.failed':
    case 'steps.forgotten':
    case 'engine.declared-dead':
    case 'outcome.dropped':
    case 'engine.renamed':
    case 'counter.refused':
    case 'scheduler.changed':
    case 'jobs.undeliverable':
    case 'schedule.enqueued':
    case 'schedule.skipped':
    case 'schedule.failed':
    case 'retries.refused':
    case 'overrides.kept':
    case 'overrides.refused':
    case 'overrides.lost':
    case 'metrics.opened':
    case 'metrics.closed':
    case 'metrics.failed':
    case 'metrics.folded':
      return true;
    case 'job.finished':
      // Successful jobs would push everything else out within a second.
      return event.outcome !== 'succeeded';
    case 'failure.recorded':
      // `job.finished` reports the failure of a job that ran.
      return event.failure.jobId === null;
    // Output, and counters.
    case 'job.printed':
    case 'output.logged':
    case 'output.left-out':
    case 'counters.changed':
    case 'queue.backlog':
    case 'queue.limited':
    case 'queues.measured':
    case 'failures.counted':
    case 'delayed.counted':
    case 'job.started':
      return false;
    // `engine.started` and `config.reloaded` report these in one event; a pattern may add a thousand queues.
    case 'runner.added':
    case 'runner.removed':
    case 'queue.added':
    case 'queue.removed':
      return false;
    default:
      event satisfies never;
      return false;
  }
}
