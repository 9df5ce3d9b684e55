/**
 * The word that was probably meant, where a typed one is at most two slips away from it: a letter too many, too
 * few, wrong, or swapped with its neighbour. (Swaps are what fingers do most, and plain edit distance counts
 * them double.)
 *
 * @returns `null` where none is near
 */
export function nearestWord(typed: string, words: readonly string[]): string | null {
  let best: string | null = null;
  // With as many slips as letters two words have nothing in common.
  let fewest = Math.min(3, typed.length);
  for (const word of words) {
    const slips = slipsBetween(typed, word);
    if (slips < fewest) [best, fewest] = [word, slips];
  }
  return best;
}

/** Optimal string alignment: edit distance in which a swap of neighbours is one step. */
function slipsBetween(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, column) => column)];
  const at = (row: number, column: number): number => rows[row]?.[column] ?? Number.POSITIVE_INFINITY;
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= b.length; j += 1) {
      const isSame = a[i - 1] === b[j - 1];
      const isSwapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row[j] = Math.min(
        at(i - 1, j) + 1,
        at(i, j - 1) + 1,
        at(i - 1, j - 1) + (isSame ? 0 : 1),
        isSwapped ? at(i - 2, j - 2) + 1 : Number.POSITIVE_INFINITY,
      );
    }
  }
  return at(a.length, b.length);
}
