/** How far a page goes: never beyond what is seen, so that nothing is passed over unread. */
import type { AppState } from '../../store/app-store.ts';
import { listedQueues } from '../lists/selection.ts';
import { bodyRows, failuresLayout, queuesLayout, type Size } from '../panels/layout.ts';

const borders = 2;
const heading = 1;
/** In the panels of the queues screen a job may take two. */
const rowsOfJob = 2;
/** Of a queue's panel: its bar and its last failure. */
const rowsAround = 2;

/** Rows of what takes the keys. */
export function pageOf(state: AppState, size: Size): number {
  return Math.max(1, rowsOf(state, size));
}

function rowsOf(state: AppState, size: Size): number {
  const { opened, tab } = state.view;
  const rows = bodyRows(size);
  // One line of the page before stays in sight.
  if (opened?.kind === 'failure') return rows - borders - 1;
  if (opened?.kind === 'job') return rows - 4;
  switch (tab) {
    case 'queues':
      return rowsOfPane(state, size);
    case 'failures':
      return failuresLayout(size).listRows - borders - heading;
    case 'jobs':
      return rows - borders - heading;
    case 'events':
      return rows - borders;
  }
}

function rowsOfPane(state: AppState, size: Size): number {
  const { pane } = state.view.queues;
  const layout = queuesLayout(size, listedQueues(state).length);
  if (pane === 'failures') return layout.failureRows - borders - heading;
  if (layout.kind === 'table') {
    return pane === 'running'
      ? Math.floor((layout.runningRows - borders) / rowsOfJob)
      : layout.tableRows - borders - heading;
  }
  return Math.floor((Math.min(...layout.heights) - borders - rowsAround) / rowsOfJob);
}
