/** Writes the config completely or not at all, and overwrites another one only with `--force`. */
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { access, link, lstat, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { OperatingError, UsageError } from '../command-line/exit-codes.ts';
import type { Io } from '../command-line/io.ts';
import { shortPath } from '../files/load-config.ts';

type CwdIo = Pick<Io, 'cwd'>;

/**
 * Checks before the first question whether the file can be written.
 *
 * @param file absolute
 * @param mayOverwrite `--force`
 * @throws UsageError if the file exists, OperatingError if its directory isn't writable
 */
export async function assertWritable(io: CwdIo, file: string, mayOverwrite: boolean): Promise<void> {
  const found = await stat(file).catch(absent);
  if (found?.isDirectory() === true) {
    throw new UsageError(
      `${shortPath(io, file)} is a directory; give the file in it, such as ${shortPath(io, join(file, 'cfg.json'))}`,
    );
  }
  // A dangling link counts as a file.
  if (!mayOverwrite && (await lstat(file).catch(absent)) !== null) throw exists(io, file);
  const directory = dirname(file);
  try {
    await access(directory, constants.W_OK);
  } catch (error) {
    throw unwritable(io, file, error);
  }
  if (!(await stat(directory)).isDirectory()) throw new OperatingError(notADirectory(io, file));
}

/**
 * @param isSecret only its owner may read it; otherwise the umask decides
 * @throws as above
 */
export async function writeConfig(
  io: CwdIo,
  file: string,
  text: string,
  { mayOverwrite, isSecret }: { readonly mayOverwrite: boolean; readonly isSecret: boolean },
): Promise<void> {
  // Writes to the target of a link, and keeps the link.
  const target = mayOverwrite ? await realpath(file).catch(() => file) : file;
  const aside = `${target}.${randomUUID()}.tmp`;
  try {
    await writeFile(aside, text, { flag: 'wx', mode: isSecret ? 0o600 : 0o666 });
    if (mayOverwrite) await rename(aside, target);
    else await place(aside, target, text);
  } catch (error) {
    throw codeOf(error) === 'EEXIST' ? exists(io, file) : unwritable(io, file, error);
  } finally {
    await rm(aside, { force: true });
  }
}

/** Unlike a rename, a link doesn't replace a file that was created in the meantime. */
async function place(aside: string, target: string, text: string): Promise<void> {
  try {
    await link(aside, target);
  } catch (error) {
    // Some file systems have no links.
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(codeOf(error))) throw error;
    await writeFile(target, text, { flag: 'wx', mode: (await stat(aside)).mode });
  }
}

function exists(io: CwdIo, file: string): UsageError {
  return new UsageError(`${shortPath(io, file)} exists; --force overwrites it`);
}

function notADirectory(io: CwdIo, file: string): string {
  return `can't write ${shortPath(io, file)}: ${shortPath(io, dirname(file))} is a file`;
}

function unwritable(io: CwdIo, file: string, error: unknown): OperatingError {
  const directory = dirname(file);
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: `there is no directory ${shortPath(io, directory)}; create it with: mkdir -p ${shortPath(io, directory)}`,
    EACCES: `you have no permission to write in ${directory}`,
    EPERM: `you have no permission to write in ${directory}`,
    EROFS: `${directory} is read-only`,
    ENOSPC: 'the disk is full',
  };
  const message = error instanceof Error ? error.message : String(error);
  const reason = reasons[codeOf(error)] ?? message;
  return new OperatingError(`can't write ${shortPath(io, file)}: ${reason}`, { cause: error });
}

/** @throws any error but those of a missing file */
function absent(error: unknown): null {
  if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(codeOf(error))) return null;
  throw error;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
