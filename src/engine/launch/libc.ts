/**
 * Functions of the C library that Node doesn't offer, on Linux. The main one is `posix_spawn`: Node starts a program with
 * fork(), which copies the page tables of the whole process and blocks it until then. Measured for a no-op program started
 * from 75 MB: 0.26 ms in the call and 0.17 ms of CPU a job, compared with 1.0 and 0.8 ms. At 200 MB this stays the same,
 * while fork() takes 3 ms and more.
 *
 * If koffi has no binary for the machine, or the C library lacks a function, `libc()` returns null and callers use Node's
 * own means.
 */
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants, endianness } from 'node:os';

export interface ExitStatus {
  /** `null` if a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** What a process has used, with the children that it waited for. */
export interface RawUsage {
  readonly cpuMicroseconds: number;
  /** Includes what this process had at the start: see `peakOfChild`. */
  readonly peakKilobytes: number;
}

/** For a process that goes on, or whose exit status is unknown. */
export const noExit: ExitStatus = { exitCode: null, signal: null };

export interface SpawnRequest {
  /** Path of the program; PATH is not searched. */
  readonly file: string;
  /** The first is the name that the program sees as its own. */
  readonly args: readonly string[];
  /** `NAME=value`: the complete environment. */
  readonly env: readonly string[];
  readonly cwd: string | null;
  /** Ours, which become its 0, 1, 2 and so on; all are 3 or higher. */
  readonly descriptors: readonly number[];
}

export interface Libc {
  /** A real pipe. Node's pipes are sockets, which a program can't open by name, as `/dev/stderr`. */
  pipe(): { readonly reader: number; readonly writer: number };
  /** A file in memory, without a name, closed on exec. */
  memoryFile(): number;
  /**
   * Starts a program as the leader of a session and process group of its own, with all signals at their default.
   *
   * @returns its pid
   * @throws LibcError when it can't be started, `ENOEXEC` for text without `#!` among others
   */
  spawn(request: SpawnRequest): number;
  /** How a child ended, which frees its pid; `null` while it runs. */
  reap(pid: number): ExitStatus | null;
  /** Of the process that `reap` has just reported; `null` if this machine lays it out in an unknown way. */
  usage(): RawUsage | null;
  /**
   * Lets go of the pages of Node's own program file: most were used once, at the start. What is used again comes back
   * from the page cache, by a fault that needs no disk.
   */
  releaseCode(): void;
  /** Sends a signal, 0 for a look. @returns the name of the error, `null` for none: `process.kill` throws, at ten times the cost */
  kill(pid: number, signal: number): string | null;
  /** The limit of open files: the numbers of all descriptors are below it. */
  descriptorLimit(): number;
  /** Unread bytes in a pipe, by either end of it. */
  unreadBytes(descriptor: number): number;
}

/** A function of the C library failed; `code` is the name of its error. */
export class LibcError extends Error {
  readonly code: string;

