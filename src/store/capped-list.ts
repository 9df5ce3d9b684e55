/** Lists that never change and never grow beyond a limit: what is too much falls off at the far end. */

/** @returns the list with the item before it */
export function prepended<T>(list: readonly T[], item: T, limit: number): readonly T[] {
  // `concat` allocates once and as much as it needs; a spread grows step by step.
  return [item].concat(list.length < limit ? list : list.slice(0, limit - 1));
}

/** @returns the list with the item behind it */
export function appended<T>(list: readonly T[], item: T, limit: number): readonly T[] {
  return (list.length < limit ? list : list.slice(list.length - limit + 1)).concat([item]);
}
