/**
 * Runs a Redis server under a guard, a small shell that outlives us: when our end of its STDIN closes, however
 * we ended, it ends the server. So nothing lingers after a crash or a SIGKILL. The guard also holds the lock of
 * the server's directory, so that two servers never write the same data.
 */
import { access, mkdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface GuardedServer {
  /** Absolute; its lock and its log are in it. */
  readonly directory: string;
  /** Takes the path of its configuration as its argument. */
  readonly program: string;
  /** Written before each start, and only by the guard that has the lock: no server ever reads a half of it. */
  readonly config: string;
  /** Whether the guard removes the directory when the server has ended as asked; if not, its log tells why. */
  readonly isTemporary: boolean;
}

export interface Guard {
  /** `null` while it runs. */
  end(): GuardEnd | null;
  /** Ends the server and waits until it, the lock and a temporary directory are gone. */
  stop(): Promise<void>;
}

export interface GuardEnd {
  /** Another guard has the directory; the server was not started. */
  readonly isLocked: boolean;
  /** The server's, `undefined` if a signal ended the guard. */
  readonly exitCode: number | undefined;
}

/** A server that can't save its data refuses to end. */
const stopLimitMs = 10_000;
const lockedCode = 75;
/** Removing a dead lock takes a moment; an older claim was left behind by a process that died. */
const claimLimitMs = 10_000;

/**
 * Arguments: lock, log, directory to remove ('' for none), server, path and text of its configuration. `set -C` makes
 * `>` fail where the file exists, which is the lock. The lock names the guard and the server: if only the guard
 * is killed, the server still writes its data.
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
  // Most runners have a Redis and never need it: 15 MB that their process would keep.
  const { execa } = await import('execa');
  const files = [join(directory, lockName), join(directory, logName), isTemporary ? directory : ''];
  const server = [program, join(directory, configName), config];
  const child = execa('/bin/sh', ['-c', script, 'resque-runner-redis', ...files, ...server], {
    stdin: 'pipe',
    stdout: 'ignore',
    stderr: 'ignore',
    // A session of its own: Ctrl-C or a closing terminal must not end it before this process has finished its jobs.
    detached: true,
    cleanup: false,
    reject: false,
  });
  child.stdin.on('error', () => {
    // It ended before we closed it.
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
      // The guard leads a group with the server in it. Killed, it can't clean up any more.
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      await ended;
      // The lock may be another guard's by now.
      if (isTemporary) await rm(directory, { recursive: true, force: true });
      else await releaseDeadLock(directory);
    },
  };
}

/** Whether a guard has the directory. */
export async function isLocked(directory: string): Promise<boolean> {
  const lock = join(directory, lockName);
  return (await exists(lock)) && !(await isDead(lock));
}

/** Removes the lock of a guard that is gone without having done so, as after a power failure. */
export async function releaseDeadLock(directory: string): Promise<void> {
  const lock = join(directory, lockName);
  if (!(await isDead(lock))) return;
  // One at a time: of two that have seen a dead lock, the second could remove the one that was taken after the first.
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
  // None: the file is gone, or its guard is just about to write.
  return pids.length > 0 && !(await Promise.all(pids.map(isAlive))).includes(true);
}

/** @returns whether the claim is ours now; of one that died with it, it becomes free for the next attempt */
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
  // A zombie does nothing any more. In a container whose first process reaps none, it stays.
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
