/**
 * One child process in a process group of its own: started, listened to, and ended with all that it started.
 *
 *     running ──exit──▶ draining ──pipes closed, or 1 s──▶ ended
 */
import { constants } from 'node:os';
import type { Writable } from 'node:stream';
import type { OutputStream } from '../../protocol/job.ts';
import { atEndOfTurn } from '../events/event-loop-phases.ts';
import { launcher } from './launch.ts';
import { isFailure, type LaunchedProcess, type LaunchSpec, type OutputPipe } from './launched-process.ts';
import { type ExitStatus, libc } from './libc.ts';

/** Set where nothing more can be taken for now: until it resolves, no more is read. It must not reject. */
export type Hold = Promise<void> | null;

export interface ChildHooks {
  /** @param chunk to keep */
  onOutput(stream: OutputStream, chunk: Buffer): Hold;
  onEnd(end: ExitStatus): void;
  /** It never ran: `reason` says why, as the system does (`spawn ./job ENOENT`). */
  onStartFailed(reason: string): void;
}

export interface Child {
  readonly pid: number;
  /** Set where the spec wants a pipe. */
  readonly stdin: Writable | null;
  /** See `LaunchedProcess`. */
  writeNow(bytes: Buffer): number;
  /** Set where the spec has results. */
  readonly results: OutputPipe | null;
  hasExited(): boolean;
  /** Bytes written to its STDIN that it hasn't read, or had not when it ended; `null` where that can't be known. */
  unreadBytes(): number | null;
  /** Acts once all that it has written by now has been handed on. */
  afterOutput(act: () => void): void;
  /** Sends a signal to the whole group; nothing happens where it is gone. */
  signal(name: NodeJS.Signals): void;
}

/** A grandchild that keeps a pipe open holds up the end of a job by no more than this. */
const drainLimitMs = 1_000;
/** A stream that brings more than this within a window waits for the next: a flood takes no other job's turn. */
const windowLimitBytes = 2 * 1024 * 1024;
const windowMs = 10;
/** Pipes and sockets hold less: what comes beyond this after the exit is not the child's. */
const leftBehindLimitBytes = 1024 * 1024;

/** Starts a child. @returns `null` where it can't be started; `onStartFailed` is then called a little later. */
export function startChild(spec: LaunchSpec, hooks: ChildHooks): Child | null {
  const launched = launcher()(spec);
  if (isFailure(launched)) {
    void launched.whyNot.then((reason) => hooks.onStartFailed(reason));
    return null;
  }
  listen(launched, hooks);
  const { pid, stdin, results } = launched;
  return {
    pid,
    stdin,
    results,
    writeNow: (bytes) => launched.writeNow(bytes),
    hasExited: () => launched.hasExited(),
    unreadBytes: () => launched.unreadBytes(),
    afterOutput: (act) => afterOutput(launched, act),
    signal: (name) => signalGroup(pid, name),
  };
}

function listen(launched: LaunchedProcess, hooks: ChildHooks): void {
  const { stdout, stderr, results } = launched;
  let end: ExitStatus | null = null;
  let open = 0;
  let drainTimer: NodeJS.Timeout | null = null;
  let holds = 0;
  let bytesBehind = 0;
  const endIfOver = () => {
    if (end === null || open > 0) return;
    if (drainTimer !== null) clearTimeout(drainTimer);
    hooks.onEnd(end);
  };
  for (const pipe of [stdout, stderr, results]) {
    if (pipe === null) continue;
    open += 1;
    pipe.onClose(() => {
      open -= 1;
      endIfOver();
    });
  }
  const handOn = (stream: OutputStream, chunk: Buffer): Hold => {
    if (end !== null) bytesBehind += chunk.length;
    const hold = hooks.onOutput(stream, chunk);
    if (hold === null) return null;
    holds += 1;
    return hold.then(() => {
      holds -= 1;
    });
  };
  readLimited(stdout, (chunk) => handOn('stdout', chunk));
  readLimited(stderr, (chunk) => handOn('stderr', chunk));
  const giveUp = () => {
    // Not a grandchild, but whoever takes the output is slow.
    if (holds > 0 && bytesBehind < leftBehindLimitBytes) drainTimer = setTimeout(giveUp, drainLimitMs);
    else for (const pipe of [stdout, stderr, results]) pipe?.destroy();
  };
  launched.onExit((status) => {
    end = status;
    if (open === 0) {
      endIfOver();
      return;
    }
    drainTimer = setTimeout(giveUp, drainLimitMs);
  });
}

/** What was readable when this was called is read in the same turn of the loop, unless a pipe has to wait. */
function afterOutput({ stdout, stderr }: LaunchedProcess, act: () => void): void {
  const look = () => {
    if (!stdout.isPaused && !stderr.isPaused) act();
    else setTimeout(() => atEndOfTurn(look), windowMs);
  };
  atEndOfTurn(look);
}

/** Hands on what a pipe brings, and lets it wait when that is too much. */
function readLimited(pipe: OutputPipe, onChunk: (chunk: Buffer) => Hold): void {
  let windowStart = 0;
  let windowBytes = 0;
  pipe.onData((piece) => {
    // Not out of Node's pool, of which a slab would live as long as this.
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

/** @returns false where no process of the group is left */
export function signalGroup(pid: number, name: NodeJS.Signals | 0): boolean {
  // 0 would be our own group.
  const code = pid > 0 ? kill(-pid, name) : 'ESRCH';
  // A member of the group changed its user: it exists, and isn't ours to end.
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
