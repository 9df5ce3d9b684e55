/** How many failures there are, and how many of them match a filter. */
import { grouped, plural } from '../../messages/quantities.ts';

/** `3 of 5,000 failures match`, `1 of 5,000 failures matches` */
export function matchWords(matching: number, total: number): string {
  if (total === 1) return matching === 1 ? 'the only failure matches' : "the only failure doesn't match";
  const count = matching === 0 ? 'none' : grouped(matching);
  return `${count} of ${plural(total, 'failure')} ${matching < 2 ? 'matches' : 'match'}`;
}

/** What is said of an empty list. */
export function emptyWords(place: string): string {
  return `no failures: ${place} is empty`;
}
