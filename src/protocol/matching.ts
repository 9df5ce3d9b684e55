/** What people write to say which jobs or failures they mean: parts of texts, globs and durations. */

/**
 * What a search for jobs matches: those with a text in one of their parts, and without other texts. Ignores case.
 *
 * @param text `''` or `null`: any job. @param without a job with one of these doesn't match
 */
export function wordsMatcher(
  text: string | null,
  without: readonly string[] = [],
): (parts: readonly (string | null | undefined)[]) => boolean {
  const wanted = (text ?? '').toLowerCase();
  const excluded = without.map((each) => each.toLowerCase());
  return (parts) => {
    const lower = parts.map((part) => part?.toLowerCase() ?? '');
    const has = (word: string) => lower.some((part) => part.includes(word));
    return has(wanted) && !excluded.some(has);
  };
}

/** `*` matches anything. Takes time proportional to the text, because patterns may be hostile. */
export function globMatcher(glob: string): (text: string) => boolean {
  const [start = '', ...rest] = glob.split('*');
  const end = rest.pop();
  if (end === undefined) return (text) => text === glob;
  return (text) => {
    if (!text.startsWith(start) || !text.endsWith(end)) return false;
    let at = start.length;
    for (const part of rest) {
      const found = text.indexOf(part, at);
      if (found === -1) return false;
      at = found + part.length;
    }
    return at <= text.length - end.length;
  };
}

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/** What a duration looks like, for messages. */
export const durationForms = 'a number with a unit, such as 30s, 5m, 12h, 30d or 2w';

/** @returns milliseconds; `null` if it is not a duration */
export function durationMs(text: string): number | null {
  const [, digits = '', unit = ''] = /^(\d{1,9})([smhdw])$/.exec(text.trim().toLowerCase()) ?? [];
  return digits === '' ? null : Number(digits) * unitMs[unit as keyof typeof unitMs];
}
