/**
 * `■■■□□`: how much of a total is used, in `width` columns; one column a slot where there are as many of both.
 * A little is never shown as nothing, and nearly all never as all.
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
