/** That each end of a program is told, once; and that nothing of it stays open, nor of one that can't be started. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { isNotStarted, type Launch } from '../../../src/engine/launch/launched-process.ts';
import { isAlive, kill } from '../../helpers/processes.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import {
  assertClosed,
  launchers,
  native,
  nativeLaunchers,
  openDescriptors,
  Program,
  sh,
  testThatNativeIsTested,
  usePrograms,
  type Wanted,
  withFreeDescriptors,
} from './launchers.ts';

const { launch: launchWith, start } = usePrograms();
const succeeded = { exitCode: 0, signal: null };

/** Holds up this thread, and so all news, until a process has ended. */
function blockUntilZombie(pid: number): void {
  const end = performance.now() + 10_000;
  while (!/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))) {
    if (performance.now() > end) throw new Error(`process ${pid} doesn't end`);
  }
}

/** Starts each, gives it nothing more to read, and waits for all to be over. */
async function runAll(launch: Launch, wanted: readonly Wanted[]): Promise<void> {
  await Promise.all(
    wanted.map(async (one) => {
      const launched = launchWith(launch, one);
      if (isNotStarted(launched)) return launched.whyNot;
      const program = new Program(launched);
      launched.stdin?.end();
      return program.over();
    }),
  );
}

testThatNativeIsTested();

describe.runIf(process.platform === 'linux').each(launchers)('$way', ({ launch, isNative }) => {
  test('tells of a program that ended before anybody could listen', async () => {
    const launched = launchWith(launch, { command: sh('echo printed; exit 9') });
    if (isNotStarted(launched)) throw new Error('not started');
    blockUntilZombie(launched.pid);
    const told: unknown[] = [];
    let isClosed = false;
    launched.stdout.onData((piece) => told.push(piece.toString()));
    launched.stdout.onClose(() => {
      isClosed = true;
    });
    launched.onExit((status) => told.push(status));
    expect(told).toEqual([]);
    await waitFor(() => isClosed && told.length > 1, { message: 'all is told' });
    expect(told).toHaveLength(2);
    expect(told).toEqual(expect.arrayContaining(['printed\n', { exitCode: 9, signal: null }]));
  });

  test('tells of 200 at once, each with its own status, and of none twice', async () => {
    const programs = Array.from({ length: 200 }, (_, at) =>
      start(launch, { command: sh(`read -r code; exit "$code"`), stdin: Buffer.from(`${at}\n`) }),
    );
    await Promise.all(programs.map((program) => program.over()));
    // Whatever looks for ends looks once more.
    await start(launch, { command: sh('') }).over();
    for (const [exitCode, { ends }] of programs.entries()) expect(ends).toEqual([{ exitCode, signal: null }]);
    for (const { pid } of programs) expect(existsSync(`/proc/${pid}/stat`)).toBe(false);
  });

  test('tells of children beside those that Node starts, and leaves Node its own', async () => {
    const other = launchers.find((candidate) => candidate.isNative !== isNative);
    if (other === undefined) throw new Error('there is no other');
    const programs = Array.from({ length: 40 }, (_, at) =>
      start(at % 2 === 0 ? launch : other.launch, { command: sh(`exit ${at}`) }),
    );
    for (const [exitCode, program] of programs.entries()) {
      expect(await program.over()).toEqual({ exitCode, signal: null });
    }
  });

  test('knows no end that there was none of', async () => {
    const program = start(launch, { command: ['cat'], stdin: 'pipe' });
    for (let round = 0; round < 20; round += 1) {
      expect(program.process.hasExited()).toBe(false);
      await start(launch, { command: sh('') }).over();
    }
    expect(program.ends).toEqual([]);
    program.stdin.end();
    expect(await program.over()).toEqual(succeeded);
    expect(program.process.hasExited()).toBe(true);
  });

  test('leaves no descriptor open over 500 starts, failing ones among them', async () => {
    const wanted: Wanted[] = [
      { command: sh('echo a; echo b >&2') },
      { command: sh('exit 3'), stdin: Buffer.alloc(200_000) },
      { command: ['cat'], stdin: Buffer.alloc(200_000) },
      { command: sh('cat; echo result >&3'), stdin: 'pipe', hasResults: true },
      { command: sh('exit 1'), stdin: 'pipe' },
      { command: ['rr-none'], hasResults: true },
      { command: ['/etc/hostname'], stdin: 'pipe' },
      { command: sh('', 'x'.repeat(200_000)) },
      { command: sh(''), cwd: '/nowhere' },
      { command: ['/etc/hostname/none'], stdin: Buffer.alloc(200_000), hasResults: true },
    ];
    // What is opened once for all.
    await runAll(launch, wanted);
    const before = openDescriptors();
    for (let round = 0; round < 50; round += 1) await runAll(launch, wanted);
    await assertClosed(before);
  });

  test.runIf(native !== null)(
    'says so where there are too few descriptors, and starts when there are',
    async () => {
      const outcomes: ReturnType<Launch>[] = [];
      withFreeDescriptors(2, () => outcomes.push(launchWith(launch, { command: ['cat'] })));
      for (const launched of outcomes) {
        if (!isNotStarted(launched)) throw new Error('it is started');
        expect(await launched.whyNot).toMatch(/^spawn (cat )?EMFILE$/);
      }
      expect(outcomes).toHaveLength(1);
      expect(await start(launch, { command: ['cat'] }).over()).toEqual(succeeded);
    },
  );

  test('closes a STDIN that a grandchild has, unread, when the program ends', async () => {
    const before = openDescriptors();
    const wanted = {
      command: sh('exec 3<&0; sleep 60 <&3 >&- 2>&- & echo $!'),
      stdin: Buffer.alloc(500_000),
    };
    const program = start(launch, wanted);
    try {
      await program.over();
      await assertClosed(before);
      expect(isAlive(Number(program.stdout.text))).toBe(true);
    } finally {
      kill(-program.pid);
    }
  });

  test('counts what a program has not read, before its end and after; or says that it can not', async () => {
    const program = start(launch, {
      command: sh('dd bs=10 count=1 of=/dev/null 2>/dev/null; echo read; exec sleep 60'),
      stdin: 'pipe',
    });
    const bytes = (count: number) => (isNative ? count : null);
    expect(program.process.unreadBytes()).toBe(bytes(0));
    program.stdin.write(Buffer.alloc(1_000));
    await waitFor(() => program.stdout.text === 'read\n', { message: 'it has read' });
    expect(program.process.unreadBytes()).toBe(bytes(990));
    kill(-program.pid);
    await program.over();
    expect(program.process.unreadBytes()).toBe(bytes(990));
  });

  test('counts nothing of a STDIN that holds all from the start', async () => {
    const program = start(launch, { command: sh(''), stdin: Buffer.from('payload') });
    expect(program.process.unreadBytes()).toBeNull();
    await program.over();
    expect(program.process.unreadBytes()).toBeNull();
  });
});

