import { describe, expect, test } from 'vitest';
import { fileWith, problemsOf } from './helpers.ts';

const runners = (value: unknown): Record<string, unknown> => ({ runners: { mail: value } });

test.each<[Record<string, unknown>, string]>([
  [{ redis: { port: 'abc' } }, 'redis.port: "abc" is not a whole number from 1 to 65535'],
  [{ redis: { port: 1.5 } }, 'redis.port: 1.5 is not a whole number from 1 to 65535'],
  [{ redis: { port: 70000 } }, 'redis.port: 70000 is above 65535'],
  [{ redis: { port: null } }, 'redis.port: null is not a whole number from 1 to 65535'],
  [{ redis: { db: -1 } }, 'redis.db: -1 is below 0'],
  [{ redis: { db: '0' } }, 'redis.db: "0" is not a whole number of at least 0'],
  [{ redis: { host: '' } }, 'redis.host: "" is empty'],
  [{ redis: { host: 'a b' } }, 'redis.host: "a b" is not a host name or address'],
  [{ redis: { password: 7 } }, 'redis.password: a number is not a string'],
  [{ redis: { tls: 'yes' } }, 'redis.tls: "yes" is not true, false or an object'],
  [{ redis: { tls: { rejectUnauthorized: 0 } } }, 'redis.tls.rejectUnauthorized: 0 is not true or false'],
  [{ redis: { sentinels: [] } }, 'redis.sentinels: an empty array is not a list of sentinels'],
  [{ redis: { sentinels: 'a' } }, 'redis.sentinels: "a" is not an array of sentinels'],
  [{ redis: { sentinels: ['a:99999'] } }, 'redis.sentinels[0].port: 99999 is above 65535'],
  [{ redis: { sentinels: ['a', {}] } }, 'redis.sentinels[1].host: missing'],
  [{ redis: { sentinels: ['a:b'] } }, 'redis.sentinels[0]: "a:b" is not a sentinel such as "host:26379"'],
  [
    { redis: { sentinels: [5] } },
    'redis.sentinels[0]: 5 is not an object with a host and a port, or "host:port"',
  ],
  [{ redis: 5 }, 'redis: 5 is not a Redis URL, "embedded" or an object'],
  [{ redis: [] }, 'redis: an array is not a Redis URL, "embedded" or an object'],
  [{ redis: null }, 'redis: null is not a Redis URL, "embedded" or an object'],
  [{ namespace: '' }, 'namespace: "" is empty'],
  [{ namespace: 'a\u0007' }, 'namespace: "a\\u0007" contains a control character'],
  [{ namespace: 'a\u009b' }, 'namespace: "a\\u009b" contains a control character'],
  [{ namespace: 1 }, 'namespace: 1 is not a string'],
  [runners(0), 'runners.mail.concurrency: 0 is below 1'],
  [runners({ concurrency: 0 }), 'runners.mail.concurrency: 0 is below 1'],
  [runners(-0.5), 'runners.mail.concurrency: -0.5 is not a whole number from 1 to 10000'],
  [runners(10001), 'runners.mail.concurrency: 10001 is above 10000'],
  [runners('5'), 'runners.mail: "5" is not a whole number from 1 to 10000, or an object'],
  [runners(null), 'runners.mail: null is not a whole number from 1 to 10000, or an object'],
  [runners({ timeout: -1 }), 'runners.mail.timeout: -1 is below 0'],
  [runners({ timeout: '5' }), 'runners.mail.timeout: "5" is not a number of seconds'],
  [runners({ timeout: 3e6 }), 'runners.mail.timeout: 3000000 is above 2147483'],
  [runners({ killAfter: null }), 'runners.mail.killAfter: null is not a number of seconds'],
  [runners({ interrupted: 'x' }), 'runners.mail.interrupted: "x" is neither "fail" nor "requeue"'],
  [{ runners: { 'a b': { timeout: true } } }, 'runners["a b"].timeout: true is not a number of seconds'],
  [{ runners: { '10': 0 } }, 'runners["10"].concurrency: 0 is below 1'],
  [{ runners: {} }, 'runners: names no queue; give at least one, such as { "default": 5 }'],
  [{ runners: [] }, 'runners: an array is not an object of queues, such as { "default": 5 }'],
  [{ runners: undefined }, 'runners: missing'],
  [{ runners: { '': 1 } }, 'runners[""]: has an empty queue name'],
  [{ runners: { 'a,,b': 1 } }, 'runners["a,,b"]: has an empty queue name'],
  [{ runners: { 'a,!': 1 } }, 'runners["a,!"]: has an empty queue name'],
  [{ runners: { '!a,!b': 1 } }, 'runners["!a,!b"]: only excludes queues; add one to watch, such as "*"'],
  [{ runners: { 'a\0': 1 } }, 'runners["a\\u0000"]: contains a NUL character, which no program can be given'],
  [
    { runners: { '\ud800': 1 } },
    'runners["\\ud800"]: has half of a surrogate pair, which Redis can\'t be sent',
  ],
  [{ script: undefined }, 'script: missing; give the program that runs the jobs, here or in every runner'],
  [
    { script: undefined, runners: { a: { script: 'x' }, mail: 1 } },
    'runners.mail.script: missing; give it here, or one for all runners at the top level',
  ],
  [{ script: 5 }, 'script: 5 is not a path, or an array of a program and its first arguments'],
  [{ script: '' }, 'script: "" is empty'],
  [{ script: 'a\0' }, 'script: contains a NUL character, which no program can be given'],
  [{ script: [] }, 'script: an empty array is not a path, or an array of a program and its first arguments'],
  [{ script: ['', 'x'] }, 'script: begins with an empty string; the first word is the program'],
  [{ script: ['x', 5] }, 'script[1]: 5 is not a string'],
  [{ script: '~/x' }, 'script: "~/x" begins with "~", which only a shell expands; write the whole path'],
  [{ script: ['~/x'] }, 'script: "~/x" begins with "~", which only a shell expands; write the whole path'],
  [
    runners({ script: {} }),
    'runners.mail.script: an object is not a path, or an array of a program and its first arguments',
  ],
  [{ args: 'x' }, 'args: "x" is not an array of strings'],
  [{ args: ['x', null] }, 'args[1]: null is not a string'],
  [{ args: ['\0'] }, 'args[0]: contains a NUL character, which no program can be given'],
  [{ env: [] }, 'env: an array is not an object of environment variables'],
  [{ env: { A: null } }, 'env.A: null is not a string, a number, true or false'],
  [{ env: { A: 'b\0' } }, 'env.A: contains a NUL character, which no program can be given'],
  [
    { env: { 'A=B': '' } },
    'env["A=B"]: is not the name of an environment variable: empty, or with "=" or NUL in it',
  ],
  [
    { env: { '': '' } },
    'env[""]: is not the name of an environment variable: empty, or with "=" or NUL in it',
  ],
  [{ cwd: 5 }, 'cwd: 5 is not a path or null'],
  [{ timeout: -1 }, 'timeout: -1 is below 0'],
  [{ killAfter: -1 }, 'killAfter: -1 is below 0'],
  [{ shutdownTimeout: 'x' }, 'shutdownTimeout: "x" is not a number of seconds'],
  [{ mode: 'fork' }, 'mode: "fork" is neither "process" nor "persistent"'],
  [runners({ mode: null }), 'runners.mail.mode: null is neither "process" nor "persistent"'],
  [{ prestart: 'yes' }, 'prestart: "yes" is not true or false'],
  [runners({ prestart: 1 }), 'runners.mail.prestart: 1 is not true or false'],
  [{ prestartMaxAge: -1 }, 'prestartMaxAge: -1 is below 0'],
  [runners({ prestartMaxAge: '10m' }), 'runners.mail.prestartMaxAge: "10m" is not a number of seconds'],
  [{ maxJobs: -1 }, 'maxJobs: -1 is below 0'],
  [{ maxJobs: 1.5 }, 'maxJobs: 1.5 is not a whole number of at least 0'],
  [runners({ maxJobs: true }), 'runners.mail.maxJobs: true is not a whole number of at least 0'],
  [{ retry: 5 }, 'retry: 5 is not an object such as { "attempts": 5 }, or null'],
  [{ retry: {} }, 'retry.attempts: missing'],
  [{ retry: { attempts: 0 } }, 'retry.attempts: 0 is below 1'],
  [
    runners({ retry: { attempts: 2, on: 'all' } }),
    'runners.mail.retry.on: "all" is not "any", or an array of exit codes and exceptions such as [75, "TimeoutError"]',
  ],
  [
    { retry: { attempts: 2, on: [] } },
    'retry.on: an empty array is not "any", or an array of exit codes and exceptions such as [75, "TimeoutError"]',
  ],
  [{ retry: { attempts: 2, on: [0] } }, 'retry.on[0]: 0 is below 1'],
  [
    { retry: { attempts: 2, backoff: [60, 15] } },
    'retry.backoff: the first delay, 60, is longer than the longest, 15',
  ],
  [
    { retry: { attempts: 2, backoff: 15 } },
    'retry.backoff: 15 is not an array of two numbers of seconds, the first delay and the longest, such as [15, 3600]',
  ],
  [{ retry: { attempts: 2, jitter: 20 } }, 'retry.jitter: 20 is above 1'],
  [{ retry: { attempts: 2, queue: 'mail_*' } }, 'retry.queue: "mail_*" is not the name of a queue'],
  [
    { retry: { attempts: 2, classes: { A: { atempts: 1 } } } },
    'retry.classes.A.atempts: unknown key; did you mean "attempts"?',
  ],
  [{ interrupted: null }, 'interrupted: null is neither "fail" nor "requeue"'],
  [{ worker: 'x' }, 'worker: "x" is not an object'],
  [{ worker: { host: 'a:b' } }, 'worker.host: "a:b" is not a name without ":" and spaces'],
  [{ worker: { host: 'a b' } }, 'worker.host: "a b" is not a name without ":" and spaces'],
  [{ $schema: 5 }, '$schema: 5 is not a string'],
])('%j gives: %s', (extra, problem) => {
  expect(problemsOf(fileWith(extra))).toEqual([problem]);
});

