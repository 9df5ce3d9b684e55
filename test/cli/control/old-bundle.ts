/**
 * The program at an earlier commit, as one bundle of its sources with today's packages. The build of that commit expects
 * packages of its own in its directory; see `buildOldVersion` for commits before that.
 */
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { execa } from 'execa';

const repository = fileURLToPath(new URL('../../..', import.meta.url));
const cache = join(repository, 'node_modules', '.cache', 'resque-runner');

/** @returns the path of the program, which is kept for later runs */
export async function bundleOldVersion(commit: string): Promise<string> {
  const kept = join(cache, `bundle-${commit}-${process.version}`);
  const program = join(kept, 'dist', 'resque-runner.js');
  if (existsSync(program)) return program;
  mkdirSync(cache, { recursive: true });
  const directory = mkdtempSync(join(cache, 'bundling-'));
  await execa('sh', ['-c', `git archive ${commit} package.json src | tar -x -C '${directory}'`], {
    cwd: repository,
  });
  await build({
    absWorkingDir: directory,
    entryPoints: { 'resque-runner': 'src/cli/main.ts' },
    outdir: 'dist',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    jsx: 'automatic',
    // Node finds them in the folders above.
    packages: 'external',
    define: { __VERSION__: '"0.0.1"', 'process.env.NODE_ENV': '"production"' },
  });
  try {
    renameSync(directory, kept);
  } catch (error) {
    // Another run has just made it.
    rmSync(directory, { recursive: true, force: true });
    if (!existsSync(program)) throw error;
  }
  return program;
}
