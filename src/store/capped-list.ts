/** Lists that never change and never grow beyond a limit: what is too much falls off at the far end. */

/** @returns the list with the item before it */
export function prepended<T>(list: readonly T[], item: T, limit: number): readonly T[] {
  return list.length < limit ? [item, ...list] : [item, ...list.slice(0, limit - 1)];
}

/** @returns the list with the item behind it */
export function appended<T>(list: readonly T[], item: T, limit: number): readonly T[] {
  return list.length < limit ? [...list, item] : [...list.slice(list.length - limit + 1), item];
}
