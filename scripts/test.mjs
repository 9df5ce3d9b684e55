/**
 * `npm test [-- VITEST ARGS]`: runs the set-up, all static checks, then the tests. It continues after a failure. Each
 * check counts as one test. The last line of stdout is `N passed, N failed`, plus `, N skipped` if tests were skipped.
 * Exits with 1 if something failed or no test ran.
 *
 * `npm run test:quick [-- VITEST ARGS]` skips the checks, the tests that start the program, and the longer ones of the screen.
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
import { describeTimes, noTestsRan, summaryLine, totalsOf } from './test-totals.mjs';

const checks = {
  types: ['tsc', '--noEmit'],
  'format and lint (biome)': ['biome', 'check', '.'],
  'lint with types (oxlint)': ['oxlint', '--type-aware', '--deny-warnings'],
  'unused code (knip)': ['knip'],
};

const quickSetUpSteps = {
  'node version': assertNodeVersion,
  dependencies: ensureDependencies,
  redis: ensureRedisServer,
};

const setUpSteps = { ...quickSetUpSteps, build: ensureBuild };

async function main() {
  const isQuick = process.argv[2] === '--quick';
  // Tests that try random cases try fewer.
  if (isQuick) process.env.RR_TEST_QUICK = 'on';
  const vitestArgs = process.argv.slice(isQuick ? 3 : 2);
  const isWhole = !isQuick && !vitestArgs.some((arg) => arg.startsWith('--project'));
  if (isWhole) process.env.RR_TEST_WHOLE = 'on';
  const setUp = await runSetUp(isQuick ? quickSetUpSteps : setUpSteps);
  const isAbleToCheck = setUp.dependencies === true;
  const start = performance.now();
  const checked = isAbleToCheck && !isQuick ? await runChecks() : [];
  const tested = isAbleToCheck ? await runTests(vitestArgs) : noTestsRan;

  const results = [...Object.values(setUp), ...checked];
  const totals = {
    passed: results.filter(Boolean).length + tested.passed,
    failed: results.filter((isOk) => !isOk).length + tested.failed,
    skipped: tested.skipped,
  };
  const didTestsRun = tested.passed + tested.failed > 0;
  if (!didTestsRun) console.log('\nNo test ran.');
  console.log(`\n${describeTimes(performance.now() - start, tested.files)}`);
  console.log(`\n${summaryLine(totals)}`);
  process.exitCode = totals.failed === 0 && didTestsRun ? 0 : 1;
}

/**
 * @param {Readonly<Record<string, () => unknown>>} steps
 * @returns whether each step succeeded. The next step runs even if one fails.
 */
async function runSetUp(steps) {
  /** @type {Record<string, boolean>} */
  const outcome = {};
  for (const [name, step] of Object.entries(steps)) {
    try {
      await step();
      outcome[name] = true;
      report(name, true);
    } catch (error) {
      outcome[name] = false;
      report(name, false, describe(error));
    }
  }
  return outcome;
}

/** The checks are independent, so they run in parallel. They report in order. */
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
 * Shows Vitest's output while it runs, and counts the tests in its JSON report.
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
 * @returns {Promise<boolean>} whether its exit code was 0
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
