import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { holdsSchedulerLocks, movesDelayedJobs } from '../../src/config/config.ts';
import { defaultConnection } from '../../src/config/files/parse-config.ts';
import { configOf, fileWith, problemsOf } from './helpers.ts';

const retryDefaults = {
  on: 'any',
  firstDelaySeconds: 15,
  longestDelaySeconds: 3600,
  jitter: 0.2,
  queue: null,
};

describe('a whole file', () => {
  test('of the 2012 program loads unchanged, with every default', () => {
    const text = `{ "redis": { "server": "localhost", "port": 6379, "db": 0 },
  "runners": { "default": 5 },
  "script": "/path/to/the/script/you/want/to/run" }`;
    expect(configOf(text)).toEqual({
      redis: {
        kind: 'server',
        host: 'localhost',
        port: 6379,
        db: 0,
        username: null,
        password: null,
        tls: null,
      },
      namespace: 'resque',
      runners: [
        {
          key: 'default',
          concurrency: 5,
          script: ['/path/to/the/script/you/want/to/run'],
          args: [],
          env: {},
          cwd: null,
          timeoutSeconds: null,
          killAfterSeconds: 4,
          interrupted: 'fail',
          delivery: 'at-most-once',
          mode: 'process',
          isPrestarted: false,
          prestartMaxAgeSeconds: 600,
          maxJobs: null,
          retry: null,
          locks: [],
          limit: null,
          rate: null,
          onFailure: null,
          logOutput: 'none',
        },
      ],
      shutdownTimeoutSeconds: 8,
      maxRecoveries: 3,
      scheduler: 'auto',
      schedulerLockPrefix: '',
      schedules: [],
      failedLimit: null,
      metrics: { listen: null, hasClassLabel: false },
      workerHost: null,
    });
  });

  test('that leaves out redis means the same as a command without a config', () => {
    const { redis, namespace } = configOf(fileWith());
    expect({ redis, namespace }).toEqual(defaultConnection());
    expect(defaultConnection()).toMatchObject({
      redis: { kind: 'server', host: 'localhost', port: 6379, db: 0 },
      namespace: 'resque',
    });
  });

  test('may begin with a byte order mark', () => {
    expect(configOf(`\uFEFF${fileWith()}`)).toEqual(configOf(fileWith()));
  });

  test('made from the template has no problems', () => {
    const template = readFileSync(new URL('../../cfg.json.template', import.meta.url), 'utf8');
    expect(problemsOf(template)).toEqual([]);
    // Scripts edit it, with tools that know no comments.
    expect(JSON.parse(template)).toHaveProperty('$schema');
  });

  test('gives the namespace, the shutdown timeout and the worker host', () => {
    const config = configOf(
      fileWith({ namespace: 'app:rq', shutdownTimeout: 1.5, worker: { host: 'web1.x' } }),
    );
    expect(config).toMatchObject({ namespace: 'app:rq', shutdownTimeoutSeconds: 1.5, workerHost: 'web1.x' });
  });
});

