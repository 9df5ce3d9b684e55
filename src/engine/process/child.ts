/**
 * One child process, the leader of a process group of its own: started, read until its end, and ended with all that it
 * started.
 *
 *     running ──exit──▶ draining ──pipes closed, or 1 s──▶ ended
 *
 * The only place that starts jobs: through `posix_spawn` if the machine allows it, otherwise through Node's
 * `child_process`. Each job pays for what stands in between (measured: 1.7–2.1 ms of CPU a start with execa, 0.9–1.0 ms
 * with `child_process`, 0.17 ms with `posix_spawn`).
 */
import { constants } from 'node:os';
import type { Writable } from 'node:stream';
import type { JobUsage, OutputStream } from '../../protocol/job.ts';
import { atEndOfTurn } from '../events/event-loop-phases.ts';
import {
  isNotStarted,
  type Launch,
  type LaunchedProcess,
  type LaunchSpec,
  type NotStarted,
  type OutputPipe,
} from '../launch/launched-process.ts';
import { type ExitStatus, libc } from '../launch/libc.ts';
import { launcherOfNode } from '../launch/node-launcher.ts';
import { posixLauncher } from '../launch/posix-launcher.ts';

/** Set while no more can be taken: nothing is read until it resolves. It must not reject. */
export type Hold = Promise<void> | null;

/** Takes what a program prints. */
export interface OutputSink {
  /** @param chunk to keep */
  take(stream: OutputStream, chunk: Buffer): Hold;
}

/** A grandchild that keeps a pipe open delays the end of a job by no more than this. */
export const drainLimitMs = 1_000;
/** A stream that brings more than this within a window waits for the next one, so a flood delays no other job. */
const windowLimitBytes = 2 * 1024 * 1024;
const windowMs = 10;
/** Pipes and sockets hold less. More output than this after the exit does not come from the child. */
const leftBehindLimitBytes = 1024 * 1024;

let posix: Launch | null = null;

/** What it loads stays in memory. If no descriptor is left to load it with, Node starts programs until there is one. */
function launcher(): Launch {
  const native = libc();
  if (native === null) return launcherOfNode();
  posix ??= posixLauncher(native);
  return posix;
}

/** @param killAfterSeconds between TERM and KILL */
export function startChild(spec: LaunchSpec, sink: OutputSink, killAfterSeconds: number): Child | NotStarted {
  const launched = launcher()(spec);
  return isNotStarted(launched) ? launched : new Child(launched, sink, killAfterSeconds);
}

export class Child {
  readonly pid: number;
  /** Resolves when it has exited and all its output has been handed on. Never rejects. */
  readonly ended: Promise<ExitStatus>;
  readonly #launched: LaunchedProcess;
  readonly #sink: OutputSink;
  readonly #killAfterSeconds: number;
  #killTimer: NodeJS.Timeout | null = null;
  #status: ExitStatus | null = null;
  #usage: JobUsage = {};
  #openPipes = 0;
  #drainTimer: NodeJS.Timeout | null = null;
  /** Pieces of output that the sink has not taken yet. */
  #holds = 0;
  /** Output that came after the exit. */
  #bytesBehind = 0;
  #resolve: (status: ExitStatus) => void = () => {};

