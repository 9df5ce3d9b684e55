/** The start of a connection: which server answers, whether it accepts our writes, and how large its replies may be. */
import type { Redis } from './connection.ts';
import { RedisError, redisErrorOf } from './redis-error.ts';
import { type CommandSender, sendOn } from './send.ts';

export interface Server {
  readonly serverVersion: string;
  /** Identifies the run of the server; '' if unknown. */
  readonly runId: string;
  readonly replyLimit: ReplyLimit;
  /** Jobs must be waited for with BLMOVE, because replies are limited. False if the server has no BLMOVE. */
  readonly waitsByMoving: boolean;
  /** How many connections it has closed because of its output buffer limit; 0 if unknown, as in older versions. */
  readonly outgrown: number;
}

/** Connects, or rejects with the reason. ioredis rejects with "Connection is closed" and only emits the reason. */
export async function connected(connection: Redis): Promise<void> {
  let reason: unknown = null;
  connection.once('error', (error) => {
    reason = error;
  });
  try {
    await connection.connect();
  } catch (error) {
    throw reason ?? error;
  }
}

/**
 * Connects, and makes sure that a Redis answers. Rejects with RedisError.
 *
 * ioredis only emits some errors: after a SELECT that failed, it would go on with database 0.
 */
export async function opened(connection: Redis): Promise<void> {
  const failure = new Promise<never>((_, reject) => {
    connection.on('error', (error) => reject(redisErrorOf(error)));
  });
  const answer = async () => {
    await connected(connection);
    await connection.ping();
  };
  try {
    await Promise.race([answer(), failure]);
  } catch (error) {
    throw redisErrorOf(error);
  }
}

/** Sends commands on one open connection that nothing replaces when it is lost. */
export async function senderOn(connection: Redis): Promise<CommandSender> {
  const { kind, bytes } = await readReplyLimit(connection);
  const sender: CommandSender = { command: (send) => sendOn(connection, send) };
  return kind === 'known' ? { ...sender, replyLimit: bytes } : sender;
}

/** Rejects unless the server accepts our writes. */
export async function handshake(commands: Redis): Promise<Server> {
  const [info, replyLimit] = await Promise.all([unlessRefused(commands.info()), readReplyLimit(commands)]);
  if (info instanceof RedisError) {
    const role = await unlessRefused(commands.role());
    // If ROLE is refused too, a replica is found when it refuses the first write.
    if (!(role instanceof RedisError) && masterOf(role) !== null) {
      throw new RedisError('readonly', `it is a replica of ${masterOf(role)}`);
    }
    return { serverVersion: 'unknown', runId: '', replyLimit, waitsByMoving: false, outgrown: 0 };
  }
  const field = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? '';
  if (field('loading') === '1') throw new RedisError('away', 'it is loading its data');
  if (field('role') === 'slave' && field('slave_read_only') !== '0') {
    throw new RedisError('readonly', 'it is a read-only replica');
  }
  const outgrown = Number(field('client_output_buffer_limit_disconnections'));
  const serverVersion = field('redis_version');
  const [major = 0, minor = 0] = serverVersion.split('.').map(Number);
  const hasBlmove = major > 6 || (major === 6 && minor >= 2);
  const waitsByMoving = replyLimit.kind === 'known' && hasBlmove;
  return { serverVersion, runId: field('run_id'), replyLimit, waitsByMoving, outgrown };
}

/**
 * The reply, or the refusal if this user may not ask or the command is renamed. Rejects on any other error, such as a
 * missing password.
 */
export async function unlessRefused<T>(reply: Promise<T>): Promise<T | RedisError> {
  try {
    return await reply;
  } catch (error) {
    const redisError = redisErrorOf(error);
    if (redisError.kind === 'refused' || redisError.message.startsWith('NOPERM')) return redisError;
    throw error;
  }
}

/** `HOST:PORT` of the master of a replica; `null` for a master. @param role reply of ROLE */
export function masterOf(role: unknown): string | null {
  if (!Array.isArray(role) || String(role[0]) !== 'slave') return null;
  return `${role[1]}:${role[2]}`;
}

/**
 * How large a reply a server lets its clients have. Redis closes a connection when more than `client-output-buffer-limit`
 * waits to be sent on it. What the lost reply was about has been done all the same.
 */
export interface ReplyLimit {
  /** Whether the server has a limit, as far as is known. */
  readonly kind: 'none' | 'known' | 'unknown';
  /** The largest reply to ask for; `Infinity` without a limit. A fraction of the server's limit, as several replies may wait. */
  readonly bytes: number;
}

/** Most servers that don't tell have no limit. This costs some round trips for larger payloads only. */
const unknown: ReplyLimit = { kind: 'unknown', bytes: 512 * 1024 };
const smallestBytes = 4 * 1024;
/** A piece of a payload and twice as much of steps may wait at the same time. */
const replies = 4;

/** Rejects if the connection is lost. */
export async function readReplyLimit(commands: Redis): Promise<ReplyLimit> {
  let reply: unknown;
  try {
    reply = await commands.config('GET', 'client-output-buffer-limit');
  } catch (error) {
    // Not permitted or not available, as with many hosted servers.
    if (error instanceof Error && error.name === 'ReplyError') return unknown;
    throw error;
  }
  return Array.isArray(reply) ? replyLimitOf(String(reply[1])) : unknown;
}

/** @param setting `normal HARD SOFT SECONDS slave …`, in bytes, 0 for none */
function replyLimitOf(setting: string): ReplyLimit {
  const [, ...limits] = /(?:^| )normal (\d+) (\d+) \d+/.exec(setting) ?? [];
  if (limits.length === 0) return unknown;
  const smallest = Math.min(...limits.map(Number).filter((limit) => limit > 0));
  if (smallest === Number.POSITIVE_INFINITY) return { kind: 'none', bytes: smallest };
  return { kind: 'known', bytes: Math.max(smallestBytes, Math.floor(smallest / replies)) };
}

/** The limit to assume after a server that doesn't tell has closed connections so many times. */
export function lowered({ kind, bytes }: ReplyLimit, closings: number): number {
  return kind === 'unknown' ? Math.max(smallestBytes, Math.floor(bytes / 4 ** closings)) : bytes;
}
