/**
 * Skips the tests of a file if they passed with exactly what they read now. This is for slow tests of things that
 * seldom change, on the machine of a developer; a machine of CI always runs them. `npm test` tells how many were
 * skipped; without `node_modules/.cache`, all of them run.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeEach } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const stamps = join(root, 'node_modules', '.cache', 'resque-runner', 'unchanged');

/**
 * Call it once at the top of a test file, or of the `describe` that it is for.
 *
 * @param url of the test file
 * @param paths files and folders of the checkout that the tests read, besides their own folder and `test/helpers/`
 */
export function skipWhileUnchanged(url: string, ...paths: readonly string[]): void {
  const name = fileURLToPath(url).slice(root.length);
  const hash = hashOf([...paths, join(name, '..'), 'test/helpers', 'package-lock.json']);
  const stamp = join(stamps, name.replaceAll('/', '-'));
  const isUnchanged = !process.env.CI && readIfThere(stamp) === hash;
  let hasRunAll = process.env.RR_TEST_FILTER === undefined;

  beforeEach(({ skip }) => skip(isUnchanged, 'nothing that it reads has changed'));
  afterEach(({ task }) => {
    if (task.result?.state === 'fail') hasRunAll = false;
  });
  afterAll(() => {
    if (isUnchanged || !hasRunAll) return;
    mkdirSync(stamps, { recursive: true });
    writeFileSync(stamp, hash);
  });
}

function hashOf(paths: readonly string[]): string {
  const hash = createHash('sha256').update(process.version);
  for (const path of paths.flatMap(filesOf).sort()) {
    hash.update(`\0${path}\0`).update(readFileSync(join(root, path)));
  }
  return hash.digest('hex');
}

function filesOf(path: string): string[] {
  if (!statSync(join(root, path)).isDirectory()) return [path];
  return readdirSync(join(root, path), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length));
}

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
