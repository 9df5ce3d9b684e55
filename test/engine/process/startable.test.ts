import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { PoolConfig } from '../../../src/config/config.ts';
import { checkStartable } from '../../../src/engine/process/startable.ts';
import { runnerDefaults } from '../../helpers/runner-config.ts';

let directory = '';

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rr-startable-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

function pool(changes: Partial<PoolConfig>): PoolConfig {
  return { ...runnerDefaults, ...changes };
}

/** @returns its path */
function file(name: string, content: string | Buffer, mode = 0o755): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

async function reasonAgainst(changes: Partial<PoolConfig>): Promise<string> {
  const verdict = await checkStartable(pool(changes));
  return verdict.ok ? `(none: ${verdict.file})` : verdict.reason;
}

/** Whether the system starts it. A verdict must agree with this. */
async function starts(script: string, env: Record<string, string> = {}): Promise<boolean> {
  const { exitCode } = await execa(script, { reject: false, stdio: 'ignore', env });
  return exitCode === 0;
}

describe('a command line instead of a path', () => {
  const advice = 'write a program with arguments as a list of words';

  test('gets the advice to write a list', async () => {
    expect(await reasonAgainst({ script: ['sh job.sh'] })).toBe(`sh job.sh is not on PATH; ${advice}`);
    const script = file('my job', '');
    expect(await reasonAgainst({ script: [`${script} --fast "a b"`] })).toBe(
      `${script} --fast "a b" does not exist; ${advice}`,
    );
  });

  test('gets no advice if it is already a list; a file with that name is accepted', async () => {
    expect(await reasonAgainst({ script: ['sh job.sh', 'x'] })).not.toContain(advice);
    const script = file('sh job.sh', '');
    expect(await reasonAgainst({ script: [script] })).toBe(`(none: ${script})`);
  });
});

describe('a script that can be started', () => {
  test.each([
    ['with an interpreter', '#!/bin/sh\nexit 0\n'],
    ['with blanks and an argument after #!', '#! /bin/sh -e\nexit 0\n'],
    ['found through env', '#!/usr/bin/env sh\nexit 0\n'],
    ['found through env -S', '#!/usr/bin/env -S A=1 sh -e\nexit 0\n'],
    ['without #!, which the shell runs', 'exit 0\n'],
    ['that is empty', ''],
  ])('is accepted: %s', async (_, content) => {
    const script = file('job', content);
    expect(await starts(script)).toBe(true);
    expect(await checkStartable(pool({ script: [script] }))).toEqual({ ok: true, file: script });
  });

  test('may be a binary, and a symbolic link', async () => {
    symlinkSync('/bin/sh', join(directory, 'link'));
    expect(await checkStartable(pool({ script: [join(directory, 'link')] }))).toMatchObject({ ok: true });
  });

  test('may have a script as its interpreter', async () => {
    const interpreter = file('interpreter', '#!/bin/sh\nexit 0\n');
    const script = file('job', `#!${interpreter}\n`);
    expect(await starts(script)).toBe(true);
    expect(await checkStartable(pool({ script: [script] }))).toMatchObject({ ok: true });
  });

  test('is looked up on the PATH of the runner if it is a bare word', async () => {
    const script = file('my-job', '#!/bin/sh\n');
    expect(await reasonAgainst({ script: ['my-job'] })).toMatch(/^my-job is not on PATH/);
    const verdict = await checkStartable(pool({ script: ['my-job'], env: { PATH: `/bin:${directory}` } }));
    expect(verdict).toEqual({ ok: true, file: script });
  });

  test.each([
    ['its name', ['rr-job']],
    ['env, as an interpreter', ['./job']],
  ])('is the first on PATH that can be started, called by %s', async (_, script) => {
    file('job', '#!/usr/bin/env rr-job\n');
    mkdirSync(join(directory, 'locked'), { mode: 0 });
    for (const name of ['a', 'b', 'c']) mkdirSync(join(directory, name));
    file('a/rr-job', '#!/no/such/interpreter\n');
    file('b/rr-job', '#!/bin/sh\n', 0o644);
    file('c/rr-job', '#!/bin/sh\n');
    const PATH = ['locked', 'a', 'b', 'c'].map((name) => join(directory, name)).join(':');
    expect(await starts(join(directory, 'job'), { PATH })).toBe(true);
    const verdict = await checkStartable(pool({ script, cwd: directory, env: { PATH } }));
    expect(verdict).toEqual({ ok: true, file: join(directory, script[0] === 'rr-job' ? 'c/rr-job' : 'job') });
  });

  test('is found in a relative PATH entry from its working directory', async () => {
    mkdirSync(join(directory, 'bin'));
    const script = file('bin/my-job', '#!/bin/sh\n');
    const verdict = await checkStartable(pool({ script: ['my-job'], cwd: directory, env: { PATH: 'bin' } }));
    expect(verdict).toEqual({ ok: true, file: script });
  });
});

