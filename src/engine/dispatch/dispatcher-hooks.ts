/** What the dispatcher tells its owner and asks of it. */
import type { OutcomeWrite } from '../../resque/steps/step.ts';
import type { Spooling } from '../outcomes/spooling.ts';
import type { TakenJob } from '../pools/taken-job.ts';

export interface DispatcherHooks {
  /** Starts it. @returns false where it can't be started; it then goes back to the head of its queue */
  start(job: TakenJob): boolean;
  /** These outcomes are in Redis. */
  readonly onWritten: (outcomes: readonly OutcomeWrite[]) => void;
  readonly spooling: Spooling;
  onUnreadable(queue: string, error: string): void;
  /** Redis did not raise a counter; all else of the step is done. */
  onCountRefused(reason: string): void;
  /** Nothing runs and nothing is on its way. */
  onIdle(): void;
}

export type Outcome = { kind: 'success' } | { kind: 'failure'; record: string } | { kind: 'requeue' };
