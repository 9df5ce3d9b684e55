/**
 * One child process in a process group of its own: started, fed, listened to, and ended with all that it
 * started. The only place that starts jobs; it uses `child_process` itself since every job pays for what
 * stands between us and `fork` (measured: 0.9–1.0 ms of CPU against 1.7–2.1 with execa).
 *
 *     running ──exit──▶ draining ──pipes closed, or 1 s──▶ ended
 */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import type { OutputStream } from '../protocol/job.ts';
import { openPayloadFile } from './payload-file.ts';

export interface ChildSpec {
  /** Program and arguments. */
  readonly command: readonly [string, ...string[]];
  readonly cwd: string | null;
  readonly env: NodeJS.ProcessEnv;
  /** All of its STDIN. */
  readonly stdin: Buffer;
}

export interface ChildEnd {
  /** `null` where a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ChildHooks {
  onOutput(stream: OutputStream, chunk: Buffer): void;
  onEnd(end: ChildEnd): void;
  /** It never ran: `reason` says why, as the system does (`spawn ./job ENOENT`). */
  onStartFailed(reason: string): void;
}

export interface Child {
  readonly pid: number;
  /** Sends a signal to the whole group; nothing happens where it is gone. */
  signal(name: NodeJS.Signals): void;
}

/** A grandchild that keeps a pipe open holds up the end of a job by no more than this. */
const drainLimitMs = 1_000;
/** A stream that brings more than this within a window waits for the next: a flood takes no other job's turn. */
const windowLimitBytes = 2 * 1024 * 1024;
const windowMs = 10;

/** Starts a child. @returns `null` where it can't be started; `onStartFailed` is then called a little later. */
export function startChild(spec: ChildSpec, hooks: ChildHooks): Child | null {
  const stdin = openPayloadFile(spec.stdin);
  let child: ChildProcess;
  try {
    const [program, ...args] = spec.command;
    const options: SpawnOptions = {
      detached: true,
      env: spec.env,
      stdio: [stdin ?? 'pipe', 'pipe', 'pipe'],
      ...(spec.cwd === null ? {} : { cwd: spec.cwd }),
    };
    child = spawn(program, args, options);
  } catch (error) {
    // E2BIG and other system errors that Node throws instead of emitting them.
    const reason = error instanceof Error ? error.message : String(error);
    queueMicrotask(() => hooks.onStartFailed(reason));
    return null;
  } finally {
    if (stdin !== null) closeSync(stdin);
  }
  const { pid } = child;
  if (pid === undefined) {
    child.once('error', (error) => hooks.onStartFailed(error.message));
    return null;
  }
  if (child.stdin !== null) {
    // EPIPE and the like: not reading one's STDIN is no failure.
    child.stdin.on('error', () => {});
    child.stdin.end(spec.stdin);
  }
  listen(child, hooks);
  return { pid, signal: (name) => signalGroup(pid, name) };
}

function listen(child: ChildProcess, hooks: ChildHooks): void {
  let drainTimer: NodeJS.Timeout | null = null;
  for (const stream of ['stdout', 'stderr'] as const) {
    const pipe = child[stream];
    if (pipe === null) continue;
    let windowStart = 0;
    let windowBytes = 0;
    pipe.on('data', (chunk: Buffer) => {
      hooks.onOutput(stream, chunk);
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
    // A read error ends the pipe like its end does.
    pipe.on('error', () => {});
  }
  child.once('exit', () => {
    child.stdin?.destroy();
    drainTimer = setTimeout(() => {
      child.stdout?.destroy();
      child.stderr?.destroy();
    }, drainLimitMs);
  });
  child.once('close', (exitCode, signal) => {
    if (drainTimer !== null) clearTimeout(drainTimer);
    hooks.onEnd({ exitCode, signal });
  });
  // Without this a failed `kill` of a child that is gone would be an uncaught error.
  child.on('error', () => {});
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
