import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseConfig } from '../../src/config/files/parse-config.ts';
import { spelledOut } from '../../src/config/files/variables.ts';
import { randomCases } from '../helpers/random-cases.ts';

const file = '/etc/rr/cfg.json';
/** Nothing of this may ever be in a message. */
const password = 'hunter2';

/** JSON of the rough form of a config, so that checks behind the first ones are reached too. */
function nearConfig(value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const some = (keys: string[]) => fc.dictionary(fc.constantFrom(...keys), value, { maxKeys: 5 });
  const redis = some([
    'url',
    'host',
    'server',
    'port',
    'db',
    'username',
    'password',
    'tls',
    'path',
    'sentinels',
    'master',
    'sentinelPassword',
  ]);
  const job = [
    ...['script', 'args', 'env', 'cwd', 'timeout', 'killAfter', 'interrupted'],
    ...['mode', 'prestart', 'prestartMaxAge', 'maxJobs', 'retry'],
  ];
  const runner = some(['concurrency', ...job]);
  return fc
    .record(
      {
        redis: fc.oneof(redis, value),
        runners: fc.oneof(fc.dictionary(fc.string(), fc.oneof(runner, value)), value),
        worker: fc.oneof(some(['host']), value),
        namespace: value,
      },
      { requiredKeys: [] },
    )
    .chain((base) => some([...job, 'shutdownTimeout']).map((extra) => ({ ...base, ...extra })));
}

/** @throws where a result isn't of the promised form */
function check(text: string, redisUrl?: string): readonly string[] {
  const result = parseConfig(text, { file, ...(redisUrl === undefined ? {} : { redisUrl }) });
  if (result.ok) {
    expect(result.config.runners.length).toBeGreaterThan(0);
    for (const runner of result.config.runners) expect(runner.script.length).toBeGreaterThan(0);
    return [];
  }
  expect(result.problems.length).toBeGreaterThan(0);
  // A message is one line, and can't drive a terminal.
  for (const problem of result.problems) expect(problem).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
  return result.problems;
}

test('any text gives a config or problems', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      check(text);
    }),
    { numRuns: randomCases(100) },
  );
});

test('any JSON value gives a config or problems', () => {
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), nearConfig(fc.jsonValue())), (value) => {
      check(JSON.stringify(value));
    }),
    { numRuns: randomCases(500) },
  );
});

test('JSON with a character taken out or put in gives a config or problems', () => {
  const text = JSON.stringify({
    redis: { port: 1, tls: true },
    runners: { a: { args: ['x\n', 1.5] } },
    script: null,
  });
  fc.assert(
    fc.property(fc.nat(text.length), fc.nat(3), fc.string({ maxLength: 2 }), (at, cut, put) => {
      check(text.slice(0, at) + put + text.slice(at + cut));
    }),
    { numRuns: randomCases(500) },
  );
});

test('no message has a password of redis.password or sentinelPassword in it', () => {
  const secret = fc.oneof(
    fc.constant(password),
    fc.constant([password]),
    fc.constant({ value: password }),
    fc.string().map((tail) => password + tail),
  );
  fc.assert(
    fc.property(secret, nearConfig(fc.jsonValue()), (value, base) => {
      const redis = { password: value, sentinelPassword: value, port: 0 };
      const problems = check(JSON.stringify({ ...(base as object), redis }));
      expect(problems).toContain('redis.port: must be 1 or more, got 0');
      expect(problems.join('\n')).not.toContain(password);
    }),
    { numRuns: randomCases(100) },
  );
});

test('no message has a password of a URL in it, however malformed the URL is', () => {
  const noise = fc.string({
    unit: fc.constantFrom('/', '?', '#', '%', ':', '@', '[', ']', '&', '=', ' ', '\n', '1', 'a'),
  });
  const url = fc
    .tuple(
      fc.constantFrom('redis://', 'rediss://', 'unix://', 'unix:', 'http://', 'redis:/', ''),
      fc.constantFrom('', 'user'),
      noise,
      noise,
      fc.constantFrom('@host', '@host:99999', '@host/x', '@/a.sock', '@'),
    )
    .map(([scheme, user, before, after, rest]) => `${scheme}${user}:${before}${password}${after}${rest}`);
  const query = fc
    .tuple(fc.constantFrom('redis://h/x', 'unix:/', '/a', ''), noise)
    .map(([start, tail]) => `${start}?password=${password}${tail}`);
  fc.assert(
    fc.property(fc.oneof(url, query), (text) => {
      const inFile = (redis: unknown): string => JSON.stringify({ runners: { a: 1 }, script: 'x', redis });
      const problems = [
        ...check(inFile(text)),
        ...check(inFile({ url: text, port: 0 })),
        ...check(inFile({ host: text, path: text, sentinels: [text] })),
        ...check(inFile([text])),
        ...check(inFile({}), text),
        ...check(`${inFile(text)},`),
      ];
      expect(problems.join('\n')).not.toContain(password);
    }),
    { numRuns: randomCases(1000) },
  );
});

test('comments, line breaks and trailing commas between values change nothing', () => {
  const tokens = ['{', '"runners"', ':', '{', '"a//b"', ':', '1', ',', '"c"', ':', '2', '}', ','].concat(
    '"script"',
    ':',
    '"/*"',
    ',',
    '"args"',
    ':',
    '[',
    '",]"',
    ',',
    '"x"',
    ']',
    '}',
  );
  const plain = parseConfig(tokens.join(''), { file });
  const between = fc.constantFrom('', ' ', '\r\n', '\t', '/* "x": [ // , */', '// } */ "\n', '/**/', '/***/');
  const gaps = fc.array(between, { minLength: tokens.length + 1, maxLength: tokens.length + 1 });
  fc.assert(
    fc.property(gaps, fc.boolean(), ([first = '', ...after], hasCommas) => {
      const text = tokens.map((token, at) => {
        const isTrailing = hasCommas && (token === '}' || token === ']');
        return `${isTrailing ? `,${after[at]}` : ''}${token}${after[at]}`;
      });
      const result = parseConfig(first + text.join(''), { file });
      expect(result.ok && result.config).toEqual(plain.ok && plain.config);
    }),
    { numRuns: randomCases(200) },
  );
});

test('a value from the environment arrives as it is, and so does any text that is spelled out', () => {
  const texts = fc.string({
    unit: fc.oneof(fc.constantFrom('$', '{', '}', '"', '\\', '\n', ':-', 'A'), fc.string()),
  });
  fc.assert(
    fc.property(
      texts.map((text) => text.replaceAll('\0', '')),
      (text) => {
        const settings = {
          runners: { mail: 1 },
          script: 'x',
          env: { A: '<${A}>', B: spelledOut(text) },
        };
        const result = parseConfig(JSON.stringify(settings), { file, env: { A: text } });
        expect(result.ok && result.config.runners[0]?.env).toEqual({ A: `<${text}>`, B: text });
      },
    ),
    { numRuns: randomCases(300) },
  );
});
