/**
 * Reads the waiting jobs of the queue whose page is open, from the one that runs next, page by page. Reads again when jobs were
 * taken or added, one read at a time, and not more often than a user can see.
 */
import type { CommandReply } from '../../protocol/commands.ts';
import type { WaitingJob } from '../../protocol/redis-views.ts';
import { type AppState, type AppStore, noWaitingPages, type WaitingPages } from '../../store/app-store.ts';
import { parseWords } from '../../store/filter-language.ts';
import { type QueuePage, queuePageOf } from '../../store/view.ts';
import { keptCursor, type Send } from './failure-list.ts';
import { waitingKeys } from './selection.ts';

const pageCount = 100;
/** The engine's limit for one reply. */
const longestPage = 1_000;
/** Jobs to read in one go on the way to the tail. */
const readOnCount = 5_000;
const shortestPauseMs = 500;
/** Reading takes at most this part of the time: with a filter, the whole queue may have to be read. */
const pauseFactor = 10;

export class WaitingJobs {
  readonly #store: AppStore;
  readonly #send: Send;
  readonly #unsubscribe: () => void;
  #request = '';
  #sign = '';
  #isDirty = false;
  #timer: NodeJS.Timeout | null = null;
  #turn: Promise<void> = Promise.resolve();
  #isReading = false;
  #isClosed = false;

  constructor(store: AppStore, send: Send) {
    this.#store = store;
    this.#send = send;
    this.#unsubscribe = store.subscribe((state) => this.#notice(state));
  }

  /** The cursor is near the end of the loaded jobs. */
  more(): void {
    const { isLoading, next } = this.#store.getState().waitingPages;
    if (!isLoading && next !== null) void this.#readOn(pageCount);
  }

  /** Reads towards the tail, and reaches it if it isn't too far away. */
  async readOn(): Promise<void> {
    if (this.#store.getState().waitingPages.next !== null) await this.#readOn(readOnCount);
  }

  /** This screen has just changed the queue. */
  reread(): void {
    if (this.#request === '') return;
    this.#stopTimer();
    this.#isDirty = true;
    this.#start();
  }

  close(): void {
    this.#isClosed = true;
    this.#unsubscribe();
    this.#stopTimer();
  }

  #notice({ view: { opened }, model }: AppState): void {
    const page = queuePageOf(opened);
    if (page === null && this.#request === '') return;
    const request = page === null ? '' : waitingRequest(page);
    const queue = model.queues.find(({ name }) => name === page?.queue);
    const sign = `${model.redis.state} ${model.redis.sinceMs} ${queue?.backlog} ${queue?.processed} ${model.jobs.length}`;
    if (request === this.#request && sign === this.#sign) return;
    this.#sign = sign;
    this.#isDirty = request !== '';
    if (request !== this.#request) {
      this.#request = request;
      this.#stopTimer();
      this.#store.setState({ waitingPages: { ...noWaitingPages, request, isLoading: request !== '' } });
    }
    this.#start();
  }

  #start(): void {
    if (!this.#isDirty || this.#isReading || this.#timer !== null || this.#isClosed) return;
    this.#isDirty = false;
    this.#isReading = true;
    const isFirst = this.#store.getState().waitingPages.total === null;
    if (isFirst) this.#show((pages) => ({ ...pages, isLoading: true, trouble: null }));
    const startedAt = performance.now();
    const request = this.#request;
    void this.#inTurn(() => (isFirst ? this.#fill(request, pageCount) : this.#readAgain(request))).then(
      () => {
        this.#isReading = false;
        this.#pause(performance.now() - startedAt);
      },
    );
  }

  #pause(tookMs: number): void {
    if (this.#isClosed) return;
    // Another queue or filter doesn't wait.
    if (this.#store.getState().waitingPages.total === null) {
      this.#start();
      return;
    }
    this.#timer = setTimeout(
      () => {
        this.#timer = null;
        this.#start();
      },
      Math.max(shortestPauseMs, pauseFactor * tookMs),
    );
  }

  /** Reads run one after the other: two at once would leave gaps. */
  #inTurn(read: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(read);
    return this.#turn;
  }

