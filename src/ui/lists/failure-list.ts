/**
 * Reads the shared `failed` list into the store, page by page: the newest entries for the queues screen, and the matches of
 * the filter for the failures screen. Reads again when the list has changed, but only one read at a time, and not more often
 * than a user can see.
 */
import {
  type Command,
  type CommandReply,
  everyFailure,
  type FailureEntry,
  type FailureFilter,
} from '../../protocol/commands.ts';
import type { AppState, AppStore, FailurePages } from '../../store/app-store.ts';
import { noFailurePages } from '../../store/app-store.ts';
import { failureFilterOf } from '../../store/filter-language.ts';
import type { View } from '../../store/view.ts';
import { failureKeys } from './selection.ts';

/** Never rejects: if the link is down, the reply says so. */
export type Send = (command: Command) => Promise<CommandReply>;

const recentCount = 20;
const pageCount = 100;
/** The engine's limit for one reply. */
const longestPage = 1_000;
/** Entries to read in one go on the way to the oldest. Lists may be far longer than a user would look through. */
const readOnCount = 5_000;
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
  /** Rises with the filter: pages of an earlier filter are discarded. */
  #generation = 0;
  /** Reads run one after the other: two at once would leave gaps or shorten the list. */
  #turn: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(store: AppStore, send: Send) {
    this.#store = store;
    this.#send = send;
    this.#unsubscribe = store.subscribe((state) => this.#notice(state));
    this.#notice(store.getState());
  }

  /** The filter has changed. */
  restart(): void {
    this.#generation += 1;
    this.#store.setState({ failurePages: { ...noFailurePages, isLoading: true } });
    const generation = this.#generation;
    void this.#inTurn(() => this.#fill(generation, pageCount));
  }

  /** The cursor is near the end of the loaded entries. */
  more(): void {
    if (this.#store.getState().failurePages.isLoading) return;
    void this.#readOn(pageCount);
  }

  /** Reads towards the oldest entry, and reaches it if it isn't too far away. */
  async readOn(): Promise<void> {
    await this.#readOn(readOnCount);
  }

  /** This screen has just changed the list. */
  reread(): void {
    this.#isDirty = true;
    this.#schedule(0);
  }

  close(): void {
    this.#isClosed = true;
    this.#unsubscribe();
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  /** Whether the list may have changed, according to the model. */
  #notice(state: AppState): void {
    const sign = failuresSign(state);
    if (sign === null || sign === this.#seen) return;
    this.#seen = sign;
    this.#isDirty = true;
    this.#schedule(0);
  }

  #schedule(afterMs: number): void {
    if (this.#timer !== null || this.#isReading || this.#isClosed) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#isReading = true;
      void this.#inTurn(() => this.#readAgain());
    }, afterMs);
  }

  #inTurn(read: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(read);
    return this.#turn;
  }

  async #readAgain(): Promise<void> {
    this.#isDirty = false;
    const generation = this.#generation;
    this.#replace('recentFailures', await this.#pages(everyFailure, recentCount, generation));
    const { view, failurePages } = this.#store.getState();
    if (view.tab === 'failures' || failurePages.total !== null) {
      // All loaded entries at once, or the cursor would lose its entry in between.
      const count = Math.max(pageCount, failurePages.entries.length);
      const pages = await this.#pages(failureFilterOf(view.failures), count, generation);
      if (this.#isCurrent(generation)) this.#replace('failurePages', pages);
    }
    this.#isReading = false;
    if (this.#isDirty) this.#schedule(pauseMs);
  }

  async #readOn(count: number): Promise<void> {
    const { failurePages } = this.#store.getState();
    if (failurePages.next === null) return;
    this.#store.setState({ failurePages: { ...failurePages, isLoading: true, trouble: null } });
    const generation = this.#generation;
    await this.#inTurn(() => {
      const { entries } = this.#store.getState().failurePages;
      return this.#fill(generation, entries.length + count);
    });
  }

  /** Continues until there are enough entries or the list ends: a rare match may need many pages. */
  async #fill(generation: number, wanted: number): Promise<void> {
    while (this.#isCurrent(generation)) {
      const { failurePages: pages, view } = this.#store.getState();
      if (isEnough(pages, wanted)) return;
      const reply = await this.#find(failureFilterOf(view.failures), pages, wanted);
      if (this.#isCurrent(generation)) this.#store.setState({ failurePages: withReply(pages, reply) });
    }
  }

  #isCurrent(generation: number): boolean {
    return generation === this.#generation && !this.#isClosed;
  }

  /** Reads the newest matches again; fewer if the filter changes in the meantime. */
  async #pages(filter: FailureFilter, wanted: number, generation: number): Promise<FailurePages> {
    let pages = noFailurePages;
    while (!isEnough(pages, wanted) && (pages === noFailurePages || this.#isCurrent(generation))) {
      pages = withReply(pages, await this.#find(filter, pages, wanted));
    }
    return pages;
  }

  async #find(filter: FailureFilter, { entries, next }: FailurePages, wanted: number): Promise<CommandReply> {
    const missing = Math.max(1, Math.min(longestPage, wanted - entries.length));
    return await this.#send({
      type: 'find-failures',
      filter,
      before: next,
      count: missing,
    });
  }

  #replace(target: Target, read: FailurePages): void {
    if (this.#isClosed) return;
    this.#store.setState(({ [target]: before, view }) => {
      // If the read fails, the old entries stay.
      if (read.trouble !== null && read.entries.length === 0)
        return { [target]: { ...before, isLoading: false, trouble: read.trouble } };
      const [old, current] = [failureKeys(before.entries), failureKeys(read.entries)];
      return {
        [target]: read,
        view: withKeptCursor(view, target, (cursor) => keptCursor(old, current, cursor)),
      };
    });
  }
}

