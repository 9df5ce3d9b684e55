/** Everything that can go wrong with Redis, sorted by what to do about it. */

/**
 * - `away`: unreachable, or not answering. Comes back by itself.
 * - `foreign`: another program answers.
 * - `denied`: credentials or permissions.
 * - `readonly`: a replica, as after a failover.
 * - `refused`: reachable, but refuses our writes (memory, disk, a key of the wrong type).
 */
export type RedisErrorKind = 'away' | 'foreign' | 'denied' | 'readonly' | 'refused';

export class RedisError extends Error {
  override readonly name = 'RedisError';
  readonly kind: RedisErrorKind;

  constructor(kind: RedisErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/** Turns any error of ioredis or of a socket into a RedisError. */
export function redisErrorOf(thrown: unknown): RedisError {
  if (thrown instanceof RedisError) return thrown;
  const error = firstCause(thrown);
  // Redis appends the script and the line, which are useless to people.
  const message = (error instanceof Error ? error.message : String(error)).replace(
    /,? ?script: [0-9a-f]{40}.*$/,
    '',
  );
  const options = { cause: error };
  if (/^(WRONGPASS|NOAUTH|NOPERM|ERR invalid password|ERR Client sent AUTH)/i.test(message)) {
    const advice = /^NOPERM this Redis user/.test(message) ? ': allow it with ACL SETUSER' : '';
    return new RedisError('denied', message + advice, options);
  }
  if (/^READONLY/.test(message)) {
    return new RedisError('readonly', 'it is a read-only replica', options);
  }
  if (/^(LOADING|MASTERDOWN|UNBLOCKED|NOSCRIPT)/.test(message))
    return new RedisError('away', message, options);
  if (error instanceof Error && error.name === 'ReplyError') {
    return new RedisError('refused', message, options);
  }
  // ioredis' message, which asks for a bug report. From a sentinel, it follows other text.
  if (/Unknown RESP type/.test(message)) return new RedisError('foreign', 'not a Redis', options);
  if (/Connection is closed|writeable|ECONNRESET|EPIPE/.test(message)) {
    return new RedisError('away', 'the connection was closed', options);
  }
  return new RedisError('away', message, options);
}

/** Errors with the same key are reported once: one per kind, and one per command without permission. */
export function factOf({ kind, message }: RedisError): string {
  const [, command = ''] = /(?:may not run|to run the) '?(\w+)/.exec(message) ?? [];
  return `${kind} ${command.toUpperCase()}`;
}

/** For a refused transaction, the refusal of the command that caused it. */
function firstCause(error: unknown): unknown {
  const causes: unknown = error instanceof Error && 'previousErrors' in error ? error.previousErrors : null;
  return Array.isArray(causes) && causes.length > 0 ? causes[0] : error;
}
