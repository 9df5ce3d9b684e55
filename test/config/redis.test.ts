import { describe, expect, test } from 'vitest';
import { parseRedisUrl } from '../../src/config/resolve-redis.ts';
import { configOf, fileWith, problemsOf } from './helpers.ts';

const server = {
  kind: 'server',
  host: 'localhost',
  port: 6379,
  db: 0,
  username: null,
  password: null,
  tls: null,
};
const socket = { kind: 'socket', db: 0, username: null, password: null };
const sentinel = {
  kind: 'sentinel',
  master: 'mymaster',
  sentinelUsername: null,
  sentinelPassword: null,
  db: 0,
  username: null,
  password: null,
  tls: null,
};
const tls = { ca: null, cert: null, key: null, servername: null, rejectUnauthorized: true };

const urls: [string, object][] = [
  ['redis://', server],
  ['redis://db.example', { ...server, host: 'db.example' }],
  ['REDIS://h:1/2', { ...server, host: 'h', port: 1, db: 2 }],
  ['redis://h/?db=3', { ...server, host: 'h', db: 3 }],
  ['redis://h/3?db=3', { ...server, host: 'h', db: 3 }],
  ['redis://[::1]:7000', { ...server, host: '::1', port: 7000 }],
  ['redis://:p%40ss@h', { ...server, host: 'h', password: 'p@ss' }],
  ['redis://u:p:q@h', { ...server, host: 'h', username: 'u', password: 'p:q' }],
  ['redis://h?username=u&password=p', { ...server, host: 'h', username: 'u', password: 'p' }],
  ['rediss://h', { ...server, host: 'h', tls }],
  ['unix:///run/r.sock', { ...socket, path: '/run/r.sock' }],
  ['unix:///run/r.sock?db=4', { ...socket, path: '/run/r.sock', db: 4 }],
  ['unix://u:p@/run/r.sock', { ...socket, path: '/run/r.sock', username: 'u', password: 'p' }],
  ['unix:r.sock', { ...socket, path: '/etc/rr/r.sock' }],
  ['/run/r.sock?db=5', { ...socket, path: '/run/r.sock', db: 5 }],
  ['./r.sock', { ...socket, path: '/etc/rr/r.sock' }],
  ['embedded', { kind: 'embedded', directory: '/etc/rr/.resque-runner' }],
];

describe('redis as a string', () => {
  test.each(urls)('%s is understood, also on the command line', (url, expected) => {
    expect(configOf(fileWith({ redis: url })).redis).toEqual(expected);
    expect(parseRedisUrl(url, '/etc/rr')).toEqual({ ok: true, redis: expected });
  });

  test.each([
    ['', 'is not a Redis URL such as'],
    ['localhost', '"localhost" is not a Redis URL; write "redis://localhost"'],
    ['localhost:6379', '"localhost:6379" is not a Redis URL; write "redis://localhost:6379"'],
    ['http://h', 'a Redis URL must begin with redis:, rediss: or unix:, got "http:"'],
    ['redis:h', 'is not a Redis URL such as'],
    ['redis://h:0', 'its port must be a whole number from 1 to 65535'],
    ['redis://h:65536', 'its port must be'],
    ['redis://h:', 'its port must be'],
    ['redis://h:x', 'its port must be'],
    ['redis://:6379', 'has no valid host'],
    ['redis://h%00', 'has no valid host'],
    ['redis://u@:6379', 'has no valid host'],
    ['redis://h/x', 'its database must be a whole number, 0 or more'],
    ['redis://h/-1', 'its database must be'],
    ['redis://h/1?db=2', 'has two different databases'],
    ['redis://h?db=1&db=1', 'has "db" twice'],
    ['redis://h?foo=1', 'has an unknown option'],
    ['redis://h#x', 'has a "#"'],
    ['redis://u:12/34@h', 'has an "@" after the host'],
    ['redis://u:%zz@h', 'has a "%" that is not followed by two hex digits'],
    ['redis://a b', 'contains a control character or a space'],
    ['redis://h/0\n', 'contains a control character or a space'],
    ['unix://run/r.sock', 'has a relative path'],
    ['unix:', 'has no path to a socket'],
    ['unix:///run/', 'has no path to a socket'],
    ['unix:///a%00b', 'contains a control character'],
  ])('%j is refused', (url, message) => {
    expect(problemsOf(fileWith({ redis: url }))).toEqual([expect.stringContaining(`redis: ${message}`)]);
    expect(parseRedisUrl(url, '/')).toEqual({ ok: false, problem: expect.stringContaining(message) });
  });
});

