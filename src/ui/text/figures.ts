/** Numbers as bars, sparklines and running times. */
/**
 * `■■■□□`: how much of a total is used, in `width` columns. Only zero looks empty, and only the total looks full.
 */
export function bar(used: number, total: number, width: number): string {
  if (!(width > 0)) return '';
  const columns = Math.floor(width);
  const filled = total > 0 ? filledOf(used, total, columns) : 0;
  return '■'.repeat(filled) + '□'.repeat(columns - filled);
}

function filledOf(used: number, total: number, columns: number): number {
  if (!(used > 0)) return 0;
  if (used >= total) return columns;
  return Math.min(Math.max(1, Math.round((used / total) * columns)), Math.max(1, columns - 1));
}

/**
 * A running time in five columns, or six from ten hours or ten days on: `00:41`, `12:04`, `3h04m`, `3d04h`. Rounded down. If
 * the clock was set back, `00:00`.
 */
export function elapsed(ms: number): string {
  const seconds = ms > 0 ? Math.floor(ms / 1_000) : 0;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${two(minutes)}:${two(seconds % 60)}`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours}h${two(minutes % 60)}m`;
  return `${Math.floor(hours / 24)}d${two(hours % 24)}h`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

const steps = '▁▂▃▄▅▆▇█';

/**
 * A column with one of eight heights for each number. Only 0 has the lowest height, so a single failure among thousands is
 * visible.
 *
 * @param top the number that fills a column; the maximum by default
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
