/** Runs once before all tests: builds the program for tests that start it, and makes a directory for this run's files. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { ensureBuild } from '../../scripts/setup/bundle.mjs';
import { distEntry } from '../../scripts/setup/paths.mjs';

/** Every project calls this; the first one does the work. */
export default async function setUp({ name, globalConfig }: TestProject): Promise<() => void> {
  const isFirst = process.env.RR_TEST_RUN === undefined;
  const directory = process.env.RR_TEST_RUN ?? mkdtempSync(join(tmpdir(), 'rr-run-'));
  process.env.RR_TEST_RUN = directory;
  // A runner that ends without Redis leaves a file there. It must not be in the user's home directory.
  process.env.XDG_STATE_HOME = join(directory, 'state');
  process.env.XDG_CACHE_HOME = join(directory, 'cache');
  if (globalConfig.testNamePattern !== undefined) process.env.RR_TEST_FILTER = 'yes';
  if (['program', 'terminal', 'whole'].includes(name)) await buildProgram();
  return () => {
    if (isFirst) rmSync(directory, { recursive: true, force: true });
  };
}

/**
 * If the build fails, tests that don't need the program still run. The old program is deleted, so that no test passes with
 * it.
 */
async function buildProgram(): Promise<void> {
  if (process.env.RR_TEST_BUILT === 'yes') return;
  try {
    await ensureBuild();
  } catch (error) {
    rmSync(distEntry, { force: true });
    console.error(`${String(error)}\n\nTests that start the whole program will fail.`);
  }
}
