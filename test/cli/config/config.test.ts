import { chmodSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { useDirectory } from '../directory.ts';
import { runCommand } from '../run-command.ts';

const directory = useDirectory();

function write(name: string, content: unknown): string {
  const path = join(directory.path, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

function run(args: readonly string[] = [], env: Record<string, string> = {}) {
  return runCommand(['config', ...args], { cwd: directory.path, env });
}

/** The lines of the output for people, by field: origin and value. */
async function shown(args: readonly string[] = [], env: Record<string, string> = {}) {
  const { code, stdout, stderr } = await run(args, env);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const lines = stdout.split('\n').map((line) => line.split(/ {2,}/));
  return Object.fromEntries(lines.map(([field = '', origin, value]) => [field, [origin, value]]));
}

describe('config', () => {
  test('prints each value and where it comes from', async () => {
    write(
      'cfg.json',
      `{
  // The team's files
  "include": "conf.d/*.json",
  "redis": { "host": "\${HOST}", "password": "\${PASSWORD}" },
  "timeout": 60,
  "script": "./job.sh",
  "runners": { "own": 2, "a b": { "args": ["x", "https://me:hunter2@example.com/"] } },
  "env": {
    "APP_ENV": "production", "API_KEY": "hunter2", "DB": "\${DB}",
    "URL": "postgres://me:hunter2@db/app"
  }
}`,
    );
    write(
      'conf.d/mail.json',
      `{ "killAfter": 9,
  "runners": { "mail": { "concurrency": "\${SLOTS}", "env": { "APP_ENV": "mail" } } },
  "schedules": { "nightly": { "cron": "0 3 * * *", "queue": "mail", "class": "N", "args": [1] } } }`,
    );
    const env = { HOST: 'db1', PASSWORD: 'hunter2', DB: 'hunter2', SLOTS: '7' };
    const fields = await shown([], env);
    expect(JSON.stringify(fields)).not.toContain('hunter2');
    expect(fields).toMatchObject({
      'redis.host': ['cfg.json:4, $HOST', '"db1"'],
      'redis.port': ['default', '6379'],
      'redis.password': ['cfg.json:4, $PASSWORD', '"***"'],
      'redis.username': ['default', 'null'],
      namespace: ['default', '"resque"'],
      'worker.host': ['default', 'null'],
      'runners.own.concurrency': ['cfg.json:7', '2'],
      'runners.own.script': ['cfg.json:6', `["${join(directory.path, 'job.sh')}"]`],
      'runners.own.timeout': ['cfg.json:5', '60'],
      'runners.own.killAfter': ['default', '4'],
      'runners.own.env.APP_ENV': ['cfg.json:9', '"production"'],
      'runners.own.env.API_KEY': ['cfg.json:9', '"***"'],
      'runners.own.env.DB': ['cfg.json:9, $DB', '"***"'],
      'runners.own.env.URL': ['cfg.json:10', '"postgres://***@db/app"'],
      'runners["a b"].args': ['cfg.json:7', '["x","https://***@example.com/"]'],
      'runners["a b"].concurrency': ['default', '1'],
      'runners.mail.concurrency': ['conf.d/mail.json:2, $SLOTS', '7'],
      'runners.mail.timeout': ['cfg.json:5', '60'],
      'runners.mail.killAfter': ['conf.d/mail.json:1', '9'],
      'runners.mail.env.APP_ENV': ['conf.d/mail.json:2', '"mail"'],
      'runners.mail.env.DB': ['cfg.json:9, $DB', '"***"'],
      'schedules.nightly': [
        'conf.d/mail.json:3',
        '{"cron":"0 3 * * *","queue":"mail","class":"N","args":[1],"unique":false}',
      ],
    });
  });

  test.each<[string, object, string[], Record<string, string>, Record<string, string[]>]>([
    [
      'a URL in the file',
      { redis: 'redis://me:hunter2@db1/3' },
      [],
      {},
      { 'redis.host': ['cfg.json:1', '"db1"'], 'redis.password': ['cfg.json:1', '"***"'] },
    ],
    [
      'REDIS_URL',
      {},
      [],
      { REDIS_URL: 'redis://db1' },
      { 'redis.host': ['$REDIS_URL', '"db1"'], 'redis.db': ['$REDIS_URL', '0'] },
    ],
    [
      'a flag',
      { redis: 'redis://db1' },
      ['--redis', 'redis://db2'],
      { REDIS_URL: 'redis://db3' },
      { 'redis.host': ['--redis', '"db2"'] },
    ],
    [
      'second names',
      { redis: { server: 'db1', database: 4 } },
      [],
      {},
      { 'redis.host': ['cfg.json:1', '"db1"'], 'redis.db': ['cfg.json:1', '4'] },
    ],
    ['an embedded Redis', { redis: 'embedded' }, [], {}, { redis: ['cfg.json:1', '"embedded"'] }],
    [
      'sentinels',
      { redis: { sentinels: ['s1'], sentinelPassword: 'hunter2' } },
      [],
      {},
      {
        'redis.sentinels': ['cfg.json:1', '[{"host":"s1","port":26379}]'],
        'redis.sentinelPassword': ['cfg.json:1', '"***"'],
      },
    ],
    [
      'retries, a rate and no limit',
      { retry: { attempts: 3 }, runners: { mail: { rate: '10/s', limit: 0, retry: null }, rest: 1 } },
      [],
      {},
      {
        'runners.mail.rate': ['cfg.json:1', '"10/s"'],
        'runners.mail.limit': ['cfg.json:1', 'null'],
        'runners.mail.retry': ['cfg.json:1', 'null'],
        'runners.rest.retry': [
          'cfg.json:1',
          '{"attempts":3,"on":"any","jitter":0.2,"queue":null,"backoff":[15,3600]}',
        ],
      },
    ],
  ])('knows the origin of %s', async (_, config, args, env, expected) => {
    write('cfg.json', { runners: { mail: 1 }, script: 'x', ...config });
    const fields = await shown(args, env);
    expect(JSON.stringify(fields)).not.toContain('hunter2');
    expect(fields).toMatchObject(expected);
  });

  test('is a JSON document with --json', async () => {
    const file = write('cfg.json', { runners: { mail: 1 }, script: 'x', include: 'more.json' });
    const more = write('more.json', { timeout: '${T}', runners: { more: 1 } });
    const { stdout } = await run(['--json', '--redis', 'redis://db1'], { T: '5' });
    const document = JSON.parse(stdout);
    expect(document).toMatchObject({ file, included: [more] });
    expect(document.fields).toContainEqual({
      path: ['runners', 'more', 'timeout'],
      value: 5,
      origin: { kind: 'file', file: more, line: 1, column: 12, variables: ['T'] },
    });
    expect(document.fields).toContainEqual({
      path: ['redis', 'host'],
      value: 'db1',
      origin: { kind: 'flag', name: '--redis' },
    });
  });

  test('lists the mistakes of all files', async () => {
    write(
      'cfg.json',
      '{ "include": ["conf.d/*.json", "none.json"], "runners": { "mail": "${SLOTS}" }, "script": "x" }',
    );
    write('conf.d/a.json', '\uFEFF[]');
    write('conf.d/b.json', { runners: { mail: 1 } });
    write('conf.d/c.json', '// half of a file\n{ "runners": ');
    mkdirSync(join(directory.path, 'conf.d/d.json'));
    symlinkSync('none', join(directory.path, 'conf.d/e.json'));
    const huge = write('conf.d/g.json', ' ');
    truncateSync(huge, 17 * 1024 ** 2);
    expect(await run()).toEqual({
      code: 2,
      stdout: '',
      stderr: [
        "resque-runner: cfg.json can't be used:",
        '  cfg.json:1:67: runners.mail: the environment variable SLOTS is not set; set it, or write ${SLOTS:-DEFAULT}',
        '  conf.d/a.json: the top level must be an object such as { "runners": { … } }, got an array',
        '  conf.d/c.json:2:14: unexpected end of the text; expected a value',
        "  cfg.json:1:15: include[0]: conf.d/g.json: it has more than 16 MiB, so it can't be a config",
        '  cfg.json:1:32: include[1]: none.json: there is no such file',
        '  conf.d/b.json:1:20: runners.mail: the queue "mail" is already in cfg.json:1:67; it can only be in one file',
      ].join('\n'),
    });
  });

  test.skipIf(process.getuid?.() === 0)('says which directory it may not read', async () => {
    write('cfg.json', { runners: { mail: 1 }, script: 'x', include: 'conf.d/*' });
    write('conf.d/a.json', {});
    chmodSync(join(directory.path, 'conf.d'), 0);
    const { code, stderr } = await run();
    chmodSync(join(directory.path, 'conf.d'), 0o755);
    expect(code).toBe(2);
    expect(stderr).toContain('include: conf.d: no permission to read it');
  });
});

test('paths are whole if the current directory is /, as under systemd', async () => {
  const path = write('cfg.json', { runners: { mail: 5 }, script: 'x' });
  const { stdout } = await runCommand(['config', path], { cwd: '/', env: {} });
  expect(stdout).toContain(` ${path}:1 `);
});
