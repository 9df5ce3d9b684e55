/**
 * Whether a program can be started, without starting it. Checks what `execvp` checks, and the `#!` line: if that is wrong,
 * the system reports "no such file" although the file exists. Interpreters that are scripts themselves are not followed.
 *
 * A bare name is looked up as `execvp` and `env` do it: the first file on PATH that can be started. They skip files without
 * permission, files that are not executable, and files whose interpreter is missing.
 */
import { constants } from 'node:fs';
import { access, open, stat } from 'node:fs/promises';
import { basename, delimiter, resolve } from 'node:path';
import type { PoolConfig } from '../../config/config.ts';
import type { NotStarted } from '../launch/launched-process.ts';
import type { ExitStatus } from '../launch/libc.ts';

export type StartableVerdict =
  | { readonly ok: true /** The file that would be started. */; readonly file: string }
  | {
      readonly ok: false;
      /** A sentence for people, without a full stop. */
      readonly reason: string;
      /** False if the files could not be examined, because no descriptor or memory was left. */
      readonly isCertain: boolean;
    };

/** What decides how a name is looked up. */
interface Surroundings {
  readonly directory: string;
  readonly path: string;
}

/** As much of a `#!` line as Linux reads. */
const hashbangBytes = 256;
/** Where `execvp` looks if there is no PATH. */
const defaultPath = '/usr/bin:/bin';

/** Never throws: if the system refuses to answer, that is a reason as well. */
export async function checkStartable(pool: PoolConfig): Promise<StartableVerdict> {
  const directory = pool.cwd ?? process.cwd();
  const around = { directory, path: pool.env.PATH ?? process.env.PATH ?? defaultPath };
  const program = pool.script[0] ?? '';
  try {
    const found = await lookUp(program, around);
    const reason =
      (await whyNoDirectory(directory)) ?? found.reason ?? (await whyEnvFails(found.file, around));
    if (reason === null) return { ok: true, file: found.file };
    const isLine = reason === found.reason && pool.script.length === 1 && /\s/.test(program);
    const advice = isLine ? '; write a program with arguments as a list of words' : '';
    return { ok: false, reason: reason + advice, isCertain: true };
  } catch (error) {
    const reason = `${program} can't be looked at: ${systemError(error).message}`;
    return { ok: false, reason, isCertain: !isShort(error) };
  }
}

/** What `env` or a shell says of a command that it can't find, and of one that it finds but can't run. */
const exitsOfNothing: readonly (number | null)[] = [127, 126];

/**
 * `#!/usr/bin/env ruby` without a ruby does start: env, which then exits with 127, or with 126 if a directory of PATH
 * can't be searched. A script exits with the same codes if one of its commands is missing; that is an ordinary failure.
 *
 * @returns `null` if the program did run
 */
export async function whyItNeverRan({ exitCode }: ExitStatus, pool: PoolConfig): Promise<NotStarted | null> {
  if (!exitsOfNothing.includes(exitCode)) return null;
  const verdict = await checkStartable(pool);
  return verdict.ok || !verdict.isCertain ? null : { whyNot: Promise.resolve(verdict.reason) };
}

/** Why a start failed: in the system's words, or in better words if the files show the reason. */
export async function whyNotStarted(systemReason: string, pool: PoolConfig): Promise<string> {
  const verdict = await checkStartable(pool);
  return verdict.ok || !verdict.isCertain ? systemReason : verdict.reason;
}

/**
 * The file that a bare word stands for: the first of that name on PATH that is a regular file and executable.
 *
 * @param around relative entries of `path` begin at `directory`
 */
export async function findOnPath(name: string, around: Surroundings): Promise<string | null> {
  for (const entry of around.path.split(delimiter)) {
    const file = resolve(around.directory, entry, name);
    if ((await whyNotExecutable(file)) === null) return file;
  }
  return null;
}

/** The file that `execvp` would start, or why it finds none. */
async function lookUp(name: string, around: Surroundings): Promise<{ file: string; reason: string | null }> {
  if (name.includes('/')) {
    const file = resolve(around.directory, name);
    return { file, reason: await whyPassedOver(file, around) };
  }
  let reason: string | null = null;
  for (const entry of around.path.split(delimiter)) {
    const file = resolve(around.directory, entry, name);
    if ((await lookAt(file)) instanceof Unseen) continue;
    const fault = await whyPassedOver(file, around);
    if (fault === null) return { file, reason: null };
    reason ??= fault;
  }
  return { file: name, reason: reason ?? `${name} is not on PATH` };
}

