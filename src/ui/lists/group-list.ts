/**
 * Counts the groups of failures that the screen shows, some thousand entries at a time. Counts again when the list has changed.
 * The longer that takes, the longer the pause before it.
 */
import type { FailureGroup } from '../../protocol/commands.ts';
import { type AppState, type AppStore, type GroupPages, noGroupPages } from '../../store/app-store.ts';
import { groupRequest, withGroups } from '../../store/failure-groups.ts';
import { failuresSign, type Send } from './failure-list.ts';

const shortestPauseMs = 1_000;
/** Counting takes at most this part of the time. */
const pauseFactor = 10;

export class GroupList {
  readonly #store: AppStore;
  readonly #send: Send;
  readonly #unsubscribe: () => void;
  #request = '';
  #sign = '';
  #isDirty = false;
  #isReading = false;
  #timer: NodeJS.Timeout | null = null;
  #isClosed = false;

  constructor(store: AppStore, send: Send) {
    this.#store = store;
    this.#send = send;
    this.#unsubscribe = store.subscribe((state) => this.#notice(state));
  }

  /** This screen has just changed the list. */
  reread(): void {
    if (this.#request === '') return;
    this.#isDirty = true;
    this.#stopTimer();
    this.#start();
  }

  close(): void {
    this.#isClosed = true;
    this.#unsubscribe();
    this.#stopTimer();
  }

  #notice(state: AppState): void {
    const wanted = groupRequest(state.view);
    if (wanted === null && this.#request === '') return;
    const request = wanted === null ? '' : JSON.stringify(wanted);
    const sign = failuresSign(state);
    if (request === this.#request && (sign === this.#sign || sign === null)) return;
    const isOther = request !== this.#request;
    this.#request = request;
    this.#sign = sign ?? this.#sign;
    this.#isDirty = request !== '';
    if (isOther) {
      this.#stopTimer();
      this.#store.setState({ groupPages: { ...noGroupPages, request, isLoading: request !== '' } });
    }
    this.#start();
  }

  #start(): void {
    if (!this.#isDirty || this.#isReading || this.#timer !== null || this.#isClosed) return;
    void this.#count();
  }

  async #count(): Promise<void> {
    this.#isDirty = false;
    this.#isReading = true;
    const startedAt = performance.now();
    await this.#countAll(this.#request);
    this.#isReading = false;
    if (this.#isClosed) return;
    const pauseMs = Math.max(shortestPauseMs, pauseFactor * (performance.now() - startedAt));
    // Another request doesn't wait for the pause of this one.
    if (this.#store.getState().groupPages.total === null) this.#start();
    else {
      this.#timer = setTimeout(() => {
        this.#timer = null;
        this.#start();
      }, pauseMs);
    }
  }

  /** Shows what has been counted so far, or the old counts until there are new ones. */
  async #countAll(request: string): Promise<void> {
    const wanted = groupRequest(this.#store.getState().view);
    if (wanted === null) return;
    let sum: Pick<GroupPages, 'groups' | 'others'> = { groups: [], others: 0 };
    let looked = 0;
    let before: number | null = null;
    const isCurrent = () => request === this.#request && !this.#isClosed;
    const isFirst = this.#store.getState().groupPages.total === null;
    do {
      const reply = await this.#send({ type: 'group-failures', ...wanted.command, before });
      if (!isCurrent()) return;
      if (!reply.ok || reply.data?.kind !== 'failure-groups') {
        this.#show((pages) => ({ ...pages, isLoading: false, trouble: reply.message }));
        return;
      }
      const { groups, total, next }: { groups: readonly FailureGroup[]; total: number; next: number | null } =
        reply.data;
      const { queue } = wanted;
      sum = withGroups(sum, queue === null ? groups : groups.filter((group) => group.queue === queue));
      looked += reply.data.looked;
      before = next;
      const pages = { request, ...sum, looked, total, isLoading: next !== null, trouble: null };
      if (isFirst || next === null) this.#show(() => pages);
    } while (before !== null);
  }

  #show(change: (pages: GroupPages) => GroupPages): void {
    this.#store.setState(({ groupPages }) => ({ groupPages: change(groupPages) }));
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
