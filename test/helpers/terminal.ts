/**
 * A real terminal for tests: a program in a pty of its own, keys that reach it as they would from a keyboard, and
 * xterm as the screen, with all that a program can do to a terminal on record.
 *
 * Where a test asks what a program leaves behind, it starts it by a shell: with its last process a pty goes away.
 */
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type IPty, spawn } from '@lydell/node-pty';
import xterm from '@xterm/headless';
import { afterEach, expect } from 'vitest';
import { foregroundOf, isAlive, kill, markVariable, processesMarked } from './processes.ts';
import { bytesOf } from './terminal-keys.ts';
import { waitFor } from './wait-for.ts';

export interface TerminalOptions {
  readonly command: readonly [string, ...string[]];
  readonly columns?: number;
  readonly rows?: number;
  readonly cwd?: string;
  /** Beside PATH, HOME, LANG and TERM: nothing else of the tests' environment, which may be CI's. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface Cell {
  readonly text: string;
  /** Columns: 0 where it is the second half of the one before. */
  readonly width: number;
  /** Of the sixteen, `null` for the default. */
  readonly color: number | null;
  readonly background: number | null;
  readonly isBold: boolean;
  readonly isDim: boolean;
  readonly isInverse: boolean;
  readonly isUnderlined: boolean;
}

export interface Exit {
  readonly exitCode: number;
  readonly signal: number;
}

/** How a terminal is while a full-screen program has it; for `toMatchObject`. */
export const takenTerminal = {
  isAlternateScreen: true,
  isCursorHidden: true,
  hasBracketedPaste: true,
  wrapsLines: false,
  inputMode: 'raw',
} as const;

/** As the kitty keyboard protocol has it. */
const unmistakableEscape = '\u001B[27u';

/** Longer than any program waits before it takes an ESC for the Escape key. */
const escapePauseMs = 250;

export class Terminal {
  /** Of the program that was started; a signal ends it with its number. */
  readonly exit: Promise<Exit>;
  /** Whatever the program wrote, in order. */
  received = '';
  /** The whole screen at the end of each synchronized update. */
  readonly frames: string[][] = [];
  readonly titles: string[] = [];
  /** Texts that the program asked to be put into the clipboard, as it sent them. */
  readonly clipboard: string[] = [];
  isCursorHidden = false;
  hasExited = false;
  readonly #pty: IPty;
  readonly #screen: xterm.Terminal;
  readonly #mark = randomUUID();
  #unparsed = 0;

