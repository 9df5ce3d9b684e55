/**
 * Where the cursor goes when a list was read anew: nowhere, as long as its item is there. Where the item is gone,
 * or is another one now, as a failure that was retried, to what stands in its place: below the nearest of those
 * above it that are still there; where none is, above the nearest of those below it; where nothing is left of the
 * list as it was, to the same row.
 *
 * @param before keys of the list in which the cursor was
 * @param cursor `null`: on the first, as it was shown
 * @returns `null`: the first
 */
export function keptCursor(
  before: readonly string[],
  after: readonly string[],
  cursor: string | null,
): string | null {
  const held = cursor ?? before[0];
  if (held === undefined) return null;
  const places = new Map(after.map((key, place) => [key, place]));
  if (places.has(held)) return held;
  const at = before.indexOf(held);
  if (at === -1) return null;
  for (const key of before.slice(0, at).reverse()) {
    const place = places.get(key);
    if (place !== undefined) return after[Math.min(place + 1, after.length - 1)] ?? null;
  }
  for (const key of before.slice(at + 1)) {
    const place = places.get(key);
    if (place !== undefined) return after[Math.max(0, place - 1)] ?? null;
  }
  return after[Math.min(at, after.length - 1)] ?? null;
}
