/** Paths in the checkout, independent of the current directory. */
import { realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const distDirectory = join(root, 'dist');
export const distEntry = join(distDirectory, 'resque-runner.js');
export const buildStampFile = join(distDirectory, '.build-stamp');

/**
 * Whether Node was started with this module, rather than importing it.
 *
 * @param {string} moduleUrl
 */
export function isMainModule(moduleUrl) {
  const started = process.argv[1];
  return started !== undefined && realpathSync(started) === realpathSync(fileURLToPath(moduleUrl));
}