async function whyNoDirectory(directory: string): Promise<string | null> {
  const found = await lookAt(directory);
  if (found instanceof Unseen) return `its working directory ${found.reason}`;
  if (!found.isDirectory()) return `its working directory ${directory} is not a directory`;
  return (await mayExecute(directory)) ? null : `its working directory ${directory} may not be entered`;
}

async function whyPassedOver(file: string, { directory }: Surroundings): Promise<string | null> {
  const fault = await whyNotExecutable(file);
  const line = fault === null ? await hashbang(file) : null;
  if (line === null) return fault;
  if (line.includes('\r')) {
    return `${file} has Windows line endings, so that its interpreter is not found; convert it with: sed -i 's/\\r$//' ${file}`;
  }
  const { interpreter } = wordsOf(line);
  if (interpreter === '') return `${file} has "#!" without an interpreter`;
  const reason = await whyNotExecutable(resolve(directory, interpreter));
  return reason === null ? null : `the interpreter of ${file}: ${reason}`;
}

/** `#!/usr/bin/env X` without an X starts and fails only then: each job would fail. */
async function whyEnvFails(file: string, around: Surroundings): Promise<string | null> {
  const { interpreter, argument } = wordsOf((await hashbang(file)) ?? '');
  if (basename(interpreter) !== 'env') return null;
  const isSplit = /^-S|^--split-string/.test(argument);
  if (!isSplit && /\s/.test(argument) && !argument.startsWith('-') && process.platform === 'linux') {
    return `${file}: env treats "${argument}" as the name of one program; write "#!/usr/bin/env -S ${argument}"`;
  }
  const words = argument.replace(/^(-S|--split-string=?)\s*/, '').split(/\s+/);
  const name = words.find((word) => word !== '' && !/^\w+=/.test(word));
  // Other options of env are rare, and their effect on the lookup is unknown here.
  if (name === undefined || name.startsWith('-')) return null;
  const { reason } = await lookUp(name, around);
  return reason === null ? null : `the interpreter of ${file}: ${reason}`;
}

function wordsOf(line: string): { readonly interpreter: string; readonly argument: string } {
  const [, interpreter = '', argument = ''] = /^[ \t]*(\S*)[ \t]*(.*?)[ \t]*$/.exec(line) ?? [];
  return { interpreter, argument };
}

async function whyNotExecutable(file: string): Promise<string | null> {
  const found = await lookAt(file);
  if (found instanceof Unseen) return found.reason;
  if (found.isDirectory()) return `${file} is a directory`;
  if (!found.isFile()) return `${file} is not a regular file`;
  return (await mayExecute(file)) ? null : `${file} is not executable; make it so with: chmod +x ${file}`;
}

/** A path that can't be examined. */
class Unseen {
  /** A sentence that begins with the path. */
  readonly reason: string;

  constructor(path: string, { code, message }: NodeJS.ErrnoException) {
    this.reason = `${path} ${unseenReasons[code ?? ''] ?? `can't be looked at: ${message}`}`;
  }
}

const unseenReasons: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist: part of its path is a file',
  EACCES: "can't be reached: no permission for a directory on its path",
};

async function lookAt(path: string): Promise<Awaited<ReturnType<typeof stat>> | Unseen> {
  try {
    return await stat(path);
  } catch (error) {
    if (isShort(error)) throw error;
    return new Unseen(path, systemError(error));
  }
}

async function mayExecute(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch (error) {
    if (systemError(error).code === 'EACCES') return false;
    throw error;
  }
}

/**
 * The first line after `#!`.
 *
 * @returns `null` if there is none: a binary, or text that `execvp` gives to /bin/sh
 */
async function hashbang(file: string): Promise<string | null> {
  let handle: Awaited<ReturnType<typeof open>>;
  try {
    handle = await open(file, 'r');
  } catch (error) {
    // A binary doesn't have to be readable to be executed.
    if (systemError(error).code === 'EACCES') return null;
    throw error;
  }
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(hashbangBytes), 0, hashbangBytes, 0);
    const head = buffer.toString('utf8', 0, bytesRead);
    return head.startsWith('#!') ? (head.slice(2).split('\n', 1)[0] ?? '') : null;
  } finally {
    await handle.close();
  }
}

/** Whether the machine lacks descriptors or memory, so the error says nothing about the file. */
function isShort(error: unknown): boolean {
  return ['EMFILE', 'ENFILE', 'ENOMEM'].includes(systemError(error).code ?? '');
}

/** Node's file functions reject with nothing else. */
function systemError(error: unknown): NodeJS.ErrnoException {
  if (error instanceof Error) return error;
  throw error;
}
