/** The field `redis` in all its forms. The output always has the same fields, with defaults. */
import * as v from 'valibot';
import { problems } from './problems.ts';
import { readRedisUrl } from './redis-url.ts';
import { flag, line, path, secret, wholeNumber } from './scalars.ts';
import { choice, type Fault, fields, isObject } from './shapes.ts';

/** Colons are allowed for IPv6 addresses. */
const host = (description: string) => line(description, 'a host name or address', /^[^\s/@?#]+$/);
const port = (description: string) => wholeNumber(description, 1, 65_535);
const database = (description: string) => wholeNumber(description, 0, Number.MAX_SAFE_INTEGER);

const tlsFields = fields('TLS with your own files.', 'true, false or an object', {
  ca: v.nullish(path('PEM file of the certificate authority, relative to this file.', 'a path'), null),
  cert: v.nullish(path("PEM file of the client's certificate, relative to this file.", 'a path'), null),
  key: v.nullish(path("PEM file of the client's key, relative to this file.", 'a path'), null),
  servername: v.nullish(
    host('Server name to send (SNI) and to expect in the certificate, if it is not the host.'),
    null,
  ),
  rejectUnauthorized: v.optional(flag('false: accept any certificate, even a forged one.'), true),
});

const tlsFlag = v.pipe(
  flag('Use TLS with the usual certificate authorities.'),
  v.transform((on) => (on ? v.parse(tlsFields, {}) : null)),
);

const tls = choice<v.InferOutput<typeof tlsFields> | null>(
  'TLS to Redis: true, or an object with your own files.',
  [tlsFlag, tlsFields],
  (input) => (typeof input === 'boolean' ? tlsFlag : tlsFields),
);

const sentinelFields = fields('A sentinel.', 'an object with a host and a port, or "host:port"', {
  host: host('Host of the sentinel.'),
  port: v.optional(port('Port of the sentinel.'), 26_379),
});

/** `host`, `host:port`, `[::1]:port`. */
const sentinelPattern = /^(?:\[([\da-f:.]+)\]|([^\s/@?#:[\]]+))(?::(\d+))?$/i;

const sentinelText = v.pipe(
  line('"host:port" of a sentinel.', 'a sentinel such as "host:26379"', sentinelPattern),
  v.transform((text): unknown => {
    const [, address, name, digits] = sentinelPattern.exec(text) ?? [];
    return { host: address ?? name, ...(digits === undefined ? {} : { port: Number(digits) }) };
  }),
  sentinelFields,
);

const sentinel = choice<v.InferOutput<typeof sentinelFields>>(
  'A sentinel: "host:port", or an object.',
  [sentinelText, sentinelFields],
  (input) => (typeof input === 'string' ? sentinelText : sentinelFields),
);

/** All fields except `url`. `named` replaces the second names of keys. */
const entries = {
  host: v.optional(host('Host of Redis; localhost by default.')),
  server: v.optional(host('Another name for "host".')),
  port: v.optional(port('Port of Redis.'), 6379),
  db: v.optional(database('Number of the database; 0 by default.')),
  database: v.optional(database('Another name for "db".')),
  username: v.nullish(secret("User in Redis' access control list (ACL)."), null),
  password: v.nullish(secret("Password of that user, or the server's requirepass."), null),
  tls: v.nullish(tls, null),
  path: v.nullish(
    path('Path of a Unix socket, relative to this file, instead of host and port.', 'a path'),
    null,
  ),
  sentinels: v.nullish(
    v.pipe(
      v.array(sentinel, (issue) => problems.notA(issue.input, 'an array of sentinels')),
      v.minLength(1, () => problems.emptyList('an array of at least one sentinel')),
      v.description('Sentinels that know the master, instead of host and port.'),
    ),
    null,
  ),
  master: v.optional(
    line('Name of the master in the configuration of the sentinels.', 'a name without spaces', /^\S+$/),
    'mymaster',
  ),
  sentinelUsername: v.nullish(secret('User for the sentinels.'), null),
  sentinelPassword: v.nullish(secret('Password for the sentinels.'), null),
};

const named = v.transform(
  ({ server, database, ...rest }: v.InferOutput<v.ObjectSchema<typeof entries, undefined>>) => ({
    ...rest,
    host: rest.host ?? server ?? 'localhost',
    db: rest.db ?? database ?? 0,
  }),
);

/** A URL. Messages never quote it, because any part of a malformed URL may be the password. */
const urlSchema = v.pipe(
  v.string((issue) => problems.secretNotA(issue.input, 'a Redis URL')),
  v.description(
    'redis://user:password@host:6379/0, rediss:// (TLS), unix:///path?db=0, or the path of a socket.',
  ),
  v.rawTransform<string, unknown>(({ dataset, addIssue, NEVER }) => {
    const result = readRedisUrl(dataset.value);
    if (result.ok) return result.fields;
    addIssue({ message: result.problem });
    return NEVER;
  }),
  v.object(entries),
  named,
);

const objectSchema = v.pipe(
  fields(
    'The parts of the address, each in its own field.',
    'a Redis URL, "embedded" or an object',
    { url: v.optional(urlSchema), ...entries },
    conflicts,
  ),
  v.transform(({ url, ...own }) =>
    // Only `tls` may accompany a URL.
    url === undefined ? own : { ...url, server: undefined, database: undefined, tls: own.tls ?? url.tls },
  ),
  named,
);

const embedded = v.pipe(
  v.literal('embedded'),
  v.description(
    'A private Redis that starts and stops with the runner. Its data is in .resque-runner beside this file. If the runner that started it ends, another runner that shares it takes over.',
  ),
);

/** All fields of Redis with their defaults, or `embedded`. */
export type RedisSettings = v.InferOutput<typeof objectSchema> | 'embedded';

export const redisSchema = choice<RedisSettings>(
  'Where Redis is: a URL, "embedded", or an object. By default, REDIS_URL in the environment, else localhost:6379.',
  [embedded, urlSchema, objectSchema],
  (input) => {
    if (input === 'embedded') return embedded;
    return typeof input === 'string' ? urlSchema : objectSchema;
  },
);

/** Keys that exclude or need each other. If several ways to reach Redis are given, the first one excludes the others. */
function* conflicts(input: Readonly<Record<string, unknown>>): Iterable<Fault> {
  const given = Object.keys(entries).filter((key) => input[key] !== undefined && input[key] !== null);
  const excluded = (keys: readonly string[], by: string): Fault[] =>
    keys.filter((key) => given.includes(key)).map((key) => ({ path: [key], message: problems.conflict(by) }));

  if (input.url !== undefined) {
    yield* excluded(
      Object.keys(entries).filter((key) => key !== 'tls'),
      'url',
    );
    yield* urlAndTls(input.url, input.tls);
    return;
  }
  if (given.includes('path'))
    yield* excluded(['host', 'server', 'port', 'tls', 'sentinels', ...ofSentinels], 'path');
  else if (given.includes('sentinels')) yield* excluded(['host', 'server', 'port'], 'sentinels');
  else {
    for (const key of ofSentinels.filter((name) => given.includes(name))) {
      yield { path: [key], message: problems.needs('sentinels') };
    }
    if (given.includes('host')) yield* excluded(['server'], 'host');
  }
  if (given.includes('db')) yield* excluded(['database'], 'db');
}

const ofSentinels = ['master', 'sentinelUsername', 'sentinelPassword'];

function* urlAndTls(url: unknown, tlsInput: unknown): Iterable<Fault> {
  const parsed = typeof url === 'string' ? readRedisUrl(url) : undefined;
  if (parsed?.ok !== true) return;
  if (tlsInput === false && parsed.fields.tls === true) yield { path: ['tls'], message: problems.tlsOff() };
  const asksForTls = tlsInput === true || isObject(tlsInput);
  if (asksForTls && parsed.fields.path !== undefined) {
    yield { path: ['tls'], message: problems.tlsOnSocket() };
  }
}