describe('runners', () => {
  test('keep the order of the file, also where their names are numbers', () => {
    const text =
      '{"script":"x","runners":{"mail":1,"10":2,"2":3,"high,*,!low":4,"constructor":5,"__proto__":6}}';
    const found = configOf(text).runners.map(({ key, concurrency }) => [key, concurrency]);
    expect(found).toEqual([
      ['mail', 1],
      ['10', 2],
      ['2', 3],
      ['high,*,!low', 4],
      ['constructor', 5],
      ['__proto__', 6],
    ]);
  });

  test('have one slot unless they say otherwise', () => {
    expect(configOf(fileWith({ runners: { mail: {} } })).runners[0]?.concurrency).toBe(1);
  });

  test('take from the top level what they leave out', () => {
    const shared = {
      args: ['-v'],
      env: { A: '1', B: 2, C: true },
      cwd: 'jobs',
      timeout: 60,
      killAfter: 0,
      interrupted: 'requeue',
      delivery: 'at-least-once',
      mode: 'persistent',
      prestart: true,
      prestartMaxAge: 0.5,
      maxJobs: 100,
      retry: { attempts: 3 },
      locks: ['loner', 'node', 'loner'],
      onFailure: ['./notify', '-v'],
      logOutput: 'all',
    };
    expect(configOf(fileWith(shared)).runners[0]).toEqual({
      key: 'mail',
      concurrency: 1,
      script: ['/bin/job'],
      args: ['-v'],
      env: { A: '1', B: '2', C: 'true' },
      cwd: '/etc/rr/jobs',
      timeoutSeconds: 60,
      killAfterSeconds: 0,
      interrupted: 'requeue',
      delivery: 'at-least-once',
      mode: 'persistent',
      isPrestarted: true,
      prestartMaxAgeSeconds: 0.5,
      maxJobs: 100,
      retry: { ...retryDefaults, attempts: 3, classes: {} },
      locks: ['loner', 'node'],
      limit: null,
      rate: null,
      onFailure: ['/etc/rr/notify', '-v'],
      logOutput: 'all',
    });
  });

  test('override the top level, and merge env into it', () => {
    const own = {
      concurrency: 3,
      script: ['php', 'mail.php'],
      args: [],
      env: { B: 'mine', D: '4' },
      cwd: null,
      timeout: 0.5,
      killAfter: 9,
      interrupted: 'fail',
      delivery: 'at-most-once',
      mode: 'process',
      prestart: false,
      prestartMaxAge: 7,
      maxJobs: 1,
      onFailure: null,
      logOutput: 'none',
      retry: null,
      locks: [],
      limit: 10,
      rate: '100/m burst 20',
    };
    const shared = {
      ...{
        args: ['-v'],
        env: { A: '1', B: '2' },
        cwd: '/x',
        timeout: 60,
        interrupted: 'requeue',
        locks: ['node'],
      },
      ...{
        mode: 'persistent',
        prestart: true,
        prestartMaxAge: 60,
        maxJobs: 1_000,
        onFailure: 'x',
        logOutput: 'failed',
        retry: { attempts: 9 },
      },
    };
    expect(configOf(fileWith({ ...shared, runners: { mail: own } })).runners[0]).toEqual({
      key: 'mail',
      concurrency: 3,
      script: ['php', 'mail.php'],
      args: [],
      env: { A: '1', B: 'mine', D: '4' },
      cwd: null,
      timeoutSeconds: 0.5,
      killAfterSeconds: 9,
      interrupted: 'fail',
      delivery: 'at-most-once',
      mode: 'process',
      isPrestarted: false,
      prestartMaxAgeSeconds: 7,
      maxJobs: 1,
      retry: null,
      locks: [],
      limit: 10,
      rate: { intervalMs: 600, burst: 20, text: '100/m burst 20' },
      onFailure: null,
      logOutput: 'none',
    });
  });

  test.each([0, null])('have no time limit with timeout %j, whatever the top level says', (timeout) => {
    const config = configOf(fileWith({ timeout: 60, runners: { mail: { timeout }, rest: 1 } }));
    expect(config.runners.map(({ timeoutSeconds }) => timeoutSeconds)).toEqual([null, 60]);
  });

  test.each([
    ['notify', ['notify']],
    ['./notify', ['/etc/rr/notify']],
    [
      ['php', 'notify.php'],
      ['php', 'notify.php'],
    ],
    [null, null],
  ])('may have a program for failures of their own: %j', (onFailure, expected) => {
    const config = configOf(fileWith({ onFailure: '/bin/all', runners: { mail: { onFailure }, rest: 1 } }));
    expect(config.runners.map((runner) => runner.onFailure)).toEqual([expected, ['/bin/all']]);
  });

  test.each([
    [10_000, 10_000],
    [0, null],
    [null, null],
  ])('with failedLimit %j, the list of failures keeps %j', (failedLimit, expected) => {
    expect(configOf(fileWith({ failedLimit })).failedLimit).toBe(expected);
  });

  test.each([0, null])('have no limit of age or jobs with %j, whatever the top level says', (none) => {
    const shared = { prestartMaxAge: 60, maxJobs: 100 };
    const mail = { prestartMaxAge: none, maxJobs: none };
    const limits = configOf(fileWith({ ...shared, runners: { mail, rest: 1 } })).runners.map(
      ({ prestartMaxAgeSeconds, maxJobs }) => [prestartMaxAgeSeconds, maxJobs],
    );
    expect(limits).toEqual([
      [null, null],
      [60, 100],
    ]);
    expect(configOf(fileWith(mail)).runners[0]).toMatchObject({ prestartMaxAgeSeconds: null, maxJobs: null });
  });

  test('retry as their policy says, with settings for single classes', () => {
    const retry = {
      attempts: 5,
      on: [75, 'TimeoutError'],
      backoff: [1, 60],
      jitter: 0,
      queue: 'mail_slow',
      classes: { Charge: { attempts: 1, queue: null } },
    };
    const rule = {
      attempts: 5,
      on: [75, 'TimeoutError'],
      firstDelaySeconds: 1,
      longestDelaySeconds: 60,
      jitter: 0,
      queue: 'mail_slow',
    };
    const text = fileWith({ retry }).replace('"Charge":', '"__proto__":{"backoff":[2,3]},"Charge":');
    expect(configOf(text).runners[0]?.retry).toEqual({
      ...rule,
      classes: Object.fromEntries([
        ['__proto__', { ...rule, firstDelaySeconds: 2, longestDelaySeconds: 3 }],
        ['Charge', { ...rule, attempts: 1, queue: null }],
      ]),
    });
  });

  test('retry by the policy of the top level, unless they have their own', () => {
    const runners = { own: { retry: { attempts: 2 } }, none: { retry: null }, shared: 1 };
    const config = configOf(fileWith({ retry: { attempts: 9 }, runners }));
    expect(config.runners.map(({ retry }) => retry?.attempts ?? null)).toEqual([2, null, 9]);
  });

  test('are beside schedules, whose times are read already', () => {
    const job = { queue: 'reports', class: 'Report' };
    const nightly = { cron: '5/30 3 * * * Europe/Berlin', ...job, args: [1, { a: 'ä' }], unique: true };
    const schedules = {
      nightly,
      often: { every: '1h30m', ...job, description: 'Why' },
      seconds: { every: 90, ...job },
    };
    const config = configOf(fileWith({ schedules }));
    const rest = { queue: 'reports', jobClass: 'Report', args: '[]', isUnique: false, description: '' };
    expect(config.schedules).toEqual([
      {
        ...{ ...rest, name: 'nightly', args: '[1,{"a":"ä"}]', isUnique: true },
        timing: { kind: 'cron', text: nightly.cron, pattern: '5,35 3 * * *', zone: 'Europe/Berlin' },
      },
      {
        ...{ ...rest, name: 'often', description: 'Why' },
        timing: { kind: 'every', text: '1h30m', seconds: 5_400, firstInSeconds: null },
      },
      {
        ...{ ...rest, name: 'seconds' },
        timing: { kind: 'every', text: '90', seconds: 90, firstInSeconds: null },
      },
    ]);
    expect([holdsSchedulerLocks(config), movesDelayedJobs(config)]).toEqual([true, true]);
    expect(holdsSchedulerLocks(configOf(fileWith({})))).toBe(false);
  });

  test('need no script at the top level if each has its own', () => {
    expect(problemsOf('{"runners":{"a":{"script":"x"},"b":{"script":["y","z"]}}}')).toEqual([]);
  });

  test.each([
    ['./run.sh', ['/etc/rr/run.sh']],
    ['bin/run', ['/etc/rr/bin/run']],
    ['../run', ['/etc/run']],
    ['/opt/my app/run', ['/opt/my app/run']],
    ['php', ['php']],
    [
      ['./run', './as-is', ''],
      ['/etc/rr/run', './as-is', ''],
    ],
    [
      ['node', 'x.js'],
      ['node', 'x.js'],
    ],
  ])('with script %j run %j', (script, expected) => {
    expect(configOf(fileWith({ script })).runners[0]?.script).toEqual(expected);
  });

  test('keep environment variables with the names of object members', () => {
    const { env } =
      configOf('{"script":"x","runners":{"a":1},"env":{"__proto__":"p","constructor":"c"}}').runners[0] ?? {};
    expect(Object.entries(env ?? {})).toEqual([
      ['__proto__', 'p'],
      ['constructor', 'c'],
    ]);
  });
});
