/** A bar on STDERR for work that takes a while, on a terminal only; it is gone when the work is done. */
import type { SingleBar } from 'cli-progress';
import { age, grouped } from '../../messages/quantities.ts';

/** Work that is over sooner shows none. */
const patienceMs = 300;
/** Signals that end a process which doesn't listen to them. */
const endings = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;
const longestBar = 40;
const shortestBar = 5;
/** Columns of all that stands beside bar and title, with numbers of millions. */
const numberColumns = 45;

export class Progress {
  readonly #what: string;
  #total: number | null;
  #bar: SingleBar | null = null;
  readonly #said: (() => string) | null;
  #done = 0;
  #timer: NodeJS.Timeout | null = null;

  /**
   * @param total of the steps; `null` where nobody knows
   * @param said how much is done, where steps are not what people count: `430,000 jobs`
   */
  constructor(what: string, total: number | null, said: (() => string) | null = null) {
    this.#what = what;
    this.#total = total;
    this.#said = said;
    this.#await();
  }

  /** @param done steps by now, of all */
  update(done: number, total = this.#total): void {
    this.#done = done;
    this.#total = total;
    if (total !== null) this.#bar?.setTotal(total);
    this.#bar?.update(done, this.#payload());
  }

  /** A line that stays, above the bar. Where there is no terminal it is printed as well. */
  note(line: string): void {
    const isOn = this.#timer !== null;
    this.end();
    process.stderr.write(`${line}\n`);
    if (isOn) this.#await();
  }

  end(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#bar === null) return;
    this.#bar.stop();
    this.#bar = null;
    process.off('exit', this.#restore);
    for (const signal of endings) process.off(signal, this.#interrupted);
  }

  #await(): void {
    if (process.stderr.isTTY === true) this.#timer = setTimeout(() => void this.#show(), patienceMs);
  }

  #payload(): { said: string } {
    return { said: this.#said?.() ?? '' };
  }

  async #show(): Promise<void> {
    const { default: cliProgress } = await import('cli-progress');
    // It may have ended while that was loaded.
    if (this.#timer === null) return;
    const { SingleBar, Presets } = cliProgress;
    const isOpen = this.#total === null;
    const value = this.#said !== null ? '{said}' : isOpen ? '{value}' : '{value} of {total}';
    const format = isOpen
      ? `${this.#what}  ${value}  {duration_formatted}`
      : `${this.#what}  {bar} {percentage} %  ${value}  {eta_formatted} left`;
    const room = (process.stderr.columns ?? 80) - this.#what.length - numberColumns;
    this.#bar = new SingleBar(
      {
        format,
        stream: process.stderr,
        barsize: Math.max(shortestBar, Math.min(longestBar, room)),
        formatValue: (value) => grouped(value),
        // Before the first steps there is no number, but 'NULL' or 'INF'.
        formatTime: (seconds: number | string) => (typeof seconds === 'number' ? age(seconds * 1_000) : '…'),
        clearOnComplete: true,
        hideCursor: true,
        gracefulExit: false,
        etaBuffer: 50,
      },
      Presets.shades_classic,
    );
    this.#bar.start(this.#total ?? 0, this.#done, this.#payload());
    process.on('exit', this.#restore);
    for (const signal of endings) process.on(signal, this.#interrupted);
  }

  readonly #restore = (): void => this.end();

  /** The terminal gets its cursor back first. Where nobody else listens, the signal then ends the process as ever. */
  readonly #interrupted = (signal: NodeJS.Signals): void => {
    this.end();
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
  };
}
