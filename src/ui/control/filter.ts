/** Filters of the lists. */
import { changeView } from '../../store/app-store.ts';
import type { View } from '../../store/view.ts';
import type { ActionContext } from '../actions/action-context.ts';
import { pageOfQueue } from '../lists/selection.ts';

/** Filters the list that is shown. */
export function applyFilter({ store, failures, delayed }: ActionContext, filter: string): void {
  const { view } = store.getState();
  const page = pageOfQueue(view);
  // An equal filter keeps the cursor and the marks.
  if ((page ?? view[view.tab]).filter === filter) return;
  if (page !== null) {
    changeView(store, { opened: { ...page, pane: 'waiting', filter, waiting: null } });
    return;
  }
  switch (view.tab) {
    case 'queues':
      changeView(store, { queues: { ...view.queues, filter, queue: null, jobId: null } });
      break;
    case 'failures':
      changeView(store, {
        failures: {
          ...view.failures,
          ...{ filter, cursor: null, groupCursor: null, marked: new Map(), isAllMarked: false },
        },
      });
      failures.restart();
      break;
    case 'jobs':
    case 'events':
    case 'workers':
      changeView(store, { [view.tab]: { filter, cursor: null } });
      break;
    case 'delayed':
      changeView(store, { delayed: { filter, cursor: null } });
      delayed.restart();
      break;
  }
}

/** @param before the parts of the view that the filter has changed, as they were */
export function restoreFilter({ store, failures, delayed }: ActionContext, before: Partial<View>): void {
  const now = store.getState().view;
  changeView(store, before);
  const { view } = store.getState();
  if (view.failures.filter !== now.failures.filter) failures.restart();
  if (view.delayed.filter !== now.delayed.filter) delayed.restart();
}
