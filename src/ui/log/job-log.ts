/** The log of the open job: its output so far, new output, and the user's position in it. */
import type { OutputBatch } from '../../protocol/job.ts';
import { type AppStore, changeView } from '../../store/app-store.ts';
import type { LogLine } from '../../store/line-ring.ts';
import { LineSplitter } from '../../store/line-splitter.ts';
import { LogBuffer } from '../../store/log-buffer.ts';
import { needleOf } from '../../store/search.ts';
import { initialView, type LogView } from '../../store/view.ts';
import { logPane, type Size } from '../layout/layout.ts';
import type { Step } from '../lists/selection.ts';
import { styledText } from '../text/styled-text.ts';
import { wrap } from '../text/wrap.ts';
import { logWindow, type Place, placeFrom } from './log-window.ts';

/** The batch is `null` if no output of that job is kept. @returns ends the watch */
export type Watch = (jobId: string, onBatch: (batch: OutputBatch | null) => void) => () => void;

const nextStreams = { both: 'stderr', stderr: 'stdout', stdout: 'both' } as const;
/** Rows that stay visible above a match. */
const rowsAbove = 3;

export class JobLog {
  readonly jobId: string;
  readonly buffer = new LogBuffer();
  readonly #store: AppStore;
  readonly #size: () => Size;
  readonly #splitter = new LineSplitter(this.buffer, styledText);
  readonly #unwatch: () => void;

  constructor(store: AppStore, jobId: string, watch: Watch, size: () => Size) {
    this.jobId = jobId;
    this.#store = store;
    this.#size = size;
    const { isWrapped, hasTimes } = store.getState().view.log;
    // Keep the settings, but not the position.
    changeView(store, { log: { ...initialView.log, isWrapped, hasTimes } });
    store.setState({ openLog: { jobId, version: 0, state: 'waiting' } });
    this.#unwatch = watch(jobId, (batch) => this.#take(batch));
  }

  get view(): LogView {
    return this.#store.getState().view.log;
  }

  close(): void {
    this.#unwatch();
    this.#store.setState({ openLog: null });
  }

  /** Call it before lines are drawn. */
  showUnfinished(): void {
    this.#splitter.showUnfinished();
  }

  scroll(step: Step): void {
    const { view, buffer } = this;
    if (step === 'bottom') {
      this.#change({ isFollowing: true });
      return;
    }
    const isDown = step !== 'top' && step > 0;
    if (view.isFollowing && isDown) return;
    const place = step === 'top' ? { top: buffer.first, topRow: 0 } : this.#placeFrom(this.#window(), step);
    this.#change({ isFollowing: false, ...place });
  }

  toggleFollow(): void {
    if (!this.view.isFollowing) {
      this.#change({ isFollowing: true });
      return;
    }
    const { top, topRow } = this.#window();
    this.#change({ isFollowing: false, top, topRow });
  }

  nextStreams(): void {
    this.#change({ streams: nextStreams[this.view.streams] });
  }

  mark(): void {
    this.buffer.appendMark(Date.now());
    this.#changed();
  }

  /** The nearest match at or below the visible rows, otherwise the last one above them. */
  search(text: string): void {
    this.#change({ search: text, match: null });
    if (text === '') return;
    const { top, lines } = this.#window();
    const from = this.view.isFollowing ? (lines.at(-1)?.number ?? top) : top;
    const backward = this.#find(from, 'backward');
    const forward = this.#find(from, 'forward');
    // While following, the view is at the end, so matches are above.
    this.#goTo(this.view.isFollowing ? (backward ?? forward) : (forward ?? backward));
  }

  nextMatch(direction: 1 | -1): void {
    const { match, search } = this.view;
    if (search === '') return;
    const from = match === null ? this.#window().top : match + direction;
    const found = this.#find(from, direction === 1 ? 'forward' : 'backward');
    // Wrap around.
    const { first, end } = this.buffer;
    this.#goTo(
      found ?? this.#find(direction === 1 ? first : end - 1, direction === 1 ? 'forward' : 'backward'),
    );
  }

  /** `3 of 17`. The result is `null` without a search; `at` is `null` if the current match is gone. */
  matchCount(): { readonly at: number | null; readonly count: number } | null {
    const { search, match, streams } = this.view;
    if (search === '') return null;
    const count = this.buffer.countMatches(search, streams);
    // The match may have been dropped, or its stream may be hidden.
    const isThere = match !== null && this.#find(match, 'forward') === match;
    return { at: isThere ? this.buffer.countMatchesBefore(match, search, streams) + 1 : null, count };
  }

  /** The kept output as plain text: the newest whole lines that fit. */
  copyText(limitBytes: number): { readonly text: string; readonly lines: number; readonly isWhole: boolean } {
    const texts: string[] = [];
    let leftBytes = limitBytes;
    for (let number = this.buffer.end - 1; number >= this.buffer.first; number -= 1) {
      const line = this.buffer.get(number);
      if (line === undefined || !this.#isCopied(line)) continue;
      const text = `${line.text}\n`;
      leftBytes -= Buffer.byteLength(text);
      if (leftBytes < 0) break;
      texts.push(text);
    }
    return { text: texts.reverse().join(''), lines: texts.length, isWhole: leftBytes >= 0 };
  }

  #isCopied({ kind, stream }: LogLine): boolean {
    const { streams } = this.view;
    return kind === 'output' && (streams === 'both' || streams === stream);
  }

  #find(from: number, direction: 'forward' | 'backward'): number | null {
    const { search, streams } = this.view;
    return this.buffer.search(search, { from, direction, streams });
  }

  #goTo(match: number | null): void {
    if (match === null) return;
    const topRow = this.#rowOfMatch(match);
    const isSeen = this.#window().lines.some(
      ({ number, rowsAbove: above, rows }) =>
        number === match && topRow >= above && topRow < above + rows.length,
    );
    if (isSeen && !this.view.isFollowing) {
      this.#change({ match });
      return;
    }
    const place = this.#placeFrom({ top: match, topRow }, -rowsAbove);
    this.#change({ match, isFollowing: false, ...place });
  }

  /** The row of a wrapped line in which the first match begins. */
  #rowOfMatch(number: number): number {
    const { search, isWrapped } = this.view;
    const text = this.buffer.get(number)?.text ?? '';
    const [first] = needleOf(search).rangesIn(text);
    if (!isWrapped || first === undefined) return 0;
    return wrap(text.slice(0, first[0] + 1), this.#textColumns).length - 1;
  }

  #placeFrom(from: Place, steps: number): Place {
    return placeFrom(this.buffer, this.view, from, steps, this.#textColumns);
  }

  get #textColumns(): number {
    return logPane(this.#size(), this.view).textColumns;
  }

  #window() {
    const { textColumns, rows } = logPane(this.#size(), this.view);
    return logWindow(this.buffer, this.view, textColumns, rows);
  }

  #take(batch: OutputBatch | null): void {
    if (batch === null) {
      this.#store.setState({ openLog: { jobId: this.jobId, version: 0, state: 'gone' } });
      return;
    }
    this.#splitter.take(batch);
    this.#changed(batch.isEnd);
  }

  #changed(isEnd = false): void {
    const { openLog } = this.#store.getState();
    const state = isEnd ? 'ended' : openLog?.state === 'ended' ? 'ended' : 'live';
    // The version of the buffer alone doesn't show changes of an unfinished line.
    const version = (openLog?.version ?? 0) + 1;
    this.#store.setState({ openLog: { jobId: this.jobId, version, state } });
  }

  #change(change: Partial<LogView>): void {
    changeView(this.#store, { log: { ...this.view, ...change } });
  }
}