describe('an unknown key', () => {
  test.each<[Record<string, unknown>, string]>([
    [{ redis: { prot: 1 } }, 'redis.prot: unknown key; did you mean "port"?'],
    [{ redis: { pass: 's3cret' } }, 'redis.pass: unknown key; did you mean "password"?'],
    [{ Scirpt: 1 }, 'Scirpt: unknown key; did you mean "script"?'],
    [runners({ pre_start: true }), 'runners.mail.pre_start: unknown key; did you mean "prestart"?'],
    [{ max_jobs: 1 }, 'max_jobs: unknown key; did you mean "maxJobs"?'],
    [runners({ kill_after: 1 }), 'runners.mail.kill_after: unknown key; did you mean "killAfter"?'],
    [{ worker: { zzz: 1 } }, 'worker.zzz: unknown key; known are "host"'],
    [{ worker: { constructor: 1 } }, 'worker.constructor: unknown key; known are "host"'],
    [
      { 'a b': 1 },
      '["a b"]: unknown key; known are "redis", "namespace", "runners", "script", "args", "env", ',
    ],
  ])('in %j gives: %s', (extra, problem) => {
    expect(problemsOf(fileWith(extra))).toEqual([expect.stringContaining(problem)]);
  });
});

test('all that is wrong is reported at once', () => {
  const text = `{
  "redis": { "prot": 1, "port": "abc", "host": "a", "server": "b" },
  "namespace": "",
  "runners": { "mail": { "concurrency": 0, "timeout": "x" }, "mail": { "concurrency": 0, "args": 1 }, "!x": 1 },
  "timeout": -1,
  "colour": true
}`;
  const expected = [
    'redis.prot: unknown key; did you mean "port"?',
    'redis.port: "abc" is not a whole number from 1 to 65535',
    'redis.server: can\'t be combined with "host"',
    'namespace: "" is empty',
    'runners.mail: given twice, at 4:16 and at 4:62',
    'runners.mail.concurrency: 0 is below 1',
    'runners.mail.args: 1 is not an array of strings',
    'runners["!x"]: only excludes queues; add one to watch, such as "*"',
    'script: missing; give the program that runs the jobs, here or in every runner',
    'timeout: -1 is below 0',
    expect.stringContaining('colour: unknown key; known are'),
  ];
  expect(problemsOf(text)).toEqual(expect.arrayContaining(expected));
  expect(problemsOf(text)).toHaveLength(expected.length);
});

test('long values are shortened', () => {
  const [problem] = problemsOf(fileWith({ redis: { port: 'x'.repeat(500) } }));
  expect(problem).toBe(`redis.port: "${'x'.repeat(60)}…" is not a whole number from 1 to 65535`);
});
