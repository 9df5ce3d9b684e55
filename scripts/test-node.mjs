/**
 * `npm run test:node [-- VERSION…]`: runs the quick tests and one end-to-end flow with other versions of Node. The default
 * is all supported versions except the oldest. npm's package `node` installs them into the user's cache
 * directory.
 * Exits with 1 if a test failed.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { npmCommand } from './setup/dependencies.mjs';
import { root } from './setup/paths.mjs';
import { runCaptured } from './setup/run-captured.mjs';
import { reportAndExit, SetupError } from './setup/setup-error.mjs';
import { setUp } from './setup.mjs';

const caches = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
const usualVersions = ['22', '24'];
/** Arguments of Vitest for each run. */
const runs = {
  'quick tests': ['--project=pure', '--project=redis'],
  'end-to-end flow': ['test/e2e/whole-flow.test.ts'],
};

async function main() {
  const versions = process.argv.length > 2 ? process.argv.slice(2) : usualVersions;
  for (const version of versions) {
    if (!/^\d+(?:\.\d+){0,2}$/.test(version)) {
      throw new SetupError(`"${version}" is not a version of Node; try: npm run test:node -- 22 24`, 2);
    }
  }
  // Set up with the current Node: the bundle is the same for all versions.
  await setUp();
  /** @type {string[]} */
  const outcomes = [];
  for (const version of versions) {
    const node = await nodeOf(version);
    const { output } = await runCaptured([node, '--version']);
    for (const [name, args] of Object.entries(runs)) {
      console.log(`\nNode ${output.trim()}: ${name}`);
      const isOk = await runVitest(node, args);
      outcomes.push(`${isOk ? '✓' : '✗'} Node ${output.trim()}: ${name}`);
    }
  }
  console.log(`\n${outcomes.join('\n')}`);
  process.exitCode = outcomes.some((outcome) => outcome.startsWith('✗')) ? 1 : 0;
}

/**
 * @param {string} version such as 22
 * @returns the path of its program; installs it first if it is missing
 * @throws {SetupError} if npm can't install it
 */
async function nodeOf(version) {
  const directory = join(caches, 'resque-runner-tests', `node-${version}`);
  const program = join(directory, 'node_modules', 'node', 'bin', 'node');
  if (existsSync(program)) return program;
  console.error(`Installing Node ${version}…`);
  mkdirSync(directory, { recursive: true });
  const { isOk, output } = await runCaptured([
    ...npmCommand(),
    ...['install', '--no-save', '--no-audit', '--no-fund', '--prefix', directory, `node@${version}`],
  ]);
  if (isOk && existsSync(program)) return program;
  throw new SetupError(
    `npm failed to install Node ${version} in ${directory}. Check the connection to npm's registry:\n\n${output.trimEnd()}`,
  );
}

/**
 * @param {string} node
 * @param {readonly string[]} args
 * @returns {Promise<boolean>} whether its exit code was 0
 */
function runVitest(node, args) {
  return new Promise((resolve, reject) => {
    const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
    // A build by another Node would first install the dependencies again.
    const env = {
      ...process.env,
      RR_TEST_BUILT: 'yes',
      PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}`,
    };
    const child = spawn(node, [vitest, 'run', ...args], { cwd: root, env, stdio: 'inherit' });
    child.on('error', reject);
    child.on('close', (code) => resolve(code === 0));
  });
}

try {
  await main();
} catch (error) {
  reportAndExit(error);
}
