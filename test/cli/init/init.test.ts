/** `init` without questions: the file that it writes, its messages, and invalid input. */
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { readRedis, readScript, redisField } from '../../../src/cli/init/answers.ts';
import { schemaReference } from '../../../src/cli/init/draft.ts';
import { parseConfig } from '../../../src/config/files/parse-config.ts';
import { freePort, useRedis } from '../../helpers/redis.ts';
import { useDirectory } from '../directory.ts';
import { runCommand, testIo } from '../run-command.ts';

const redis = useRedis();
const directory = useDirectory();
const isRoot = process.getuid?.() === 0;

function init(...args: string[]) {
  return runCommand(['init', ...args], { cwd: directory.path });
}

function path(name: string): string {
  return join(directory.path, name);
}

function read(name = 'cfg.json'): string {
  return readFileSync(path(name), 'utf8');
}

function script(name: string, mode = 0o755): string {
  writeFileSync(path(name), '#!/bin/sh\n');
  chmodSync(path(name), mode);
  return path(name);
}

function url(): string {
  return `redis://127.0.0.1:${redis.port}`;
}

describe('init without a terminal', () => {
  test('writes the values of the flags, tests them, and shows the next steps', async () => {
    script('job.sh');
    const { code, stdout, stderr } = await init('--redis', url(), '--queue', 'mail', '--script', './job.sh');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(read()).toBe(`{
  "$schema": "${new URL('../../../cfg.schema.json', import.meta.url).href}",
  "redis": { "host": "127.0.0.1", "port": ${redis.port}, "db": 0 },
  "runners": {
    "mail": 5
  },
  "script": "./job.sh"
}
`);
    expect(stdout.split('\n')).toEqual(
      expect.arrayContaining([
        expect.stringContaining(`ok   redis      ${url()}/0 `),
        `ok   script     ${path('job.sh')} (for mail)`,
      ]),
    );
    expect(stdout).toMatch(
      /\nwrote cfg\.json\nnext:\n {2}resque-runner check\n {2}resque-runner exec mail --class CLASS\n {2}resque-runner$/,
    );
    expect(readdirSync(directory.path).sort()).toEqual(['cfg.json', 'job.sh']);
    expect((await runCommand(['check'], { cwd: directory.path })).code).toBe(0);
  });

  test('uses the template for missing flags, and names the placeholders', async () => {
    const { code, stdout, stderr } = await init('--redis', url());
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const template = JSON.parse(
      readFileSync(fileURLToPath(new URL('../../../cfg.json.template', import.meta.url)), 'utf8'),
    );
    expect(JSON.parse(read())).toMatchObject({ runners: template.runners, script: template.script });
    expect(stdout).toContain('edit it first: "script" is only a placeholder');
    // The placeholder is known to be missing.
    expect(stdout).not.toContain('does not exist');
  });

  test('leaves Redis to REDIS_URL if it is set, and says so', async () => {
    const env = { REDIS_URL: url() };
    const { code, stdout } = await runCommand(['init', '--queue', 'mail'], { cwd: directory.path, env });
    expect(code).toBe(0);
    expect(JSON.parse(read())).not.toHaveProperty('redis');
    expect(stdout).toContain('\nwrote cfg.json\nit has no "redis": set REDIS_URL wherever you use it');
    const named = await init('--redis', url(), '--force');
    expect(named.stdout).not.toContain('REDIS_URL');
  });

  test('accepts a Redis that is away and a missing script, with warnings', async () => {
    const port = await freePort();
    const { code, stdout, stderr } = await init('--redis', `localhost:${port}`, '--script', 'job.sh');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^warn redis .*ECONNREFUSED.*is Redis running there\?$/m);
    expect(stdout).toContain(`warn script     ${path('job.sh')} does not exist`);
    expect(stdout).not.toContain('FAIL');
    expect(JSON.parse(read())).toMatchObject({
      redis: { host: 'localhost', port, db: 0 },
      script: './job.sh',
    });
  });

  test('says how to make a script executable', async () => {
    script('job.sh', 0o644);
    const { stdout } = await init('--redis', url(), '--script', 'job.sh');
    expect(stdout).toContain(
      `warn script     ${path('job.sh')} is not executable; make it so with: chmod +x`,
    );
    expect(statSync(path('job.sh')).mode & 0o777).toBe(0o644);
  });

  test('writes a file of any name, with paths relative to its directory', async () => {
    mkdirSync(path('conf'));
    script('conf/job.sh');
    script('other.sh');
    const { stdout } = await init('conf/my cfg.json', '--redis', './redis.sock', '--script', 'conf/job.sh');
    expect(JSON.parse(read('conf/my cfg.json'))).toMatchObject({
      redis: { path: path('redis.sock'), db: 0 },
      script: './job.sh',
    });
    expect(stdout).toContain("resque-runner check 'conf/my cfg.json'");
    expect(stdout).toContain("--class CLASS --config 'conf/my cfg.json'");
    await init('conf/cfg.json', '--redis', url(), '--script', './other.sh');
    expect(JSON.parse(read('conf/cfg.json'))).toMatchObject({ script: path('other.sh') });
  });

  test('writes a namespace only if it is given', async () => {
    await init('--redis', url(), '--namespace', 'app:jobs', '--script', '/bin/true');
    expect(JSON.parse(read())).toMatchObject({ namespace: 'app:jobs' });
  });

  test('suggests no queue for a first job if only Redis knows the queues', async () => {
    const { stdout } = await init('--redis', url(), '--queue', 'mail_*', '--script', '/bin/true');
    expect(stdout).toContain('exec QUEUE --class CLASS');
    expect(JSON.parse(read())).toMatchObject({ runners: { 'mail_*': 5 } });
  });

  test('accepts a queue of any name', async () => {
    const queue = '__proto__ "$(id)"';
    const { code, stdout } = await init('--redis', url(), '--queue', queue, '--script', '/bin/true');
    expect(code).toBe(0);
    expect(stdout).toContain(`exec '${queue}' --class`);
    const result = parseConfig(read(), { file: path('cfg.json') });
    expect(result).toMatchObject({ ok: true, config: { runners: [{ key: queue, concurrency: 5 }] } });
  });

  test('makes a file with a password readable only by its owner, and never shows the password', async () => {
    const { stdout } = await init(
      '--redis',
      `redis://me:s%22cr\${et}@127.0.0.1:${redis.port}/3`,
      '--script',
      '/bin/true',
    );
    expect(statSync(path('cfg.json')).mode & 0o777).toBe(0o600);
    expect(stdout).toContain('wrote cfg.json, readable only by you because it contains a password');
    expect(stdout).not.toContain('et}');
    // Otherwise, a part of it would be a variable of the environment.
    const result = parseConfig(read(), { file: path('cfg.json') });
    const written = { username: 'me', password: 's"cr${et}', db: 3 };
    expect(result).toMatchObject({ ok: true, config: { redis: written } });
  });

  test('otherwise leaves the permissions to the umask', async () => {
    const usual = process.umask(0o027);
    try {
      await init('--redis', url(), '--script', '/bin/true');
    } finally {
      process.umask(usual);
    }
    expect(statSync(path('cfg.json')).mode & 0o777).toBe(0o640);
  });
});

