/**
 * Reads the contents of a tab while it is open: at once when it opens, then again a while after each reply. So a slow Redis is
 * asked less often, and never twice at once.
 *
 *     closed ──its tab is open──▶ reading ──reply──▶ waiting 2 s ──▶ reading
 *        ▲                                              │
 *        └───────────────its tab is left────────────────┘
 */
import type { AppState, AppStore } from '../../store/app-store.ts';
import type { Tab } from '../../store/view.ts';

const againMs = 2_000;

export class TabReader {
  readonly #tab: Tab;
  readonly #read: () => Promise<void>;
  readonly #unsubscribe: () => void;
  #timer: NodeJS.Timeout | null = null;
  #isReading = false;
  #isDirty = false;
  #wasOpen = false;
  #isClosed = false;

  /** @param read must not reject */
  constructor(store: AppStore, tab: Tab, read: () => Promise<void>) {
    this.#tab = tab;
    this.#read = read;
    this.#unsubscribe = store.subscribe((state) => this.#notice(state));
  }

  /** Something has changed: doesn't wait for the next time. */
  readNow(): void {
    if (this.#isReading) this.#isDirty = true;
    else this.#readOnce();
  }

  close(): void {
    this.#isClosed = true;
    this.#unsubscribe();
    this.#stopTimer();
  }

  #notice({ view }: AppState): void {
    const isOpen = view.tab === this.#tab;
    if (isOpen === this.#wasOpen) return;
    this.#wasOpen = isOpen;
    if (isOpen) this.readNow();
    else this.#stopTimer();
  }

  #readOnce(): void {
    this.#stopTimer();
    if (this.#isClosed) return;
    this.#isReading = true;
    this.#isDirty = false;
    void this.#read().then(() => {
      this.#isReading = false;
      if (this.#isDirty) this.#readOnce();
      else if (this.#wasOpen && !this.#isClosed) {
        this.#timer = setTimeout(() => this.#readOnce(), againMs);
      }
    });
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
