/** What is searched for: case matters as soon as the needle has an upper-case letter. */
export interface Needle {
  isIn(text: string): boolean;
  /** Where it is: start and end of each, in UTF-16 units, not overlapping. */
  rangesIn(text: string): (readonly [number, number])[];
}

/** An empty needle is nowhere. */
export function needleOf(text: string): Needle {
  if (text === '') return { isIn: () => false, rangesIn: () => [] };
  const hasUpperCase = /[\p{Lu}\p{Lt}]/u.test(text);
  const source = text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  // A pattern finds letters of any case a few times faster than a lower-case copy of every line.
  const pattern = new RegExp(source, hasUpperCase ? 'u' : 'iu');
  const everywhere = new RegExp(pattern, `${pattern.flags}g`);
  return {
    isIn: (line) => pattern.test(line),
    rangesIn: (line) =>
      Array.from(line.matchAll(everywhere), ({ 0: found, index }) => [index, index + found.length] as const),
  };
}