describe('an existing file', () => {
  test('is left alone', async () => {
    writeFileSync(path('cfg.json'), 'mine');
    expect(await init('--redis', url(), '--yes')).toEqual({
      code: 2,
      stdout: '',
      stderr: 'resque-runner: cfg.json exists; --force overwrites it',
    });
    expect(read()).toBe('mine');
  });

  test('is overwritten with --force, even through a link', async () => {
    mkdirSync(path('real'));
    writeFileSync(path('real/cfg.json'), 'mine');
    symlinkSync('real/cfg.json', path('cfg.json'));
    expect((await init('--force', '--redis', url(), '--script', '/bin/true')).code).toBe(0);
    expect(lstatSync(path('cfg.json')).isSymbolicLink()).toBe(true);
    expect(JSON.parse(read('real/cfg.json'))).toMatchObject({ script: '/bin/true' });
    expect(readdirSync(path('real'))).toEqual(['cfg.json']);
  });

  test('may be a broken link, which is also left alone', async () => {
    symlinkSync('nowhere.json', path('cfg.json'));
    const { code, stderr } = await init('--redis', url(), '--script', '/bin/true');
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: 'resque-runner: cfg.json exists; --force overwrites it',
    });
    expect(readdirSync(directory.path)).toEqual(['cfg.json']);
  });

  test('must not be a directory', async () => {
    mkdirSync(path('conf'));
    const { code, stderr } = await init('conf', '--force');
    expect(code).toBe(2);
    expect(stderr).toBe('resque-runner: conf is a directory; give the file in it, such as conf/cfg.json');
  });
});

