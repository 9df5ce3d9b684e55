/**
 * The view as the screen can show it. A window that becomes smaller loses panes and tabs, and then the keys go to what is
 * still there. The frames show this view, and a key makes it the real one before it acts: keys never act on what isn't seen.
 */
import type { AppState } from '../../store/app-store.ts';
import type { View } from '../../store/view.ts';
import { isCompact, queuesLayout, type Size } from '../layout/layout.ts';
import { listedQueues } from './selection.ts';

/** @returns the same view if all of it can be shown */
export function seenView(state: AppState, size: Size): View {
  const { view } = state;
  // Whatever is open fits into any window.
  if (view.opened !== null) return view;
  const { queues } = view;
  const tab = isCompact(size) ? 'queues' : view.tab;
  const hasPane = tab !== 'queues' || hasQueuesPane(state, size);
  if (tab === view.tab && hasPane) return view;
  return { ...view, tab, queues: hasPane ? queues : { ...queues, pane: 'queues' } };
}

function hasQueuesPane(state: AppState, size: Size): boolean {
  const { pane } = state.view.queues;
  if (pane === 'queues') return true;
  const layout = queuesLayout(size, listedQueues(state).length);
  return pane === 'failures' ? layout.failureRows > 0 : layout.kind === 'table';
}
