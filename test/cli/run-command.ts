/** Runs a command as a function in this process: the answer of the program without its start. */
import { EventEmitter } from 'node:events';
import { PassThrough, Readable, Writable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import type { Io } from '../../src/cli/command-line/io.ts';
import { runCommandLine } from '../../src/cli/program.ts';
import { waitFor } from '../helpers/wait-for.ts';

export interface Outcome {
  readonly code: number | undefined;
  /** Without the end of the last line. */
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  /** Absolute. Relative paths start here; `/` if not given. */
  readonly cwd?: string;
  /** Added to the environment of this process, in which no config and no Redis are named. */
  readonly env?: Readonly<Record<string, string>>;
  /** What STDIN holds, or a stream. It is not a terminal. */
  readonly stdin?: string | Buffer | Readable;
}

/** @returns the same as `runProgram` */
export async function runCommand(args: readonly string[], options: CommandOptions = {}): Promise<Outcome> {
  return await startCommand(args, options).ended;
}

export interface RunningCommand {
  readonly ended: Promise<Outcome>;
  /** What it has told on STDERR so far. */
  readonly stderr: () => string;
  readonly signal: (name: NodeJS.Signals) => void;
}

export function startCommand(args: readonly string[], options: CommandOptions = {}): RunningCommand {
  const { io, signals, stdout, stderr } = testIo(options);
  const ended = runCommandLine(args, io).then((code) => ({
    code,
    stdout: withoutLineEnd(stdout()),
    stderr: withoutLineEnd(stderr()),
  }));
  return { ended, stderr, signal: (name) => void signals.emit(name, name) };
}

export interface OpenOptions extends CommandOptions {
  readonly columns?: number;
}

/** A command with a person at its terminal. */
export interface OpenCommand {
  readonly ended: Promise<number>;
  /** Everything that it wrote, with what drives the terminal. */
  readonly received: () => string;
  /** The same without that. It is not the screen: what was overwritten is still there. */
  readonly text: () => string;
  readonly waitForText: (text: string | RegExp) => Promise<void>;
  readonly type: (keys: string) => void;
}

/**
 * Runs a command with streams that say they are a terminal. Tests of what a terminal makes of the output use a real one,
 * see `useTerminals`.
 */
export function openCommand(args: readonly string[], options: OpenOptions = {}): OpenCommand {
  const [output, received] = collector();
  const input = new PassThrough();
  const columns = options.columns ?? 80;
  const terminal = Object.assign(output, { isTTY: true, columns, rows: 40 });
  const { io } = testIo(options);
  const ended = runCommandLine(args, {
    ...io,
    stdin: Object.assign(input, { isTTY: true, setRawMode: () => input }),
    stdout: terminal,
    stderr: terminal,
  });
  const text = () => stripVTControlCharacters(received());
  return {
    ended,
    received,
    text,
    async waitForText(wanted) {
      const isThere = () => (typeof wanted === 'string' ? text().includes(wanted) : wanted.test(text()));
      await waitFor(isThere, { message: () => `${String(wanted)} is told: ${text()}` });
    },
    type: (keys) => void input.write(keys),
  };
}

export interface TestIo {
  readonly io: Io;
  readonly signals: EventEmitter;
  readonly stdout: () => string;
  readonly stderr: () => string;
}

/** An `Io` that is not of a process. */
export function testIo({ cwd = '/', env, stdin = '' }: CommandOptions = {}): TestIo {
  const [stdout, printed] = collector();
  const [stderr, told] = collector();
  const signals = new EventEmitter();
  const io: Io = {
    program: 'resque-runner',
    stdin: stdin instanceof Readable ? stdin : Readable.from(stdin.length === 0 ? [] : [Buffer.from(stdin)]),
    stdout,
    stderr,
    env: { ...process.env, RR_CONFIG: '', REDIS_URL: '', ...env },
    cwd,
    now: Date.now,
    process: {
      on: (event, listener) => signals.on(event, listener),
      off: (event, listener) => signals.off(event, listener),
      listenerCount: (event) => signals.listenerCount(event),
      raise: (signal) => signals.emit(signal, signal),
    },
  };
  return { io, signals, stdout: printed, stderr: told };
}

/** @returns a stream, and its text so far */
function collector(): [Writable, () => string] {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  return [stream, () => Buffer.concat(chunks).toString()];
}

/** As execa gives it. */
function withoutLineEnd(text: string): string {
  return text.replace(/\r?\n$/, '');
}
