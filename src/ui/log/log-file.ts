/** Writes a log to a file that the user has named. */
import { stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { getSystemErrorMap } from 'node:util';

/** Output may hold secrets. */
const onlyOwner = 0o600;

export type Written =
  | { readonly kind: 'written' }
  /** The file exists and was not touched. */
  | { readonly kind: 'exists'; readonly bytes: number }
  | { readonly kind: 'failed'; readonly reason: string };

/** The shell isn't there to expand `~`. */
export function fullPath(typed: string): string {
  return typed.startsWith('~/') ? join(homedir(), typed.slice(2)) : resolve(typed);
}

/** @param mayReplace the file if it exists */
export async function writeLog(
  file: string,
  chunks: readonly Buffer[],
  mayReplace: boolean,
): Promise<Written> {
  try {
    await writeFile(file, chunks, { flag: mayReplace ? 'w' : 'wx', mode: onlyOwner });
    return { kind: 'written' };
  } catch (error) {
    if (!mayReplace && codeOf(error) === 'EEXIST') return await existing(file);
    return { kind: 'failed', reason: reasonOf(error) };
  }
}

async function existing(file: string): Promise<Written> {
  const found = await stat(file).catch(() => null);
  if (found?.isFile() !== true) return { kind: 'failed', reason: 'it is not a file' };
  return { kind: 'exists', bytes: found.size };
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}

/** Node's own message repeats the path. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { errno } = error as NodeJS.ErrnoException;
  const [, reason = error.message] = getSystemErrorMap().get(errno ?? 0) ?? [];
  return reason;
}
