/** What a search for jobs matches: those with a text in one of their parts, and without other texts. Ignores case. */

/** @param text `''` or `null`: any job. @param without a job with one of these doesn't match */
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
