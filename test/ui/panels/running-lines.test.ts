/** Running jobs in a few rows: at least one is shown, and no row is wasted. */
import { expect, test } from 'vitest';
import { runningLines } from '../../../src/ui/panels/queue-lines.ts';
import { plainText } from '../../../src/ui/text/line.ts';
import { runningJob } from '../states.ts';

/** Jobs that have all printed something. */
function rowsOf(count: number, rows: number, cursor: number | null = null): string[] {
  const jobs = Array.from({ length: count }, (_, at) => ({
    ...runningJob(String(at + 1), 'mail'),
    lastLine: { stream: 'stdout' as const, text: `output ${at + 1}`, atMs: 0 },
  }));
  const lines = runningLines(jobs, 40, rows, cursor, 0, () => () => ({}));
  expect(lines.length).toBeLessThanOrEqual(rows);
  return lines.map((line) =>
    plainText(line)
      .replace(/00:00 |Job \[\]/g, '')
      .trim(),
  );
}

test('all jobs with their output, if there is room', () => {
  expect(rowsOf(2, 4)).toEqual(['#1', 'output 1', '#2', 'output 2']);
});

test('the last job goes without its output before a job is left out', () => {
  expect(rowsOf(3, 5)).toEqual(['#1', 'output 1', '#2', 'output 2', '#3']);
  expect(rowsOf(3, 5, 2)).toEqual(['#1', 'output 1', '#2', 'output 2', '#3']);
  expect(rowsOf(4, 4)).toEqual(['#1', 'output 1', '#2', '… 2 more']);
});

test('the job under the cursor is there, however few rows there are', () => {
  for (const rows of [1, 2, 3, 4, 5]) {
    for (const cursor of [0, 1, 2, 3])
      expect(rowsOf(4, rows, cursor), `${rows} rows`).toContain(`#${cursor + 1}`);
  }
  expect(rowsOf(3, 2)).toEqual(['#1', '… 2 more']);
  expect(rowsOf(3, 1)).toEqual(['#1']);
  expect(rowsOf(3, 0)).toEqual([]);
});
