/**
 * Programs started by each of the ways there are, past everything else of the engine: what they print, how they end,
 * and the check that nothing is left of them.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Writable } from 'node:stream';
import { afterEach, expect, test } from 'vitest';
import {
  isNotStarted,
  type Launch,
  type LaunchedProcess,
  type LaunchSpec,
  type OutputPipe,
} from '../../../src/engine/launch/launched-process.ts';
import { type ExitStatus, type Libc, libc } from '../../../src/engine/launch/libc.ts';
import { launcherOfNode } from '../../../src/engine/launch/node-launcher.ts';
import { posixLauncher } from '../../../src/engine/launch/posix-launcher.ts';
import { kill } from '../../helpers/processes.ts';
import { waitFor } from '../../helpers/wait-for.ts';

export interface Launcher {
  readonly way: string;
  readonly launch: Launch;
  readonly isNative: boolean;
}

/** As it is on a machine where no file can be made in memory: payloads go through pipes. */
function withoutMemoryFiles(native: Libc): Libc {
  return {
    ...native,
    memoryFile() {
      throw new Error('there are none');
    },
  };
}

export const native = libc();

export const nativeLaunchers: readonly Launcher[] =
  native === null
    ? []
    : [
        { way: 'posix_spawn', launch: posixLauncher(native), isNative: true },
        {
          way: 'posix_spawn, payloads in pipes',
          launch: posixLauncher(withoutMemoryFiles(native)),
          isNative: true,
        },
      ];

export const launchers: readonly Launcher[] = [
  ...nativeLaunchers,
  { way: 'child_process', launch: launcherOfNode(), isNative: false },
];

/** Without it, half of these tests would be left out. */
export function testThatNativeIsTested(): void {
  test.runIf(process.platform === 'linux')('posix_spawn is there to be tested', () => {
    expect(native).not.toBeNull();
  });
}

/** What a program is given where a test says nothing else. */
const plainSpec: Omit<LaunchSpec, 'command'> = {
  cwd: null,
  env: ['PATH=/usr/local/bin:/usr/bin:/bin'],
  stdin: Buffer.alloc(0),
  hasResults: false,
};

export type Wanted = Pick<LaunchSpec, 'command'> & Partial<LaunchSpec>;

class Heard {
  readonly #pieces: Buffer[] = [];
  isClosed = false;

  constructor(pipe: OutputPipe) {
    pipe.onData((piece) => this.#pieces.push(Buffer.from(piece)));
    pipe.onClose(() => {
      this.isClosed = true;
    });
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#pieces);
  }

  get text(): string {
    return this.bytes.toString();
  }
}

/** A program that runs, or has. */
export class Program {
  readonly process: LaunchedProcess;
  readonly stdout: Heard;
  readonly stderr: Heard;
  readonly results: Heard | null;
  /** All that was told of its end. */
  readonly ends: ExitStatus[] = [];

  constructor(process: LaunchedProcess) {
    this.process = process;
    this.stdout = new Heard(process.stdout);
    this.stderr = new Heard(process.stderr);
    this.results = process.results === null ? null : new Heard(process.results);
    process.onExit((status) => this.ends.push(status));
  }

  get pid(): number {
    return this.process.pid;
  }

  get stdin(): Writable {
    const { stdin } = this.process;
    if (stdin === null) throw new Error('its STDIN is no pipe');
    return stdin;
  }

  /** Waits for its end. */
  async exit(): Promise<ExitStatus> {
    const [status] = await waitFor(() => this.ends.length > 0 && this.ends, {
      message: () => `process ${this.pid} ends; it printed ${this.stdout.text.slice(-500)}`,
    });
    if (status === undefined) throw new Error('no status');
    return status;
  }

