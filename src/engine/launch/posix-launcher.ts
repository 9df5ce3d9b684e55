/** Starts programs through the C library's `posix_spawn`, as `libc.ts` explains. */
import { closeSync, existsSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { constants as system } from 'node:os';
import { resolve } from 'node:path';
import type { JobUsage } from '../../protocol/job.ts';
import { reservedOf } from '../machine/descriptors.ts';
import type { Launch, LaunchedProcess, LaunchSpec, OutputPipe } from './launched-process.ts';
import { type ExitStatus, type Libc, LibcError } from './libc.ts';
import { openPayloadFile } from './payload-file.ts';

/** Where `execvp` looks when there is no PATH. */
const defaultPath = '/usr/bin:/bin';
const shell = '/bin/sh';

export function posixLauncher(libc: Libc): Launch {
  const reaper = new Reaper(libc);
  return (spec) => {
    const ends = new Ends();
    try {
      return launch(libc, reaper, spec, ends);
    } catch (error) {
      ends.close();
      if (!(error instanceof LibcError)) throw error;
      return { whyNot: Promise.resolve(`spawn ${spec.command[0]} ${error.code}`) };
    } finally {
      ends.closeTheirs();
    }
  };
}

/** Descriptors of a start. The child's ends close once it has its own copies; ours close if the start fails. */
class Ends {
  readonly #ours: number[] = [];
  readonly #theirs: number[] = [];

  ours(descriptor: number): number {
    this.#ours.push(descriptor);
    return descriptor;
  }

  theirs(descriptor: number): number {
    this.#theirs.push(descriptor);
    return descriptor;
  }

  /** The system gives the lowest free number. If this one is low enough, the numbers above it stay free for others. */
  get highest(): number {
    return Math.max(...this.#ours, ...this.#theirs);
  }

  closeTheirs(): void {
    for (const descriptor of this.#theirs) closeSync(descriptor);
  }

  close(): void {
    for (const descriptor of this.#ours) closeSync(descriptor);
  }
}

interface Pipe {
  readonly ours: number;
  readonly theirs: number;
}

function launch(libc: Libc, reaper: Reaper, spec: LaunchSpec, ends: Ends): LaunchedProcess {
  const output = (): Pipe => {
    const { reader, writer } = libc.pipe();
    return { ours: ends.ours(reader), theirs: ends.theirs(writer) };
  };
  const payload = spec.stdin === 'pipe' ? null : spec.stdin;
  const file = payload === null ? null : openPayloadFile(payload, libc);
  if (file !== null) ends.theirs(file);
  const stdin = file === null ? libc.pipe() : null;
  if (stdin !== null) {
    ends.ours(stdin.writer);
    // A warm child's reading end is kept: it shows what the child hasn't read, even after the writing end is closed.
    if (payload === null) ends.ours(stdin.reader);
    else ends.theirs(stdin.reader);
  }
  const stdout = output();
  const stderr = output();
  const results = spec.hasResults ? output() : null;
  const descriptors = [file ?? stdin?.reader ?? -1, stdout.theirs, stderr.theirs];
  if (results !== null) descriptors.push(results.theirs);
  const limit = libc.descriptorLimit();
  if (ends.highest >= limit - reservedOf(limit)) throw new LibcError('spawn', system.errno.EMFILE);
  const pid = spawnFirst(libc, spec, descriptors);

  const input = stdin === null ? null : new Socket({ fd: stdin.writer, readable: false, writable: true });
  if (input !== null && payload !== null) {
    // EPIPE and the like: a job that doesn't read its STDIN has not failed.
    input.on('error', () => {});
    input.end(payload);
  }
  const unreadEnd = payload === null && stdin !== null ? stdin.reader : null;
  let unreadAtEnd: number | null = null;
  const expected = reaper.expect(pid, () => {
    if (unreadEnd !== null) {
      unreadAtEnd = libc.unreadBytes(unreadEnd);
      closeSync(unreadEnd);
    }
    // A grandchild that could still read it would hold it open.
    input?.destroy();
  });
  return {
    pid,
    stdin: payload === null ? input : null,
    writeNow: (bytes) => (stdin === null || input?.destroyed !== false ? 0 : writeNow(stdin.writer, bytes)),
    stdout: new ReadPipe(stdout.ours),
    stderr: new ReadPipe(stderr.ours),
    results: results === null ? null : new ReadPipe(results.ours),
    onExit: (act) => {
      expected.tell = act;
    },
    hasExited: () => reaper.isOver(expected),
    unreadBytes: () => unreadAtEnd ?? (unreadEnd === null ? null : libc.unreadBytes(unreadEnd)),
  };
}

/** The descriptor doesn't block. @returns how many bytes it took */
function writeNow(descriptor: number, bytes: Buffer): number {
  try {
    return writeSync(descriptor, bytes);
  } catch {
    // EAGAIN, or an error that the stream will report, too.
    return 0;
  }
}

interface Expected {
  readonly pid: number;
  /** Frees what belongs to the process, before its exit is told. */
  readonly free: () => void;
  tell: (status: ExitStatus, usage: JobUsage) => void;
}

/**
 * Learns how children ended that were started without Node. SIGCHLD says that some have; each one is then asked. libuv
 * asks for its own children by their numbers, so neither takes the other's.
 */
class Reaper {
  readonly #libc: Libc;
  readonly #expected = new Set<Expected>();

  constructor(libc: Libc) {
    this.#libc = libc;
    // Before the first child starts, because it may end before we know its pid. The listener stays, and does not keep
    // the process alive.
    process.on('SIGCHLD', () => {
      for (const expected of this.#expected) this.#reap(expected)?.();
    });
  }

  /** The exit is told once, in a later turn of the loop. */
  expect(pid: number, free: () => void): Expected {
    const expected: Expected = { pid, free, tell: () => {} };
    this.#expected.add(expected);
    return expected;
  }

  /** Asks at once. The exit is told as usual. */
  isOver(expected: Expected): boolean {
    if (!this.#expected.has(expected)) return true;
    const tell = this.#reap(expected);
    if (tell === null) return false;
    setImmediate(tell);
    return true;
  }

  /** @returns what tells the exit; `null` while it runs */
  #reap(expected: Expected): (() => void) | null {
    const status = this.#libc.reap(expected.pid);
    if (status === null) return null;
    this.#expected.delete(expected);
    const usage = this.#usage();
    return () => {
      expected.free();
      expected.tell(status, usage);
    };
  }

  /** Of the process that was reaped last. */
  #usage(): JobUsage {
    const raw = this.#libc.usage();
    if (raw === null) return {};
    const cpuMs = Math.round(raw.cpuMicroseconds / 100) / 10;
    const peakMemoryBytes = peakOfChild(raw.peakKilobytes);
    return peakMemoryBytes === null ? { cpuMs } : { cpuMs, peakMemoryBytes };
  }
}

/** The kernel counts pages for each CPU, and adds them up late: both peaks may be wrong by some megabytes. */
const slackKilobytes = 8 * 1_024;

/**
 * What the peak of a child's memory says. A child shares our memory until it has become its program, and Linux counts that:
 * `/bin/true`, started by a process whose own peak is 200 MB, reports 200 MB. So only a peak above our own is the child's.
 * Ours is read each time, because it can fall: `exec` resets it (children-usage.ts).
 *
 * @returns bytes; `null` if the peak may be ours
 */
export function peakOfChild(kilobytes: number): number | null {
  return kilobytes > process.resourceUsage().maxRSS + slackKilobytes ? kilobytes * 1_024 : null;
}

/** All pipes are read into this buffer, one after the other: a buffer for each read, as in streams, costs more. */
const readBuffer = Buffer.allocUnsafeSlow(64 * 1024);

class ReadPipe implements OutputPipe {
  readonly #socket: Socket;
  #act: (piece: Buffer) => void = () => {};

  constructor(fd: number) {
    const callback = (bytes: number) => {
      this.#act(readBuffer.subarray(0, bytes));
      // False would pause the socket.
      return true;
    };
    const options = { fd, readable: true, writable: false, onread: { buffer: readBuffer, callback } };
    this.#socket = new Socket(options);
    // A read error ends the pipe like its end does.
    this.#socket.on('error', () => {});
  }

  onData(act: (piece: Buffer) => void): void {
    this.#act = act;
  }

  onClose(act: () => void): void {
    this.#socket.once('close', act);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  get isPaused(): boolean {
    return this.#socket.isPaused();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

/** Starts the first startable file that the program's name may stand for, as `execvp` does. */
function spawnFirst(libc: Libc, spec: LaunchSpec, descriptors: readonly number[]): number {
  const { command, cwd, env } = spec;
  const [program, ...args] = command;
  let refusal: LibcError | null = null;
  for (const file of filesOf(program, spec)) {
    try {
      return libc.spawn({ file, args: command, env, cwd, descriptors });
    } catch (error) {
      if (!(error instanceof LibcError)) throw error;
      if (error.code === 'ENOEXEC') {
        return libc.spawn({ file: shell, args: [shell, file, ...args], env, cwd, descriptors });
      }
      if (error.code !== 'EACCES' && error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
      // Of several reasons, keep the one of a file that exists.
      if (refusal?.code !== 'EACCES') refusal = error;
    }
  }
  throw refusal ?? new LibcError('spawn', system.errno.ENOENT);
}

function filesOf(program: string, { cwd, env }: LaunchSpec): readonly string[] {
  if (program.includes('/')) return [program];
  const path = env.findLast((variable) => variable.startsWith('PATH='))?.slice('PATH='.length) ?? defaultPath;
  const base = cwd ?? process.cwd();
  // A check is cheaper than a failed start.
  return path
    .split(':')
    .map((directory) => resolve(base, directory, program))
    .filter((file) => existsSync(file));
}
