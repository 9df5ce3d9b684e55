/** What there is to be said of a queue that isn't simply running or idle, for its panel and its row in the table. */
import { pauseReason, throttledReason } from '../../messages/queues.ts';
import type { PoolView } from '../../protocol/events.ts';
import type { QueueState } from '../../protocol/snapshot.ts';
import type { QueueStatus } from '../../store/selectors.ts';
import type { Style } from '../text/line.ts';
import { pauseDetail, statusStyles, statusText } from './words.ts';

export interface Remark {
  readonly state: string;
  readonly style: Style;
  /** `null` where the state says it all. */
  readonly reason: string | null;
  readonly reasonStyle: Style;
}

const throttledStyle: Style = { color: 'yellow' };

/** The one that matters most first: jobs of a throttled queue run all the same, as long as nothing else is said. */
export function remarksOn(queue: QueueState, runner: PoolView | null, status: QueueStatus): Remark[] {
  const remarks: Remark[] = [];
  if (status !== 'running' && status !== 'idle') {
    const pause = pauseDetail(queue.pauses);
    const isRedisError = pause?.kind === 'unstartable' || pause?.kind === 'unreadable';
    remarks.push({
      state: statusText(status, queue),
      style: statusStyles[status],
      reason: pause === null ? null : pauseReason(pause),
      reasonStyle: { color: isRedisError ? 'red' : 'yellow' },
    });
  }
  const throttled = runner?.throttled ?? null;
  if (throttled !== null) {
    remarks.push({
      ...{ state: '! throttled', style: throttledStyle },
      ...{ reason: throttledReason(throttled), reasonStyle: throttledStyle },
    });
  }
  return remarks;
}
