/** Programs started by posix_spawn and by child_process: what goes in and out, and how they end. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { waitFor } from '../../helpers/wait-for.ts';
import { launchers, nativeLaunchers, sh, testThatNativeIsTested, usePrograms } from './launchers.ts';

const { start } = usePrograms();
const succeeded = { exitCode: 0, signal: null };
let directory = '';

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rr-launch-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

/** The same bytes each time, and all of them there are. */
function bytesOf(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at += 1) bytes[at] = (at * 31 + (at >> 8)) % 256;
  return bytes;
}

testThatNativeIsTested();

describe.each(launchers)('$way', ({ launch, isNative }) => {
  describe('an end', () => {
    test.each([0, 1, 127, 255])('with exit code %i', async (exitCode) => {
      const program = start(launch, { command: sh(`exit ${exitCode}`) });
      expect(await program.over()).toEqual({ exitCode, signal: null });
    });

    test.each(['SIGKILL', 'SIGABRT', 'SIGSEGV', 'SIGTERM', 'SIGHUP', 'SIGPIPE', 'SIGIO'])(
      'by %s',
      async (signal) => {
        const command = sh(`ulimit -c 0; kill -${signal.slice(3)} $$`);
        expect(await start(launch, { command }).over()).toEqual({ exitCode: null, signal });
      },
    );

    // Node has no name for one, and tells it as exit code 0.
    test.runIf(isNative).each([34, 64])('by the real-time signal %i', async (number) => {
      const program = start(launch, { command: sh(`kill -${number} $$`) });
      expect(await program.over()).toEqual({ exitCode: null, signal: `SIG${number}` });
    });

    test('with a core is the signal that it came from', async () => {
      const command = sh('ulimit -c "$(ulimit -H -c)"; kill -ABRT $$');
      const program = start(launch, { command, cwd: directory });
      expect(await program.over()).toEqual({ exitCode: null, signal: 'SIGABRT' });
    });
  });

  describe('output', () => {
    test('comes from each stream, to the byte', async () => {
      const bytes = bytesOf(300_000);
      writeFileSync(join(directory, 'bytes'), bytes);
      const program = start(launch, { command: sh('cat bytes; tac bytes >&2'), cwd: directory });
      await program.over();
      expect(program.stdout.bytes.equals(bytes)).toBe(true);
      expect(program.stderr.bytes.length).toBe(bytes.length);
      expect(program.stderr.bytes.equals(bytes)).toBe(false);
    });

    test('may end long before the program', async () => {
      const command = sh('echo first; exec >&- 2>&-; read -r code; exit "$code"');
      const program = start(launch, { command, stdin: 'pipe' });
      await waitFor(() => program.stdout.isClosed && program.stderr.isClosed, { message: 'both are closed' });
      expect(program.stdout.text).toBe('first\n');
      expect(program.ends).toEqual([]);
      expect(program.process.hasExited()).toBe(false);
      program.stdin.end('7\n');
      expect(await program.exit()).toEqual({ exitCode: 7, signal: null });
    });

    test('of results has a descriptor and a pipe of its own', async () => {
      const command = sh('echo out; echo err >&2; echo result >&3; head -c 100000 /dev/zero >&3');
      const program = start(launch, { command, hasResults: true });
      expect(await program.over()).toEqual(succeeded);
      expect(program.stdout.text).toBe('out\n');
      expect(program.stderr.text).toBe('err\n');
      expect(
        program.results?.bytes.equals(Buffer.concat([Buffer.from('result\n'), Buffer.alloc(100_000)])),
      ).toBe(true);
    });

    test('of results exists only if the spec asks for it', async () => {
      const program = start(launch, { command: sh('true') });
      expect(program.results).toBeNull();
      await program.over();
    });

    test('that is not taken waits, and comes when it is', async () => {
      const command = sh('head -c 1000000 /dev/zero; echo written >&2');
      const program = start(launch, { command });
      const { stdout } = program.process;
      stdout.pause();
      expect(stdout.isPaused).toBe(true);
      // Long enough for all of it, if anybody took it.
      await start(launch, { command }).over();
      expect(program.stderr.text).toBe('');
      expect(program.ends).toEqual([]);
      stdout.resume();
      expect(stdout.isPaused).toBe(false);
      await program.over();
      expect(program.stdout.bytes.length).toBe(1_000_000);
    });

    test('that nobody wants any more has nowhere to go', async () => {
      const program = start(launch, { command: ['yes'] });
      await waitFor(() => program.stdout.bytes.length > 0, { message: 'it prints' });
      program.process.stdout.destroy();
      const end = await program.over();
      // Of a socket, as Node has it, the program may also be told that it was reset.
      expect([
        { exitCode: null, signal: 'SIGPIPE' },
        ...(isNative ? [] : [{ exitCode: 1, signal: null }]),
      ]).toContainEqual(end);
    });
  });

  describe('STDIN', () => {
    test.each([0, 31, 4096, 65_536, 65_537, 1_000_000, 5_000_000])(
      'holds %i bytes, then the end',
      async (length) => {
        const bytes = bytesOf(length);
        const program = start(launch, { command: ['cat'], stdin: bytes });
        expect(program.process.stdin).toBeNull();
        expect(await program.over()).toEqual(succeeded);
        expect(program.stdout.bytes.equals(bytes)).toBe(true);
      },
    );

    test.each([0, 31, 1_000_000])('of %i bytes can be opened by name', async (length) => {
      const bytes = bytesOf(length);
      const program = start(launch, { command: ['cat', '/dev/stdin'], stdin: bytes });
      expect(await program.over()).toEqual(succeeded);
      expect(program.stdout.bytes.equals(bytes)).toBe(true);
    });

    test.each([
      ['is never read', 'exit 3'],
      ['is closed at once', 'exec <&-; exit 3'],
      ['is read in part', 'head -c 10 >/dev/null; exit 3'],
    ])('of 5 MB that %s is no failure', async (_, script) => {
      const program = start(launch, { command: sh(script), stdin: bytesOf(5_000_000) });
      expect(await program.over()).toEqual({ exitCode: 3, signal: null });
    });

    test('that is a pipe stays open, and takes one piece after the other', async () => {
      const program = start(launch, { command: ['cat'], stdin: 'pipe' });
      const bytes = bytesOf(300_000);
      let expected = Buffer.alloc(0);
      for (const piece of [Buffer.from('a'), Buffer.from('b\n'), bytes, Buffer.from('c')]) {
        program.stdin.write(piece);
        expected = Buffer.concat([expected, piece]);
        await waitFor(() => program.stdout.bytes.length >= expected.length, { message: 'it comes back' });
        expect(program.stdout.bytes.equals(expected)).toBe(true);
      }
      expect(program.ends).toEqual([]);
      program.stdin.end();
      expect(await program.over()).toEqual(succeeded);
    });
  });
});

describe.each(nativeLaunchers)('$way', ({ launch }) => {
  test('lets /dev/stdout, /dev/stderr and the results be opened by name', async () => {
    const command = sh('echo a >/dev/stdout; echo b >/dev/stderr; echo c >/dev/fd/3');
    const program = start(launch, { command, hasResults: true });
    expect(await program.over()).toEqual(succeeded);
    expect([program.stdout.text, program.stderr.text, program.results?.text]).toEqual(['a\n', 'b\n', 'c\n']);
  });
});
