/**
 * Keys that came before the rows they are meant for: the failures are read from Redis after a switch to their tab or a
 * change of the filter, and fast fingers don't wait for that. They act in their order as soon as the rows are there.
 */
import type { AppState, AppStore } from '../../store/app-store.ts';
import type { ActionName } from '../keys/keymap.ts';

/** A Redis that is slower than this must not make the keyboard feel dead: the keys act on what there is. */
const longestHoldMs = 1_000;

/** What means a row of the list. The way out of it is never held, unless such a key came before. */
const rowActions: ReadonlySet<ActionName> = new Set([
  'up',
  'down',
  'top',
  'bottom',
  'half-page-down',
  'half-page-up',
  'page-down',
  'page-up',
  'open',
  'mark',
  'mark-all',
  'retry',
  'delete',
  'copy',
]);

export class HeldKeys {
  readonly #store: AppStore;
  readonly #act: (key: string, text: string) => void;
  readonly #unsubscribe: () => void;
  #keys: { readonly key: string; readonly text: string }[] = [];
  #timer: NodeJS.Timeout | null = null;
  #isActing = false;

  /** @param act does what the key means now */
  constructor(store: AppStore, act: (key: string, text: string) => void) {
    this.#store = store;
    this.#act = act;
    this.#unsubscribe = store.subscribe(() => {
      if (this.#keys.length > 0 && !this.#isActing)
        this.#release(() => !isReadingRows(this.#store.getState()));
    });
  }

  /** @returns false if the key is to act at once */
  hold(key: string, text: string, action: ActionName | null): boolean {
    if (this.#isActing || !isReadingRows(this.#store.getState())) return false;
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

  /** Until there are none left, or one of them has made the list another one. */
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

/** Whether the list on the screen has no row yet, but may get some. */
function isReadingRows({ view, failurePages }: AppState): boolean {
  if (view.tab !== 'failures' || view.opened !== null || view.dialog !== null) return false;
  const { entries, isLoading, next, trouble } = failurePages;
  return entries.length === 0 && trouble === null && (isLoading || next !== null);
}
