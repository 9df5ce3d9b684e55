/** How many rows a page has: those of the panel that has the focus. */
import type { AppState } from '../../store/app-store.ts';
import { bodyRows, failuresLayout, queuesLayout, type Size } from '../layout/layout.ts';
import { isBusy } from '../lists/queue-rows.ts';
import { listedQueues } from '../lists/selection.ts';
import { rowsOfQueuePane } from './queue-page.ts';

const borders = 2;
const heading = 1;
/** In the panels of the queues screen, a job may take two rows. */
const rowsOfJob = 2;
/** Rows of a queue's panel for its bar and its last failure. */
const rowsAround = 2;

/** Rows of the panel that has the focus. */
export function pageOf(state: AppState, size: Size): number {
  return Math.max(1, rowsOf(state, size));
}

function rowsOf(state: AppState, size: Size): number {
  const { opened, tab } = state.view;
  const rows = bodyRows(size);
  // One line of the previous page stays visible.
  if (opened?.kind === 'job') return rows - 4;
  if (opened?.kind === 'queue') return rowsOfQueuePane(state, opened, size);
  if (opened !== null) return rows - borders - 1;
  switch (tab) {
    case 'queues':
      return rowsOfPane(state, size);
    case 'failures':
    case 'workers':
    case 'delayed':
      return failuresLayout(size).listRows - borders - heading;
    case 'jobs':
      return rows - borders - heading;
    case 'events':
      return rows - borders;
  }
}

function rowsOfPane(state: AppState, size: Size): number {
  const { pane } = state.view.queues;
  const rows = listedQueues(state);
  const layout = queuesLayout(size, rows.length, (at) => {
    const row = rows[at];
    return row !== undefined && isBusy(state.model, row, Date.now());
  });
  if (pane === 'failures') return layout.failureRows - borders - heading;
  if (layout.kind === 'compact') return layout.rows;
  if (layout.kind === 'table') {
    return pane === 'running'
      ? Math.floor((layout.runningRows - borders) / rowsOfJob)
      : layout.tableRows - borders - heading;
  }
  // A panel without room for a job has none.
  const heights = layout.heights.filter((height) => height > borders + rowsAround);
  return Math.floor((Math.min(...heights) - borders - rowsAround) / rowsOfJob);
}
