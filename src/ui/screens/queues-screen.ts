/** The first tab: a panel for each queue, or a table of all queues, and the newest failures. */
import { grouped } from '../../messages/quantities.ts';
import { throttledReason } from '../../messages/queues.ts';
import type { AppState } from '../../store/app-store.ts';
import { jobsOf, poolOf } from '../../store/selectors.ts';
import {
  failureKeys,
  indexOfKey,
  listedQueues,
  selectedQueue,
  selectedQueueJobs,
} from '../lists/selection.ts';
import { failureHeading, failureRows } from '../panels/failure-rows.ts';
import { type QueuesLayout, queuesLayout, type Size, windowOf } from '../panels/layout.ts';
import { framed, innerHeight, innerWidth, type Panel } from '../panels/panel.ts';
import { queuePanel, runningLines } from '../panels/queue-panel.ts';
import { queueTable } from '../panels/queue-table.ts';
import { type Line, lineOf, type Part, span } from '../text/line.ts';

export function queuesScreen(state: AppState, size: Size, top: number, nowMs: number): Panel[] {
  const queues = listedQueues(state);
  const layout = queuesLayout(size, queues.length);
  const upper =
    layout.kind === 'panels'
      ? panels(state, layout, size, top, nowMs)
      : table(state, layout, size, top, nowMs);
  const used = upper.reduce((bottom, panel) => Math.max(bottom, panel.top + panel.height), top);
  if (layout.failureRows === 0) return upper;
  return [
    ...upper,
    {
      key: 'failures',
      left: 0,
      top: used,
      width: size.columns,
      height: layout.failureRows,
      lines: recentFailures(state, size.columns, layout.failureRows, nowMs),
    },
  ];
}

function panels(
  state: AppState,
  { across, heights }: Extract<QueuesLayout, { kind: 'panels' }>,
  { columns }: Size,
  top: number,
  nowMs: number,
): Panel[] {
  const { model, view } = state;
  const chosen = selectedQueue(state);
  const tops = heights.map((_, row) => heights.slice(0, row).reduce((sum, height) => sum + height, top));
  return listedQueues(state).map((queue, at) => {
    const row = Math.floor(at / across);
    const column = at % across;
    // The last panel of a row gets the remaining columns.
    const left = Math.floor((columns * column) / across);
    const width = Math.floor((columns * (column + 1)) / across) - left;
    const height = heights[row] ?? 0;
    const isFocused = queue === chosen && view.queues.pane !== 'failures';
    const jobs = jobsOf(model, queue.name);
    const cursor = indexOfKey(
      jobs.map(({ id }) => id),
      view.queues.jobId,
    );
    const lines = queuePanel({
      queue,
      runner: poolOf(model, queue),
      engine: model.engine,
      jobs,
      isFocused,
      cursor,
      width,
      height,
      nowMs,
    });
    return { key: `queue ${at}`, left, top: tops[row] ?? top, width, height, lines };
  });
}

function table(
  state: AppState,
  { tableRows, runningRows }: Extract<QueuesLayout, { kind: 'table' }>,
  { columns: width }: Size,
  top: number,
  nowMs: number,
): Panel[] {
  const queues = listedQueues(state);
  const chosen = selectedQueue(state);
  const lines = queueTable({
    state,
    queues,
    cursor: chosen === null ? -1 : queues.indexOf(chosen),
    isFocused: state.view.queues.pane === 'queues',
    width,
    height: tableRows,
    nowMs,
  });
  return [
    { key: 'table', left: 0, top, width, height: tableRows, lines },
    {
      key: 'running',
      left: 0,
      top: top + tableRows,
      width,
      height: runningRows,
      lines: running(state, width, runningRows, nowMs),
    },
  ];
}

/** Running jobs of the selected queue. */
function running(state: AppState, width: number, height: number, nowMs: number): Line[] {
  const isFocused = state.view.queues.pane === 'running';
  const queue = selectedQueue(state);
  const jobs = selectedQueueJobs(state);
  const cursor = indexOfKey(
    jobs.map(({ id }) => id),
    state.view.queues.jobId,
  );
  const inner = innerWidth(width);
  const content =
    jobs.length === 0
      ? [lineOf(inner, [span('no running jobs', { dim: true })])]
      : runningLines(jobs, inner, innerHeight(height), isFocused ? cursor : null, nowMs);
  const title: Part[] = [span(queue?.name ?? 'no queue', { bold: true }), span(` · running ${jobs.length}`)];
  const throttled = queue === null ? null : (poolOf(state.model, queue)?.throttled ?? null);
  // Its row in the table rarely has enough room for this.
  if (throttled !== null) title.push(span(`  ${throttledReason(throttled)}`, { color: 'yellow' }));
  return framed({ width, height, title, isFocused, content });
}

/** The newest failures of the shared list, of all workers. */
function recentFailures(state: AppState, width: number, height: number, nowMs: number): Line[] {
  const { recentFailures: pages, view, model } = state;
  const { entries } = pages;
  const isFocused = view.queues.pane === 'failures';
  const inner = innerWidth(width);
  const rows = innerHeight(height);
  const hasHeading = rows >= 3;
  const keys = failureKeys(entries);
  const cursor = isFocused && entries.length > 0 ? indexOfKey(keys, view.queues.failure) : -1;
  const { from, to } = windowOf(entries.length, Math.max(0, cursor), hasHeading ? rows - 1 : rows);
  const lines = failureRows({ entries, width: inner, from, to, cursor, isMarked: () => false, nowMs });
  const none = lineOf(inner, [
    span(pages.trouble ?? (pages.total === null ? '' : 'no failures'), { dim: true }),
  ]);
  const count = model.failedTotal ?? pages.total;
  return framed({
    width,
    height,
    title: [
      span('Recent failures', { bold: true }),
      span(count === null ? '' : ` (${grouped(count)})`),
      span(isFocused ? '  Enter to open, r to retry' : '  press 2 for all', { dim: true }),
    ],
    isFocused,
    content: entries.length === 0 ? [none] : [...(hasHeading ? [failureHeading(inner)] : []), ...lines],
  });
}
