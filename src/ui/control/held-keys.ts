/**
 * Holds keys that came before their rows. After a switch to the failures or a change of the filter, the list is read
 * from Redis, and people type faster than that. The keys act in order as soon as the rows are there.
 */
import type { AppState, AppStore } from '../../store/app-store.ts';
import { showsGroups } from '../../store/failure-groups.ts';
import { type ActionName, keymap } from '../keys/keymap.ts';

/** If Redis is slower than this, the keys act on what is there. Otherwise the keyboard would feel dead. */
const longestHoldMs = 1_000;

const rowActions: ReadonlySet<ActionName> = new Set(
  keymap.filter(({ needsRow }) => needsRow === true).map(({ action }) => action),
);

export class HeldKeys {
  readonly #store: AppStore;
  readonly #act: (key: string, text: string) => void;
  readonly #unsubscribe: () => void;
  #keys: { readonly key: string; readonly text: string }[] = [];
  #timer: NodeJS.Timeout | null = null;
  #isActing = false;

  /** @param act carries out a key */
  constructor(store: AppStore, act: (key: string, text: string) => void) {
    this.#store = store;
    this.#act = act;
    this.#unsubscribe = store.subscribe(() => {
      if (this.#keys.length > 0 && !this.#isActing)
        this.#release(() => !isReadingRows(this.#store.getState()));
    });
  }

  /** @returns false if the key must act at once */
  hold(key: string, text: string, action: ActionName | null): boolean {
    if (this.#isActing || !isReadingRows(this.#store.getState())) return false;
    // Other keys are held only after one of these, to keep the order.
    if (this.#keys.length === 0 && (action === null || !rowActions.has(action))) return false;
    this.#keys.push({ key, text });
    this.#timer ??= setTimeout(() => this.#release(() => true), longestHoldMs);
    return true;
  }

  close(): void {
    this.#keys = [];
    this.#stopTimer();
    this.#unsubscribe();
  }

  /** Stops early if a key has changed the list. */
  #release(mayAct: () => boolean): void {
    this.#isActing = true;
    try {
      while (mayAct()) {
        const next = this.#keys.shift();
        if (next === undefined) break;
        this.#act(next.key, next.text);
      }
    } finally {
      this.#isActing = false;
    }
    if (this.#keys.length === 0) this.#stopTimer();
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}

/** Whether the list is still empty but being read. */
function isReadingRows({ view, failurePages, groupPages, waitingPages }: AppState): boolean {
  const { opened, dialog } = view;
  if (dialog !== null) return false;
  if (opened?.kind === 'queue') {
    if (opened.pane === 'waiting') return waitingPages.jobs.length === 0 && waitingPages.isLoading;
    return opened.pane === 'groups' && groupPages.groups.length === 0 && groupPages.isLoading;
  }
  if (view.tab !== 'failures' || opened !== null) return false;
  if (showsGroups(view.failures)) return groupPages.groups.length === 0 && groupPages.isLoading;
  const { entries, isLoading, next, trouble } = failurePages;
  return entries.length === 0 && trouble === null && (isLoading || next !== null);
}
