/** Runs a command as a function in this process: no start of the program, and the same answer. */
import { EventEmitter } from 'node:events';
import { Readable, Writable } from 'node:stream';
import type { Io } from '../../src/cli/command-line/io.ts';
import { runCommandLine } from '../../src/cli/program.ts';
import { type Outcome, program } from './program.ts';

export interface CommandOptions {
  /** Absolute. Relative paths start here; `/` if not given. */
  readonly cwd?: string;
  /** Added to the environment of this process, in which no config and no Redis are named. */
  readonly env?: Readonly<Record<string, string>>;
  /** What STDIN holds. It is never a terminal. */
  readonly stdin?: string | Buffer;
  /** Gets an emitter of signals: `signals.emit('SIGINT', 'SIGINT')`. */
  readonly onSignals?: (signals: EventEmitter) => void;
}

/** @returns the same as `runProgram` */
export async function runCommand(args: readonly string[], options: CommandOptions = {}): Promise<Outcome> {
  const { io, printed } = testIo(options);
  const code = await runCommandLine(args, io);
  return { code, ...printed() };
}

/** An `Io` without a process. */
export function testIo({ cwd = '/', env, stdin = '', onSignals }: CommandOptions = {}): {
  readonly io: Io;
  readonly printed: () => { stdout: string; stderr: string };
} {
  const [stdout, out] = collector();
  const [stderr, err] = collector();
  const events = new EventEmitter();
  onSignals?.(events);
  const io: Io = {
    program,
    stdin: Readable.from(stdin.length === 0 ? [] : [Buffer.from(stdin)]),
    stdout,
    stderr,
    env: { ...process.env, RR_CONFIG: '', REDIS_URL: '', ...env },
    cwd,
    now: Date.now,
    process: {
      on: (event, listener) => events.on(event, listener),
      off: (event, listener) => events.off(event, listener),
      listenerCount: (event) => events.listenerCount(event),
      raise: (signal) => events.emit(signal, signal),
    },
  };
  return { io, printed: () => ({ stdout: out(), stderr: err() }) };
}

/** @returns a stream, and its text so far without the last line's end, as execa gives it */
function collector(): [Writable, () => string] {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  return [
    stream,
    () =>
      Buffer.concat(chunks)
        .toString()
        .replace(/\r?\n$/, ''),
  ];
}
