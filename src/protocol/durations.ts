/** Durations as people write them: a number and a unit, such as `30s`, `5m`, `12h`, `30d` or `2w`. */

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/** What a duration looks like, for messages. */
export const durationForms = 'a number with a unit, such as 30s, 5m, 12h, 30d or 2w';

/** @returns milliseconds; `null` if it is not a duration */
export function durationMs(text: string): number | null {
  const [, digits = '', unit = ''] = /^(\d{1,9})([smhdw])$/.exec(text.trim().toLowerCase()) ?? [];
  return digits === '' ? null : Number(digits) * unitMs[unit as keyof typeof unitMs];
}
