/** A private Redis in a directory of its own, reachable only by its user through a unix socket. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RedisSocketConfig } from '../config/config.ts';
import type { ReachableRedis } from '../resque/connection.ts';
import { RedisTrouble } from '../resque/trouble.ts';
import { OperatingError } from './exit-codes.ts';
import { type Guard, lockName, logName, readIfThere, releaseDeadLock, startGuard } from './redis-guard.ts';
import { findRedisProgram } from './redis-program.ts';
import { chooseSocket, noteOfSocket } from './redis-socket.ts';
import { withRedis } from './with-redis.ts';

export interface EmbeddedRedis {
  readonly redis: RedisSocketConfig;
  /** Ends the server and waits for that; one that was running already is left alone. */
  stop(): Promise<void>;
}

export interface EmbeddedOptions {
  /** Keeps no data, and removes the directory in the end, even after a SIGKILL. */
  readonly isTemporary?: boolean;
}

/** A server that has a large data set to load takes its time. */
const startLimitMs = 30_000;
const answerLimitMs = 2_000;
const pollMs = 20;

/**
 * The server of this directory: the one that runs there, or else a new one.
 *
 * @param directory absolute; made if it isn't there
 * @throws OperatingError when there is no server program or it doesn't start; says what to do
 */
export async function startEmbeddedRedis(
  directory: string,
  { isTemporary = false }: EmbeddedOptions = {},
): Promise<EmbeddedRedis> {
  await prepare(directory);
  const socket = await chooseSocket(directory);
  const redis = socketConfig(socket);
  const config = serverConfig(directory, socket, isTemporary);
  const deadlineMs = performance.now() + startLimitMs;
  while (performance.now() < deadlineMs) {
    if (await answers(redis)) return { redis, stop: async () => {} };
    const program = await findRedisProgram();
    const guard = await startGuard({ directory, program, config, isTemporary });
    if (await isReady(redis, guard, deadlineMs)) return { redis, stop: () => guard.stop() };
    const end = guard.end();
    if (end === null) {
      await guard.stop();
    } else if (!end.isLocked) {
      throw await startFailure(directory, `it ended with exit code ${end.exitCode ?? '(none)'}`);
    }
    // Someone else is starting or ending a server here, or died while doing so.
    await releaseDeadLock(directory);
    await sleep(pollMs);
  }
  throw await startFailure(
    directory,
    `it does not answer within ${startLimitMs / 1_000} s; if no server runs there, remove ${join(directory, lockName)}`,
  );
}

/** The server that runs in this directory. @returns `null` when none does */
export async function findEmbeddedRedis(directory: string): Promise<RedisSocketConfig | null> {
  const redis = socketConfig(await noteOfSocket(directory));
  return (await answers(redis)) ? redis : null;
}

async function prepare(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    // Usually it lies in somebody's repository.
    await writeFile(join(directory, '.gitignore'), '*\n');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new OperatingError(`no embedded Redis in ${directory}: ${reason}`, { cause: error });
  }
}

function socketConfig(path: string): RedisSocketConfig {
  return { kind: 'socket', path, db: 0, username: null, password: null };
}

/** Whether a server is there and ready; one that is still loading its data is not. */
async function answers(redis: ReachableRedis): Promise<boolean> {
  try {
    await withRedis(redis, answerLimitMs, async () => {});
    return true;
  } catch (error) {
    if (error instanceof RedisTrouble) return false;
    throw error;
  }
}

async function isReady(redis: ReachableRedis, guard: Guard, deadlineMs: number): Promise<boolean> {
  while (guard.end() === null && performance.now() < deadlineMs) {
    // Whoever answers while our guard waits for a lock is not ours.
    if ((await answers(redis)) && guard.end() === null) return true;
    await sleep(pollMs);
  }
  return false;
}

/** For a file, because its quoting rules are the same in all versions, unlike those of the command line. */
function serverConfig(directory: string, socket: string, isTemporary: boolean): string {
  const settings = {
    port: '0',
    unixsocket: quoted(socket),
    unixsocketperm: '600',
    dir: quoted(directory),
    appendonly: isTemporary ? 'no' : 'yes',
    save: '""',
    daemonize: 'no',
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} ${value}\n`);
  return lines.join('');
}

/** For redis.conf, where a line break would end the line even in quotes. */
function quoted(text: string): string {
  const escaped = text.replace(/["\\]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\r', '\\r');
  return `"${escaped}"`;
}

async function startFailure(directory: string, reason: string): Promise<OperatingError> {
  const log = (await readIfThere(join(directory, logName))).trimEnd();
  const lastLines = log === '' ? ['(nothing)'] : log.split('\n').slice(-5);
  return new OperatingError(
    [
      `the embedded Redis in ${directory} can't be used: ${reason}`,
      `its log, ${join(directory, logName)}, ends with:`,
      ...lastLines.map((line) => `  ${line}`),
    ].join('\n'),
  );
}
