/**
 * `npm run bench [-- NAME …] [--flag …]`: runs the benches named, or all; each bench/NAME.ts is one, and what
 * several share lies in folders below. Flags go to every bench.
 *
 * A bench is bundled into one file elsewhere, as Node 20 can't run TypeScript; packages stay outside, so that a
 * peer is measured as it is installed. So `import.meta.url` isn't the source's: the current directory is the
 * checkout, and paths start there.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { commonBuildOptions } from './build.mjs';
import { root } from './setup/paths.mjs';
import { reportAndExit, SetupError } from './setup/setup-error.mjs';
import { setUp } from './setup.mjs';

/**
 * @param {readonly string[]} names
 * @param {readonly string[]} flags
 */
async function main(names, flags) {
  const benches = findBenches();
  const unknown = names.filter((name) => !benches.includes(name));
  if (unknown.length > 0 || benches.length === 0) {
    const list = benches.length === 0 ? 'there are none yet' : `there are: ${benches.join(', ')}`;
    throw new SetupError(
      unknown.length === 0 ? `${list}.` : `no bench is called ${unknown.join(', ')}; ${list}.`,
      2,
    );
  }
  await setUp();
  for (const name of names.length === 0 ? benches : names) {
    const exitCode = await runBench(name, flags);
    if (exitCode !== 0) process.exitCode = exitCode;
  }
}

function findBenches() {
  if (!existsSync(join(root, 'bench'))) return [];
  return readdirSync(join(root, 'bench'))
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.slice(0, -'.ts'.length))
    .sort();
}

/**
 * @param {string} name
 * @param {readonly string[]} flags
 * @returns {Promise<number>} its exit code
 */
async function runBench(name, flags) {
  // Inside node_modules, where the packages left outside the bundle are found.
  const cache = join(root, 'node_modules', '.cache');
  mkdirSync(cache, { recursive: true });
  const directory = mkdtempSync(join(cache, 'resque-runner-bench-'));
  const file = join(directory, `${name}.mjs`);
  try {
    const { build } = await import('esbuild');
    await build({
      ...commonBuildOptions(),
      entryPoints: [join('bench', `${name}.ts`)],
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

try {
  const args = process.argv.slice(2);
  const isFlag = /** @param {string} arg */ (arg) => arg.startsWith('-');
  await main(
    args.filter((arg) => !isFlag(arg)),
    args.filter(isFlag),
  );
} catch (error) {
  reportAndExit(error);
}
