/** Divides the screen, given its size and its contents. Pure. */
import type { LogView, QueuePane } from '../../store/view.ts';

/** Columns and rows of the terminal. */
export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** The smallest terminal in which anything is shown. */
export const smallest: Size = { columns: 40, rows: 10 };
/** Smaller terminals have only a compact screen: a line for each queue, and the open job. */
export const smallestWhole: Size = { columns: 60, rows: 16 };

/** Header, message line and footer. */
const chromeRows = 3;

export function isTooSmall(size: Size): boolean {
  return isWithin(size, smallest);
}

export function isCompact(size: Size): boolean {
  return !isTooSmall(size) && isWithin(size, smallestWhole);
}

function isWithin({ columns, rows }: Size, limit: Size): boolean {
  return columns < limit.columns || rows < limit.rows;
}

/** Rows between header and message line. */
export function bodyRows({ rows }: Size): number {
  return rows - chromeRows;
}

const leastDetailRows = 6;
const mostDetailRows = 12;

/** The list of failures, and below it the details of the one under the cursor. */
export function failuresLayout(size: Size): { readonly listRows: number; readonly detailRows: number } {
  const rows = bodyRows(size);
  const detailRows = Math.max(leastDetailRows, Math.min(mostDetailRows, Math.floor(rows / 3)));
  return { listRows: rows - detailRows, detailRows };
}

export type QueuesLayout =
  /** A panel for each queue, in rows of `across`, and the failures below. */
  | {
      readonly kind: 'panels';
      readonly across: number;
      /** Heights of the rows of panels. */
      readonly heights: readonly number[];
      readonly failureRows: number;
    }
  /** One table of all queues, the selected queue's jobs below it, then the failures. */
  | {
      readonly kind: 'table';
      readonly tableRows: number;
      readonly runningRows: number;
      readonly failureRows: number;
    }
  /** A line for each queue, or for each job of the selected queue. */
  | { readonly kind: 'compact'; readonly rows: number; readonly failureRows: 0 };

const leastPanelColumns = 56;
/** Border, bar, a job with its output, last failure. */
const leastPanelRows = 6;
/** Of panels without jobs, beside rows that have some: border, and a line for everything. */
const idlePanelRows = 3;
/** A panel with jobs is larger if there is room: the failures can wait. */
const goodPanelRows = 11;
const leastFailureRows = 5;
const mostFailureRows = 11;

/**
 * The kind depends on the number of queues alone, so that the screen doesn't change with each job.
 *
 * @param isBusy whether the queue at an index has work; by default all have
 */
export function queuesLayout(
  size: Size,
  queueCount: number,
  isBusy: (index: number) => boolean = () => true,
): QueuesLayout {
  const rows = bodyRows(size);
  if (isCompact(size)) return { kind: 'compact', rows, failureRows: 0 };
  const across = Math.min(Math.max(1, queueCount), Math.floor(size.columns / leastPanelColumns));
  const down = across === 0 ? 0 : Math.ceil(queueCount / across);
  const fits = queueCount > 0 && size.rows >= 30 && down * leastPanelRows + leastFailureRows <= rows;
  const all = Array.from({ length: queueCount }, (_, at) => at);
  if (!fits) return tableLayout(rows, queueCount, all.some(isBusy));
  const isBusyRow = Array.from({ length: down }, (_, row) =>
    all.slice(row * across, (row + 1) * across).some(isBusy),
  );
  const busyRows = isBusyRow.filter(Boolean).length;
  const idleRows = busyRows === 0 ? 0 : (down - busyRows) * idlePanelRows;
  const wanted = (busyRows === 0 ? down : busyRows) * goodPanelRows + idleRows;
  const failureRows = Math.max(leastFailureRows, Math.min(mostFailureRows, rows - wanted));
  const shares = share(rows - failureRows - idleRows, busyRows === 0 ? down : busyRows);
  const heights = isBusyRow.map((hasWork) =>
    hasWork || busyRows === 0 ? (shares.shift() ?? 0) : idlePanelRows,
  );
  return { kind: 'panels', across, heights, failureRows };
}

