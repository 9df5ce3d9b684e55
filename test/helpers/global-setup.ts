/** Before any test: dist/ is what the sources build to, so that tests of the whole program run today's. */
import { rmSync } from 'node:fs';
import { ensureBuild } from '../../scripts/setup/bundle.mjs';
import { distEntry } from '../../scripts/setup/paths.mjs';

/**
 * Sources that don't build, as one room's in the middle of a change, must not keep the other rooms' tests from
 * running. The old program goes, so that no test passes by running it.
 */
export default async function buildProgram(): Promise<void> {
  try {
    await ensureBuild();
  } catch (error) {
    rmSync(distEntry, { force: true });
    console.error(`${String(error)}\n\nTests that start the whole program will fail.`);
  }
}
