import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { describeTimes, summaryLine, totalsOf } from '../../scripts/test-totals.mjs';
import { repository } from './small-checkout.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'resque-runner-totals-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function writeReport(report: object): string {
  const counts = {
    numPassedTests: 0,
    numFailedTests: 0,
    numPendingTests: 0,
    numTodoTests: 0,
    testResults: [],
  };
  const file = join(directory, 'report.json');
  writeFileSync(file, JSON.stringify({ ...counts, ...report }));
  return file;
}

describe('the totals of a test run', () => {
  test('are those of the report', () => {
    const report = writeReport({ numPassedTests: 5, numFailedTests: 2, numPendingTests: 1, numTodoTests: 1 });

    expect(totalsOf(report, false)).toEqual({ passed: 5, failed: 2, skipped: 2, files: [] });
  });

  test('count a file that could not be loaded as a failure', () => {
    const brokenFile = { status: 'failed', assertionResults: [] };
    const failedFile = { status: 'failed', assertionResults: [{ status: 'failed' }] };
    const report = writeReport({
      numPassedTests: 5,
      numFailedTests: 1,
      testResults: [brokenFile, failedFile],
    });

    expect(totalsOf(report, false)).toMatchObject({ passed: 5, failed: 2, skipped: 0 });
  });

  test('count an error outside all tests as a failure', () => {
    expect(totalsOf(writeReport({ numPassedTests: 5 }), false)).toMatchObject({
      passed: 5,
      failed: 1,
      skipped: 0,
    });
  });

  test('count a run without a report as a failure', () => {
    expect(totalsOf(join(directory, 'missing.json'), false)).toMatchObject({
      passed: 0,
      failed: 1,
      skipped: 0,
    });
  });

  test('are one line, which mentions skipped tests only if there are any', () => {
    expect(summaryLine({ passed: 5, failed: 0, skipped: 0 })).toBe('5 passed, 0 failed');
    expect(summaryLine({ passed: 5, failed: 1, skipped: 2 })).toBe('5 passed, 1 failed, 2 skipped');
  });
});

describe('the times of a test run', () => {
  test('name the ten slowest files', () => {
    const files = Array.from({ length: 12 }, (_, index) => ({
      name: join(repository, `test/${index}.test.ts`),
      durationMs: index * 1000,
    }));
    const lines = describeTimes(256_000, files).split('\n');

    expect(lines[0]).toBe('Took 4 min 16 s. The slowest files:');
    expect(lines.slice(1).map((line) => line.trim())).toEqual(
      [11, 10, 9, 8, 7, 6, 5, 4, 3, 2].map((index) => `${index}.0 s  test/${index}.test.ts`),
    );
  });

  test('are a single line if no test ran', () => {
    expect(describeTimes(8_000, [])).toBe('Took 8 s.');
  });
});

describe('the unattended run', () => {
  /** Runs .ci/run with a fake npm. */
  function runUnattended(npm: string) {
    const file = join(directory, 'npm');
    writeFileSync(file, `#!/bin/sh\n${npm}\n`);
    chmodSync(file, 0o755);
    return execa(join(repository, '.ci/run'), {
      env: { PATH: `${directory}${delimiter}${process.env.PATH}`, TMPDIR: directory },
      reject: false,
    });
  }

  test('runs `npm test` without questions', async () => {
    const { stdout, exitCode } = await runUnattended('echo "$* CI=$CI"; cat; echo "3 passed, 0 failed"');

    expect(stdout.split('\n')).toEqual(['test CI=true', '3 passed, 0 failed', '3 passed, 0 failed']);
    expect(exitCode).toBe(0);
  });

  test('ends with the totals, even if npm prints more, and keeps the exit code', async () => {
    const { stdout, exitCode } = await runUnattended(
      'echo "3 passed, 1 failed, 2 skipped"; echo "npm error" >&2; exit 5',
    );

    expect(stdout.split('\n').at(-1)).toBe('3 passed, 1 failed, 2 skipped');
    expect(exitCode).toBe(5);
  });

  test.each([0, 7])('fails without totals, for example if npm exits with %i', async (npmExitCode) => {
    const { stdout, exitCode } = await runUnattended(`exit ${npmExitCode}`);

    expect(stdout).toBe('0 passed, 1 failed');
    expect(exitCode).toBe(npmExitCode || 1);
  });
});
