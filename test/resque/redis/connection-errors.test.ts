import { expect, test } from 'vitest';
import type { ReachableRedis } from '../../../src/resque/redis/connection.ts';
import { redisErrorText } from '../../../src/resque/redis/connection.ts';
import { redisErrorOf } from '../../../src/resque/redis/redis-error.ts';

const server: ReachableRedis = {
  kind: 'server',
  host: 'db',
  port: 6379,
  db: 0,
  tls: null,
  username: null,
  password: null,
};
const tls = { rejectUnauthorized: true, ca: null, cert: null, key: null, servername: null };

test.each([
  ['connect ECONNREFUSED 127.0.0.1:6379', 'is Redis running there?'],
  ['getaddrinfo ENOTFOUND db', 'check the name of the host'],
  ['NOAUTH Authentication required.', 'give its password, as in redis://:PASSWORD@HOST:PORT'],
  ['WRONGPASS invalid username-password pair or user is disabled.', 'check user name and password'],
  ["NOPERM User me has no permissions to run the 'blpop' command", "check the user's permissions"],
  ['Unknown RESP type 60', 'check host and port'],
])('%j comes with a fix: %s', (message, fix) => {
  const text = redisErrorText(server, redisErrorOf(new Error(message)));
  expect(text.slice(text.lastIndexOf('; ') + 2)).toBe(fix);
});

test('a server that never answers may have no TLS', () => {
  expect(redisErrorText({ ...server, tls }, redisErrorOf(new Error('connect ETIMEDOUT')))).toBe(
    'rediss://db:6379/0: connect ETIMEDOUT; is Redis running there, with TLS?',
  );
});