  constructor({ command, columns = 80, rows = 24, cwd, env }: TerminalOptions) {
    this.#screen = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true });
    this.#record();
    const [program, ...args] = command;
    this.#pty = spawn(program, args, {
      name: 'xterm-256color',
      cols: columns,
      rows,
      ...(cwd === undefined ? {} : { cwd }),
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        LANG: 'C.UTF-8',
        [markVariable]: this.#mark,
        ...env,
      },
    });
    this.#pty.onData((data) => {
      this.received += data;
      this.#unparsed += 1;
      this.#screen.write(data, () => {
        this.#unparsed -= 1;
      });
    });
    // Answers to what programs ask of a terminal.
    this.#screen.onData((answer) => this.send(answer));
    this.exit = new Promise((resolve) => {
      this.#pty.onExit(({ exitCode, signal }) => {
        this.hasExited = true;
        resolve({ exitCode, signal: signal ?? 0 });
      });
    });
  }

  /** The visible rows, without the blanks at their ends. */
  screen(): string[] {
    const { buffer, cols, rows } = this.#screen;
    const top = buffer.active.viewportY;
    // xterm keeps what stood right of the edge before the terminal was made narrower.
    const textOf = (row: number) => buffer.active.getLine(top + row)?.translateToString(true, 0, cols) ?? '';
    return Array.from({ length: rows }, (_, row) => textOf(row).trimEnd());
  }

  text(): string {
    return this.screen().join('\n');
  }

  get columns(): number {
    return this.#screen.cols;
  }

  get rows(): number {
    return this.#screen.rows;
  }

  /** What the terminal itself keeps: for pictures. */
  get xterm(): xterm.Terminal {
    return this.#screen;
  }

  cell(column: number, row: number): Cell {
    const { active } = this.#screen.buffer;
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
    return this.#screen.buffer.active.type === 'alternate';
  }

  get hasBracketedPaste(): boolean {
    return this.#screen.modes.bracketedPasteMode;
  }

  get wrapsLines(): boolean {
    return this.#screen.modes.wraparoundMode;
  }

  /** What becomes of keys: `cooked` as a shell leaves it, `raw` as full-screen programs want it. */
  get inputMode(): 'raw' | 'cooked' | 'mixed' {
    const { stdout } = spawnSync('stty', ['-F', this.#device, '-a'], { encoding: 'utf8' });
    const settings = stdout.split(/[\s;]+/);
    const marks = ['icanon', 'echo', 'isig', 'icrnl', 'ixon'];
    if (marks.every((mark) => settings.includes(mark))) return 'cooked';
    return marks.every((mark) => settings.includes(`-${mark}`)) ? 'raw' : 'mixed';
  }

  /** Whether everything is as a program found it that was started by a shell. */
  get isRestored(): boolean {
    return (
      !this.isAlternateScreen &&
      !this.isCursorHidden &&
      !this.hasBracketedPaste &&
      this.wrapsLines &&
      !this.#screen.modes.synchronizedOutputMode &&
      this.#screen.modes.mouseTrackingMode === 'none' &&
      this.inputMode === 'cooked'
    );
  }

  async waitForText(text: string | RegExp, timeoutMs?: number): Promise<void> {
    await this.waitFor(() => this.#shows(text), `the screen shows ${text}`, timeoutMs);
  }

  async waitForNoText(text: string | RegExp, timeoutMs?: number): Promise<void> {
    await this.waitFor(() => !this.#shows(text), `the screen no longer shows ${text}`, timeoutMs);
  }

  /** Looks only between updates: of one that has begun, a part may have come. */
  async waitFor(condition: () => boolean, message: string, timeoutMs = 10_000): Promise<void> {
    const isWhole = () => this.#unparsed === 0 && !this.#screen.modes.synchronizedOutputMode;
    await waitFor(() => isWhole() && condition(), {
      message: () => `${message}\n${this.describe()}`,
      timeoutMs,
    });
  }

  describe(): string {
    const rows = this.screen().map((row) => `│${row}`);
    return `${rows.join('\n').trimEnd()}\n… ${JSON.stringify(this.received.slice(-300))}`;
  }

  /** Presses keys one after the other; see terminal-keys.ts for their names. */
  async press(...keys: string[]): Promise<void> {
    for (const [at, key] of keys.entries()) {
      const isLast = at === keys.length - 1;
      // A key right behind it could reach a busy program with it, and be Alt with that key. Terminals that speak
      // the newer protocol say it in a way that can't be taken for anything else.
      this.send(key === 'escape' && !isLast ? unmistakableEscape : bytesOf(key));
      // Fingers aren't faster.
      if (key === 'escape' && isLast) await sleep(escapePauseMs);
    }
  }

  /** Types faster than anybody can: all at once. */
  type(text: string): void {
    this.send(text);
  }

  /** As terminals do it: in brackets where the program has asked for them. */
  paste(text: string): void {
    const typed = text.replaceAll('\n', '\r');
    this.send(this.hasBracketedPaste ? `\u001B[200~${typed}\u001B[201~` : typed);
  }

  /** Sends bytes as they are. */
  send(bytes: string): void {
    if (!this.hasExited) this.#pty.write(bytes);
  }

  resize(columns: number, rows: number): void {
    this.#screen.resize(columns, rows);
    this.#pty.resize(columns, rows);
  }

  /** The process to which the terminal's keys go: the program, or the shell that waits for a command. */
  get foregroundPid(): number {
    const pid = foregroundOf(this.#pty.pid);
    if (pid === null) throw new Error('the terminal has no process');
    return pid;
  }

  /** To the process in the foreground alone. */
  signal(signal: NodeJS.Signals): void {
    process.kill(this.foregroundPid, signal);
  }

  /** The terminal no longer takes what the program writes. */
  stopReading(): void {
    this.#pty.pause();
  }

  goOnReading(): void {
    this.#pty.resume();
  }

  /** What another program writes to the same terminal, past the one under test. */
  scribble(text: string): void {
    writeFileSync(this.#device, text);
  }

  /** Closes the terminal's window: the kernel sends SIGHUP. */
  hangUp(): void {
    (this.#pty as unknown as { destroy(): void }).destroy();
  }

  /** Ends whatever still runs in it. @returns what had to be ended */
  async dispose(): Promise<string[]> {
    const left = processesMarked(this.#mark);
    for (const { pid } of left) kill(pid);
    await waitFor(() => left.every(({ pid }) => !isAlive(pid)), { message: 'all processes have ended' });
    if (!this.hasExited) this.hangUp();
    this.#screen.dispose();
    return left.map(({ command }) => command);
  }

  get #device(): string {
    return (this.#pty as unknown as { readonly ptsName: string }).ptsName;
  }

  #shows(text: string | RegExp): boolean {
    return typeof text === 'string' ? this.text().includes(text) : text.test(this.text());
  }

  #record(): void {
    const { parser } = this.#screen;
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

export interface Terminals {
  open(options: TerminalOptions): Terminal;
}

/** Call it once at the top of a test file. After each test no process of its terminals may be left that ended. */
export function useTerminals(): Terminals {
  const terminals: Terminal[] = [];
  afterEach(async ({ task }) => {
    for (const terminal of terminals.splice(0)) {
      const hadExited = terminal.hasExited;
      if (task.result?.state === 'fail') console.error(terminal.describe());
      const left = await terminal.dispose();
      if (hadExited) expect(left, 'processes that are left').toEqual([]);
    }
  });
  return {
    open(options) {
      const terminal = new Terminal(options);
      terminals.push(terminal);
      return terminal;
    },
  };
}
