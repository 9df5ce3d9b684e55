/**
 * Finds the word that the user probably meant: it differs from the typed one by at most two slips. A slip is an extra,
 * missing or wrong letter, or two swapped neighbors. Swaps are common, but plain edit distance counts them double.
 *
 * @returns `null` if no word is near
 */
export function nearestWord(typed: string, words: readonly string[]): string | null {
  let best: string | null = null;
  // With as many slips as letters, two words have nothing in common.
  let fewest = Math.min(3, typed.length);
  for (const word of words) {
    const slips = slipsBetween(typed, word);
    if (slips < fewest) [best, fewest] = [word, slips];
  }
  return best;
}

/** Optimal string alignment: an edit distance that counts a swap of neighbors as one step. */
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
