/**
 * Everything that a command uses of its process: streams, environment, directory, clock and signals. Commands never
 * touch `process` for these, so that a test can run a command as a function.
 */
import type { Readable, Writable } from 'node:stream';

export interface Io {
  /** Absolute path of this program, for commands that start it again. */
  readonly program: string;
  readonly stdin: InputStream;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: NodeJS.ProcessEnv;
  /** Absolute. Relative paths on the command line start here. */
  readonly cwd: string;
  readonly now: () => number;
  readonly process: ProcessEvents;
}

export type InputStream = Readable & { readonly isTTY?: boolean };

export type OutputStream = Writable & {
  readonly isTTY?: boolean;
  /** Width of the terminal. */
  readonly columns?: number;
  /** Its descriptor, if it is one of this process. */
  readonly fd?: number;
};

/** The signals that reach this process, and its end. */
export interface ProcessEvents {
  on(event: ProcessEvent, listener: (event: NodeJS.Signals) => void): unknown;
  off(event: ProcessEvent, listener: (event: NodeJS.Signals) => void): unknown;
  listenerCount(event: ProcessEvent): number;
  /** Sends a signal to this process. */
  raise(signal: NodeJS.Signals): void;
}

export type ProcessEvent = NodeJS.Signals | 'exit';

/** A process with a user at its terminal. */
export type TerminalIo = Io & {
  readonly stdin: typeof process.stdin;
  readonly stdout: typeof process.stdout;
};

/** Whether a user can see the screen and type. Otherwise the runner prints a log. */
export function isInteractive(io: Io): io is TerminalIo {
  return io.stdin.isTTY === true && io.stdout.isTTY === true && io.env.TERM !== 'dumb';
}

/** The `Io` of this process. Node opens each stream when a command first uses it. */
export function processIo(): Io {
  return {
    program: process.argv[1] ?? '',
    get stdin() {
      return process.stdin;
    },
    get stdout() {
      return process.stdout;
    },
    get stderr() {
      return process.stderr;
    },
    env: process.env,
    get cwd() {
      return process.cwd();
    },
    now: Date.now,
    process: {
      on: (event, listener) => process.on(event, listener),
      off: (event, listener) => process.off(event, listener),
      listenerCount: (event) => process.listenerCount(event),
      raise: (signal) => process.kill(process.pid, signal),
    },
  };
}
