/** What people read about trouble with Redis, from a runner and from every command. */
import { describeRedis, type ReachableRedis } from './connection.ts';
import type { RedisTrouble } from './trouble.ts';

/** Where Redis should be, what is wrong, and what to do. */
export function troubleText(redis: ReachableRedis, trouble: RedisTrouble): string {
  return `${describeRedis(redis)}: ${trouble.message.replace(/\.$/, '')}; ${advice(trouble)}`;
}

/** What a runner says of an outage: what is wrong, and more if it doesn't come right by itself. */
export function outageText(redis: ReachableRedis, trouble: RedisTrouble): string {
  return ['denied', 'foreign'].includes(trouble.kind) ? troubleText(redis, trouble) : trouble.message;
}

function advice({ kind }: RedisTrouble): string {
  switch (kind) {
    case 'away':
      return 'is Redis running there?';
    case 'foreign':
      return 'look at host and port';
    case 'denied':
      return 'look at user name, password and permissions';
    case 'readonly':
      return 'name its master instead';
    case 'refused':
      return 'look at its configuration';
  }
}
