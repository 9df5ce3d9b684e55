/**
 * `npm run bench [-- NAME …] [--flag …]`: runs the named benches, or all of them. Each bench/NAME.ts is a bench; the
 * folders in bench/ hold shared code. Flags go to every bench.
 *
 * A bench's bundle contains no packages, so a peer is measured as installed.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './setup/paths.mjs';
import { runTypeScript } from './setup/run-typescript.mjs';
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
    const list = benches.length === 0 ? 'there are no benches' : `benches are ${benches.join(', ')}`;
    throw new SetupError(
      unknown.length === 0 ? list : `there is no bench called ${unknown.join(', ')}; ${list}`,
      2,
    );
  }
  await setUp();
  for (const name of names.length === 0 ? benches : names) {
    const exitCode = await runTypeScript(join('bench', `${name}.ts`), flags, 'resque-runner-bench-');
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