describe('a script that cannot be started', () => {
  test('is missing', async () => {
    const script = join(directory, 'none');
    expect(await reasonAgainst({ script: [script] })).toBe(`${script} does not exist`);
    expect(await reasonAgainst({ script: [join(file('a', ''), 'b')] })).toContain(
      'part of its path is a file',
    );
    symlinkSync(script, join(directory, 'dangling'));
    expect(await reasonAgainst({ script: [join(directory, 'dangling')] })).toContain('does not exist');
  });

  test('is a directory or not a regular file', async () => {
    expect(await reasonAgainst({ script: [directory] })).toBe(`${directory} is a directory`);
    expect(await reasonAgainst({ script: ['/dev/null'] })).toBe('/dev/null is not a regular file');
  });

  test('is not executable', async () => {
    const script = file('job', '#!/bin/sh\n', 0o644);
    expect(await reasonAgainst({ script: [script] })).toBe(
      `${script} is not executable; make it so with: chmod +x ${script}`,
    );
  });

  test('has no interpreter or a missing one', async () => {
    const without = file('without', '#!\n');
    expect(await reasonAgainst({ script: [without] })).toBe(`${without} has "#!" without an interpreter`);
    const missing = file('missing', '#!/no/such/ruby -w\n');
    expect(await reasonAgainst({ script: [missing] })).toBe(
      `the interpreter of ${missing}: /no/such/ruby does not exist`,
    );
    expect(await starts(missing)).toBe(false);
  });

  test('names an interpreter that env cannot find', async () => {
    const script = file('job', '#!/usr/bin/env no-such-ruby\n');
    expect(await reasonAgainst({ script: [script], env: { PATH: '/usr/bin:/bin' } })).toBe(
      `the interpreter of ${script}: no-such-ruby is not on PATH`,
    );
  });

  test('names an interpreter that env finds on PATH but cannot run', async () => {
    const script = file('job', '#!/usr/bin/env rr-ruby\n');
    mkdirSync(join(directory, 'a/rr-ruby'), { recursive: true });
    mkdirSync(join(directory, 'b'));
    const ruby = file('b/rr-ruby', '#!/bin/sh\n', 0o644);
    const PATH = `${directory}/a:${directory}/b:${process.env.PATH}`;
    expect(await starts(script, { PATH })).toBe(false);
    expect(await reasonAgainst({ script: [script], env: { PATH } })).toBe(
      `the interpreter of ${script}: ${directory}/a/rr-ruby is a directory`,
    );
    rmSync(join(directory, 'a'), { recursive: true });
    expect(await reasonAgainst({ script: [script], env: { PATH } })).toBe(
      `the interpreter of ${script}: ${ruby} is not executable; make it so with: chmod +x ${ruby}`,
    );
    file('b/rr-ruby', '#!/no/such/ruby\n');
    expect(await starts(script, { PATH })).toBe(false);
    expect(await reasonAgainst({ script: [script], env: { PATH } })).toBe(
      `the interpreter of ${script}: the interpreter of ${ruby}: /no/such/ruby does not exist`,
    );
  });

  test('names an interpreter that may be in a PATH directory without search permission', async () => {
    const script = file('job', '#!/usr/bin/env rr-ruby\n');
    const locked = join(directory, 'locked');
    mkdirSync(locked, { mode: 0 });
    const env = { PATH: `${locked}:/usr/bin:/bin` };
    expect(await starts(script, env)).toBe(false);
    expect(await reasonAgainst({ script: [script], env })).toBe(
      `the interpreter of ${script}: rr-ruby is not on PATH`,
    );
    expect(await reasonAgainst({ script: ['rr-ruby'], env })).toBe('rr-ruby is not on PATH');
  });

  test.runIf(process.platform === 'linux')('passes two words to env, which Linux passes as one', async () => {
    const script = file('job', '#!/usr/bin/env sh -e\n');
    expect(await starts(script)).toBe(false);
    expect(await reasonAgainst({ script: [script] })).toContain('write "#!/usr/bin/env -S sh -e"');
  });

  test.each(['#!/bin/sh\r\necho x\r\n', '#!/usr/bin/env sh\r\necho x\r\n'])(
    'has Windows line endings: %j',
    async (content) => {
      const script = file('job', content);
      expect(await starts(script)).toBe(false);
      const reason = await reasonAgainst({ script: [script] });
      expect(reason).toContain('has Windows line endings');
      const fix = reason.slice(reason.indexOf('sed '));
      await execa('sh', ['-c', fix]);
      expect(await checkStartable(pool({ script: [script] }))).toMatchObject({ ok: true });
    },
  );

  test('has a working directory that is missing or is a file', async () => {
    expect(await reasonAgainst({ cwd: join(directory, 'none') })).toBe(
      `its working directory ${directory}/none does not exist`,
    );
    expect(await reasonAgainst({ cwd: file('a', '') })).toContain('is not a directory');
  });
});
