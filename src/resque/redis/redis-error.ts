/** What can go wrong between us and Redis, sorted by what has to be done about it, in words. */

/**
 * `away`: not reachable, or not answering; comes back by itself. `foreign`: another program answers. `denied`: credentials or permissions.
 * `readonly`: a replica, as after a failover. `refused`: reachable, but refuses our writes (memory, disk, a
 * key of the wrong type).
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

/** Turns any error of ioredis or a socket into one that says what is wrong. */
export function redisErrorOf(thrown: unknown): RedisError {
  if (thrown instanceof RedisError) return thrown;
  const error = firstCause(thrown);
  // Redis adds which script it was, and which line: that says nothing to people.
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
  // In the words of ioredis, which asks for a report; of a sentinel they follow others.
  if (/Unknown RESP type/.test(message)) return new RedisError('foreign', 'not a Redis', options);
  if (/Connection is closed|writeable|ECONNRESET|EPIPE/.test(message)) {
    return new RedisError('away', 'the connection was closed', options);
  }
  return new RedisError('away', message, options);
}

/** What is told once: the same trouble is worded in many ways, but each command that lacks a permission is news. */
export function factOf({ kind, message }: RedisError): string {
  const [, command = ''] = /(?:may not run|to run the) '?(\w+)/.exec(message) ?? [];
  return `${kind} ${command.toUpperCase()}`;
}

/** If a transaction was refused, the refusal of the command that was the reason. */
function firstCause(error: unknown): unknown {
  const causes: unknown = error instanceof Error && 'previousErrors' in error ? error.previousErrors : null;
  return Array.isArray(causes) && causes.length > 0 ? causes[0] : error;
}
