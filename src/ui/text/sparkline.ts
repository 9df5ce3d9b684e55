const steps = '▁▂▃▄▅▆▇█';

/**
 * A column of one of eight heights for each number. Only what is nothing has the lowest: one failure among
 * thousands is still seen.
 *
 * @param top the number that fills a column; the greatest of all where it isn't given
 */
export function sparkline(values: readonly number[], top = greatest(values)): string {
  return values.map((value) => steps[stepOf(value, top)] ?? '').join('');
}

function stepOf(value: number, top: number): number {
  if (!(value > 0 && top > 0)) return 0;
  const highest = steps.length - 1;
  return Math.min(highest, Math.max(1, Math.round((value / top) * highest)));
}

function greatest(values: readonly number[]): number {
  return Math.max(0, ...values.filter((value) => value > 0));
}
