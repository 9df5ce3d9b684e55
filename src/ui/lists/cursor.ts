/** Moving a cursor through a list of keys. */
import { indexOfKey } from './selection.ts';

/** A number of rows, or an end. */
export type Step = number | 'top' | 'bottom';

/** @returns the key under the cursor after the step; `null` in an empty list */
export function stepTo(keys: readonly string[], cursor: string | null, step: Step): string | null {
  if (keys.length === 0) return null;
  const last = keys.length - 1;
  const at = step === 'top' ? 0 : step === 'bottom' ? last : indexOfKey(keys, cursor) + step;
  return keys[Math.min(last, Math.max(0, at))] ?? null;
}