  async #readOn(count: number): Promise<void> {
    const request = this.#request;
    this.#show((pages) => ({ ...pages, isLoading: true, trouble: null }));
    await this.#inTurn(() => this.#fill(request, this.#store.getState().waitingPages.jobs.length + count));
  }

  /** Continues until there are enough jobs or the queue ends: a rare match may need many pages. */
  async #fill(request: string, wanted: number): Promise<void> {
    while (this.#isCurrent(request)) {
      const pages = this.#store.getState().waitingPages;
      if (isEnough(pages, wanted)) break;
      const reply = await this.#read(pages, wanted);
      if (this.#isCurrent(request)) this.#show(() => withReply(pages, reply));
    }
    if (this.#isCurrent(request)) this.#show((pages) => ({ ...pages, isLoading: false }));
  }

  /** All loaded jobs at once, or the cursor would lose its job in between. */
  async #readAgain(request: string): Promise<void> {
    const wanted = Math.max(pageCount, this.#store.getState().waitingPages.jobs.length);
    let pages: WaitingPages = { ...noWaitingPages, request };
    while (this.#isCurrent(request) && !isEnough(pages, wanted))
      pages = withReply(pages, await this.#read(pages, wanted));
    if (!this.#isCurrent(request)) return;
    const read = { ...pages, isLoading: false };
    this.#store.setState(({ waitingPages: before, view }) => {
      // If the read fails, the old jobs stay.
      if (read.trouble !== null)
        return { waitingPages: { ...before, isLoading: false, trouble: read.trouble } };
      const { opened } = view;
      if (opened?.kind !== 'queue') return { waitingPages: read };
      // A visible cursor stays on its job. Before it was moved, it is on the job that runs next.
      const waiting =
        opened.waiting === null
          ? null
          : keptCursor(waitingKeys(before.jobs), waitingKeys(read.jobs), opened.waiting);
      return { waitingPages: read, view: { ...view, opened: { ...opened, waiting } } };
    });
  }

  #isCurrent(request: string): boolean {
    return request === this.#request && request !== '' && !this.#isClosed;
  }

  async #read({ jobs, next }: WaitingPages, wanted: number): Promise<CommandReply> {
    const { queue, filter } = queuePageOf(this.#store.getState().view.opened) ?? { queue: '', filter: '' };
    const count = Math.max(1, Math.min(longestPage, wanted - jobs.length));
    const { text, ...without } = parseWords(filter);
    const place = { queue, from: next ?? 0, count };
    return await this.#send({ type: 'read-waiting', ...place, text: text === '' ? null : text, ...without });
  }

  #show(change: (pages: WaitingPages) => WaitingPages): void {
    this.#store.setState(({ waitingPages }) => ({ waitingPages: change(waitingPages) }));
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}

function waitingRequest({ queue, filter }: QueuePage): string {
  return JSON.stringify([queue, filter]);
}

function isEnough({ jobs, next, total, trouble }: WaitingPages, wanted: number): boolean {
  return trouble !== null || (total !== null && (next === null || jobs.length >= wanted));
}

function withReply(pages: WaitingPages, reply: CommandReply): WaitingPages {
  if (!reply.ok || reply.data?.kind !== 'waiting') return { ...pages, trouble: reply.message };
  const { jobs, total, next } = reply.data;
  return { ...pages, jobs: withoutRepeats([...pages.jobs, ...jobs]), total, next, trouble: null };
}

/** The queue may have moved between two pages. */
function withoutRepeats(jobs: readonly WaitingJob[]): readonly WaitingJob[] {
  return [...new Map(jobs.map((job) => [`${job.index} ${job.sha1}`, job])).values()];
}
