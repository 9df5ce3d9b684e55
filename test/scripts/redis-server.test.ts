import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { repository } from './small-checkout.ts';

/** A machine whose PATH contains only the test's programs. */
let machine: string;
let bin: string;
let log: string;

beforeEach(() => {
  machine = mkdtempSync(join(tmpdir(), 'resque runner machine '));
  bin = join(machine, 'bin');
  log = join(machine, 'log');
  mkdirSync(bin);
});
afterEach(() => rmSync(machine, { recursive: true, force: true }));

function addProgram(name: string, body: string) {
  const path = join(bin, name);
  writeFileSync(path, `#!/bin/sh\n${body}\n`);
  chmodSync(path, 0o755);
}

/** A program that records its call, then runs the body. */
function addPackageManager(name: string, body: string) {
  addProgram(name, `echo "${name} $*" >>'${log}'\n${body}`);
  // Runs its arguments as a command.
  addProgram('sudo', 'shift\nexec "$@"');
  symlinkSync('/usr/bin/env', join(bin, 'env'));
}

/** Shell code of a package manager that installs the server. */
const install = (name: string) =>
  `: >'${bin}/${name}'; /bin/chmod +x '${bin}/${name}'`.replaceAll('/bin/chmod', chmodPath());

function chmodPath() {
  return existsSync('/bin/chmod') ? '/bin/chmod' : '/usr/bin/chmod';
}

/** @param usualDirectories replaces the real directories, which may contain a real server */
function ensureRedisServer(usualDirectories: readonly string[] = []) {
  const script = `
    import { ensureRedisServer } from ${JSON.stringify(join(repository, 'scripts/setup/redis-server.mjs'))};
    import { reportAndExit } from ${JSON.stringify(join(repository, 'scripts/setup/setup-error.mjs'))};
    await ensureRedisServer(${JSON.stringify(usualDirectories)}).catch(reportAndExit);
    console.log(process.env.PATH);
  `;
  return execa(process.execPath, ['--input-type=module', '--eval', script], {
    env: { PATH: bin, TMPDIR: machine },
    extendEnv: false,
    reject: false,
  });
}

const calls = () => (existsSync(log) ? readFileSync(log, 'utf8').trimEnd().split('\n') : []);
const sudo = process.getuid?.() === 0 ? '' : 'sudo ';

describe('a Redis server', () => {
  test.each(['redis-server', 'valkey-server'])('is found if %s is on PATH', async (name) => {
    addProgram(name, '');
    addPackageManager('apt-get', 'exit 1');

    expect(await ensureRedisServer()).toMatchObject({ exitCode: 0, stdout: bin, stderr: '' });
    expect(calls()).toEqual([]);
  });

  test('is found in the usual directories, which are added to PATH', async () => {
    const sbin = join(machine, 'sbin');
    mkdirSync(sbin);
    addProgram('../sbin/redis-server', '');

    const { stdout, stderr } = await ensureRedisServer(['/nowhere', sbin]);

    expect({ stdout, stderr }).toEqual({ stdout: `${bin}:${sbin}`, stderr: '' });
  });

  test('is requested from the user if there is no package manager', async () => {
    const { exitCode, stderr } = await ensureRedisServer();

    expect(exitCode).toBe(1);
    expect(stderr).toContain('neither `redis-server` nor `valkey-server` is on PATH');
    expect(stderr).toContain('Install Redis (https://redis.io');
    expect(stderr).not.toMatch(/^ +at /m);
  });

  test('comes from apt-get, after an update of its lists and without its service', async () => {
    addPackageManager(
      'apt-get',
      `echo "$DEBIAN_FRONTEND $RUNLEVEL" >>'${log}'\ncase "$*" in *' install '*) ${install('redis-server')};; esac`,
    );

    expect(await ensureRedisServer()).toMatchObject({
      exitCode: 0,
      stderr: 'Installing Redis with apt-get…',
    });
    const options = '-q -y -o DPkg::Lock::Timeout=120';
    expect(calls()).toEqual([
      `apt-get ${options} update`,
      ' ',
      `apt-get ${options} install --no-install-recommends --reinstall redis-server`,
      'noninteractive 1',
    ]);
  });

  test.each([
    ['dnf', '-q -y install valkey', 'valkey-server'],
    ['apk', 'add --no-cache redis', 'redis-server'],
    ['brew', 'install redis', 'redis-server'],
  ])('comes from %s', async (name, args, server) => {
    addPackageManager(name, install(server));

    expect(await ensureRedisServer()).toMatchObject({
      exitCode: 0,
      stderr: `Installing Redis with ${name}…`,
    });
    expect(calls()).toEqual([`${name} ${args}`]);
  });

  test('comes under its other name if the first one is unknown', async () => {
    addPackageManager('apk', `case "$*" in *valkey) ${install('valkey-server')};; *) exit 1;; esac`);

    expect(await ensureRedisServer()).toMatchObject({ exitCode: 0 });
    expect(calls()).toEqual(['apk add --no-cache redis', 'apk add --no-cache valkey']);
  });

  test('is requested with a command to run if the package manager fails', async () => {
    addPackageManager('apt-get', 'echo "E: Unable to locate package" >&2\nexit 100');

    const { exitCode, stderr } = await ensureRedisServer();

    expect(exitCode).toBe(1);
    expect(stderr).toContain(`\n    ${sudo}apt-get install redis-server\n`);
    expect(stderr).toContain('E: Unable to locate package');
    expect(stderr).not.toMatch(/^ +at /m);
  });

  test('is installed once, even if several processes need it at the same time', async () => {
    addPackageManager('apk', install('redis-server'));

    const runs = await Promise.all([ensureRedisServer(), ensureRedisServer(), ensureRedisServer()]);

    expect(runs.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0]);
    expect(calls()).toEqual(['apk add --no-cache redis']);
  });
});
