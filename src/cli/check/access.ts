/**
 * Whether other users of this machine could change files that the runner reads or starts. Their changes would run as the
 * runner's user.
 */
import { realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ownUid, userNameOf } from '../../link/sockets/users.ts';
import { type Verdict, warn } from './verdict.ts';

export interface TrustedFile {
  readonly subject: string;
  /** Absolute. */
  readonly path: string;
}

const writableByAll = 0o002;
/** In such a directory, users can replace only their own files. */
const sticky = 0o1000;

export async function checkAccess(files: readonly TrustedFile[]): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  const looked = new Set<string>();
  const isNew = (path: string) => !looked.has(path) && looked.add(path);
  for (const { subject, path } of files) {
    const target = await unlessHidden(realpath(path));
    if (target === null) continue;
    if (isNew(target)) verdicts.push(...(await ofFile(subject, target)));
    // A link can be replaced without changing its target.
    for (const place of new Set([path, target])) {
      for (const directory of directoriesOf(place)) {
        if (!isNew(directory) || !(await isOpen(directory))) continue;
        const text = `every user of this machine can replace ${place}; chmod o-w ${directory}`;
        verdicts.push(warn(subject, text));
      }
    }
  }
  return verdicts;
}

/** @param directories absolute; the config includes their files */
export async function checkIncluded(directories: readonly string[]): Promise<Verdict[]> {
  const found = await Promise.all(
    directories.map(async (path) => {
      const mode = (await unlessHidden(stat(path)))?.mode ?? 0;
      // A sticky directory protects the files that are there, but accepts new ones.
      if ((mode & writableByAll) === 0) return [];
      const text = `every user of this machine can add files to ${path}, and the config includes them`;
      return [warn('config', `${text}; chmod o-w ${path}`)];
    }),
  );
  return found.flat();
}

async function ofFile(subject: string, path: string): Promise<Verdict[]> {
  const found = await unlessHidden(stat(path));
  if (found === null) return [];
  const verdicts: Verdict[] = [];
  if ((found.mode & writableByAll) !== 0) {
    verdicts.push(warn(subject, `every user of this machine can change ${path}; chmod o-w ${path}`));
  }
  const own = ownUid();
  if (found.uid !== own && found.uid !== 0) {
    const trusted = own === 0 ? 'root' : `${userNameOf(own)} or root`;
    const text = `${path} belongs to user ${userNameOf(found.uid)}, not to ${trusted}`;
    verdicts.push(warn(subject, `${text}: run check as the user of the runner, or chown root ${path}`));
  }
  return verdicts;
}

async function isOpen(directory: string): Promise<boolean> {
  const found = await unlessHidden(stat(directory));
  return found !== null && (found.mode & writableByAll) !== 0 && (found.mode & sticky) === 0;
}

/** From the nearest to the root. */
function directoriesOf(path: string): string[] {
  const directory = dirname(path);
  return directory === path ? [] : [directory, ...directoriesOf(directory)];
}

/** `null` if it is missing or unreadable, which the other checks report. */
async function unlessHidden<T>(look: Promise<T>): Promise<T | null> {
  try {
    return await look;
  } catch (error) {
    if (error instanceof Error && 'code' in error) return null;
    throw error;
  }
}
