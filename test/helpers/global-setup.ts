/** Before any test: dist/ is what the sources build to, so that tests of the whole program run today's. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBuild } from '../../scripts/setup/bundle.mjs';
import { distEntry } from '../../scripts/setup/paths.mjs';

/**
 * Sources that don't build, as one room's in the middle of a change, must not keep the other rooms' tests from
 * running. The old program goes, so that no test passes by running it.
 */
export default async function buildProgram(): Promise<() => void> {
  // A runner that ends without its Redis leaves a file there: not in the home of who runs the tests.
  const state = mkdtempSync(join(tmpdir(), 'rr-state-'));
  process.env.XDG_STATE_HOME = state;
  try {
    await ensureBuild();
  } catch (error) {
    rmSync(distEntry, { force: true });
    console.error(`${String(error)}\n\nTests that start the whole program will fail.`);
  }
  return () => rmSync(state, { recursive: true, force: true });
}
