import { describe, expect, test } from 'vitest';
import { configOf, fileWith, problemsOf } from './helpers.ts';

const env = {
  NAME: 'staging',
  EMPTY: '',
  SLOTS: '12',
  ODD: 'a"b\\c\n{"x": 1}, // ${NAME} $${NAME} $& $1',
  ON: 'true',
};

function namespaceOf(namespace: string): string {
  return configOf(fileWith({ namespace }), { env }).namespace;
}

describe('a variable of the environment', () => {
  test.each([
    ['${NAME}', 'staging'],
    ['app-${NAME}:${SLOTS}', 'app-staging:12'],
    ['${NAME:-production}', 'staging'],
    ['${NONE:-production}', 'production'],
    ['${EMPTY:-production}', 'production'],
    ['a${EMPTY}b', 'ab'],
    ['a${NONE:-}b', 'ab'],
    ['${NONE:-$NAME:-{x}', '$NAME:-{x'],
    ['$${NAME}', '${NAME}'],
    ['$$${NAME}', '$${NAME}'],
    ['$NAME $ {NAME} {NAME}', '$NAME $ {NAME} {NAME}'],
    ['${SLOTS}', '12'],
    ['${toString:-own}', 'own'],
  ])('in %j gives %j', (text, value) => {
    expect(namespaceOf(text)).toBe(value);
  });

  test('is only text: quotes, backslashes and line breaks change nothing around it', () => {
    const text = '{"runners":{"mail":1},"script":"/bin/job","env":{"A":"<${ODD}>"}}';
    expect(configOf(text, { env }).runners[0]?.env).toEqual({ A: `<${env.ODD}>` });
  });

  test('can be a number, true or false if its field must be one', () => {
    const config = configOf(
      fileWith({
        redis: { port: '${SLOTS}', tls: '${ON}' },
        runners: { mail: '${SLOTS}', rest: { concurrency: '${SLOTS}', prestart: '${ON}' } },
        env: { A: '${SLOTS}', B: '${ON}' },
        timeout: '${NONE:-0.5}',
        failedLimit: '${NONE:-1000}',
      }),
      { env },
    );
    expect(config).toMatchObject({
      redis: { port: 12, tls: { rejectUnauthorized: true } },
      runners: [
        { concurrency: 12, timeoutSeconds: 0.5, env: { A: '12', B: 'true' } },
        { concurrency: 12, isPrestarted: true },
      ],
      failedLimit: 1_000,
    });
  });

  test.each([
    ['${NAME}', 'must be a whole number from 1 to 10000, got "staging"'],
    ['1${SLOTS}', 'must be a whole number from 1 to 10000, got "112"'],
    ['${NONE:-0}', 'must be 1 or more, got 0'],
    ['${NONE:-012}', 'must be a whole number from 1 to 10000, got "012"'],
  ])('%j is refused as a number', (concurrency, problem) => {
    expect(problemsOf(fileWith({ runners: { mail: { concurrency } } }), { env })).toEqual([
      `runners.mail.concurrency: ${problem}`,
    ]);
  });

  test('that is not set is reported with its name and place, and never with the text around it', () => {
    const text = `{
  "redis": { "url": "redis://:hunter2\${PASSWORD}@\${HOST}" },
  "runners": { "mail": { "concurrency": "\${SLOTS}" } },
  "script": "/bin/job", "namespace": "\${app}" // \${unused}
}`;
    expect(problemsOf(text)).toEqual([
      'cfg.json:2:21: redis.url: the environment variable PASSWORD is not set; set it, or write ${PASSWORD:-DEFAULT}',
      'cfg.json:2:21: redis.url: the environment variable HOST is not set; set it, or write ${HOST:-DEFAULT}',
      'cfg.json:3:41: runners.mail.concurrency: the environment variable SLOTS is not set; set it, or write ${SLOTS:-DEFAULT}',
      'cfg.json:4:38: namespace: the environment variable app is not set; set it, or write ${app:-DEFAULT}',
    ]);
  });

  test.each(['${', '${}', '${1A}', '${NAME', '${NA ME}', '${NAME:x}', '${NAME-x}', '${NAME:-x'])(
    '%j is not one',
    (namespace) => {
      expect(problemsOf(fileWith({ namespace }), { env })).toEqual([
        expect.stringMatching(
          /^cfg\.json:1:\d+: namespace: a variable must be \$\{NAME\} or \$\{NAME:-DEFAULT\};/,
        ),
      ]);
    },
  );

  test('in a command line or in the arguments of a scheduled job stays as it is', () => {
    const command = ['sh', '-c', 'echo ${X}'];
    const schedule = { every: '1d', queue: '${NAME}', class: 'C', args: ['${X}', { a: '${Y}' }] };
    const own = { script: './${X}', args: ['${X}'], onFailure: ['./x', '${X}'] };
    const config = configOf(
      fileWith({
        ...{ script: command, args: ['${X}'], onFailure: command },
        ...{ schedules: { args: schedule }, runners: { script: 1, mail: own } },
      }),
      { env },
    );
    expect(config).toMatchObject({
      runners: [
        { key: 'script', script: command, args: ['${X}'], onFailure: command },
        { key: 'mail', script: ['/etc/rr/${X}'], args: ['${X}'], onFailure: ['/etc/rr/x', '${X}'] },
      ],
      schedules: [{ queue: 'staging', args: '["${X}",{"a":"${Y}"}]' }],
    });
  });

  test('is looked for by position, so that queues and variables can be called like fields', () => {
    const config = configOf(
      fileWith({
        runners: { script: { cwd: '/${NAME}', env: { script: '${NAME}' } }, args: '${SLOTS}' },
        env: { args: '${NAME}' },
        schedules: { script: { every: '1d', queue: 'q', class: '${NAME}' } },
      }),
      { env },
    );
    expect(config).toMatchObject({
      runners: [
        { cwd: '/staging', env: { args: 'staging', script: 'staging' } },
        { key: 'args', concurrency: 12 },
      ],
      schedules: [{ jobClass: 'staging' }],
    });
  });

  test('in a key stays as it is', () => {
    const config = configOf('{"script":"x","runners":{"${NAME}":1,"__proto__":"${SLOTS}"}}', { env });
    expect(config.runners.map(({ key, concurrency }) => [key, concurrency])).toEqual([
      ['${NAME}', 1],
      ['__proto__', 12],
    ]);
  });
});
