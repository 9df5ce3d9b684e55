/** Messages and exit codes after wrong arguments and after other errors. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import packageJson from '../../../package.json' with { type: 'json' };
import { shellWords } from '../../helpers/shell-words.ts';
import { useDirectory } from '../directory.ts';
import { program, runProgram } from '../program.ts';

const directory = useDirectory();

function run(...args: string[]) {
  return runProgram(args, { cwd: directory.path });
}

function write(name: string, content: string): string {
  const path = join(directory.path, name);
  writeFileSync(path, content);
  return path;
}

const goodConfig = '{ "runners": { "default": 1 }, "script": "/bin/true" }';

describe('exit code 0', () => {
  test('follows --version, which prints only the version', async () => {
    expect(await run('--version')).toEqual({ code: 0, stdout: packageJson.version, stderr: '' });
  });

  test.each([
    ['--help', 'resque-runner: runs a program for each job'],
    ['check --help', 'resque-runner check [CONFIG]'],
    ['failed --help', 'resque-runner failed: list, show, retry and remove failures'],
    ['failed retry -h', 'resque-runner failed retry [ID…]'],
  ])('follows help: %s', async (args, beginning) => {
    const { code, stdout, stderr } = await run(...args.split(' '));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.slice(0, beginning.length)).toBe(beginning);
  });

  test('follows a reader that goes away', async () => {
    const command = `${shellWords([process.execPath, program])} --help | true; echo "\${PIPESTATUS[0]}"`;
    const { stdout, stderr } = await execa('bash', ['-c', command]);
    expect({ stdout, stderr }).toEqual({ stdout: '0', stderr: '' });
  });
});

describe('exit code 2', () => {
  test('follows a mistake on the command line, reported in one line', async () => {
    expect(await run('--drian')).toEqual({
      code: 2,
      stdout: '',
      stderr: 'resque-runner: resque-runner has no flag --drian; did you mean --drain?',
    });
  });

  test('follows a missing config, with what to do', async () => {
    const { code, stderr } = await run();
    expect(code).toBe(2);
    expect(stderr).toContain('there is no ./cfg.json, $RR_CONFIG is not set, and no file was given');
    expect(stderr).toContain('resque-runner demo');
    expect(stderr).toContain('resque-runner init');
  });

  test('follows a config that does not exist, is a directory, or is not readable', async () => {
    expect((await run('none.json')).stderr).toBe(
      "resque-runner: none.json can't be used:\n  there is no such file; write it with: resque-runner init none.json",
    );
    mkdirSync(join(directory.path, 'folder'));
    expect((await run('folder/')).stderr).toContain(
      'it is a directory; give the file in it, such as folder/cfg.json',
    );
    // Root may read everything, and would wait for Redis.
    if (process.getuid?.() === 0) return;
    const secret = write('secret.json', goodConfig);
    chmodSync(secret, 0o000);
    const { code, stderr } = await run('secret.json');
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining('no permission to read it'),
    });
  });

  test('follows an invalid config, with each problem on its own line and no stack', async () => {
    write(
      'cfg.json',
      '{ "redis": { "port": 0 }, "runners": { "mail": 0 }, "script": "/bin/true", "rnners": 1 }',
    );
    const { code, stdout, stderr } = await run();
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    const [head, ...problems] = stderr.split('\n');
    expect(head).toBe("resque-runner: cfg.json can't be used:");
    expect(problems).toHaveLength(3);
    expect(problems.join('\n')).toContain('  runners.mail.concurrency: must be 1 or more, got 0');
    expect(stderr).not.toContain('    at ');
  });

  test('follows an invalid --redis, without showing its password', async () => {
    write('cfg.json', goodConfig);
    for (const args of [[], ['check'], ['enqueue', 'q', 'C']]) {
      const { code, stdout, stderr } = await run(...args, '--redis', 'redis://me:hunter2@host:99999/0');
      expect(code).toBe(2);
      // The message does not blame the config, which is valid.
      expect(stderr).toMatch(/^resque-runner: --redis: /);
      expect(stdout + stderr).not.toContain('hunter2');
    }
  });

  test('follows an invalid config in $RR_CONFIG, which has priority over ./cfg.json', async () => {
    write('cfg.json', goodConfig);
    const other = write('other.json', '[]');
    const { code, stderr } = await runProgram([], { cwd: directory.path, env: { RR_CONFIG: other } });
    expect(code).toBe(2);
    expect(stderr).toContain("other.json can't be used");
  });
});

describe('exit code 1', () => {
  test('follows a bug of the program, with a stack', async () => {
    // A preload that breaks a builtin.
    const preload = write(
      'break.mjs',
      'JSON.stringify = () => { throw new RangeError("broken on purpose"); };',
    );
    const { exitCode, stderr } = await execa(
      process.execPath,
      ['--import', preload, program, 'enqueue', 'q', 'C', '--redis', 'redis://127.0.0.1:1'],
      { cwd: directory.path, reject: false },
    );
    expect(exitCode).toBe(1);
    expect(stderr).toContain('internal error in resque-runner');
    expect(stderr).toContain('RangeError: broken on purpose');
    expect(stderr).toContain('    at ');
  });
});
