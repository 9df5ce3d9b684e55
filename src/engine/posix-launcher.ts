/** Starts programs through the C library's `posix_spawn`, as `libc.ts` explains. */
import { accessSync, closeSync, constants } from 'node:fs';
import { Socket } from 'node:net';
import { constants as system } from 'node:os';
import { resolve } from 'node:path';
import type { Launch, LaunchedProcess, LaunchSpec } from './launch.ts';
import { type ExitStatus, type Libc, LibcError } from './libc.ts';
import { openPayloadFile } from './payload-file.ts';
import { Reaper } from './reaper.ts';

/** Where `execvp` looks when there is no PATH. */
const defaultPath = '/usr/bin:/bin';
const shell = '/bin/sh';

export function posixLauncher(libc: Libc): Launch {
  const reaper = new Reaper(libc);
  return (spec) => {
    const ends = new Ends();
    try {
      return launch(libc, reaper, spec, ends);
    } catch (error) {
      ends.close();
      if (!(error instanceof LibcError)) throw error;
      return { whyNot: Promise.resolve(`spawn ${spec.command[0]} ${error.code}`) };
    } finally {
      ends.closeTheirs();
    }
  };
}

/** Descriptors on their way: the child's go once it has its own, ours where it doesn't come about. */
class Ends {
  readonly #ours: number[] = [];
  readonly #theirs: number[] = [];

  ours(descriptor: number): number {
    this.#ours.push(descriptor);
    return descriptor;
  }

  theirs(descriptor: number): number {
    this.#theirs.push(descriptor);
    return descriptor;
  }

  closeTheirs(): void {
    for (const descriptor of this.#theirs) closeSync(descriptor);
  }

  close(): void {
    for (const descriptor of this.#ours) closeSync(descriptor);
  }
}

function launch(libc: Libc, reaper: Reaper, spec: LaunchSpec, ends: Ends): LaunchedProcess {
  const reading = () => {
    const { reader, writer } = libc.pipe();
    ends.theirs(writer);
    return { ours: ends.ours(reader), theirs: writer };
  };
  const writing = () => {
    const { reader, writer } = libc.pipe();
    ends.theirs(reader);
    return { ours: ends.ours(writer), theirs: reader };
  };
  const file = spec.stdin === 'pipe' ? null : openPayloadFile(spec.stdin, libc);
  if (file !== null) ends.theirs(file);
  const stdin = file === null ? writing() : null;
  const stdout = reading();
  const stderr = reading();
  const results = spec.hasResults ? reading() : null;
  const descriptors = [file ?? stdin?.theirs ?? -1, stdout.theirs, stderr.theirs];
  if (results !== null) descriptors.push(results.theirs);
  const pid = spawnFirst(libc, spec, descriptors);

  const input = stdin === null ? null : new Socket({ fd: stdin.ours, readable: false, writable: true });
  if (input !== null && spec.stdin !== 'pipe') {
    // EPIPE and the like: not reading one's STDIN is no failure.
    input.on('error', () => {});
    input.end(spec.stdin);
  }
  let status: ExitStatus | null = null;
  let tell: ((status: ExitStatus) => void) | null = null;
  const exit = reaper.expect(pid, (ended) => {
    status = ended;
    tell?.(ended);
  });
  return {
    pid,
    stdin: spec.stdin === 'pipe' ? input : null,
    stdout: reader(stdout.ours),
    stderr: reader(stderr.ours),
    results: results === null ? null : reader(results.ours),
    onExit(act) {
      tell = act;
      if (status !== null) act(status);
    },
    hasExited: () => status !== null || exit.isOver(),
    unreadBytes: () => (stdin === null || input?.destroyed !== false ? null : libc.unreadBytes(stdin.ours)),
  };
}

function reader(fd: number): Socket {
  return new Socket({ fd, readable: true, writable: false });
}

/** Starts the first that can be started of the files that the program's name may stand for, as `execvp` does. */
function spawnFirst(libc: Libc, spec: LaunchSpec, descriptors: readonly number[]): number {
  const { command, cwd, env } = spec;
  const [program, ...args] = command;
  let refusal: LibcError | null = null;
  for (const file of filesOf(program, spec)) {
    try {
      return libc.spawn({ file, args: command, env, cwd, descriptors });
    } catch (error) {
      if (!(error instanceof LibcError)) throw error;
      if (error.code === 'ENOEXEC') {
        return libc.spawn({ file: shell, args: [shell, file, ...args], env, cwd, descriptors });
      }
      if (error.code !== 'EACCES' && error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
      refusal = error;
    }
  }
  throw refusal ?? new LibcError('spawn', system.errno.ENOENT);
}

function filesOf(program: string, { cwd, env }: LaunchSpec): readonly string[] {
  if (program.includes('/')) return [program];
  const path = env.findLast((variable) => variable.startsWith('PATH='))?.slice('PATH='.length) ?? defaultPath;
  const base = cwd ?? process.cwd();
  return path.split(':').flatMap((directory) => {
    const file = resolve(base, directory, program);
    return isExecutable(file) ? [file] : [];
  });
}

/** A look is cheaper than a start that fails. */
function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    // Not there, or not for us: the next directory.
    return false;
  }
}
