/** Builds dist/ if it is out of date. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { isBuildFresh } from './build-stamp.mjs';
import { withLock } from './lock.mjs';
import { root } from './paths.mjs';
import { runCaptured } from './run-captured.mjs';
import { SetupError } from './setup-error.mjs';

/**
 * Builds in a child process: otherwise the program that starts next would keep the bundler's memory.
 *
 * @throws {SetupError} if the build fails.
 */
export async function ensureBuild() {
  if (isBuildFresh()) return;
  await withLock(`build-${createHash('sha256').update(root).digest('hex').slice(0, 16)}`, async () => {
    if (isBuildFresh()) return;
    console.error('Building…');
    const { isOk, output } = await runCaptured([process.execPath, join(root, 'scripts', 'build.mjs')], {
      cwd: root,
    });
    if (!isOk) throw new SetupError(`the build failed:\n\n${output.trimEnd()}`);
  });
}
