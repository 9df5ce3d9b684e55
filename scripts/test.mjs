/**
 * `npm test [-- VITEST ARGS]`: set-up, every static check, then the tests. All of it runs, whatever fails; each
 * check counts as one test. The last line of stdout says `N passed, N failed`, with `, N skipped` where any
 * were; the exit code is 1 when something failed or no test ran.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBuild } from './setup/bundle.mjs';
import { ensureDependencies } from './setup/dependencies.mjs';
import { assertNodeVersion } from './setup/node-version.mjs';
import { root } from './setup/paths.mjs';
import { ensureRedisServer } from './setup/redis-server.mjs';
import { runCaptured } from './setup/run-captured.mjs';
import { describe } from './setup/setup-error.mjs';
import { noTestsRan, summaryLine, totalsOf } from './test-totals.mjs';

const checks = {
  types: ['tsc', '--noEmit'],
  'format and lint (biome)': ['biome', 'check', '.'],
  'lint with types (oxlint)': ['oxlint', '--type-aware', '--deny-warnings'],
  'unused code (knip)': ['knip'],
};

const setUpSteps = {
  'node version': assertNodeVersion,
  dependencies: ensureDependencies,
  build: ensureBuild,
  redis: ensureRedisServer,
};

async function main() {
  const setUp = await runSetUp();
  const isAbleToCheck = setUp.dependencies;
  const checked = isAbleToCheck ? await runChecks() : [];
  const tested = isAbleToCheck ? await runTests(process.argv.slice(2)) : noTestsRan;

  const results = [...Object.values(setUp), ...checked];
  const totals = {
    passed: results.filter(Boolean).length + tested.passed,
    failed: results.filter((isOk) => !isOk).length + tested.failed,
    skipped: tested.skipped,
  };
  const didTestsRun = tested.passed + tested.failed > 0;
  if (!didTestsRun) console.log('\nNo test ran.');
  console.log(`\n${summaryLine(totals)}`);
  process.exitCode = totals.failed === 0 && didTestsRun ? 0 : 1;
}

/** @returns whether each step did what it promises; one that failed doesn't keep the next from trying. */
async function runSetUp() {
  const outcome = { 'node version': false, dependencies: false, build: false, redis: false };
  for (const [name, step] of Object.entries(setUpSteps)) {
    try {
      await step();
      outcome[/** @type {keyof typeof outcome} */ (name)] = true;
      report(name, true);
    } catch (error) {
      report(name, false, describe(error));
    }
  }
  return outcome;
}

/** The checks share nothing, so they run at the same time, and report in their order. */
async function runChecks() {
  const running = Object.entries(checks).map(([name, [tool = '', ...args]]) => ({
    name,
    result: runCaptured([join(root, 'node_modules', '.bin', tool), ...args], { cwd: root }),
  }));
  const outcomes = [];
  for (const { name, result } of running) {
    const { isOk, output } = await result;
    report(name, isOk, isOk ? '' : output.trimEnd());
    outcomes.push(isOk);
  }
  return outcomes;
}

/**
 * @param {string} name
 * @param {boolean} isOk
 */
function report(name, isOk, output = '') {
  console.log(`${isOk ? '✓' : '✗'} ${name}`);
  if (output !== '') console.log(output);
}

/**
 * Vitest, seen as it runs and counted from its JSON report.
 *
 * @param {readonly string[]} args
 */
async function runTests(args) {
  const directory = mkdtempSync(join(tmpdir(), 'resque-runner-test-'));
  const reportFile = join(directory, 'report.json');
  try {
    const isOk = await runVitest([
      ...args,
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${reportFile}`,
    ]);
    return totalsOf(reportFile, isOk);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/**
 * @param {readonly string[]} args
 * @returns {Promise<boolean>} whether it was content
 */
function runVitest(args) {
  return new Promise((resolve) => {
    const vitest = join(root, 'node_modules', '.bin', 'vitest');
    const child = spawn(vitest, ['run', ...args], { cwd: root, stdio: 'inherit' });
    child.on('error', (error) => {
      console.log(error.message);
      resolve(false);
    });
    child.on('close', (code) => resolve(code === 0));
  });
}

await main();
