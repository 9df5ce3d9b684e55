/**
 * Reads the shared `failed` list into the store, page by page: the newest for the queues screen, and whatever
 * matches the filter for the failures screen. Reads again when the list has changed, but never twice at the
 * same time, nor more often than a person can see.
 */
import type { CommandReply, FailureEntry } from '../protocol/commands.ts';
import type { AppState, AppStore, FailurePages } from '../store/app-store.ts';
import { noFailurePages } from '../store/app-store.ts';
import { parseFailureFilter } from '../store/failure-filter.ts';
import type { Send } from './ui-options.ts';

const recentCount = 20;
const pageCount = 100;
/** The engine gives no more at once. */
const longestPage = 1_000;
const pauseMs = 500;

type Target = 'recentFailures' | 'failurePages';

export class FailureList {
  readonly #store: AppStore;
  readonly #send: Send;
  readonly #unsubscribe: () => void;
  #seen = '';
  #isDirty = false;
  #isReading = false;
  #timer: NodeJS.Timeout | null = null;
  /** Of the filter: pages of an earlier one are thrown away. */
  #generation = 0;
  #isClosed = false;

  constructor(store: AppStore, send: Send) {
    this.#store = store;
    this.#send = send;
    this.#unsubscribe = store.subscribe((state) => this.#notice(state));
    this.#notice(store.getState());
  }

  /** The filter is another one. */
  restart(): void {
    this.#generation += 1;
    this.#store.setState({ failurePages: { ...noFailurePages, isLoading: true } });
    void this.#fill(this.#generation);
  }

  /** The cursor nears the end of what is loaded. */
  more(): void {
    const { failurePages } = this.#store.getState();
    if (failurePages.next === null || failurePages.isLoading) return;
    this.#store.setState({ failurePages: { ...failurePages, isLoading: true } });
    void this.#fill(this.#generation);
  }

  /** Something has just been done to the list. */
  reread(): void {
    this.#isDirty = true;
    this.#schedule(0);
  }

  close(): void {
    this.#isClosed = true;
    this.#unsubscribe();
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  /** Whether the model says that the list may have changed. */
  #notice({ model }: AppState): void {
    if (model.redis.state !== 'up') return;
    const change = model.history.findLast(
      ({ type }) => type === 'failures.retried' || type === 'failures.removed',
    );
    const sign = `${model.redis.sinceMs} ${model.failedTotal} ${model.totals.failed} ${change?.seq ?? 0}`;
    if (sign === this.#seen) return;
    this.#seen = sign;
    this.#isDirty = true;
    this.#schedule(0);
  }

  #schedule(afterMs: number): void {
    if (this.#timer !== null || this.#isReading || this.#isClosed) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      void this.#readAgain();
    }, afterMs);
  }

  async #readAgain(): Promise<void> {
    this.#isReading = true;
    this.#isDirty = false;
    const generation = this.#generation;
    await this.#read('recentFailures', '', null, recentCount, () => true);
    const { view, failurePages } = this.#store.getState();
    if (view.tab === 'failures' || failurePages.total !== null) {
      const count = Math.min(longestPage, Math.max(pageCount, failurePages.entries.length));
      await this.#read(
        'failurePages',
        view.failures.filter,
        null,
        count,
        () => generation === this.#generation,
      );
      await this.#fill(generation);
    }
    this.#isReading = false;
    if (this.#isDirty) this.#schedule(pauseMs);
  }

  /** Goes on until there is a page more, or nothing left to look at: a rare match is found page by page. */
  async #fill(generation: number): Promise<void> {
    const isCurrent = () => generation === this.#generation && !this.#isClosed;
    const { failurePages } = this.#store.getState();
    const wanted = failurePages.isLoading ? failurePages.entries.length + pageCount : pageCount;
    for (;;) {
      const { failurePages: pages, view } = this.#store.getState();
      const isDone = pages.total !== null && (pages.next === null || pages.entries.length >= wanted);
      if (isDone || pages.trouble !== null || !isCurrent()) return;
      await this.#read('failurePages', view.failures.filter, pages.next, pageCount, isCurrent);
    }
  }

  async #read(
    target: Target,
    filter: string,
    before: number | null,
    count: number,
    isCurrent: () => boolean,
  ): Promise<void> {
    const reply = await this.#send({
      type: 'find-failures',
      filter: parseFailureFilter(filter),
      before,
      count,
    });
    if (!isCurrent() || this.#isClosed) return;
    const pages = this.#store.getState()[target];
    this.#store.setState({ [target]: withReply(pages, reply, before === null) });
  }
}

function withReply(pages: FailurePages, reply: CommandReply, isFirst: boolean): FailurePages {
  if (!reply.ok) return { ...pages, isLoading: false, trouble: reply.message };
  if (reply.data?.kind !== 'failures') return { ...pages, isLoading: false };
  const { entries, total, next } = reply.data;
  return {
    entries: isFirst ? entries : withoutRepeats([...pages.entries, ...entries]),
    total,
    next,
    isLoading: false,
    trouble: null,
  };
}

/** Between two pages the list may have moved. */
function withoutRepeats(entries: readonly FailureEntry[]): readonly FailureEntry[] {
  const seen = new Set<string>();
  return entries.filter(({ index, recordBase64 }) => {
    const key = `${index} ${recordBase64}`;
    const isNew = !seen.has(key);
    seen.add(key);
    return isNew;
  });
}
