/** What a program finds around it that posix_spawn or child_process has started, and what it has of ours: nothing. */
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { describe, expect, test, vi } from 'vitest';
import { launchers, native, testThatNativeIsTested, usePrograms } from './launchers.ts';

const { start } = usePrograms();

/** Of a process: descriptor by descriptor what it is, without the one that lists them. */
function descriptorsIn(list: string): Map<number, string> {
  const lines = list.split('\n').flatMap((line) => {
    const [, descriptor, target = ''] = / (\d+) -> (.*)$/.exec(line) ?? [];
    return descriptor === undefined || /^\/proc\/\d+\/fd$/.test(target)
      ? []
      : [[Number(descriptor), target] as const];
  });
  return new Map(lines);
}

const listDescriptors: [string, ...string[]] = ['ls', '-l', '/proc/self/fd'];

/** Whatever started the tests may have left some open, which any child then has. */
function inheritedByAll(): number[] {
  const { stdout } = spawnSync('ls', listDescriptors.slice(1), { encoding: 'utf8' });
  return [...descriptorsIn(stdout).keys()].filter((descriptor) => descriptor > 2);
}

/** Acts with a signal blocked in this thread, which a child would have from it. */
function withBlocked(signal: number, act: () => void): void {
  const { load } = createRequire(import.meta.url)('koffi') as typeof import('koffi');
  const mask = load(null).func('int pthread_sigmask(int, const void *, void *)');
  const set = Buffer.alloc(128);
  set.writeUInt32LE(1 << (signal - 1));
  const before = Buffer.alloc(128);
  expect(mask(0, set, before)).toBe(0);
  try {
    act();
  } finally {
    mask(2, before, null);
  }
}

testThatNativeIsTested();

describe.runIf(process.platform === 'linux').each(launchers)('$way', ({ launch }) => {
  test('gives it the environment that is named, and no other', async () => {
    vi.stubEnv('RR_OURS', 'ours');
    try {
      const env = ['B=2', 'A=a=b c', 'EMPTY=', 'LINES=one\ntwo', 'UMLAUT=ü€😀', 'PATH=/bin:/usr/bin'];
      const program = start(launch, { command: ['cat', '/proc/self/environ'], env });
      await program.over();
      expect(program.stdout.text.split('\0')).toEqual([...env, '']);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  test('gives it an environment of 1.5 MB, and as many words', async () => {
    const env = [
      'PATH=/bin:/usr/bin',
      ...Array.from({ length: 7 }, (_, at) => `V${at}=${'x'.repeat(100_000)}`),
    ];
    const words = Array.from({ length: 8_000 }, (_, at) => `${at}`.padStart(90));
    const program = start(launch, {
      command: ['cat', '/proc/self/cmdline', '/proc/self/environ', '--', ...words],
      env,
    });
    await program.over();
    const all = ['cat', '/proc/self/cmdline', '/proc/self/environ', '--', ...words, ...env, ''];
    expect(program.stdout.text.split('\0')).toEqual(all);
  });

  test('has it lead a session and a process group of its own', async () => {
    const program = start(launch, { command: ['cat', '/proc/self/stat'] });
    await program.over();
    // proc(5): the process group and the session are fields 5 and 6; the state, behind the name, is field 3.
    const fields = program.stdout.text.slice(program.stdout.text.lastIndexOf(')') + 2).split(' ');
    expect([Number(fields[2]), Number(fields[3])]).toEqual([program.pid, program.pid]);
  });

  test('lets it block and ignore no signal', async () => {
    const command: [string, ...string[]] = ['grep', '-E', '^Sig(Blk|Ign)', '/proc/self/status'];
    const listener = () => {};
    process.on('SIGUSR2', listener);
    try {
      const program = start(launch, { command });
      await program.over();
      expect(program.stdout.text.replaceAll('\t', ' ')).toMatch(/^SigBlk: 0+\nSigIgn: 0+\n$/);
    } finally {
      process.off('SIGUSR2', listener);
    }
  });

  test.runIf(native !== null)('lets it block no signal that we do', async () => {
    const programs: ReturnType<typeof start>[] = [];
    withBlocked(constants.signals.SIGUSR2, () => {
      programs.push(start(launch, { command: ['grep', '^SigBlk', '/proc/self/status'] }));
      expect(readFileSync('/proc/thread-self/status', 'utf8')).not.toMatch(/^SigBlk:\t0+$/m);
    });
    for (const program of programs) {
      await program.over();
      expect(program.stdout.text).toMatch(/^SigBlk:\t0+\n$/);
    }
  });

  test.each([
    [false, []],
    [true, [3]],
  ])('leaves no descriptor open in it but those it is to have; results: %s', async (hasResults, wanted) => {
    const inherited = inheritedByAll();
    const ours = openSync('/dev/null', 'r');
    try {
      const program = start(launch, { command: listDescriptors, hasResults });
      await program.over();
      const found = descriptorsIn(program.stdout.text);
      expect([...found.keys()].sort((a, b) => a - b)).toEqual(
        [...new Set([0, 1, 2, ...wanted, ...inherited])].sort((a, b) => a - b),
      );
      // Each a pipe of its own.
      const pipes = [1, 2, ...wanted].map((descriptor) => found.get(descriptor));
      expect(new Set(pipes).size).toBe(pipes.length);
    } finally {
      closeSync(ours);
    }
  });

  test.each(['pipe' as const, Buffer.from('x')])(
    'has it share no pipe with another: STDIN %s',
    async (stdin) => {
      const first = start(launch, { command: ['cat'], stdin: 'pipe' });
      // Has copies of nothing that would keep the first one's STDIN open.
      const second = start(launch, { command: ['sleep', '60'], stdin });
      first.stdin.end();
      expect(await first.over()).toEqual({ exitCode: 0, signal: null });
      expect(second.ends).toEqual([]);
      process.kill(-second.pid, 'SIGKILL');
      await second.over();
    },
  );
});
