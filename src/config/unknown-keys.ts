/** What to say about a key that nothing reads: the key that was probably meant, or those that there are. */
import { distance } from 'fastest-levenshtein';
import { problems } from './problems.ts';

/** Up to here a key counts as misspelt; "prot" is 2 from "port". Long keys may have more slips. */
const SLIPS = 2;

export function unknownKey(key: string, known: readonly string[]): string {
  // `$schema` is no help to someone who looks for a setting.
  const settings = known.filter((name) => !name.startsWith('$'));
  return problems.unknownKey(nearest(key, settings), settings);
}

function nearest(key: string, known: readonly string[]): string | null {
  const lower = key.toLowerCase();
  // "pass" is nearer to "path" than to "password", but it's an abbreviation, not a slip.
  const abbreviated = known.find((name) => lower.length >= 3 && name.toLowerCase().startsWith(lower));
  if (abbreviated !== undefined) return abbreviated;
  let best: string | null = null;
  let fewest = Number.POSITIVE_INFINITY;
  for (const name of known) {
    const slips = distance(lower, name.toLowerCase());
    const shorter = Math.min(key.length, name.length);
    // With as many slips as letters the two have nothing in common.
    const allowed = Math.min(Math.max(SLIPS, Math.floor(shorter / 3)), shorter - 1);
    if (slips <= allowed && slips < fewest) {
      best = name;
      fewest = slips;
    }
  }
  return best;
}
