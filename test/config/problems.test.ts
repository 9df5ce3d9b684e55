import { describe, expect, test } from 'vitest';
import { fileWith, problemsOf } from './helpers.ts';

const runners = (value: unknown): Record<string, unknown> => ({ runners: { mail: value } });

test.each<[Record<string, unknown>, string]>([
  [{ redis: { port: 'abc' } }, 'redis.port: must be a whole number from 1 to 65535, got "abc"'],
  [{ redis: { port: 1.5 } }, 'redis.port: must be a whole number from 1 to 65535, got 1.5'],
  [{ redis: { port: 70000 } }, 'redis.port: must be 65535 or less, got 70000'],
  [{ redis: { port: null } }, 'redis.port: must be a whole number from 1 to 65535, got null'],
  [{ redis: { db: -1 } }, 'redis.db: must be 0 or more, got -1'],
  [{ redis: { db: '0' } }, 'redis.db: must be a whole number, 0 or more, got "0"'],
  [{ redis: { host: '' } }, 'redis.host: must not be empty'],
  [{ redis: { host: 'a b' } }, 'redis.host: must be a host name or address, got "a b"'],
  [{ redis: { password: 7 } }, 'redis.password: must be a string, got a number'],
  [{ redis: { tls: 'yes' } }, 'redis.tls: must be true, false or an object, got "yes"'],
  [
    { redis: { tls: { rejectUnauthorized: 0 } } },
    'redis.tls.rejectUnauthorized: must be true or false, got 0',
  ],
  [
    { redis: { sentinels: [] } },
    'redis.sentinels: must be an array of at least one sentinel, got an empty array',
  ],
  [{ redis: { sentinels: 'a' } }, 'redis.sentinels: must be an array of sentinels, got "a"'],
  [{ redis: { sentinels: ['a:99999'] } }, 'redis.sentinels[0].port: must be 65535 or less, got 99999'],
  [{ redis: { sentinels: ['a', {}] } }, 'redis.sentinels[1].host: missing'],
  [
    { redis: { sentinels: ['a:b'] } },
    'redis.sentinels[0]: must be a sentinel such as "host:26379", got "a:b"',
  ],
  [
    { redis: { sentinels: [5] } },
    'redis.sentinels[0]: must be an object with a host and a port, or "host:port", got 5',
  ],
  [{ redis: 5 }, 'redis: must be a Redis URL, "embedded" or an object, got 5'],
  [{ redis: [] }, 'redis: must be a Redis URL, "embedded" or an object, got an array'],
  [{ redis: null }, 'redis: must be a Redis URL, "embedded" or an object, got null'],
  [{ namespace: '' }, 'namespace: must not be empty'],
  [{ namespace: 'a\u0007' }, 'namespace: must not contain control characters, got "a\\u0007"'],
  [{ namespace: 'a\u009b' }, 'namespace: must not contain control characters, got "a\\u009b"'],
  [{ namespace: 1 }, 'namespace: must be a string, got 1'],
  [runners(0), 'runners.mail.concurrency: must be 1 or more, got 0'],
  [runners({ concurrency: 0 }), 'runners.mail.concurrency: must be 1 or more, got 0'],
  [runners(-0.5), 'runners.mail.concurrency: must be a whole number from 1 to 10000, got -0.5'],
  [runners(10001), 'runners.mail.concurrency: must be 10000 or less, got 10001'],
  [runners('5'), 'runners.mail: must be a whole number from 1 to 10000, or an object, got "5"'],
  [runners(null), 'runners.mail: must be a whole number from 1 to 10000, or an object, got null'],
  [runners({ timeout: -1 }), 'runners.mail.timeout: must be 0 or more, got -1'],
  [runners({ timeout: '5' }), 'runners.mail.timeout: must be a number of seconds, got "5"'],
  [runners({ timeout: 3e6 }), 'runners.mail.timeout: must be 2147483 or less, got 3000000'],
  [runners({ killAfter: null }), 'runners.mail.killAfter: must be a number of seconds, got null'],
  [runners({ interrupted: 'x' }), 'runners.mail.interrupted: must be "fail" or "requeue", got "x"'],
  [
    { runners: { 'a b': { timeout: true } } },
    'runners["a b"].timeout: must be a number of seconds, got true',
  ],
  [{ runners: { '10': 0 } }, 'runners["10"].concurrency: must be 1 or more, got 0'],
  [{ runners: {} }, 'runners: must have at least one queue, such as { "default": 5 }'],
  [{ runners: [] }, 'runners: must be an object of queues, such as { "default": 5 }, got an array'],
  [{ runners: undefined }, 'runners: missing'],
  [{ runners: { '': 1 } }, 'runners[""]: has an empty queue name'],
  [{ runners: { 'a,,b': 1 } }, 'runners["a,,b"]: has an empty queue name'],
  [{ runners: { 'a,!': 1 } }, 'runners["a,!"]: has an empty queue name'],
  [
    { runners: { '!a,!b': 1 } },
    'runners["!a,!b"]: only excludes queues; add one to take jobs from, such as "*"',
  ],
  [{ runners: { 'a\0': 1 } }, 'runners["a\\u0000"]: must not contain a NUL character'],
  [{ runners: { '\ud800': 1 } }, 'runners["\\ud800"]: must not contain half of a surrogate pair'],
  [
    { script: undefined },
    'script: missing; give the program that runs the jobs, here or in every entry of "runners"',
  ],
  [
    { script: undefined, runners: { a: { script: 'x' }, mail: 1 } },
    'runners.mail.script: missing; give it here, or one for all entries at the top level',
  ],
  [{ script: 5 }, 'script: must be a path, or an array of a program and its first arguments, got 5'],
  [{ script: '' }, 'script: must not be empty'],
  [{ script: 'a\0' }, 'script: must not contain a NUL character'],
  [
    { script: [] },
    'script: must be a path, or an array of a program and its first arguments, got an empty array',
  ],
  [{ script: ['', 'x'] }, 'script: must begin with the program, got an empty string'],
  [{ script: ['x', 5] }, 'script[1]: must be a string, got 5'],
  [{ script: '~/x' }, 'script: "~/x" begins with "~", which only a shell expands; write the full path'],
  [{ script: ['~/x'] }, 'script: "~/x" begins with "~", which only a shell expands; write the full path'],
  [{ onFailure: 5 }, 'onFailure: must be a path, or an array of a program and its first arguments, got 5'],
  [
    { onFailure: [] },
    'onFailure: must be a path, or an array of a program and its first arguments, got an empty array',
  ],
  [runners({ onFailure: [''] }), 'runners.mail.onFailure: must begin with the program, got an empty string'],
  [
    { metrics: { listen: '9464' } },
    'metrics.listen: must be HOST:PORT, such as "127.0.0.1:9464", or "unix:PATH", got "9464"',
  ],
  [{ failedLimit: -1 }, 'failedLimit: must be 0 or more, got -1'],
  [{ failedLimit: '9' }, 'failedLimit: must be a whole number, 0 or more, got "9"'],
  [
    runners({ script: {} }),
    'runners.mail.script: must be a path, or an array of a program and its first arguments, got an object',
  ],
  [{ args: 'x' }, 'args: must be an array of strings, got "x"'],
  [{ args: ['x', null] }, 'args[1]: must be a string, got null'],
  [{ args: ['\0'] }, 'args[0]: must not contain a NUL character'],
  [{ env: [] }, 'env: must be an object of environment variables, got an array'],
  [{ env: { A: null } }, 'env.A: must be a string, a number, true or false, got null'],
  [{ env: { A: 'b\0' } }, 'env.A: must not contain a NUL character'],
  [
    { env: { 'A=B': '' } },
    'env["A=B"]: the name of an environment variable must not be empty or contain "=" or NUL',
  ],
  [
    { env: { '': '' } },
    'env[""]: the name of an environment variable must not be empty or contain "=" or NUL',
  ],
  [{ cwd: 5 }, 'cwd: must be a path or null, got 5'],
  [{ timeout: -1 }, 'timeout: must be 0 or more, got -1'],
  [{ killAfter: -1 }, 'killAfter: must be 0 or more, got -1'],
  [{ shutdownTimeout: 'x' }, 'shutdownTimeout: must be a number of seconds, got "x"'],
  [{ mode: 'fork' }, 'mode: must be "process" or "persistent", got "fork"'],
  [runners({ mode: null }), 'runners.mail.mode: must be "process" or "persistent", got null'],
  [{ prestart: 'yes' }, 'prestart: must be true or false, got "yes"'],
  [runners({ prestart: 1 }), 'runners.mail.prestart: must be true or false, got 1'],
  [{ prestartMaxAge: -1 }, 'prestartMaxAge: must be 0 or more, got -1'],
  [runners({ prestartMaxAge: '10m' }), 'runners.mail.prestartMaxAge: must be a number of seconds, got "10m"'],
  [{ maxJobs: -1 }, 'maxJobs: must be 0 or more, got -1'],
  [{ maxJobs: 1.5 }, 'maxJobs: must be a whole number, 0 or more, got 1.5'],
  [runners({ maxJobs: true }), 'runners.mail.maxJobs: must be a whole number, 0 or more, got true'],
  [{ locks: 'loner' }, 'locks: must be an array of "loner", "resque-lock" and "node", got "loner"'],
  [
    runners({ locks: ['lonely'] }),
    'runners.mail.locks[0]: must be "loner", "resque-lock" or "node", got "lonely"',
  ],
  [{ limit: 10 }, 'limit: can only be set in an entry of "runners"'],
  [runners({ limit: -1 }), 'runners.mail.limit: must be 0 or more, got -1'],
  [
    runners({ rate: '10' }),
    'runners.mail.rate: must be a rate such as "10/s", "100/m" or "100/m burst 20", or null, got "10"',
  ],
  [
    runners({ rate: '0/s' }),
    'runners.mail.rate: must be a rate such as "10/s", "100/m" or "100/m burst 20", or null, got "0/s"',
  ],
  [
    runners({ rate: 10 }),
    'runners.mail.rate: must be a rate such as "10/s", "100/m" or "100/m burst 20", or null, got 10',
  ],
  [{ retry: 5 }, 'retry: must be an object such as { "attempts": 5 }, or null, got 5'],
  [{ retry: {} }, 'retry.attempts: missing'],
  [{ retry: { attempts: 0 } }, 'retry.attempts: must be 1 or more, got 0'],
  [
    runners({ retry: { attempts: 2, on: 'all' } }),
    'runners.mail.retry.on: must be "any", or an array of exit codes and exceptions such as [75, "TimeoutError"], got "all"',
  ],
  [
    { retry: { attempts: 2, on: [] } },
    'retry.on: must be "any", or an array of exit codes and exceptions such as [75, "TimeoutError"], got an empty array',
  ],
  [{ retry: { attempts: 2, on: [0] } }, 'retry.on[0]: must be 1 or more, got 0'],
  [
    { schedules: { nightly: { queue: 'q', class: 'C' } } },
    'schedules.nightly: must have "cron", such as "0 3 * * *", or "every", such as "30m"',
  ],
  [
    { schedules: { nightly: { cron: '0 3 * * *', every: '1d', queue: 'q', class: 'C' } } },
    'schedules.nightly.every: can\'t be combined with "cron"',
  ],
  [
    { schedules: { nightly: { cron: '0 25 * * *', queue: 'q', class: 'C' } } },
    'schedules.nightly.cron: the hour must be a number from 0 to 23, "*", a range such as 1-3, or a step such as */2, got "25"',
  ],
  [
    { schedules: { nightly: { every: '1 fortnight', queue: 'q', class: 'C' } } },
    'schedules.nightly.every: must be a duration of whole seconds such as "30s", "15min", "1h30m", "1d" or "2w", got "1 fortnight"',
  ],
  [
    { schedules: { nightly: { every: 0.5, queue: 'q', class: 'C' } } },
    'schedules.nightly.every: must be a duration of whole seconds such as "30s", "15min", "1h30m", "1d" or "2w", got 0.5',
  ],
  [{ schedules: { nightly: { every: '1d', class: 'C' } } }, 'schedules.nightly.queue: missing'],
  [
    { schedules: { nightly: { every: '1d', queue: 'q', class: 'C', args: 'x' } } },
    'schedules.nightly.args: must be an array, got "x"',
  ],
  [
    { scheduler: 'off', schedules: { nightly: { every: '1d', queue: 'q', class: 'C' } } },
    'schedules: can\'t be combined with "scheduler": "off", which would never enqueue them',
  ],
  [
    { retry: { attempts: 2, backoff: [60, 15] } },
    'retry.backoff: the first delay must not be longer than the longest, got 60 and 15',
  ],
  [
    { retry: { attempts: 2, backoff: 15 } },
    'retry.backoff: must be an array of two numbers of seconds, the first delay and the longest, such as [15, 3600], got 15',
  ],
  [{ retry: { attempts: 2, jitter: 20 } }, 'retry.jitter: must be 1 or less, got 20'],
  [{ retry: { attempts: 2, queue: 'mail_*' } }, 'retry.queue: must be the name of a queue, got "mail_*"'],
  [
    { retry: { attempts: 2, classes: { A: { atempts: 1 } } } },
    'retry.classes.A.atempts: unknown key; did you mean "attempts"?',
  ],
  [{ interrupted: null }, 'interrupted: must be "fail" or "requeue", got null'],
  [{ worker: 'x' }, 'worker: must be an object, got "x"'],
  [{ worker: { host: 'a:b' } }, 'worker.host: must be a name without ":" and spaces, got "a:b"'],
  [{ worker: { host: 'a b' } }, 'worker.host: must be a name without ":" and spaces, got "a b"'],
  [{ $schema: 5 }, '$schema: must be a string, got 5'],
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
    [{ worker: { zzz: 1 } }, 'worker.zzz: unknown key; valid keys are "host"'],
    [{ worker: { constructor: 1 } }, 'worker.constructor: unknown key; valid keys are "host"'],
    [
      { 'a b': 1 },
      '["a b"]: unknown key; valid keys are "redis", "namespace", "runners", "include", "script", "args", "env", ',
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
    'redis.port: must be a whole number from 1 to 65535, got "abc"',
    'redis.server: can\'t be combined with "host"',
    'namespace: must not be empty',
    'runners.mail: given twice, at 4:16 and at 4:62',
    'runners.mail.concurrency: must be 1 or more, got 0',
    'runners.mail.args: must be an array of strings, got 1',
    'runners["!x"]: only excludes queues; add one to take jobs from, such as "*"',
    'script: missing; give the program that runs the jobs, here or in every entry of "runners"',
    'timeout: must be 0 or more, got -1',
    expect.stringContaining('colour: unknown key; valid keys are'),
  ];
  expect(problemsOf(text)).toEqual(expect.arrayContaining(expected));
  expect(problemsOf(text)).toHaveLength(expected.length);
});

test('long values are shortened', () => {
  const [problem] = problemsOf(fileWith({ redis: { port: 'x'.repeat(500) } }));
  expect(problem).toBe(`redis.port: must be a whole number from 1 to 65535, got "${'x'.repeat(60)}…"`);
});
