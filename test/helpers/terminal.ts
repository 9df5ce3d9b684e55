/**
 * A real terminal for tests: a program in a pty of its own, and keys that reach it as they would from a keyboard.
 *
 * A pty goes away with its last process. To see what a program leaves behind, start it from a shell.
 */
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type IPty, spawn } from '@lydell/node-pty';
import { afterEach, expect } from 'vitest';
import { foregroundOf, isAlive, kill, markVariable, processesMarked } from './processes.ts';
import { bytesOf } from './terminal-keys.ts';
import { type ScreenSize, TerminalScreen, takenScreen, unmistakableEscape } from './terminal-screen.ts';
import { waitFor } from './wait-for.ts';

export interface TerminalOptions extends ScreenSize {
  readonly command: readonly [string, ...string[]];
  readonly cwd?: string;
  /** Added to PATH, HOME, LANG and TERM. Programs see nothing else of the tests' environment. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface Exit {
  readonly exitCode: number;
  readonly signal: number;
}

/** How a terminal is while a full-screen program has it; for `toMatchObject`. */
export const takenTerminal = { ...takenScreen, inputMode: 'raw' } as const;

/** Longer than any program waits before it takes an ESC for the Escape key. */
const escapePauseMs = 250;

export class Terminal extends TerminalScreen {
  /** Of the program that was started; a signal ends it with its number. */
  readonly exit: Promise<Exit>;
  hasExited = false;
  readonly #pty: IPty;
  readonly #mark = randomUUID();

  constructor({ command, cwd, env, ...size }: TerminalOptions) {
    super(size);
    const [program, ...args] = command;
    this.#pty = spawn(program, args, {
      name: 'xterm-256color',
      cols: this.columns,
      rows: this.rows,
      ...(cwd === undefined ? {} : { cwd }),
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        LANG: 'C.UTF-8',
        [markVariable]: this.#mark,
        ...env,
      },
    });
    this.#pty.onData((data) => this.take(data));
    // Answers to what programs ask of a terminal.
    this.xterm.onData((answer) => this.send(answer));
    this.exit = new Promise((resolve) => {
      this.#pty.onExit(({ exitCode, signal }) => {
        this.hasExited = true;
        resolve({ exitCode, signal: signal ?? 0 });
      });
    });
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
      !this.xterm.modes.synchronizedOutputMode &&
      this.xterm.modes.mouseTrackingMode === 'none' &&
      this.inputMode === 'cooked'
    );
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

  /** Sends bytes as they are. */
  send(bytes: string): void {
    if (!this.hasExited) this.#pty.write(bytes);
  }

  resize(columns: number, rows: number): void {
    this.xterm.resize(columns, rows);
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
    this.xterm.dispose();
    return left.map(({ command }) => command);
  }

  get #device(): string {
    return (this.#pty as unknown as { readonly ptsName: string }).ptsName;
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
