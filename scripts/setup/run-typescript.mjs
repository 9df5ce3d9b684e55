/**
 * Runs a TypeScript program, which Node 20 can't do. It bundles the program into one file, without packages. The file is
 * in another directory, so programs can't use `import.meta.url`; their paths start at the current directory, the checkout.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { commonBuildOptions } from '../build.mjs';
import { root } from './paths.mjs';

/**
 * @param {string} source path in the checkout, such as `bench/idle.ts`
 * @param {readonly string[]} flags
 * @param {string} directoryPrefix of the bundle's directory
 * @returns {Promise<number>} its exit code
 */
export async function runTypeScript(source, flags, directoryPrefix) {
  // Inside node_modules, so that Node finds the packages.
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
 * @returns {Promise<number>} its exit code, or 1 if a signal ended it
 */
function runNode(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit' });
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
}
