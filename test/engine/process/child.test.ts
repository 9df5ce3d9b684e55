/** Children, started natively and by Node: all of their output arrives, then one end. */
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { isNotStarted, type LaunchSpec } from '../../../src/engine/launch/launched-process.ts';
import type { ExitStatus } from '../../../src/engine/launch/libc.ts';
import type { Hold, OutputSink, startChild as startChildForType } from '../../../src/engine/process/child.ts';
import type { OutputStream } from '../../../src/protocol/job.ts';
import { isAlive, kill } from '../../helpers/processes.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { assertClosed, native, openDescriptors, sh, testThatNativeIsTested } from '../launch/launchers.ts';

type StartChild = typeof startChildForType;

/** The output and the end of a child, in order. */
class Told implements OutputSink {
  readonly #pieces = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  readonly ends: ExitStatus[] = [];
  /** Set while no more output is accepted. */
  hold: Promise<void> | null = null;
  /** Whether output arrived after the end. */
  isLate = false;

  take(stream: OutputStream, chunk: Buffer): Hold {
    this.#pieces[stream].push(chunk);
    this.isLate ||= this.ends.length > 0;
    return this.hold;
  }

  get stdout(): string {
    return Buffer.concat(this.#pieces.stdout).toString('latin1');
  }

  get stderr(): string {
    return Buffer.concat(this.#pieces.stderr).toString('latin1');
  }

  async end(): Promise<ExitStatus> {
    await waitFor(() => this.ends.length > 0, { message: () => `it ends: ${this.stdout.slice(-500)}` });
    const [end] = this.ends;
    if (end === undefined || this.ends.length > 1) throw new Error('not one end');
    return end;
  }
}

const failed = (exitCode: number) => ({ exitCode, signal: null });
const groups: number[] = [];

afterEach(() => {
  for (const pid of groups.splice(0)) kill(-pid);
});

testThatNativeIsTested();

describe.each([
  ['posix_spawn', '', native !== null],
  ['child_process', 'off', true],
])('started by %s', (_, variable, isThere) => {
  let startChild: StartChild;

  // Modules choose the way once for a process, when they are loaded.
  beforeAll(async () => {
    vi.stubEnv('RR_NATIVE', variable);
    vi.resetModules();
    ({ startChild } = await import('../../../src/engine/process/child.ts'));
  });

  afterAll(() => {
    vi.unstubAllEnvs();
    // The next test file in this process must load the modules again, since these chose another way.
    vi.resetModules();
  });

  function start(command: LaunchSpec['command'], rest: Partial<LaunchSpec> = {}) {
    const told = new Told();
    const spec = {
      command,
      cwd: null,
      env: [`PATH=${process.env.PATH}`],
      stdin: Buffer.alloc(0),
      hasResults: false,
    };
    const child = startChild({ ...spec, ...rest }, told, 1);
    if (isNotStarted(child)) throw new Error('it is not started');
    void child.ended.then((end) => told.ends.push(end));
    groups.push(child.pid);
    return { child, told };
  }

  describe.runIf(isThere)('a child', () => {
    test('is started that way', async () => {
      const { told } = start(sh('readlink /proc/self/fd/1'));
      await told.end();
      expect(told.stdout).toMatch(variable === 'off' ? /^socket:/ : /^pipe:/);
    });

    test('ends once, after all of its output', async () => {
      for (let round = 0; round < 20; round += 1) {
        const { told } = start(
          sh('head -c 300000 /dev/zero; head -c 200000 /dev/zero >&2; echo last; exit 3'),
        );
        expect(await told.end()).toEqual(failed(3));
        expect([told.stdout.length, told.stderr.length]).toEqual([300_005, 200_000]);
        expect(told.isLate).toBe(false);
      }
    });

    test('waits while its output is not accepted, even after its exit, and loses no output', async () => {
      const { child, told } = start(sh('echo first; head -c 20000 /dev/zero; exit 3'));
      let goOn = () => {};
      told.hold = new Promise((resolve) => {
        goOn = () => {
          told.hold = null;
          resolve();
        };
      });
      await waitFor(() => child.hasExited(), { message: 'it has exited' });
      // Longer than a grandchild may keep its pipes open.
      await new Promise((resolve) => setTimeout(resolve, 1_200));
      // After an exit, Node itself reads and keeps the rest, which is at most one pipe.
      if (variable !== 'off') expect(told.ends).toEqual([]);
      goOn();
      expect(await told.end()).toEqual(failed(3));
      expect(told.stdout).toHaveLength(20_006);
    });

    test('ends even if a grandchild floods a slow reader', async () => {
      const { told } = start(sh('yes & exit 3'));
      const slowly = () => new Promise<void>((resolve) => setImmediate(resolve));
      Object.defineProperty(told, 'hold', { get: slowly });
      expect(await told.end()).toEqual(failed(3));
    });

    test('loses no output of a flood, and other children get their turn', async () => {
      const flood = start(sh('head -c 30000000 /dev/zero; echo end'));
      const quick = start(sh('echo quick'));
      await quick.told.end();
      expect(flood.told.ends).toEqual([]);
      await flood.told.end();
      expect(flood.told.stdout.length).toBe(30_000_004);
      expect(flood.told.stdout.endsWith('\0end\n')).toBe(true);
    });

    test('includes the output that a grandchild prints after the exit', async () => {
      // A child that has exited keeps its pid until it is reaped.
      const late = '(while kill -0 $$ 2>/dev/null; do sleep 0.01; done; echo late)';
      const { told } = start(sh(`${late} & echo first; exit 4`));
      expect(await told.end()).toEqual(failed(4));
      expect(told.stdout).toBe('first\nlate\n');
      expect(told.isLate).toBe(false);
    });

    test('ends even if a grandchild keeps its pipes open, in its process group or in its own session', async () => {
      const before = openDescriptors();
      const scripts = ['sleep 60 & echo $!; exit 5', "setsid sh -c 'echo $$; exec sleep 60' & exit 5"];
      const started = scripts.map((script) => start(sh(script), { hasResults: true }));
      try {
        for (const { told } of started) {
          expect(await told.end()).toEqual(failed(5));
          expect(isAlive(Number(told.stdout))).toBe(true);
        }
        await assertClosed(before);
      } finally {
        for (const { told } of started) if (Number(told.stdout) > 0) kill(Number(told.stdout));
      }
      for (const { told } of started) expect(told.ends).toHaveLength(1);
    });

    test('does not end by closing its outputs', async () => {
      const { child, told } = start(sh('echo first; exec >&- 2>&-; read -r code; exit "$code"'), {
        stdin: 'pipe',
      });
      await waitFor(() => told.stdout === 'first\n', { message: 'it has printed' });
      for (let other = 0; other < 5; other += 1) await start(sh('')).told.end();
      expect(told.ends).toEqual([]);
      expect(child.hasExited()).toBe(false);
      child.stdin?.end('6\n');
      expect(await told.end()).toEqual(failed(6));
      expect(child.hasExited()).toBe(true);
    });

    test('gets a signal together with its whole group', async () => {
      const { child, told } = start(sh('sleep 60 & echo $!; wait'));
      await waitFor(() => told.stdout !== '', { message: 'it has a grandchild' });
      child.end();
      expect(await told.end()).toEqual({ exitCode: null, signal: 'SIGTERM' });
      await waitFor(() => !isAlive(Number(told.stdout)), { message: 'the grandchild is gone' });
    });

    test('gets no signal after its end', async () => {
      const { child, told } = start(sh(''));
      await told.end();
      child.end();
      expect(told.ends).toEqual([failed(0)]);
    });

    test('has its earlier output read before its result is handled', async () => {
      const { child, told } = start(
        sh(
          'while read -r n; do echo "out $n"; head -c 50000 /dev/zero >&2; echo "err $n" >&2; echo "$n" >&3; done',
        ),
        { stdin: 'pipe', hasResults: true },
      );
      let settled = 0;
      child.results?.onData(() => {
        child.afterOutput(() => {
          settled += 1;
          expect(told.stdout.endsWith(`out ${settled}\n`)).toBe(true);
          expect(told.stderr.endsWith(`err ${settled}\n`)).toBe(true);
        });
      });
      for (let round = 1; round <= 50; round += 1) {
        child.stdin?.write(`${round}\n`);
        await waitFor(() => settled === round, { message: 'it has answered' });
      }
      child.stdin?.end();
      expect(await told.end()).toEqual(failed(0));
    });

    test('leaves no descriptor open if it never reads its STDIN', async () => {
      const before = openDescriptors();
      const { child, told } = start(sh('exit 7'), { stdin: 'pipe', hasResults: true });
      child.stdin?.on('error', () => {});
      child.stdin?.write(Buffer.alloc(300_000));
      child.results?.onData(() => {});
      expect(await told.end()).toEqual(failed(7));
      await assertClosed(before);
    });
  });

  test.runIf(isThere)('a child that cannot be started reports why, a little later', async () => {
    const told = new Told();
    const answer = startChild(
      { command: ['/no/such/job'], cwd: null, env: [], stdin: 'pipe', hasResults: true },
      told,
      1,
    );
    if (!isNotStarted(answer)) throw new Error('it is started');
    expect(await answer.whyNot).toBe('spawn /no/such/job ENOENT');
    const { told: next } = start(sh(''));
    await next.end();
    expect(told.ends).toEqual([]);
  });
});
