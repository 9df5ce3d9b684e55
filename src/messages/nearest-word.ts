import { distance } from 'fastest-levenshtein';

/**
 * Finds the word that the user probably meant: it differs from the typed one by at most two letters.
 *
 * @returns `null` if no word is near
 */
export function nearestWord(typed: string, words: readonly string[]): string | null {
  let best: string | null = null;
  // With as many wrong letters as it has, a word has nothing in common with the typed one.
  let fewest = Math.min(3, typed.length);
  for (const word of words) {
    const slips = distance(typed, word);
    if (slips < fewest) [best, fewest] = [word, slips];
  }
  return best;
}