describe('redis as an object', () => {
  test.each([
    [{}, server],
    [
      { host: 'h', database: 2 },
      { ...server, host: 'h', db: 2 },
    ],
    [
      { server: '::1', db: 3, username: 'u', password: 'p' },
      { ...server, host: '::1', db: 3, username: 'u', password: 'p' },
    ],
    [{ username: null, password: null, tls: null, path: null, sentinels: null }, server],
    [{ tls: true }, { ...server, tls }],
    [{ tls: false }, server],
    [
      { tls: { ca: 'ca.pem', cert: '/c.pem', key: './k.pem', servername: 's', rejectUnauthorized: false } },
      {
        ...server,
        tls: {
          ca: '/etc/rr/ca.pem',
          cert: '/c.pem',
          key: '/etc/rr/k.pem',
          servername: 's',
          rejectUnauthorized: false,
        },
      },
    ],
    [
      { path: 'r.sock', db: 1, password: 'p' },
      { ...socket, path: '/etc/rr/r.sock', db: 1, password: 'p' },
    ],
    [{ url: 'redis://h:1/2' }, { ...server, host: 'h', port: 1, db: 2 }],
    [
      { url: 'rediss://h', tls: { ca: '/ca' } },
      { ...server, host: 'h', tls: { ...tls, ca: '/ca' } },
    ],
    [
      { url: 'redis://h', tls: true },
      { ...server, host: 'h', tls },
    ],
    [
      { sentinels: ['a', 'b:1', '[::1]:2', { host: 'c' }, { host: 'd', port: 3 }], tls: true },
      {
        ...sentinel,
        tls,
        sentinels: [
          { host: 'a', port: 26379 },
          { host: 'b', port: 1 },
          { host: '::1', port: 2 },
          { host: 'c', port: 26379 },
          { host: 'd', port: 3 },
        ],
      },
    ],
    [
      { sentinels: ['a'], master: 'm', sentinelUsername: 'su', sentinelPassword: 'sp', db: 1, password: 'p' },
      {
        ...sentinel,
        sentinels: [{ host: 'a', port: 26379 }],
        master: 'm',
        sentinelUsername: 'su',
        sentinelPassword: 'sp',
        db: 1,
        password: 'p',
      },
    ],
  ])('%j is understood', (redis, expected) => {
    expect(configOf(fileWith({ redis })).redis).toEqual(expected);
  });

  test.each([
    [{ host: 'a', server: 'b' }, ['redis.server: can\'t be combined with "host"']],
    [{ db: 1, database: 1 }, ['redis.database: can\'t be combined with "db"']],
    [
      { url: 'redis://h', host: 'h', port: 1, password: 'p' },
      ['host', 'port', 'password'].map((key) => `redis.${key}: can't be combined with "url"`),
    ],
    [{ url: 'redis://h', port: 'x' }, [expect.stringContaining('"url"'), expect.stringContaining('got "x"')]],
    [{ url: 'redis://h/x' }, ['redis.url: its database must be a whole number, 0 or more']],
    [{ url: 'rediss://h', tls: false }, ['redis.tls: can\'t be false if "url" begins with "rediss://"']],
    [{ url: 'unix:///r', tls: true }, ["redis.tls: can't be used with a Unix socket"]],
    [
      { path: '/r', host: 'h', tls: true },
      ['host', 'tls'].map((key) => `redis.${key}: can't be combined with "path"`),
    ],
    [{ sentinels: ['a'], port: 1 }, ['redis.port: can\'t be combined with "sentinels"']],
    [{ master: 'm' }, ['redis.master: can only be used with "sentinels"']],
  ])('%j is a contradiction', (redis, expected) => {
    expect(problemsOf(fileWith({ redis }))).toEqual(expected);
  });
});

describe('--redis', () => {
  test('takes the place of the file, with paths that begin elsewhere', () => {
    const options = { redisUrl: 'unix:r.sock', redisUrlDirectory: '/home/u' };
    expect(configOf(fileWith({ redis: 'redis://h' }), options).redis).toEqual({
      ...socket,
      path: '/home/u/r.sock',
    });
  });

  test('is reported together with what is wrong in the file', () => {
    expect(problemsOf(fileWith({ redis: { port: 0 } }), { redisUrl: 'redis://h:0' })).toEqual([
      'redis.port: must be 1 or more, got 0',
      '--redis: its port must be a whole number from 1 to 65535',
    ]);
    expect(problemsOf('{', { redisUrl: 'redis://h:0' })).toHaveLength(2);
  });
});

describe('REDIS_URL', () => {
  const fallbackRedisUrl = 'redis://fallback:6380/1';

  test('counts if the file has no redis', () => {
    expect(configOf(fileWith({}), { fallbackRedisUrl }).redis).toMatchObject({
      host: 'fallback',
      port: 6380,
      db: 1,
    });
  });

  test('counts after the file and after --redis', () => {
    const file = fileWith({ redis: { port: 7000 } });
    expect(configOf(file, { fallbackRedisUrl }).redis).toMatchObject({ host: 'localhost', port: 7000 });
    const options = { fallbackRedisUrl, redisUrl: 'redis://given' };
    expect(configOf(fileWith({}), options).redis).toMatchObject({ host: 'given' });
  });

  test('is reported by its name if it is wrong, and only if it counts', () => {
    const wrong = { fallbackRedisUrl: 'redis://h:0' };
    expect(problemsOf(fileWith({}), wrong)).toEqual([
      'REDIS_URL: its port must be a whole number from 1 to 65535',
    ]);
    configOf(fileWith({ redis: {} }), wrong);
  });
});
