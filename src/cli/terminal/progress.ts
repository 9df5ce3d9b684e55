/** A progress bar on STDERR, for long work on a terminal. It disappears when the work is done. */
import type { SingleBar } from 'cli-progress';
import { age, grouped } from '../../messages/quantities.ts';
import type { Io } from '../command-line/io.ts';

/** Shorter work shows no bar. */
const patienceMs = 300;
/** Signals that end a process unless it handles them. */
const endings = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;
const longestBar = 40;
const shortestBar = 5;
/** Columns of everything except bar and title, with numbers in the millions. */
const numberColumns = 45;

export type ProgressIo = Pick<Io, 'stderr' | 'process'>;

export class Progress {
  readonly #io: ProgressIo;
  readonly #what: string;
  #total: number | null;
  #bar: SingleBar | null = null;
  readonly #said: (() => string) | null;
  #done = 0;
  #timer: NodeJS.Timeout | null = null;

  /**
   * @param total steps; `null` if unknown
   * @param said the text of the progress, if it isn't the number of steps: `430,000 jobs`
   */
  constructor(io: ProgressIo, what: string, total: number | null, said: (() => string) | null = null) {
    this.#io = io;
    this.#what = what;
    this.#total = total;
    this.#said = said;
    this.#await();
  }

  /** @param done steps so far */
  update(done: number, total = this.#total): void {
    this.#done = done;
    this.#total = total;
    if (total !== null) this.#bar?.setTotal(total);
    this.#bar?.update(done, this.#payload());
  }

  /** Prints a permanent line above the bar. Without a terminal, it prints only the line. */
  note(line: string): void {
    const isOn = this.#timer !== null;
    this.end();
    this.#io.stderr.write(`${line}\n`);
    if (isOn) this.#await();
  }

  end(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#bar === null) return;
    this.#bar.stop();
    this.#bar = null;
    this.#io.process.off('exit', this.#restore);
    for (const signal of endings) this.#io.process.off(signal, this.#interrupted);
  }

  #await(): void {
    if (this.#io.stderr.isTTY === true) this.#timer = setTimeout(() => void this.#show(), patienceMs);
  }

  #payload(): { said: string } {
    return { said: this.#said?.() ?? '' };
  }

  async #show(): Promise<void> {
    const { default: cliProgress } = await import('cli-progress');
    // The work may have ended during the import.
    if (this.#timer === null) return;
    const { SingleBar, Presets } = cliProgress;
    const isOpen = this.#total === null;
    const value = this.#said !== null ? '{said}' : isOpen ? '{value}' : '{value} of {total}';
    const format = isOpen
      ? `${this.#what}  ${value}  {duration_formatted}`
      : `${this.#what}  {bar} {percentage} %  ${value}  {eta_formatted} left`;
    const room = (this.#io.stderr.columns ?? 80) - this.#what.length - numberColumns;
    this.#bar = new SingleBar(
      {
        format,
        stream: this.#io.stderr,
        barsize: Math.max(shortestBar, Math.min(longestBar, room)),
        formatValue: (value) => grouped(value),
        // Before the first steps, the library passes 'NULL' or 'INF' instead of a number.
        formatTime: (seconds: number | string) => (typeof seconds === 'number' ? age(seconds * 1_000) : '…'),
        clearOnComplete: true,
        hideCursor: true,
        gracefulExit: false,
        etaBuffer: 50,
      },
      Presets.shades_classic,
    );
    this.#bar.start(this.#total ?? 0, this.#done, this.#payload());
    this.#io.process.on('exit', this.#restore);
    for (const signal of endings) this.#io.process.on(signal, this.#interrupted);
  }

  readonly #restore = (): void => this.end();

  /** Restores the terminal's cursor. Then the signal ends the process, unless something else handles it. */
  readonly #interrupted = (signal: NodeJS.Signals): void => {
    this.end();
    if (this.#io.process.listenerCount(signal) === 0) this.#io.process.raise(signal);
  };
}