  constructor(syscall: string, errno: number) {
    const code = errorNames.get(errno) ?? `E${errno}`;
    super(`${syscall} ${code}`);
    this.code = code;
  }
}

/** libuv has no name for all of them, ENOEXEC being one. */
const errorNames = new Map(
  Object.entries(constants.errno)
    // Of several names of one number, the first: EAGAIN rather than EWOULDBLOCK.
    .reverse()
    .map(([name, errno]) => [errno, name]),
);

/** Constants of Linux and of its C libraries, glibc and musl alike. */
const closeOnExec = 0o2000000;
const withoutHang = 1;
const unreadRequest = 0x541b;
const dontNeed = 4;
const openFiles = 7;
const spawnFlags = 0x04 | 0x08 | 0x80; // POSIX_SPAWN_SETSIGDEF, _SETSIGMASK, _SETSID
/** Larger than glibc's and musl's structures on any architecture: 80, 336 and 128 bytes at most. */
const structureBytes = 512;

/**
 * Where a `struct rusage` has what is read of it, in words of 32 bits: user and system time as seconds and microseconds, then
 * the peak of memory in kilobytes. Each takes two words, the lower one first.
 */
const usageWords = { peak: 8 } as const;
const hasKnownUsage = endianness() === 'LE' && ['x64', 'arm64', 'riscv64', 'loong64'].includes(process.arch);

/** Set to `off`, everything is done with Node's own means: for tests, and to rule out this file as a cause. */
const nativeVariable = 'RR_NATIVE';

let loaded: Libc | null | undefined;

/** Loaded once. @returns `null` if there is none, or no descriptor to load it with */
export function libc(): Libc | null {
  if (loaded !== undefined) return loaded;
  const found = isTurnedOff() ? null : load();
  // Without a descriptor, the next call tries again.
  if (found !== null || hasDescriptor()) loaded = found;
  return found;
}

function hasDescriptor(): boolean {
  try {
    closeSync(openSync('/', 'r'));
    return true;
  } catch {
    return false;
  }
}

/** Whether the environment turns it off. */
export function isTurnedOff(): boolean {
  return process.env[nativeVariable] === 'off';
}

function load(): Libc | null {
  // Bun doesn't fork to start a program, and its sockets over a descriptor don't tell that the other side is gone.
  if (process.platform !== 'linux' || process.versions.bun !== undefined) return null;
  const koffi = loadKoffi();
  if (koffi === null) return null;
  try {
    return bind(koffi);
  } catch {
    return null;
  }
}

/** @returns `null` if it has no binary for this machine */
export function loadKoffi(): typeof import('koffi') | null {
  try {
    // By a `require` that no bundler follows: its binary lies beside it.
    return createRequire(import.meta.url)('koffi') as typeof import('koffi');
  } catch {
    return null;
  }
}

function bind(koffi: typeof import('koffi')): Libc {
  const library = koffi.load(null);
  const declare = (declaration: string) =>
    library.func(declaration) as unknown as (...values: unknown[]) => number;
  const pipe2 = declare('int pipe2(int *, int)');
  const memfdCreate = declare('int memfd_create(const char *, uint)');
  const ioctl = declare('int ioctl(int, ulong, int *)');
  const getrlimit = declare('int getrlimit(int, void *)');
  const sendSignal = declare('int kill(int, int)');
  const wait4 = declare('int wait4(int, int *, int, void *)');
  const madvise = declare('int madvise(uintptr_t, size_t, int)');
  const posixSpawn = declare(
    'int posix_spawn(int *, const char *, const void *, const void *, const char **, const char **)',
  );
  const initActions = declare('int posix_spawn_file_actions_init(void *)');
  const addDup = declare('int posix_spawn_file_actions_adddup2(void *, int, int)');
  const addDirectory = declare('int posix_spawn_file_actions_addchdir_np(void *, const char *)');
  const destroyActions = declare('int posix_spawn_file_actions_destroy(void *)');

  const attributes = Buffer.alloc(structureBytes);
  // `sigfillset` would leave out two that glibc keeps to itself, and the program would ignore those.
  const everySignal = Buffer.alloc(structureBytes, 0xff);
  const noSignal = Buffer.alloc(structureBytes);
  declare('int posix_spawnattr_init(void *)')(attributes);
  declare('int posix_spawnattr_setflags(void *, short)')(attributes, spawnFlags);
  // Node ignores SIGPIPE, and a program would go on doing so.
  declare('int posix_spawnattr_setsigdefault(void *, const void *)')(attributes, everySignal);
  declare('int posix_spawnattr_setsigmask(void *, const void *)')(attributes, noSignal);

  const actions = Buffer.alloc(structureBytes);
  /** Where results are put: read at once, so one for all will do. */
  const out = new Int32Array(2);
  const limits = new Uint32Array(4);
  const usage = new Int32Array(structureBytes / 4);
  const check = (syscall: string, result: number) => {
    if (result < 0) throw new LibcError(syscall, koffi.errno());
    return result;
  };
  const mustSpawn = (error: number) => {
    if (error !== 0) throw new LibcError('spawn', error);
  };
  return {
    pipe() {
      check('pipe', pipe2(out, closeOnExec));
      const [reader = -1, writer = -1] = out;
      return { reader, writer };
    },
    memoryFile: () => check('memfd_create', memfdCreate('resque-runner', 1)),
    spawn({ file, args, env, cwd, descriptors }) {
      mustSpawn(initActions(actions));
      try {
        // A gap would be one of our descriptors.
        for (const [to, from] of descriptors.entries()) mustSpawn(addDup(actions, from, to));
        if (cwd !== null) mustSpawn(addDirectory(actions, cwd));
        mustSpawn(posixSpawn(out, file, actions, attributes, [...args, null], [...env, null]));
      } finally {
        destroyActions(actions);
      }
      return out[0] ?? 0;
    },
    reap(pid) {
      usage[usageWords.peak] = -1;
      const ended = wait4(pid, out, withoutHang, usage);
      if (ended === 0) return null;
      // Who else would have reaped it isn't known; it isn't there any more.
      return ended === pid ? exitStatus(out[0] ?? 0) : noExit;
    },
    usage() {
      const [seconds = 0, , microseconds = 0, , systemSeconds = 0, , systemMicroseconds = 0] = usage;
      const peakKilobytes = usage[usageWords.peak] ?? -1;
      if (!hasKnownUsage || peakKilobytes < 0) return null;
      const cpuMicroseconds = (seconds + systemSeconds) * 1_000_000 + microseconds + systemMicroseconds;
      return { cpuMicroseconds, peakKilobytes };
    },
    kill(pid, signal) {
      return sendSignal(pid, signal) === 0 ? null : (errorNames.get(koffi.errno()) ?? '');
    },
    descriptorLimit() {
      // The lower half of the soft limit, which no number of descriptors exceeds.
      return getrlimit(openFiles, limits) === 0 ? (limits[0] ?? 0) : Number.POSITIVE_INFINITY;
    },
    unreadBytes(descriptor) {
      check('ioctl', ioctl(descriptor, unreadRequest, out));
      return out[0] ?? 0;
    },
    releaseCode() {
      try {
        for (const { start, length } of unchangedMappingsOf(process.execPath))
          madvise(start, length, dontNeed);
      } catch {
        // No descriptor is free, or the file is missing: the pages stay in memory.
      }
    },
  };
}

/** Where a file lies in memory just as it lies on the disk: no page of that is lost when it is let go. */
function unchangedMappingsOf(file: string): { start: bigint; length: bigint }[] {
  // A mapping is a line with its range, permissions and file, and lines such as `Anonymous:   0 kB`.
  const mappings = readFileSync('/proc/self/smaps', 'utf8').split(/\n(?=[0-9a-f]+-[0-9a-f]+ )/);
  return mappings.flatMap((mapping) => {
    const [range = '', permissions = '', , , , path] = mapping.split('\n', 1).join().split(/ +/);
    const isUnchanged = /^r-[-x]p$/.test(permissions) && /^Anonymous: +0 kB$/m.test(mapping);
    if (path !== file || !isUnchanged) return [];
    const [start = 0n, end = 0n] = range.split('-').map((address) => BigInt(`0x${address}`));
    return [{ start, length: end - start }];
  });
}

/** As `wait` packs it on Linux. */
function exitStatus(status: number): ExitStatus {
  const signal = status & 0x7f;
  if (signal === 0) return { exitCode: (status >> 8) & 0xff, signal: null };
  return { exitCode: null, signal: signalNames.get(signal) ?? (`SIG${signal}` as NodeJS.Signals) };
}

/** Of several names of one number, the first: SIGABRT rather than SIGIOT. */
const signalNames = new Map(
  Object.entries(constants.signals)
    .reverse()
    .map(([name, number]) => [number, name as NodeJS.Signals]),
);
