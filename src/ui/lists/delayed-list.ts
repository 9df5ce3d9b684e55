/**
 * Reads the delayed jobs, the next one first, and the schedules into the store while their tab is open. It reads page by page,
 * as far as the user has moved.
 */
import { type AppState, type AppStore, type DelayedRows, noDelayedRows } from '../../store/app-store.ts';
import { parseWords } from '../../store/filter-language.ts';
import { keptCursor, type Send } from './failure-list.ts';
import { delayedKeys, listedDelayed } from './selection.ts';
import { TabReader } from './tab-reader.ts';

const pageCount = 200;
/** More than a user would look through, and all that is read again every few seconds. */
const mostJobs = 2_000;
/** Replies without a match before the search pauses: it goes on with the next reading. */
const mostReplies = 20;
/** Schedules change rarely. */
const schedulesAgainMs = 10_000;

export class DelayedList {
  readonly #store: AppStore;
  readonly #send: Send;
  readonly #reader: TabReader;
  #wanted = pageCount;
  #schedulesAtMs = Number.NEGATIVE_INFINITY;

  constructor(store: AppStore, send: Send) {
    this.#store = store;
    this.#send = send;
    this.#reader = new TabReader(store, 'delayed', () => this.#read());
  }

  /** The filter has changed. */
  restart(): void {
    this.#wanted = pageCount;
    this.#store.setState(({ delayedRows }) => ({
      delayedRows: { ...noDelayedRows, schedules: delayedRows.schedules },
    }));
    this.#reader.readNow();
  }

  /** The cursor is near the end of the loaded jobs. */
  more(): void {
    const { jobs, next } = this.#store.getState().delayedRows;
    if (next === null || jobs.length < this.#wanted || this.#wanted >= mostJobs) return;
    this.#wanted += pageCount;
    this.#reader.readNow();
  }

  /** This screen has just changed them. */
  reread(): void {
    this.#reader.readNow();
  }

  close(): void {
    this.#reader.close();
  }

  async #read(): Promise<void> {
    await this.#readSchedules();
    const { filter } = this.#store.getState().view.delayed;
    let rows: DelayedRows = noDelayedRows;
    for (let replies = 0; replies < mostReplies && !isEnough(rows, this.#wanted); replies += 1) {
      rows = await this.#withPage(rows, filter);
      // A filter that was typed meanwhile starts anew.
      if (filter !== this.#store.getState().view.delayed.filter) return;
    }
    this.#replace(rows);
  }

  async #withPage(rows: DelayedRows, filter: string): Promise<DelayedRows> {
    const count = Math.max(1, Math.min(pageCount, this.#wanted - rows.jobs.length));
    const reply = await this.#send({ type: 'read-delayed', ...parseWords(filter), after: rows.next, count });
    if (!reply.ok || reply.data?.kind !== 'delayed') return { ...rows, trouble: reply.message };
    const { jobs, next, nowMs } = reply.data;
    const aheadMs = nowMs - Date.now();
    return { ...rows, jobs: [...rows.jobs, ...jobs], next, aheadMs, isRead: true, trouble: null };
  }

  async #readSchedules(): Promise<void> {
    if (performance.now() - this.#schedulesAtMs < schedulesAgainMs) return;
    const reply = await this.#send({ type: 'read-schedules' });
    if (!reply.ok || reply.data?.kind !== 'schedules') return;
    this.#schedulesAtMs = performance.now();
    const { schedules } = reply.data;
    this.#store.setState(({ delayedRows }) => ({ delayedRows: { ...delayedRows, schedules } }));
  }

  /** If nothing could be read, the old rows stay. The cursor stays on its job. */
  #replace(read: DelayedRows): void {
    this.#store.setState((before) => {
      const old = before.delayedRows;
      const delayedRows = read.isRead
        ? { ...read, schedules: old.schedules }
        : { ...old, trouble: read.trouble };
      const after: AppState = { ...before, delayedRows };
      const { delayed } = before.view;
      const cursor = keptCursor(
        delayedKeys(listedDelayed(before)),
        delayedKeys(listedDelayed(after)),
        delayed.cursor,
      );
      return { delayedRows, view: { ...before.view, delayed: { ...delayed, cursor } } };
    });
  }
}

function isEnough({ jobs, next, isRead, trouble }: DelayedRows, wanted: number): boolean {
  return trouble !== null || (isRead && (next === null || jobs.length >= wanted));
}
