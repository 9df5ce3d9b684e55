/** Counts what Vitest reported, so that nothing which went wrong is missing from the totals. */
import { existsSync, readFileSync } from 'node:fs';

/** @typedef {{ passed: number, failed: number, skipped: number }} Totals */

/** @type {Totals} */
export const noTestsRan = { passed: 0, failed: 0, skipped: 0 };

/**
 * @param {string} reportFile Vitest's JSON report, perhaps missing
 * @param {boolean} isOk whether Vitest's exit code was 0
 * @returns {Totals}
 */
export function totalsOf(reportFile, isOk) {
  const totals = existsSync(reportFile)
    ? countReport(JSON.parse(readFileSync(reportFile, 'utf8')))
    : noTestsRan;
  // A crash, an error outside any test, or a file that no filter matched.
  return !isOk && totals.failed === 0 ? { ...totals, failed: 1 } : totals;
}

/**
 * @param {{
 *   numPassedTests: number, numFailedTests: number, numPendingTests: number, numTodoTests: number,
 *   testResults: readonly { status: string, assertionResults: readonly { status: string }[] }[],
 * }} report
 * @returns {Totals}
 */
function countReport(report) {
  // A file that can't be loaded fails without any test of its own.
  const brokenFiles = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((assertion) => assertion.status === 'failed'),
  );
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + brokenFiles.length,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/** @param {Totals} totals */
export function summaryLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
