/** What people read about trouble with Redis, from a runner and from every command. */
import { describeRedis, type ReachableRedis } from './connection.ts';
import type { RedisError } from './redis-error.ts';

/** Where Redis should be, what is wrong, and what to do. */
export function troubleText(redis: ReachableRedis, trouble: RedisError): string {
  return `${describeRedis(redis)}: ${trouble.message.replace(/\.$/, '')}; ${advice(redis, trouble)}`;
}

/** What a runner says of an outage: what is wrong, and more if it doesn't come right by itself. */
export function outageText(redis: ReachableRedis, trouble: RedisError): string {
  return ['denied', 'foreign'].includes(trouble.kind) ? troubleText(redis, trouble) : trouble.message;
}

function advice(redis: ReachableRedis, { kind, message }: RedisError): string {
  switch (kind) {
    case 'away':
      if (/ENOTFOUND|EAI_AGAIN/.test(message)) return 'check the name of the host';
      // A server without TLS waits for the rest of what is to it a strange command.
      return hasTls(redis) ? 'is Redis running there, with TLS?' : 'is Redis running there?';
    case 'foreign':
      return 'check host and port';
    case 'denied':
      if (message.startsWith('NOAUTH')) return 'give its password, as in redis://:PASSWORD@HOST:PORT';
      return message.startsWith('NOPERM') ? "check the user's permissions" : 'check user name and password';
    case 'readonly':
      return 'name its master instead';
    case 'refused':
      return "check the server's configuration";
  }
}

function hasTls(redis: ReachableRedis): boolean {
  return 'tls' in redis && redis.tls !== null;
}
