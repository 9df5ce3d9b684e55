/** Checks whether dist/ is up to date. It compares contents, because file times in a clone are meaningless. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildStampFile, distEntry, root } from './paths.mjs';
import { SetupError } from './setup-error.mjs';

/** Files outside src/ that the bundle depends on. */
const bundling = ['builtin-modules', 'package-savings', 'shared-chunks'].map(
  (name) => `scripts/bundle/${name}.mjs`,
);
const otherSources = ['package.json', 'package-lock.json', 'scripts/build.mjs', ...bundling];

export function isBuildFresh() {
  return (
    existsSync(distEntry) &&
    existsSync(buildStampFile) &&
    readFileSync(buildStampFile, 'utf8') === hashOfSources()
  );
}

/** @returns {string} a hash of the path and content of every source */
export function hashOfSources() {
  const hash = createHash('sha256');
  for (const path of [...otherSources, ...filesOfSrc()]) {
    const content = readFileSync(join(root, path));
    hash.update(`\0${path}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

function filesOfSrc() {
  if (!existsSync(join(root, 'src')))
    throw new SetupError(`${root} has no src/: this is not a checkout of resque-runner.`);
  return readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort();
}
