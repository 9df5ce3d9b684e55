/** What is open on top of a tab, in full. Pure. */
import type { Opened } from '../../store/view.ts';
import { innerHeight, innerWidth } from '../layout/framed.ts';
import { bodyRows, type Size } from '../layout/layout.ts';
import { failureDetail } from '../panels/failure-detail.ts';
import type { Line } from '../text/line.ts';
import { delayedDetail } from './delayed-lines.ts';
import { waitingDetail } from './waiting-lines.ts';
import { workerDetail } from './worker-lines.ts';

/** Everything but jobs and queues, which have screens of their own. */
export type OpenedDetail = Exclude<Opened, { kind: 'job' | 'queue' }>;

export const detailTitles: Readonly<Record<OpenedDetail['kind'], string>> = {
  failure: 'Failure',
  worker: 'Worker',
  'delayed-job': 'Delayed job',
  'waiting-job': 'Waiting job',
};

export function detailOf(opened: OpenedDetail, width: number): Line[] {
  switch (opened.kind) {
    case 'failure':
      return failureDetail(opened.entry, width, true);
    case 'worker':
      return workerDetail(opened.worker, width);
    case 'delayed-job':
      return delayedDetail(opened.item, width);
    case 'waiting-job':
      return waitingDetail(opened.queue, opened.job, width);
  }
}

/** The last position of scrolling. */
export function lastDetailTop(opened: OpenedDetail, size: Size): number {
  const lines = detailOf(opened, innerWidth(size.columns));
  return Math.max(0, lines.length - innerHeight(bodyRows(size)));
}
