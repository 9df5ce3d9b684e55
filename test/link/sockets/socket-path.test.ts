import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { LinkError } from '../../../src/link/link-errors.ts';
import {
  prepareFirstSocketPath,
  prepareSocketPath,
  socketDirectories,
} from '../../../src/link/sockets/socket-path.ts';
import { temporaryDirectory } from '../stage.ts';

const modeOf = (path: string) => lstatSync(path).mode & 0o777;

describe('the directories', () => {
  test("are the session's, if there is one, and the user's own below the temporary one", () => {
    const runtime = temporaryDirectory();
    expect(socketDirectories({ XDG_RUNTIME_DIR: runtime }, 1000, '/tmp')).toEqual([
      `${runtime}/resque-runner`,
      '/tmp/resque-runner-1000',
    ]);
  });

  test.each([
    ['is not set', {}],
    ['is empty', { XDG_RUNTIME_DIR: '' }],
    ['is relative', { XDG_RUNTIME_DIR: 'src' }],
    ['does not exist', { XDG_RUNTIME_DIR: '/nonexistent/run' }],
    ['is a file', { XDG_RUNTIME_DIR: '/etc/passwd' }],
    ['is in a file', { XDG_RUNTIME_DIR: '/etc/passwd/run' }],
  ])("are only the user's own if XDG_RUNTIME_DIR %s", (_, env) => {
    expect(socketDirectories(env, 7, '/var/tmp')).toEqual(['/var/tmp/resque-runner-7']);
  });
});

describe('preparing', () => {
  test('makes the directory for its user only, and a path that no other process has', () => {
    const directory = join(temporaryDirectory(), 'made');
    const path = prepareSocketPath(directory, 17);
    expect(path.slice(directory.length)).toMatch(/^\/17-[\da-f]{6}\.sock$/);
    expect(modeOf(directory)).toBe(0o700);
    // Processes of several containers may share a directory and a pid.
    expect(prepareSocketPath(directory, 17)).not.toBe(path);
  });

  test.each([0o755, 0o777, 0o710, 0o500])('closes an own directory with mode %o to other users', (mode) => {
    const directory = join(temporaryDirectory(), 'open');
    mkdirSync(directory);
    chmodSync(directory, mode);
    prepareSocketPath(directory, 17);
    expect(modeOf(directory)).toBe(0o700);
  });

  test.each([
    ['a link to a directory', (path: string) => symlinkSync(temporaryDirectory(), path), 'not a directory'],
    ['a link to nothing', (path: string) => symlinkSync('/nonexistent', path), 'not a directory'],
    ['a file', (path: string) => writeFileSync(path, ''), 'not a directory'],
  ])('refuses %s, with the fix', (_, make, message) => {
    const path = join(temporaryDirectory(), 'it');
    make(path);
    expect(() => prepareSocketPath(path, 17)).toThrow(message);
    expect(() => prepareSocketPath(path, 17)).toThrow('set XDG_RUNTIME_DIR or TMPDIR');
  });

  test('refuses a directory of another user and leaves its mode alone', () => {
    const directory = join(temporaryDirectory(), 'theirs');
    mkdirSync(directory, { mode: 0o777 });
    const mode = modeOf(directory);
    const uid = process.getuid?.() ?? 0;
    expect(() => prepareSocketPath(directory, 17, uid + 1)).toThrow(
      'belongs to another user: ask them to remove it',
    );
    expect(modeOf(directory)).toBe(mode);
  });

  test.runIf(process.getuid?.() === 0)('refuses a directory that root has given to another user', () => {
    const directory = join(temporaryDirectory(), 'theirs');
    mkdirSync(directory);
    chownSync(directory, 12_345, 12_345);
    expect(() => prepareSocketPath(directory, 17)).toThrow('belongs to another user');
  });

  test("gives the fix if the directory can't be made", () => {
    const prepare = () => prepareSocketPath('/nonexistent/resque-runner', 17);
    expect(prepare).toThrow(LinkError);
    expect(prepare).toThrow("/nonexistent/resque-runner can't be created (ENOENT): set XDG_RUNTIME_DIR");
  });

  test('accepts a path of 107 bytes and refuses a longer one', () => {
    const base = temporaryDirectory();
    const fitting = join(base, 'x'.repeat(107 - base.length - '/'.length - '/17-123456.sock'.length));
    expect(Buffer.byteLength(prepareSocketPath(fitting, 17))).toBe(107);
    expect(() => prepareSocketPath(fitting, 170)).toThrow('longer than 107 bytes');
    expect(() => prepareSocketPath(join(base, 'ü'.repeat(45)), 17)).toThrow('longer than 107 bytes');
    expect(readdirSync(base)).toHaveLength(1);
  });

  test('takes the first usable directory of several', () => {
    const base = temporaryDirectory();
    writeFileSync(join(base, 'file'), '');
    const usable = join(base, 'usable');
    expect(prepareFirstSocketPath([join(base, 'file'), usable], 17)).toMatch(join(usable, '17-'));
    expect(() => prepareFirstSocketPath([join(base, 'file'), '/nonexistent/x'], 17)).toThrow(
      join(base, 'file'),
    );
  });
});
