/** What the Events tab keeps: the events that an operator wants to read again. */
import type { EngineEvent, EngineEventType } from '../protocol/events.ts';
import { historyLimit } from '../protocol/snapshot.ts';

/** Too many to keep, or told by other events. All others are kept. */
const left: ReadonlySet<EngineEventType> = new Set([
  // Output, and counters.
  'job.printed',
  'output.logged',
  'output.left-out',
  'counters.changed',
  'queue.backlog',
  'queue.limited',
  'queues.measured',
  'failures.counted',
  'delayed.counted',
  'job.started',
  // `engine.started` and `config.reloaded` report these in one event; a pattern may add a thousand queues.
  'runner.added',
  'runner.removed',
  'queue.added',
  'queue.removed',
]);

export function withEvent(history: readonly EngineEvent[], event: EngineEvent): readonly EngineEvent[] {
  if (!isWorthKeeping(event) || ('isPart' in event && event.isPart === true)) return history;
  return (history.length < historyLimit ? history : history.slice(1 - historyLimit)).concat([event]);
}

function isWorthKeeping(event: EngineEvent): boolean {
  // Successful jobs would push everything else out within a second.
  if (event.type === 'job.finished') return event.outcome !== 'succeeded';
  // `job.finished` reports the failure of a job that ran.
  if (event.type === 'failure.recorded') return event.failure.jobId === null;
  return !left.has(event.type);
}
