/** Which program posix_spawn and child_process start, as `execvp` would; and why not, where there is none. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { launchers, sh, testThatNativeIsTested, usePrograms, type Wanted } from './launchers.ts';

const { start, refusal } = usePrograms();
const succeeded = { exitCode: 0, signal: null };
let directory = '';

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rr-launch-'));
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true, force: true });
});

/** A file in the test's directory, with what lies above it. @returns its path */
function file(name: string, content = '#!/bin/sh\necho "$0"\n', mode = 0o755): string {
  const path = join(directory, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

testThatNativeIsTested();

describe.each(launchers)('$way', ({ launch }) => {
  describe('the program', () => {
    test('is looked for on the PATH that it is given', async () => {
      const path = file('bin/rr-program');
      const program = start(launch, { command: ['rr-program'], env: [`PATH=/nowhere:${directory}/bin`] });
      expect(await program.over()).toEqual(succeeded);
      expect(program.stdout.text).toBe(`${path}\n`);
    });

    test('is not looked for on ours', async () => {
      file('bin/rr-program');
      vi.stubEnv('PATH', `${directory}/bin`);
      expect(await refusal(launch, { command: ['rr-program'], env: ['PATH=/nowhere'] })).toBe(
        'spawn rr-program ENOENT',
      );
    });

    test.each(['', ':', '/nowhere:', ':/nowhere', '/nowhere::/nowhere', '.', 'bin/..'])(
      'is found in its working directory with the PATH %j',
      async (path) => {
        file('rr-program', '#!/bin/sh\necho found\n');
        mkdirSync(join(directory, 'bin'));
        const program = start(launch, { command: ['rr-program'], cwd: directory, env: [`PATH=${path}`] });
        expect(await program.over()).toEqual(succeeded);
        expect(program.stdout.text).toBe('found\n');
      },
    );

    test('is found in a relative entry of PATH, from its working directory', async () => {
      file('bin/rr-program', '#!/bin/sh\necho found\n');
      const program = start(launch, { command: ['rr-program'], cwd: directory, env: ['PATH=bin'] });
      expect(await program.over()).toEqual(succeeded);
      expect(program.stdout.text).toBe('found\n');
    });

    test("is found where there is no PATH: in the system's own directories", async () => {
      vi.stubEnv('PATH', '/nowhere');
      const program = start(launch, { command: ['cat', '/proc/self/environ'], env: [] });
      expect(await program.over()).toEqual(succeeded);
      expect(program.stdout.text).toBe('');
    });

    test('is the first on PATH that can be started', async () => {
      file('a/rr-program', '#!/bin/sh\n', 0o644);
      mkdirSync(join(directory, 'b/rr-program'), { recursive: true });
      file('c/rr-program', '#!/no/such/interpreter\n');
      mkdirSync(join(directory, 'd'));
      symlinkSync('/nowhere', join(directory, 'd/rr-program'));
      const path = file('e/rr-program');
      file('f/rr-program');
      const entries = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => join(directory, name));
      const program = start(launch, { command: ['rr-program'], env: [`PATH=${entries.join(':')}`] });
      expect(await program.over()).toEqual(succeeded);
      expect(program.stdout.text).toBe(`${path}\n`);
    });

    test.each(['./job', 'sub/../job', '../here/job'])(
      '%s is found from its working directory',
      async (name) => {
        file('here/job', '#!/bin/sh\nread -r line; echo "$0 $line"\n');
        mkdirSync(join(directory, 'here/sub'));
        const cwd = join(directory, 'here');
        const program = start(launch, { command: [name], cwd, stdin: Buffer.from('payload') });
        expect(await program.over()).toEqual(succeeded);
        expect(program.stdout.text).toBe(`${name} payload\n`);
      },
    );

    test('has its name as the first of its words, and every other as it is', async () => {
      const words = ['', 'two words', '$HOME', '*', '\n', 'ü€😀', '-n'];
      const program = start(launch, { command: ['cat', '/proc/self/cmdline', '--', ...words] });
      await program.over();
      expect(program.stdout.text.split('\0')).toEqual(['cat', '/proc/self/cmdline', '--', ...words, '']);
    });

    test.each([
      ['by its path', './text'],
      ['by its name', 'text'],
    ])('without "#!" is run by the shell, called %s', async (_, name) => {
      file('text', 'echo "$# $1 $2 $(cat)"\n');
      const program = start(launch, {
        command: [name, 'a b', 'c'],
        cwd: directory,
        env: ['PATH=/nowhere:.:/usr/bin:/bin'],
        stdin: Buffer.from('payload'),
      });
      expect(await program.over()).toEqual(succeeded);
      expect(program.stdout.text).toBe('2 a b c payload\n');
    });

    test('may be an empty file, which does nothing', async () => {
      expect(await start(launch, { command: [file('empty', '')] }).over()).toEqual(succeeded);
    });
  });

  describe('what can not be started says why', () => {
    test.each<[string, string, () => Wanted]>([
      ['a missing file', 'ENOENT', () => ({ command: [join(directory, 'none')] })],
      ['a name that is nowhere on PATH', 'ENOENT', () => ({ command: ['rr-none'] })],
      ['a file below a file', 'ENOTDIR', () => ({ command: [join(file('a'), 'b')] })],
      ['a file that is not executable', 'EACCES', () => ({ command: [file('a', '', 0o644)] })],
      [
        'a name on PATH that is not executable',
        'EACCES',
        () => {
          file('a/rr-program', '', 0o644);
          file('b/rr-program', '#!/no/such/interpreter\n');
          return { command: ['rr-program'], env: [`PATH=${directory}/a:${directory}/b`] };
        },
      ],
      ['a directory', 'EACCES', () => ({ command: [directory] })],
      ['a missing interpreter', 'ENOENT', () => ({ command: [file('a', '#!/no/such/ruby\n')] })],
      ['a directory as interpreter', 'EACCES', () => ({ command: [file('a', '#!/tmp\n')] })],
      [
        'a link to itself',
        'ELOOP',
        () => {
          symlinkSync('loop', join(directory, 'loop'));
          return { command: [join(directory, 'loop')] };
        },
      ],
      ['a missing working directory', 'ENOENT', () => ({ command: sh(''), cwd: join(directory, 'none') })],
      ['a file as working directory', 'ENOTDIR', () => ({ command: sh(''), cwd: file('a') })],
      ['a word that is too long', 'E2BIG', () => ({ command: sh('', 'x'.repeat(200_000)) })],
      [
        'an environment that is too large',
        'E2BIG',
        () => ({
          command: sh(''),
          env: Array.from({ length: 100 }, (_, at) => `V${at}=${'x'.repeat(100_000)}`),
        }),
      ],
    ])('%s: %s', async (_, code, wanted) => {
      const { command, ...rest } = wanted();
      const reason = await refusal(launch, { command, ...rest });
      // Node doesn't always name the program.
      expect([`spawn ${command[0]} ${code}`, `spawn ${code}`]).toContain(reason);
    });
  });
});