  constructor(launched: LaunchedProcess, sink: OutputSink, killAfterSeconds: number) {
    this.#launched = launched;
    this.#sink = sink;
    this.#killAfterSeconds = killAfterSeconds;
    this.pid = launched.pid;
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    for (const pipe of this.#pipes()) {
      this.#openPipes += 1;
      pipe.onClose(() => {
        this.#openPipes -= 1;
        this.#endIfOver();
      });
    }
    readLimited(launched.stdout, (chunk) => this.#handOn('stdout', chunk));
    readLimited(launched.stderr, (chunk) => this.#handOn('stderr', chunk));
    launched.onExit((status, usage) => {
      this.#status = status;
      this.#usage = usage;
      if (this.#openPipes > 0) this.#drainTimer = setTimeout(() => this.#stopReading(), drainLimitMs);
      else this.#endIfOver();
    });
  }

  /** Known once it has exited. */
  get usage(): JobUsage {
    return this.#usage;
  }

  /** Set if the spec wants a pipe. */
  get stdin(): Writable | null {
    return this.#launched.stdin;
  }

  /** Set if the spec has results. */
  get results(): OutputPipe | null {
    return this.#launched.results;
  }

  /** See `LaunchedProcess`. */
  writeNow(bytes: Buffer): number {
    return this.#launched.writeNow(bytes);
  }

  hasExited(): boolean {
    return this.#launched.hasExited();
  }

  /** Bytes written to its STDIN that it has not read, or had not when it ended; `null` if that can't be known. */
  unreadBytes(): number | null {
    return this.#launched.unreadBytes();
  }

  /** TERM to its whole group, and KILL `killAfter` later. Nothing happens if the group is gone. */
  end(onKill?: () => void): void {
    signalGroup(this.pid, 'SIGTERM');
    this.killLater(onKill);
  }

  /** KILL to its whole group after `killAfter`, unless it has ended by then. */
  killLater(onKill: () => void = () => {}): void {
    if (this.#isOver) return;
    this.#killTimer ??= setTimeout(() => {
      this.kill();
      onKill();
    }, this.#killAfterSeconds * 1_000);
  }

  kill(): void {
    signalGroup(this.pid, 'SIGKILL');
  }

  /**
   * Acts once everything that it has written by now has been handed on: what was readable is read in the same turn of
   * the loop, unless a pipe has to wait.
   */
  afterOutput(act: () => void): void {
    const { stdout, stderr } = this.#launched;
    const look = () => {
      if (!stdout.isPaused && !stderr.isPaused) act();
      else setTimeout(() => atEndOfTurn(look), windowMs);
    };
    atEndOfTurn(look);
  }

  #pipes(): OutputPipe[] {
    const { stdout, stderr, results } = this.#launched;
    return results === null ? [stdout, stderr] : [stdout, stderr, results];
  }

  #handOn(stream: OutputStream, chunk: Buffer): Hold {
    if (this.#status !== null) this.#bytesBehind += chunk.length;
    const hold = this.#sink.take(stream, chunk);
    if (hold === null) return null;
    this.#holds += 1;
    return hold.then(() => {
      this.#holds -= 1;
    });
  }

  #stopReading(): void {
    // The delay comes from a slow sink rather than from a grandchild.
    const isSinkSlow = this.#holds > 0 && this.#bytesBehind < leftBehindLimitBytes;
    if (isSinkSlow) this.#drainTimer = setTimeout(() => this.#stopReading(), drainLimitMs);
    else for (const pipe of this.#pipes()) pipe.destroy();
  }

  get #isOver(): boolean {
    return this.#status !== null && this.#openPipes === 0;
  }

  #endIfOver(): void {
    if (this.#status === null || !this.#isOver) return;
    for (const timer of [this.#drainTimer, this.#killTimer]) if (timer !== null) clearTimeout(timer);
    this.#resolve(this.#status);
  }
}

/** Hands on what a pipe brings, and pauses the pipe if that is too much. */
function readLimited(pipe: OutputPipe, onChunk: (chunk: Buffer) => Hold): void {
  let windowStart = 0;
  let windowBytes = 0;
  pipe.onData((piece) => {
    // Not from Node's pool: a slab of the pool would live as long as this chunk.
    const chunk = Buffer.allocUnsafeSlow(piece.length);
    piece.copy(chunk);
    const hold = onChunk(chunk);
    if (hold !== null) {
      pipe.pause();
      void hold.then(() => pipe.resume());
      return;
    }
    const now = performance.now();
    if (now - windowStart > windowMs) {
      windowStart = now;
      windowBytes = 0;
    }
    windowBytes += chunk.length;
    if (windowBytes > windowLimitBytes) {
      pipe.pause();
      setTimeout(() => pipe.resume(), windowMs);
    }
  });
}

/** @returns false if no process of the group is left */
export function signalGroup(pid: number, name: NodeJS.Signals | 0): boolean {
  // 0 would be our own group.
  const code = pid > 0 ? kill(-pid, name) : 'ESRCH';
  // A member of the group changed its user: it exists, but we may not end it.
  if (code === null || code === 'EPERM') return true;
  if (code === 'ESRCH') return false;
  throw new Error(`kill ${code}`);
}

/** @returns the name of the error, `null` for none */
function kill(pid: number, name: NodeJS.Signals | 0): string | null {
  const native = libc();
  if (native !== null) return native.kill(pid, name === 0 ? 0 : constants.signals[name]);
  try {
    process.kill(pid, name);
    return null;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? '';
  }
}
