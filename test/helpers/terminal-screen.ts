/**
 * A terminal's screen for tests: xterm shows what a program writes, and records everything that the program does to
 * the terminal.
 */
import xterm from '@xterm/headless';

export interface Cell {
  readonly text: string;
  /** Columns: 0 for the second half of a wide character. */
  readonly width: number;
  /** Of the sixteen, `null` for the default. */
  readonly color: number | null;
  readonly background: number | null;
  readonly isBold: boolean;
  readonly isDim: boolean;
  readonly isInverse: boolean;
  readonly isUnderlined: boolean;
}

export interface ScreenSize {
  readonly columns?: number;
  readonly rows?: number;
}

/** How a screen is while a full-screen program has it; for `toMatchObject`. */
export const takenScreen = {
  isAlternateScreen: true,
  isCursorHidden: true,
  hasBracketedPaste: true,
  wrapsLines: false,
} as const;

/** As the kitty keyboard protocol sends Escape: no other key can be mistaken for it. */
export const unmistakableEscape = '\u001B[27u';

const longestPollMs = 25;

export abstract class TerminalScreen {
  /** Everything that the program wrote, in order. */
  received = '';
  /** The whole screen at the end of each synchronized update. */
  readonly frames: string[][] = [];
  readonly titles: string[] = [];
  /** Texts that the program asked to be put into the clipboard, as it sent them. */
  readonly clipboard: string[] = [];
  isCursorHidden = false;
  /** What the terminal itself keeps: for pictures. */
  readonly xterm: xterm.Terminal;
  /** Whether clicks and the wheel reach the program. */
  get reportsMouse(): boolean {
    return this.xterm.modes.mouseTrackingMode !== 'none';
  }

  #unparsed = 0;
  /** The rows as they are; `null` if they may have changed since they were read. */
  #rows: readonly string[] | null = null;
  /** They wait for the next change. */
  readonly #waiting = new Set<() => void>();

  constructor({ columns = 80, rows = 24 }: ScreenSize) {
    this.xterm = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true });
    this.xterm.onResize(() => this.#changed());
    this.#record();
  }

  /** Sends bytes to the program as they are. */
  abstract send(bytes: string): void;

  /** Presses keys one after the other; see terminal-keys.ts for their names. */
  abstract press(...keys: string[]): Promise<void>;

  abstract resize(columns: number, rows: number): void;

  /** What a program wrote. */
  protected take(data: string, onParsed?: () => void): void {
    this.received += data;
    this.#unparsed += 1;
    this.#rows = null;
    this.xterm.write(data, () => {
      this.#unparsed -= 1;
      onParsed?.();
      this.#changed();
    });
  }

  #changed(): void {
    this.#rows = null;
    for (const wake of this.#waiting) wake();
  }

  /** Resolves at the next change of the screen. Conditions may also depend on other things, so it soon resolves anyway. */
  #nextChange(): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, longestPollMs);
      this.#waiting.add(wake);
    });
  }

  /** The visible rows, without the blanks at their ends. */
  screen(): string[] {
    // In the middle of an update they change without a word.
    if (this.#unparsed > 0) return this.#read();
    this.#rows ??= this.#read();
    return [...this.#rows];
  }

  #read(): string[] {
    const { buffer, cols, rows } = this.xterm;
    const top = buffer.active.viewportY;
    // After the terminal has become narrower, xterm keeps what was right of the new edge.
    const textOf = (row: number) => buffer.active.getLine(top + row)?.translateToString(true, 0, cols) ?? '';
    return Array.from({ length: rows }, (_, row) => textOf(row).trimEnd());
  }

  text(): string {
    return this.screen().join('\n');
  }

  get columns(): number {
    return this.xterm.cols;
  }

  get rows(): number {
    return this.xterm.rows;
  }

  cell(column: number, row: number): Cell {
    const { active } = this.xterm.buffer;
    const cell = active.getLine(active.viewportY + row)?.getCell(column);
    if (cell === undefined) throw new Error(`no cell at column ${column} of row ${row}`);
    return {
      text: cell.getChars(),
      width: cell.getWidth(),
      color: cell.isFgDefault() ? null : cell.getFgColor(),
      background: cell.isBgDefault() ? null : cell.getBgColor(),
      isBold: cell.isBold() !== 0,
      isDim: cell.isDim() !== 0,
      isInverse: cell.isInverse() !== 0,
      isUnderlined: cell.isUnderline() !== 0,
    };
  }

  get isAlternateScreen(): boolean {
    return this.xterm.buffer.active.type === 'alternate';
  }

  get hasBracketedPaste(): boolean {
    return this.xterm.modes.bracketedPasteMode;
  }

  get wrapsLines(): boolean {
    return this.xterm.modes.wraparoundMode;
  }

  async waitForText(text: string | RegExp, timeoutMs?: number): Promise<void> {
    await this.waitFor(() => this.#shows(text), `the screen shows ${text}`, timeoutMs);
  }

  async waitForNoText(text: string | RegExp, timeoutMs?: number): Promise<void> {
    await this.waitFor(() => !this.#shows(text), `the screen no longer shows ${text}`, timeoutMs);
  }

  /** Looks only between updates: in the middle of one, the screen is half painted. */
  async waitFor(condition: () => boolean, message: string, timeoutMs = 10_000): Promise<void> {
    const isWhole = () => this.#unparsed === 0 && !this.xterm.modes.synchronizedOutputMode;
    const end = performance.now() + timeoutMs;
    while (!isWhole() || !condition()) {
      if (performance.now() > end)
        throw new Error(`not within ${timeoutMs} ms: ${message}\n${this.describe()}`);
      await this.#nextChange();
    }
  }

  describe(): string {
    const rows = this.screen().map((row) => `│${row}`);
    return `${rows.join('\n').trimEnd()}\n… ${JSON.stringify(this.received.slice(-300))}`;
  }

  /** Types faster than anybody can: all at once. */
  type(text: string): void {
    this.send(text);
  }

  /** Pastes as terminals do: in brackets if the program has asked for them. */
  paste(text: string): void {
    const typed = text.replaceAll('\n', '\r');
    this.send(this.hasBracketedPaste ? `\u001B[200~${typed}\u001B[201~` : typed);
  }

  #shows(text: string | RegExp): boolean {
    return typeof text === 'string' ? this.text().includes(text) : text.test(this.text());
  }

  #record(): void {
    const { parser } = this.xterm;
    const recordTo = (record: string[]) => (data: string) => {
      record.push(data);
      return false;
    };
    for (const code of [0, 1, 2]) parser.registerOscHandler(code, recordTo(this.titles));
    parser.registerOscHandler(52, recordTo(this.clipboard));
    for (const final of ['h', 'l']) {
      parser.registerCsiHandler({ prefix: '?', final }, (parameters) => {
        if (parameters.includes(25)) this.isCursorHidden = final === 'l';
        if (parameters.includes(2026) && final === 'l') this.frames.push(this.screen());
        return false;
      });
    }
  }
}
