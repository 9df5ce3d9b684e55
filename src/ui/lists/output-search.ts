/** Asks which jobs have printed a text, while the filter of the Jobs tab has one: `output:timeout`. */
import { type AppState, type AppStore, noOutputSearch } from '../../store/app-store.ts';
import { jobFields, parseFilter } from '../../store/filter-language.ts';
import type { Send } from './failure-list.ts';

/** The user may type more. */
const typingMs = 150;
/** Jobs print more, and others end. */
const pauseMs = 5_000;

export class OutputSearch {
  readonly #store: AppStore;
  readonly #send: Send;
  readonly #unsubscribe: () => void;
  /** '' without one. */
  #text = '';
  #timer: NodeJS.Timeout | null = null;

  constructor(store: AppStore, send: Send) {
    this.#store = store;
    this.#send = send;
    this.#unsubscribe = store.subscribe((state) => this.#notice(state));
  }

  close(): void {
    this.#unsubscribe();
    this.#text = '';
    this.#stopTimer();
  }

  #notice({ view }: AppState): void {
    const text = view.tab === 'jobs' ? (parseFilter(view.jobs.filter, jobFields).values.output ?? '') : '';
    if (text === this.#text) return;
    this.#text = text;
    this.#stopTimer();
    this.#store.setState({ outputSearch: { ...noOutputSearch, text } });
    if (text !== '') this.#timer = setTimeout(() => void this.#find(text), typingMs);
  }

  async #find(text: string): Promise<void> {
    const reply = await this.#send({ type: 'find-output', text });
    if (text !== this.#text) return;
    const jobs = reply.ok && reply.data?.kind === 'output-found' ? new Set(reply.data.jobs) : null;
    const trouble = jobs === null ? reply.message : null;
    this.#store.setState(({ outputSearch }) => ({
      outputSearch: { text, jobs: jobs ?? outputSearch.jobs, trouble },
    }));
    this.#timer = setTimeout(() => void this.#find(text), pauseMs);
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
