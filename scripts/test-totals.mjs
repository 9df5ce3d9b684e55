/** Reads Vitest's JSON report: complete totals, and the slowest files. */
import { existsSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { root } from './setup/paths.mjs';

/** @typedef {{ name: string, durationMs: number }} TestFile */
/** @typedef {{ passed: number, failed: number, skipped: number, files: readonly TestFile[] }} Totals */

/** @type {Totals} */
export const noTestsRan = { passed: 0, failed: 0, skipped: 0, files: [] };

const slowestCount = 10;

/**
 * @param {string} reportFile Vitest's JSON report; it may not exist
 * @param {boolean} isOk whether Vitest's exit code was 0
 * @returns {Totals}
 */
export function totalsOf(reportFile, isOk) {
  const totals = existsSync(reportFile)
    ? countReport(JSON.parse(readFileSync(reportFile, 'utf8')))
    : noTestsRan;
  // A crash, an error outside all tests, or a filter that matched no file.
  return !isOk && totals.failed === 0 ? { ...totals, failed: 1 } : totals;
}

/**
 * @param {{
 *   numPassedTests: number, numFailedTests: number, numPendingTests: number, numTodoTests: number,
 *   testResults: readonly {
 *     name: string, status: string, startTime: number, endTime: number,
 *     assertionResults: readonly { status: string }[],
 *   }[],
 * }} report
 * @returns {Totals}
 */
function countReport(report) {
  // A file that can't be loaded fails without a failed test.
  const brokenFiles = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((assertion) => assertion.status === 'failed'),
  );
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + brokenFiles.length,
    skipped: report.numPendingTests + report.numTodoTests,
    files: report.testResults.map(({ name, startTime, endTime }) => ({
      name,
      durationMs: endTime - startTime,
    })),
  };
}

/** @param {Omit<Totals, 'files'>} totals */
export function summaryLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

/**
 * @param {number} totalMs
 * @param {readonly TestFile[]} files
 * @returns {string} the duration of checks and tests, and the slowest files
 */
export function describeTimes(totalMs, files) {
  const slowest = [...files].sort((a, b) => b.durationMs - a.durationMs).slice(0, slowestCount);
  const lines = slowest.map(
    ({ name, durationMs }) => `${(durationMs / 1000).toFixed(1).padStart(8)} s  ${relative(root, name)}`,
  );
  const total = `Took ${inWords(totalMs)}.`;
  return lines.length === 0 ? total : [`${total} The slowest files:`, ...lines].join('\n');
}

/** @param {number} ms */
function inWords(ms) {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