describe.each(launchers)('$way', ({ launch }) => {
  test('leaves no descriptor open if there are too few for a start', async () => {
    const wanted: Wanted[] = [
      { command: ['cat'], stdin: Buffer.from('payload') },
      { command: ['cat'], stdin: 'pipe', hasResults: true },
    ];
    await runAll(launch, wanted);
    const before = openDescriptors();
    for (const one of wanted) {
      let isStarted = false;
      for (let free = 0; !isStarted; free += 1) {
        const outcomes: ReturnType<Launch>[] = [];
        withFreeDescriptors(free, () => outcomes.push(launchWith(launch, one)));
        for (const launched of outcomes) {
          isStarted = !isNotStarted(launched);
          if (isNotStarted(launched)) {
            expect(await launched.whyNot).toMatch(/^spawn (cat )?EMFILE$/);
          } else {
            // With fewer, it would have no pipes.
            expect(free).toBeGreaterThan(4);
            const program = new Program(launched);
            launched.stdin?.end();
            await program.over();
          }
        }
        await assertClosed(before);
      }
    }
  });
});

describe.each(nativeLaunchers)('$way', ({ launch }) => {
  test('can tell an end before it is told, and tells it all the same', async () => {
    const program = start(launch, { command: sh('echo printed; exit 4') });
    blockUntilZombie(program.pid);
    expect(program.process.hasExited()).toBe(true);
    expect(program.process.hasExited()).toBe(true);
    expect(program.ends).toEqual([]);
    // It is reaped, and counts as any other.
    expect(existsSync(`/proc/${program.pid}/stat`)).toBe(false);
    expect(await program.over()).toEqual({ exitCode: 4, signal: null });
    expect(program.stdout.text).toBe('printed\n');
    await start(launch, { command: sh('') }).over();
    expect(program.ends).toHaveLength(1);
  });

  test('knows what was unread of one that has ended, and is not told of yet', async () => {
    const program = start(launch, { command: sh('read -r line'), stdin: 'pipe' });
    program.stdin.write('line\nunread');
    blockUntilZombie(program.pid);
    expect(program.process.hasExited()).toBe(true);
    const unread = program.process.unreadBytes();
    expect(unread).toBe('unread'.length);
    await program.over();
    expect(program.process.unreadBytes()).toBe(unread);
  });

  test('reports an exit without a status if other code has reaped it', async () => {
    const program = start(launch, { command: sh('exit 5') });
    blockUntilZombie(program.pid);
    expect(native?.reap(program.pid)).toEqual({ exitCode: 5, signal: null });
    expect(await program.over()).toEqual({ exitCode: null, signal: null });
    expect(program.ends).toHaveLength(1);
  });
});

test.runIf(native !== null)('posix_spawn starts nothing with a descriptor that there can not be', () => {
  const request = { file: '/bin/true', args: ['true'], env: [], cwd: null };
  expect(() => native?.spawn({ ...request, descriptors: [-1] })).toThrow('spawn EBADF');
});
