/** The first words with a server: whether it can be reached, and is one that we may write to. */
import type { Redis } from './connection.ts';
import { RedisError, troubleOf } from './redis-error.ts';
import { type ReplyLimit, readReplyLimit } from './reply-limit.ts';

export interface Server {
  readonly serverVersion: string;
  /** Of the server process; ids of connections mean something only within it. '' if it doesn't tell. */
  readonly runId: string;
  readonly replyLimit: ReplyLimit;
  /** It limits its replies, and has BLMOVE. */
  readonly waitsByMoving: boolean;
  /** How many connections it has closed because of their replies; 0 if it doesn't tell, as older versions. */
  readonly outgrown: number;
}

/** Connects, or says why not. ioredis itself rejects with "Connection is closed" and emits the reason. */
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

/** Which server it is, as far as it says so, once it is one that we may write to. */
export async function welcome(commands: Redis): Promise<Server> {
  const info = await unlessRefused(commands.info());
  if (info instanceof RedisError) {
    const role = await unlessRefused(commands.role());
    // If ROLE is refused as well, a replica shows when it refuses the first write.
    if (!(role instanceof RedisError) && masterOf(role) !== null) {
      throw new RedisError('readonly', `it is a replica of ${masterOf(role)}`);
    }
    const replyLimit = await readReplyLimit(commands);
    return { serverVersion: 'unknown', runId: '', replyLimit, waitsByMoving: false, outgrown: 0 };
  }
  const replyLimit = await readReplyLimit(commands);
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
 * The reply, or how this server refuses to give it: this user may not ask, or the command is renamed. Any other trouble
 * is thrown, such as a password that is missing.
 */
export async function unlessRefused<T>(reply: Promise<T>): Promise<T | RedisError> {
  try {
    return await reply;
  } catch (error) {
    const trouble = troubleOf(error);
    if (trouble.kind === 'refused' || trouble.message.startsWith('NOPERM')) return trouble;
    throw error;
  }
}

/** `HOST:PORT` of the server whose replica it is; `null` for a master. @param role reply of ROLE */
export function masterOf(role: unknown): string | null {
  if (!Array.isArray(role) || String(role[0]) !== 'slave') return null;
  return `${role[1]}:${role[2]}`;
}
