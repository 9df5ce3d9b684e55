/**
 * Runs a Redis server under a guard, a small shell that outlives this process. When this process ends, for any reason, the
 * guard's STDIN closes and the guard ends the server. So nothing remains after a crash or a SIGKILL. The guard also holds the
 * lock of the server's directory, so two servers never write the same data.
 */
import { access, mkdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface GuardedServer {
  /** Absolute; contains the lock and the log. */
  readonly directory: string;
  /** Program of the server. Its argument is the path of its configuration. */
  readonly program: string;
  /** Written before each start, only by the guard that holds the lock, so no server reads an incomplete file. */
  readonly config: string;
  /** Whether the guard removes the directory after the server ended as requested. Otherwise the log has the reason. */
  readonly isTemporary: boolean;
}

export interface Guard {
  /** `null` while it is running. */
  end(): GuardEnd | null;
  /** Ends the server and waits until it, the lock and a temporary directory are gone. */
  stop(): Promise<void>;
}

export interface GuardEnd {
  /** Another guard holds the directory, so the server was not started. */
  readonly isLocked: boolean;
  /** The server's exit code; `undefined` if a signal ended the guard. */
  readonly exitCode: number | undefined;
}

/** After this time, the server is killed: a server that can't save its data refuses to end. */
const stopLimitMs = 10_000;
const lockedCode = 75;
/** Removing a dead lock takes a moment. An older claim belongs to a process that died. */
const claimLimitMs = 10_000;

/**
 * Arguments: lock, log, directory to remove ('' for none), server, path and text of its configuration. With `set -C`, `>`
 * fails if the file exists, which makes it a lock. The lock has the pids of the guard and of the server: if only the guard is
 * killed, the server still writes its data.
 */
const script = `
lock=$1 log=$2 temporary=$3 server_program=$4 config=$5
set -C
{ echo $$ > "$lock"; } 2>/dev/null || exit ${lockedCode}
set +C
{ printf %s "$6" > "$config"; } 2>"$log" || { rm -f "$lock"; exit 1; }
exec 3<&0
"$server_program" "$config" </dev/null >"$log" 2>&1 3<&- &
server=$!
{ echo "$server" >> "$lock"; } 2>/dev/null
{ read -r _ <&3; kill -TERM "$server"; } >/dev/null 2>&1 &
reader=$!
wait "$server"
code=$?
kill "$reader" 2>/dev/null
rm -f "$lock"
[ "$code" -ne 0 ] || [ -z "$temporary" ] || rm -rf "$temporary"
exit "$code"
`;

export const logName = 'redis.log';
export const lockName = 'lock';
const configName = 'redis.conf';
const claimName = 'lock.release';

export async function startGuard({ directory, program, config, isTemporary }: GuardedServer): Promise<Guard> {
  // Most runners never need it, and it would keep 15 MB of memory.
  const { execa } = await import('execa');
  const files = [join(directory, lockName), join(directory, logName), isTemporary ? directory : ''];
  const server = [program, join(directory, configName), config];
  const child = execa('/bin/sh', ['-c', script, 'resque-runner-redis', ...files, ...server], {
    stdin: 'pipe',
    stdout: 'ignore',
    stderr: 'ignore',
    // Its own session: Ctrl-C or a closing terminal must not end it before this process has finished its jobs.
    detached: true,
    cleanup: false,
    reject: false,
  });
  child.stdin.on('error', () => {
    // The guard ended before its STDIN was closed.
  });
  let end: GuardEnd | null = null;
  const ended = child.then(({ exitCode }) => {
    end = { isLocked: exitCode === lockedCode, exitCode };
  });
  return {
    end: () => end,
    async stop() {
      child.stdin.end();
      if (await isWithin(ended, stopLimitMs)) return;
      // The guard leads the server's process group. A killed guard can't clean up.
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      await ended;
      // The lock may belong to another guard by now.
      if (isTemporary) await rm(directory, { recursive: true, force: true });
      else await releaseDeadLock(directory);
    },
  };
}

/** Whether a guard holds the directory. */
export async function isLocked(directory: string): Promise<boolean> {
  const lock = join(directory, lockName);
  return (await exists(lock)) && !(await isDead(lock));
}

/** Removes the lock that a guard left behind, for example after a power failure. */
export async function releaseDeadLock(directory: string): Promise<void> {
  const lock = join(directory, lockName);
  if (!(await isDead(lock))) return;
  // One process at a time: of two that saw the dead lock, the second could remove a new lock.
  const claim = join(directory, claimName);
  if (!(await isClaimed(claim))) return;
  try {
    if (await isDead(lock)) await rm(lock, { force: true });
  } finally {
    await rm(claim, { recursive: true, force: true });
  }
}

async function exists(file: string): Promise<boolean> {
  return await access(file).then(
    () => true,
    () => false,
  );
}

async function isDead(lock: string): Promise<boolean> {
  const pids = (await readIfThere(lock))
    .split('\n')
    .map(Number)
    .filter((pid) => pid > 0);
  // No pids: the file is gone, or its guard has not written yet.
  return pids.length > 0 && !(await Promise.all(pids.map(isAlive))).includes(true);
}

/** @returns whether this process has the claim. A claim of a dead process is freed for the next attempt */
async function isClaimed(claim: string): Promise<boolean> {
  try {
    await mkdir(claim);
    return true;
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  }
  const { mtimeMs } = await stat(claim).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
  if (Date.now() - mtimeMs > claimLimitMs) await rm(claim, { recursive: true, force: true });
  return false;
}

/** @returns '' if there is no such file */
export async function readIfThere(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return '';
    throw error;
  }
}

async function isAlive(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // ESRCH: there is no such process. EPERM: it belongs to another user.
    if (!hasCode(error, 'EPERM')) return false;
  }
  // A zombie does nothing. It remains in a container whose first process doesn't reap zombies.
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return !stat.slice(stat.lastIndexOf(')')).startsWith(') Z');
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

async function isWithin(event: Promise<void>, limitMs: number): Promise<boolean> {
  const timer = new AbortController();
  const late = sleep(limitMs, false, { signal: timer.signal }).catch(() => false);
  const inTime = await Promise.race([event.then(() => true), late]);
  timer.abort();
  return inTime;
}