const leastTableRows = 5;
const leastRunningRows = 5;

function tableLayout(rows: number, queueCount: number, isBusy: boolean): QueuesLayout {
  const failureRows = rows >= 30 ? 7 : rows >= 20 ? 4 : 0;
  const rest = rows - failureRows;
  // Borders and a heading.
  const wanted = Math.max(leastTableRows, queueCount + 3);
  const runningRows = Math.max(
    leastRunningRows,
    isBusy ? Math.floor(rest * 0.35) : 0,
    isBusy ? rest - wanted : Math.min(Math.floor(rest / 2), rest - wanted),
  );
  return { kind: 'table', tableRows: rest - runningRows, runningRows, failureRows };
}

/** Rows of the panes of a queue's page; 0: not shown. */
export type QueuePageLayout = Readonly<Record<QueuePane, number>>;

const leastPaneRows = 4;
const rowsForAllPanes = 20;

/**
 * A queue's page: what the queue does above, then running jobs, waiting jobs and failures. In a small terminal, only the pane
 * that has the focus is shown below. `about` gets all rows that it needs when it has the focus.
 *
 * @param aboutRows how many rows `about` needs
 */
export function queuePageLayout(size: Size, aboutRows: number, pane: QueuePane): QueuePageLayout {
  const rows = bodyRows(size);
  const hasAll = rows >= rowsForAllPanes;
  const others = hasAll ? 3 * leastPaneRows : leastPaneRows;
  const isFocused = pane === 'about';
  const share = Math.floor(rows / (hasAll ? 3 : 2));
  const about = Math.min(aboutRows, isFocused ? rows : Math.min(share, rows - others));
  const rest = rows - about;
  const none = { about, running: 0, waiting: 0, groups: 0 };
  if (!hasAll) {
    if (isFocused) return rest >= leastPaneRows ? { ...none, running: rest } : { ...none, about: rows };
    return { ...none, [pane]: rest };
  }
  if (rest < others) return { ...none, about: rows };
  const running = Math.max(leastPaneRows, Math.floor(rest * 0.3));
  const groups = Math.max(leastPaneRows, Math.floor(rest * 0.25));
  return { about, running, waiting: rest - running - groups, groups };
}

/** Divides rows as evenly as possible; the first parts get the remainder. */
function share(rows: number, parts: number): number[] {
  const each = Math.floor(rows / parts);
  const over = rows - each * parts;
  return Array.from({ length: parts }, (_, at) => each + (at < over ? 1 : 0));
}

/** The visible part of a list. In a long list, the cursor stays in the middle. */
export function windowOf(
  count: number,
  cursor: number,
  rows: number,
): { readonly from: number; readonly to: number } {
  const room = Math.max(0, rows);
  const from = Math.max(0, Math.min(cursor - Math.floor(room / 2), count - room));
  return { from, to: Math.min(count, from + room) };
}

/** The layout of a job's log, and how many columns are left for its text. */
export interface LogPane {
  /** Rows of the box with the job's details; 0 if only the log is shown. */
  readonly infoRows: number;
  /** Rows of the log, without the rule above them. */
  readonly rows: number;
  readonly textColumns: number;
}

export const logTimeColumns = 9;
const logStreamColumns = 4;
const infoRows = 4;
/** A space on the left. There is no border, because the width of untrusted text isn't reliable up to the last column. */
const marginColumns = 1;

export function logPane(
  size: Size,
  { isZoomed, hasTimes, argsRows }: Pick<LogView, 'isZoomed' | 'hasTimes' | 'argsRows'>,
): LogPane {
  const folded = isZoomed || size.rows < 20 ? 0 : infoRows;
  const unfolded = Math.min(infoRows - 1 + argsRows, Math.floor(bodyRows(size) / 2));
  const info = argsRows === 0 ? folded : unfolded;
  const ruleRows = 1;
  return {
    infoRows: info,
    rows: Math.max(1, bodyRows(size) - info - ruleRows),
    textColumns: Math.max(
      1,
      size.columns - marginColumns - (hasTimes ? logTimeColumns : 0) - logStreamColumns,
    ),
  };
}
