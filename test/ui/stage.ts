/**
 * The stage of a test of the whole user interface: the built program in a real terminal, with a real Redis and
 * real jobs. After a test that passes, the engines that its screens have started are told to stop, and then there
 * may be no process, no key and no file left of any of them.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach } from 'vitest';
import { type EndToEnd, useEndToEnd } from '../helpers/end-to-end.ts';
import { kill } from '../helpers/processes.ts';
import { shellWords } from '../helpers/shell-words.ts';
import { type Terminal, type TerminalOptions, useTerminals } from '../helpers/terminal.ts';
import { waitFor } from '../helpers/wait-for.ts';
import type { ConfigObject } from '../helpers/workbench.ts';

const program = fileURLToPath(new URL('../../dist/resque-runner.js', import.meta.url));

export interface ScreenOptions {
  readonly columns?: number;
  readonly rows?: number;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Text that shows that the screen is there; by default the name of the first tab. */
  readonly awaits?: string;
}

export class UiStage {
  readonly stage: EndToEnd;
  readonly #open: (options: TerminalOptions) => Terminal;
  readonly #screens: Terminal[] = [];
  #configs = 0;

  constructor(stage: EndToEnd, open: (options: TerminalOptions) => Terminal) {
    this.stage = stage;
    this.#open = open;
  }

  /** `resque-runner CONFIG` in a terminal: the screen and an engine of its own. Jobs end fast when it stops. */
  async start(config: ConfigObject, options: ScreenOptions = {}): Promise<Terminal> {
    return await this.#screen([this.writeConfig(config)], options);
  }

  /** `resque-runner attach` in a terminal, with `args`. */
  async attach(options: ScreenOptions = {}): Promise<Terminal> {
    return await this.#screen(['attach'], options);
  }

  /** A file with this Redis in it. @returns its path */
  writeConfig(config: ConfigObject): string {
    this.#configs += 1;
    const file = this.stage.path(`cfg-${this.#configs}.json`);
    const settings = { shutdownTimeout: 0.1, killAfter: 0.2, ...this.stage.config(config) };
    writeFileSync(file, JSON.stringify(settings));
    return file;
  }

  /** Command and environment of the program as the screens get it, for tests that start it by a shell. */
  commandOf(args: readonly string[]): [string, ...string[]] {
    return [process.execPath, program, ...args];
  }

  /** The same for a shell. */
  shellCommandOf(args: readonly string[]): string {
    return shellWords(this.commandOf(args));
  }

  get env(): Record<string, string> {
    return { TMPDIR: this.stage.path('tmp'), XDG_STATE_HOME: this.stage.path('state') };
  }

  /**
   * A shell with job control that runs each command, says what it came to, and waits for Enter: the terminal lives
   * on, and shows what was left.
   */
  shell(commands: readonly string[], options: Omit<TerminalOptions, 'command'> = {}): Terminal {
    const script = [
      'echo before',
      ...commands.map((command) => `${command}; echo "came to $?"; read -r _`),
    ].join('; ');
    return this.terminal({ columns: 120, rows: 36, ...options, command: ['sh', '-mc', script] });
  }

  /** Any program in a terminal with that environment. */
  terminal(options: TerminalOptions): Terminal {
    const terminal = this.#open({ ...options, env: { ...this.env, ...options.env } });
    this.#screens.push(terminal);
    return terminal;
  }

  /** Pids of the engines that screens of this test have started: in sessions of their own, without a terminal. */
  enginePids(): number[] {
    const directory = `TMPDIR=${this.stage.path('tmp')}`;
    return readdirSync('/proc')
      .filter((entry) => /^\d+$/.test(entry) && isRunnerProcess(entry) && !hasTerminal(entry))
      .filter((entry) => readIfThere(`/proc/${entry}/environ`).split('\0').includes(directory))
      .map(Number);
  }

  async end(hasFailed: boolean): Promise<void> {
    const screens = this.#screens.splice(0);
    this.#configs = 0;
    if (hasFailed) {
      // The terminals kill what runs in them, but engines may have been left running by choice.
      for (const pid of this.enginePids()) kill(pid);
      return;
    }
    for (const pid of this.enginePids()) process.kill(pid, 'SIGTERM');
    await waitFor(() => this.enginePids().length === 0, { message: 'the engines have stopped' });
    for (const screen of screens) if (!screen.hasExited) screen.hangUp();
  }

  async #screen(args: readonly string[], options: ScreenOptions): Promise<Terminal> {
    const { columns = 120, rows = 36, args: more = [], env = {}, awaits = '1 Queues' } = options;
    const terminal = this.terminal({ command: this.commandOf([...args, ...more]), columns, rows, env });
    await terminal.waitForText(awaits);
    return terminal;
  }
}

/** Call it once at the top of a test file. */
export function useUiStage(options: Parameters<typeof useEndToEnd>[0] = {}): UiStage {
  const stage = useEndToEnd(options);
  const terminals = useTerminals();
  const ui = new UiStage(stage, (how) => terminals.open(how));
  // Registered last, so called first: the engines stop by themselves before anything is killed.
  afterEach(async ({ task }) => {
    await ui.end(task.result?.state === 'fail');
  });
  return ui;
}

/** By its title, or before it has set that by its command. */
function isRunnerProcess(entry: string): boolean {
  const command = readIfThere(`/proc/${entry}/cmdline`);
  return command.startsWith('resque-runner') || command.includes(program);
}

function hasTerminal(entry: string): boolean {
  const stat = readIfThere(`/proc/${entry}/stat`);
  // proc(5): tty_nr is field 7, the fifth behind the name in parentheses.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[4] !== '0';
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // Ended meanwhile.
  }
}
