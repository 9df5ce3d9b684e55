import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The path of an executable in one of these directories, or else on PATH; null if there is none. */
export function findProgram(name: string, directories: readonly string[] = []): string | null {
  const all = [...directories, ...(process.env.PATH ?? '').split(delimiter)];
  return all.map((directory) => join(directory, name)).find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // Not here: the next directory.
    return false;
  }
}