describe('a directory that cannot be written to', () => {
  test.each([
    ['none/cfg.json', "can't write none/cfg.json: there is no directory none; create it with: mkdir -p none"],
    ['file/cfg.json', "can't write file/cfg.json: file is a file"],
  ])('%s', async (name, message) => {
    writeFileSync(path('file'), '');
    expect(await init(name, '--redis', url())).toEqual({
      code: 1,
      stdout: '',
      stderr: `resque-runner: ${message}`,
    });
  });

  test.skipIf(!existsSync('/sys/kernel'))('is reported with the reason', async () => {
    const { code, stderr } = await init('/sys/kernel/cfg.json', '--redis', url());
    expect(code).toBe(1);
    expect(stderr).toMatch(/^resque-runner: can't write \/sys\/kernel\/cfg\.json: .*(permission|read-only)/);
  });

  test.skipIf(isRoot)('is reported before anything else', async () => {
    mkdirSync(path('closed'), { mode: 0o500 });
    const { code, stdout, stderr } = await init('closed/cfg.json', '--redis', url());
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('you have no permission to write in');
  });
});

describe('wrong input', () => {
  test.each([
    [['--redis', 'http://db1'], '--redis: a Redis URL must begin with redis:, rediss: or unix:, got "http:"'],
    [['--redis', 'redis://me:hunter2@db1:99999'], '--redis: its port must be a whole number from 1 to 65535'],
    [['--redis', 'a b'], '--redis: contains a control character or a space'],
    [['--queue', ','], '--queue: has an empty queue name'],
    [['--queue', '!mail'], '--queue: only excludes queues; add one to take jobs from, such as "*"'],
    [['--namespace', 'a\u001Bb'], '--namespace: must not contain control characters, got "a\\u001bb"'],
    [['--script', '  '], '--script: must not be empty'],
    [['--queue', 'mail', 'a.json', 'b.json'], 'init takes one FILE at most; "b.json" is one too many'],
  ])('%j', async (args, message) => {
    expect(await init(...args)).toEqual({ code: 2, stdout: '', stderr: `resque-runner: ${message}` });
    expect(readdirSync(directory.path)).toEqual([]);
  });
});

describe('the address of Redis', () => {
  const file = '/srv/app/cfg.json';

  test.each([
    ['localhost', { host: 'localhost', port: 6379, db: 0 }],
    [' db1.example.org:7000 ', { host: 'db1.example.org', port: 7000, db: 0 }],
    ['[::1]:7000', { host: '::1', port: 7000, db: 0 }],
    ['redis://db1/2', { host: 'db1', port: 6379, db: 2 }],
    ['redis://:pw@db1', { host: 'db1', port: 6379, db: 0, password: 'pw' }],
    [
      'rediss://u:p%40@db1:7000/1',
      { host: 'db1', port: 7000, db: 1, username: 'u', password: 'p@', tls: true },
    ],
    ['unix:///run/redis.sock?db=4', { path: '/run/redis.sock', db: 4 }],
    ['/srv/app/run/redis.sock', { path: './run/redis.sock', db: 0 }],
    ['embedded', 'embedded'],
  ])('%j', (text, field) => {
    const { io } = testIo();
    const result = readRedis(io, text, file);
    if (!result.ok) throw new Error(result.problem);
    expect(redisField(io, result.redis, file)).toEqual(field);
    // The parser reads it in the same way.
    const config = { redis: field, runners: { q: 1 }, script: '/bin/true' };
    expect(parseConfig(JSON.stringify(config), { file })).toMatchObject({
      ok: true,
      config: { redis: result.redis },
    });
  });
});

describe('the script', () => {
  function meant(text: string) {
    const { io } = testIo({ cwd: directory.path });
    return readScript(io, text, path('cfg.json'));
  }

  test('is a file in this directory, with or without "./"', async () => {
    script('sh');
    expect(await meant('./sh')).toEqual({ field: './sh', program: path('sh') });
    expect(await meant('sh')).toEqual({ field: './sh', program: path('sh') });
  });

  test('is a program on PATH, or else a file that does not exist yet', async () => {
    expect(await meant('sh')).toEqual({ field: 'sh', program: null });
    expect(await meant('nothing-like-this')).toEqual({
      field: './nothing-like-this',
      program: path('nothing-like-this'),
    });
  });

  test('is a program and its arguments, with full paths of files', async () => {
    script('job.sh');
    expect(await meant('sh job.sh --fast')).toEqual({
      field: ['sh', path('job.sh'), '--fast'],
      program: null,
    });
    expect(await meant('./job.sh  a')).toEqual({ field: ['./job.sh', 'a'], program: path('job.sh') });
  });

  test('may be a path with a space', async () => {
    script('my job.sh');
    expect(await meant('my job.sh')).toEqual({ field: './my job.sh', program: path('my job.sh') });
  });

  test('may be a path from the home directory', async () => {
    expect(await meant('~/no/job.sh')).toEqual({
      field: join(homedir(), 'no/job.sh'),
      program: join(homedir(), 'no/job.sh'),
    });
  });
});

describe('the location of the schema', () => {
  test('is in the project that has the package installed, wherever the config is', () => {
    mkdirSync(path('app/conf'), { recursive: true });
    mkdirSync(path('app/node_modules/resque-runner'), { recursive: true });
    writeFileSync(path('app/node_modules/resque-runner/cfg.schema.json'), '');
    expect(schemaReference(path('app'))).toBe('./node_modules/resque-runner/cfg.schema.json');
    expect(schemaReference(path('app/conf'))).toBe('../node_modules/resque-runner/cfg.schema.json');
    expect(schemaReference(path('.'))).toMatch(/^file:\/\/\/.*\/cfg\.schema\.json$/);
  });

  test('is beside the config in a checkout, and a URL elsewhere', () => {
    const schema = path('my checkout/cfg.schema.json');
    expect(schemaReference(path('my checkout'), schema)).toBe('./cfg.schema.json');
    expect(schemaReference(path('my checkout/a/b'), schema)).toBe('../../cfg.schema.json');
    expect(schemaReference(path('my checkout 2'), schema)).toBe(`file://${encodeURI(schema)}`);
  });
});
