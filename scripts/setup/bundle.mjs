/** Builds dist/ when it isn't what the sources say. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { isBuildFresh } from './build-stamp.mjs';
import { withLock } from './lock.mjs';
import { root } from './paths.mjs';
import { runCaptured } from './run-captured.mjs';
import { SetupError } from './setup-error.mjs';

/**
 * A child builds, so that the bundler's memory doesn't stay with the program that starts next.
 *
 * @throws {SetupError} when the sources don't build.
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
