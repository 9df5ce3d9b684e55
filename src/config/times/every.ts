/** Durations of `every`, as resque-scheduler reads them: `30s`, `1h30m`, `15min`, `1 day`, `90`. Pure. */

const day = 86_400;
/** A month has 30 days and a year 365. Case matters only for `M`, a month. */
const unitSeconds: readonly (readonly [RegExp, number])[] = [
  [/^(?:y|years?)$/, 365 * day],
  [/^(?:M|months?)$/, 30 * day],
  [/^(?:w|weeks?)$/, 7 * day],
  [/^(?:d|days?)$/, day],
  [/^(?:h|hours?)$/, 3_600],
  [/^(?:m|mins?|minutes?)$/, 60],
  [/^(?:s|secs?|seconds?)$/, 1],
];
const longestSeconds = 100 * 365 * day;

/** What `every` can be, for messages. */
export const everyForms = 'a duration of whole seconds such as "30s", "15min", "1h30m", "1d" or "2w"';

/** @returns seconds, at least 1; `null` if it is not a duration, or not in whole seconds */
export function readEvery(text: string): number | null {
  const words = text.trim();
  const seconds = /^\d+(?:\.\d+)?$/.test(words) ? Number(words) : sumOf(words);
  // Sums of fractions may be off by a little: 0.7h.
  const whole = Math.round(seconds);
  const isWhole = Math.abs(seconds - whole) < 1e-6;
  return isWhole && whole >= 1 && whole <= longestSeconds ? whole : null;
}

/** @returns NaN if the text can't be read */
function sumOf(words: string): number {
  if (!/^(?:\d+(?:\.\d+)?\s*[a-z]+\s*)+$/i.test(words)) return Number.NaN;
  return [...words.matchAll(/(\d+(?:\.\d+)?)\s*([a-z]+)/gi)].reduce((sum, [, number, name = '']) => {
    const unit = name.length === 1 && name !== 'M' ? name.toLowerCase() : name;
    const [, seconds = Number.NaN] = unitSeconds.find(([pattern]) => pattern.test(unit)) ?? [];
    return sum + Number(number) * seconds;
  }, 0);
}
