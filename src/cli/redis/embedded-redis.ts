/** A private Redis in its own directory. Only its user can reach it, through a Unix socket. */

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { lstat, mkdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RedisSocketConfig } from '../../config/config.ts';
import type { ReachableRedis } from '../../resque/redis/connection.ts';
import { RedisError } from '../../resque/redis/redis-error.ts';
import { OperatingError } from '../command-line/exit-codes.ts';
import type { Io } from '../command-line/io.ts';
import { EmbeddedServer, prepareDirectory, silence } from './embedded-server.ts';
import { isLocked } from './guard.ts';
import { keepServer } from './keep-server.ts';
import { withRedis } from './with-redis.ts';

export interface EmbeddedRedis {
  readonly redis: RedisSocketConfig;
  /** Ends the server and waits until it has ended. Does nothing if another process started the server. */
  stop(): Promise<void>;
}

export interface EmbeddedOptions {
  /** Saves no data, and removes the directory at the end, even after a SIGKILL. */
  readonly isTemporary?: boolean;
  /** Gets the reason if the server is restarted or can't be restarted. STDERR by default. */
  readonly tell?: (text: string) => void;
}

/** A server with a large data set needs time to load it. */
const startLimitMs = 30_000;
const answerLimitMs = 2_000;
const pollMs = 20;
/** A user is waiting at a prompt. */
const findLimitMs = 4_000;
/** The time between the end of one server and the lock of the next one, on a busy machine. */
const handoverMs = 500;

/**
 * The server of this directory: a running one, otherwise a new one. If it ends before `stop` is called, this process or
 * another one that shares it starts it again.
 *
 * @param directory absolute; created if it is missing
 * @throws OperatingError with the fix, if there is no server program or it doesn't start
 */
export async function startEmbeddedRedis(
  io: Pick<Io, 'stderr' | 'env' | 'cwd'>,
  directory: string,
  { isTemporary = false, tell = (text) => complain(io, text) }: EmbeddedOptions = {},
): Promise<EmbeddedRedis> {
  await prepareDirectory(directory);
  const socket = await chooseSocket(directory);
  const redis = socketConfig(socket);
  const server = new EmbeddedServer({ directory, socket, isTemporary }, io);
  const deadlineMs = performance.now() + startLimitMs;
  try {
    while (!(await answers(redis))) {
      if (performance.now() > deadlineMs) throw await silence(directory, startLimitMs);
      await server.start();
      await sleep(pollMs);
    }
  } catch (error) {
    await server.stop();
    throw error;
  }
  server.reached();
  const letGo = keepServer(server, { directory, socket, tell });
  return {
    redis,
    async stop() {
      await letGo();
      await server.stop();
    },
  };
}

/**
 * The server that runs in this directory. Waits a moment if a runner is starting it or taking it over.
 *
 * @returns `null` if none runs
 */
export async function findEmbeddedRedis(directory: string): Promise<RedisSocketConfig | null> {
  const redis = socketConfig(await noteOfSocket(directory));
  const startMs = performance.now();
  let lockedAtMs = startMs;
  while (!(await answers(redis))) {
    const nowMs = performance.now();
    if (await isLocked(directory)) lockedAtMs = nowMs;
    if (nowMs - startMs > findLimitMs || nowMs - lockedAtMs > handoverMs || !existsSync(directory))
      return null;
    await sleep(pollMs);
  }
  return redis;
}

function complain({ stderr }: Pick<Io, 'stderr'>, text: string): void {
  stderr.write(`resque-runner: ${text}\n`);
}

function socketConfig(path: string): RedisSocketConfig {
  return { kind: 'socket', path, db: 0, username: null, password: null };
}

/** Whether a server is running and ready; a server that is loading its data is not ready. */
async function answers(redis: ReachableRedis): Promise<boolean> {
  try {
    await withRedis(redis, answerLimitMs, async () => {});
    return true;
  } catch (error) {
    if (error instanceof RedisError) return false;
    throw error;
  }
}

/** The kernel's limit for the path of a socket, without the final NUL: 103 bytes on macOS, 107 on Linux. */
const longestPathBytes = 103;
const noteName = 'socket-path';

/**
 * The socket of this directory's server. It is in the directory, unless its path would be too long. Then it is in this user's
 * directory below the system's temporary directory, and a note in the server's directory has its path.
 *
 * @param directory absolute, exists
 * @throws OperatingError if the other directory belongs to another user
 */
async function chooseSocket(directory: string): Promise<string> {
  const inside = join(directory, 'redis.sock');
  if (Buffer.byteLength(inside) <= longestPathBytes) return inside;
  // All runners that share the server must find the same socket, even with different TMPDIRs.
  const noted = await noteOfSocket(directory);
  if (noted !== inside) return noted;
  const shelter = join(tmpdir(), `resque-runner-${process.getuid?.() ?? 0}`);
  await mkdir(shelter, { recursive: true, mode: 0o700 });
  if (!(await isOnlyOurs(shelter))) {
    throw new OperatingError(
      `${shelter} belongs to another user or is open to other users; remove it, or set TMPDIR`,
    );
  }
  const name = createHash('sha256').update(directory).digest('hex').slice(0, 16);
  const outside = join(shelter, `${name}.sock`);
  await writeFile(join(directory, noteName), outside);
  return outside;
}

/** Path of the server's socket, if a server was ever started in this directory. It may not be running. */
async function noteOfSocket(directory: string): Promise<string> {
  try {
    const path = await readFile(join(directory, noteName), 'utf8');
    // In a temporary directory, any user could start their own server.
    if (await isOnlyOurs(dirname(path))) return path;
  } catch (error) {
    if (
      !(error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
    ) {
      throw error;
    }
  }
  return join(directory, 'redis.sock');
}

async function isOnlyOurs(directory: string): Promise<boolean> {
  const found = await lstat(directory);
  return found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o077) === 0;
}
