/**
 * Runs a program that is written in TypeScript, as Node 20 can't: bundled into one file elsewhere; packages stay
 * outside. So `import.meta.url` isn't the source's: the current directory is the checkout, and paths start there.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { commonBuildOptions } from '../build.mjs';
import { root } from './paths.mjs';

/**
 * @param {string} source from the checkout, as `bench/idle.ts`
 * @param {readonly string[]} flags
 * @param {string} directoryPrefix of the bundle's directory
 * @returns {Promise<number>} its exit code
 */
export async function runTypeScript(source, flags, directoryPrefix) {
  // Inside node_modules, where the packages left outside the bundle are found.
  const cache = join(root, 'node_modules', '.cache');
  mkdirSync(cache, { recursive: true });
  const directory = mkdtempSync(join(cache, directoryPrefix));
  const file = join(directory, basename(source).replace(/\.ts$/, '.mjs'));
  try {
    const { build } = await import('esbuild');
    await build({
      ...commonBuildOptions(),
      entryPoints: [source],
      outfile: file,
      packages: 'external',
      sourcemap: 'inline',
    });
    return await runNode(['--enable-source-maps', file, ...flags]);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/**
 * @param {readonly string[]} args
 * @returns {Promise<number>} its exit code, 1 where a signal ended it
 */
function runNode(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit' });
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
}
