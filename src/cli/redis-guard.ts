/**
 * Runs a Redis server under a guard, a small shell that outlives us: when our end of its STDIN closes, however
 * we ended, it ends the server. So nothing lingers after a crash or a SIGKILL. The guard also holds the lock of
 * the server's directory, so that two servers never write the same data.
 */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface GuardedServer {
  /** Absolute; its lock and its log are in it. */
  readonly directory: string;
  /** Program and arguments. */
  readonly command: readonly string[];
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
  /** The server's, `undefined` where a signal ended the guard. */
  readonly exitCode: number | undefined;
}

/** A server that can't save its data refuses to end. */
const stopLimitMs = 10_000;
const lockedCode = 75;

/**
 * Arguments: lock, log, directory to remove ('' for none), server and its arguments. `set -C` makes `>` fail
 * where the file exists, which is the lock.
 */
const script = `
lock=$1 log=$2 temporary=$3
shift 3
set -C
{ echo $$ > "$lock"; } 2>/dev/null || exit ${lockedCode}
set +C
exec 3<&0
"$@" </dev/null >"$log" 2>&1 3<&- &
server=$!
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

export async function startGuard({ directory, command, isTemporary }: GuardedServer): Promise<Guard> {
  // Most runners have a Redis and never need it: 15 MB that their process would keep.
  const { execa } = await import('execa');
  const files = [join(directory, lockName), join(directory, logName), isTemporary ? directory : ''];
  const child = execa('/bin/sh', ['-c', script, 'resque-runner-redis', ...files, ...command], {
    stdin: 'pipe',
    stdout: 'ignore',
    stderr: 'ignore',
    // A session of its own: Ctrl-C and a closing terminal are for us, who end it after our jobs.
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
      await rm(isTemporary ? directory : join(directory, lockName), { recursive: true, force: true });
    },
  };
}

/** Removes the lock of a guard that is gone without having done so, as after a power failure. */
export async function releaseDeadLock(directory: string): Promise<void> {
  const lock = join(directory, lockName);
  const pid = Number(await readIfThere(lock));
  // 0: the file is gone, or its guard is just about to write.
  if (!Number.isInteger(pid) || pid <= 0 || isAlive(pid)) return;
  await rm(lock, { force: true });
}

/** @returns '' where there is no such file */
export async function readIfThere(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // ESRCH means that there is none; EPERM, that it is somebody else's.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

async function isWithin(event: Promise<void>, limitMs: number): Promise<boolean> {
  const timer = new AbortController();
  const late = sleep(limitMs, false, { signal: timer.signal }).catch(() => false);
  const inTime = await Promise.race([event.then(() => true), late]);
  timer.abort();
  return inTime;
}