  /** Waits for its end and for that of all its pipes. */
  async over(): Promise<ExitStatus> {
    const status = await this.exit();
    const pipes = [this.stdout, this.stderr, ...(this.results === null ? [] : [this.results])];
    await waitFor(() => pipes.every(({ isClosed }) => isClosed), { message: 'its pipes are closed' });
    return status;
  }
}

/** Of process groups; one that has ended but was not waited for is none. */
function membersOf(groups: ReadonlySet<number>): number[] {
  if (groups.size === 0) return [];
  return readdirSync('/proc')
    .filter((entry) => {
      try {
        const text = readFileSync(`/proc/${entry}/stat`, 'utf8');
        // proc(5): the state and the group are fields 3 and 5, behind the name.
        const [state, , group] = text.slice(text.lastIndexOf(')') + 2).split(' ');
        return state !== 'Z' && groups.has(Number(group));
      } catch {
        return false; // No process, or one that has ended meanwhile.
      }
    })
    .map(Number);
}

/** Call it once at the top of a test file: after each test, nothing may be left of what it started. */
export function usePrograms() {
  const started: number[] = [];
  afterEach(async ({ task }) => {
    const groups = new Set(started.splice(0));
    try {
      if (task.result?.state === 'fail') return;
      const message = () => `no process is left: ${membersOf(groups).join()}`;
      await waitFor(() => membersOf(groups).length === 0, { message });
    } finally {
      for (const pid of membersOf(groups)) kill(pid);
    }
  });
  const launch = (launcher: Launch, wanted: Wanted) => {
    const launched = launcher({ ...plainSpec, ...wanted });
    if (!isNotStarted(launched)) started.push(launched.pid);
    return launched;
  };
  return {
    /** What the launcher gives, untouched. */
    launch,
    /** @throws where it isn't started */
    start: (launcher: Launch, wanted: Wanted): Program => {
      const launched = launch(launcher, wanted);
      if (isNotStarted(launched)) throw new Error(`${wanted.command.join(' ')} is not started`);
      return new Program(launched);
    },
    /** Starts what can't be started. @returns why it can't */
    refusal: async (launcher: Launch, wanted: Wanted): Promise<string> => {
      const launched = launch(launcher, wanted);
      if (!isNotStarted(launched)) throw new Error(`${wanted.command.join(' ')} is started`);
      return await launched.whyNot;
    },
  };
}

export function sh(script: string, ...args: string[]): [string, ...string[]] {
  return ['/bin/sh', '-c', script, 'sh', ...args];
}

/** Our own open descriptors, and what they are. */
export function openDescriptors(): Map<number, string> {
  return new Map(
    readdirSync('/proc/self/fd').flatMap((descriptor): [number, string][] => {
      try {
        return [[Number(descriptor), readlinkSync(`/proc/self/fd/${descriptor}`)]];
      } catch {
        return []; // The one that listed them.
      }
    }),
  );
}

/** Waits until no more descriptors are open than before. */
export async function assertClosed(before: ReadonlyMap<number, string>): Promise<void> {
  const opened = () => [...openDescriptors()].filter(([at, target]) => before.get(at) !== target);
  await waitFor(() => opened().length === 0, {
    message: () => `no descriptor is left open: ${JSON.stringify(opened().slice(0, 20))}`,
  });
}

/** Lets this process open so many more files while it acts. */
export function withFreeDescriptors(count: number, act: () => void): void {
  const { load } = createRequire(import.meta.url)('koffi') as typeof import('koffi');
  const prlimit = load(null).func('int prlimit(int, int, const uint64_t *, uint64_t *)');
  const noFile = 7;
  const before = new BigUint64Array(2);
  expect(prlimit(0, noFile, null, before)).toBe(0);
  const open = openDescriptors();
  let limit = 0;
  for (let free = 0; free < count || open.has(limit); limit += 1) if (!open.has(limit)) free += 1;
  expect(prlimit(0, noFile, new BigUint64Array([BigInt(limit), before[1] ?? 0n]), null)).toBe(0);
  try {
    act();
  } finally {
    prlimit(0, noFile, before, null);
  }
}
