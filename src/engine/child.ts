/**
 * One child process in a process group of its own: started, listened to, and ended with all that it started.
 *
 *     running ──exit──▶ draining ──pipes closed, or 1 s──▶ ended
 */
import type { Readable, Writable } from 'node:stream';
import type { OutputStream } from '../protocol/job.ts';
import { isFailure, type LaunchedProcess, type LaunchSpec, launcher } from './launch.ts';
import type { ExitStatus } from './libc.ts';

export interface ChildHooks {
  onOutput(stream: OutputStream, chunk: Buffer): void;
  onEnd(end: ExitStatus): void;
  /** It never ran: `reason` says why, as the system does (`spawn ./job ENOENT`). */
  onStartFailed(reason: string): void;
}

export interface Child {
  readonly pid: number;
  /** Set where the spec wants a pipe. */
  readonly stdin: Writable | null;
  /** Set where the spec has results. */
  readonly results: Readable | null;
  hasExited(): boolean;
  /** Bytes written to its STDIN that it hasn't read; `null` where that can't be known. */
  unreadBytes(): number | null;
  /** Sends a signal to the whole group; nothing happens where it is gone. */
  signal(name: NodeJS.Signals): void;
}

/** A grandchild that keeps a pipe open holds up the end of a job by no more than this. */
const drainLimitMs = 1_000;
/** A stream that brings more than this within a window waits for the next: a flood takes no other job's turn. */
const windowLimitBytes = 2 * 1024 * 1024;
const windowMs = 10;

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
    hasExited: () => launched.hasExited(),
    unreadBytes: () => launched.unreadBytes(),
    signal: (name) => signalGroup(pid, name),
  };
}

function listen(launched: LaunchedProcess, hooks: ChildHooks): void {
  const { stdin, stdout, stderr, results } = launched;
  let end: ExitStatus | null = null;
  let open = 0;
  let drainTimer: NodeJS.Timeout | null = null;
  const endIfOver = () => {
    if (end === null || open > 0) return;
    if (drainTimer !== null) clearTimeout(drainTimer);
    hooks.onEnd(end);
  };
  const follow = (pipe: Readable, onChunk: (chunk: Buffer) => void) => {
    open += 1;
    pipe.on('data', onChunk);
    // A read error ends the pipe like its end does.
    pipe.on('error', () => {});
    pipe.once('close', () => {
      open -= 1;
      endIfOver();
    });
  };
  follow(
    stdout,
    limited(stdout, (chunk) => hooks.onOutput('stdout', chunk)),
  );
  follow(
    stderr,
    limited(stderr, (chunk) => hooks.onOutput('stderr', chunk)),
  );
  launched.onExit((status) => {
    end = status;
    stdin?.destroy();
    if (open === 0) {
      endIfOver();
      return;
    }
    drainTimer = setTimeout(() => {
      for (const pipe of [stdout, stderr, results]) pipe?.destroy();
    }, drainLimitMs);
  });
}

/** Hands on what a pipe brings, and lets it wait when that is too much. */
function limited(pipe: Readable, onChunk: (chunk: Buffer) => void): (chunk: Buffer) => void {
  let windowStart = 0;
  let windowBytes = 0;
  return (chunk) => {
    onChunk(chunk);
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
  };
}

/** @returns false where no process of the group is left */
export function signalGroup(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-pid, name);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ESRCH') return false;
    // A member of the group changed its user: it exists, and isn't ours to end.
    if (code === 'EPERM') return true;
    throw error;
  }
}
