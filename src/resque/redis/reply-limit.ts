/**
 * How large a reply a server lets its clients have: Redis closes a connection on which more waits to be sent than
 * `client-output-buffer-limit` allows. What the lost reply was about has been done all the same.
 */
import type { Redis } from './connection.ts';

export interface ReplyLimit {
  /** Whether the server has a limit, as far as it tells. */
  readonly kind: 'none' | 'known' | 'unknown';
  /** The largest reply to ask for, `Infinity` if any will do. A part of the server's limit: several replies may wait. */
  readonly bytes: number;
}

/** Servers that don't tell mostly have no limit. This costs larger payloads some round trips, and no others. */
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
    // Not permitted, or not there, as with many that run Redis for others.
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

/** What to ask for if a server that doesn't tell has closed connections so many times. */
export function lowered({ kind, bytes }: ReplyLimit, closings: number): number {
  return kind === 'unknown' ? Math.max(smallestBytes, Math.floor(bytes / 4 ** closings)) : bytes;
}