/** Changes when the list may have changed, according to the model; `null` while Redis is away. */
export function failuresSign({ model }: Pick<AppState, 'model'>): string | null {
  if (model.redis.state !== 'up') return null;
  const change = model.history.findLast(
    ({ type }) => type === 'failures.retried' || type === 'failures.removed',
  );
  return `${model.redis.sinceMs} ${model.failedTotal} ${model.totals.failed} ${change?.seq ?? 0}`;
}

function isEnough({ entries, next, total, trouble }: FailurePages, wanted: number): boolean {
  return trouble !== null || (total !== null && (next === null || entries.length >= wanted));
}

/**
 * A visible cursor stays on its entry, even if it was never moved. Otherwise `r` could retry a failure that arrived a moment
 * ago.
 */
function withKeptCursor(view: View, target: Target, keep: (cursor: string | null) => string | null): View {
  const { failures, queues, tab } = view;
  if (target === 'failurePages') {
    const isSeen = tab === 'failures';
    const cursor = isSeen || failures.cursor !== null ? keep(failures.cursor) : null;
    return { ...view, failures: { ...failures, cursor } };
  }
  const isSeen = tab === 'queues' && queues.pane === 'failures';
  return { ...view, queues: { ...queues, failure: isSeen ? keep(queues.failure) : null } };
}

function withReply(pages: FailurePages, reply: CommandReply): FailurePages {
  if (!reply.ok) return { ...pages, isLoading: false, trouble: reply.message };
  if (reply.data?.kind !== 'failures') return { ...pages, isLoading: false, trouble: reply.message };
  const { entries, total, next } = reply.data;
  return {
    entries: pages.total === null ? entries : withoutRepeats([...pages.entries, ...entries]),
    total,
    next,
    isLoading: false,
    trouble: null,
  };
}

/** The list may have moved between two pages. */
function withoutRepeats(entries: readonly FailureEntry[]): readonly FailureEntry[] {
  const seen = new Set<string>();
  return entries.filter(({ index, recordBase64 }) => {
    const key = `${index} ${recordBase64}`;
    const isNew = !seen.has(key);
    seen.add(key);
    return isNew;
  });
}

/**
 * Where the cursor goes after a list was read again. It stays on its item while the item exists. If the item is gone or has
 * changed (such as a failure that was retried), the cursor goes
 *
 * - below the nearest item above it that still exists;
 * - otherwise above the nearest item below it that still exists;
 * - otherwise to the same row.
 *
 * @param before keys of the old list
 * @param cursor `null`: the first item
 * @returns `null`: the first item
 */
export function keptCursor(
  before: readonly string[],
  after: readonly string[],
  cursor: string | null,
): string | null {
  const held = cursor ?? before[0];
  if (held === undefined) return null;
  const places = new Map(after.map((key, place) => [key, place]));
  if (places.has(held)) return held;
  const at = before.indexOf(held);
  if (at === -1) return null;
  for (const key of before.slice(0, at).reverse()) {
    const place = places.get(key);
    if (place !== undefined) return after[Math.min(place + 1, after.length - 1)] ?? null;
  }
  for (const key of before.slice(at + 1)) {
    const place = places.get(key);
    if (place !== undefined) return after[Math.max(0, place - 1)] ?? null;
  }
  return after[Math.min(at, after.length - 1)] ?? null;
}
