/** What is searched for: case matters as soon as the needle has an upper-case letter. */
export interface Needle {
  isIn(text: string): boolean;
  /** Where it is: start and end of each, in UTF-16 units, not overlapping. */
  rangesIn(text: string): (readonly [number, number])[];
}

/** Patterns of some 10,000 units are more than the engine takes. What is pasted may be longer; its case matters. */
const patternLimit = 1_000;

/** An empty needle is nowhere. */
export function needleOf(text: string): Needle {
  if (text === '') return { isIn: () => false, rangesIn: () => [] };
  const isExact = text.length > patternLimit || /[\p{Lu}\p{Lt}]/u.test(text);
  return isExact ? exactly(text) : inAnyCase(text);
}

function exactly(text: string): Needle {
  return {
    isIn: (line) => line.includes(text),
    rangesIn: (line) => {
      const ranges: [number, number][] = [];
      for (let at = line.indexOf(text); at !== -1; at = line.indexOf(text, at + text.length)) {
        ranges.push([at, at + text.length]);
      }
      return ranges;
    },
  };
}

/** A pattern finds letters of any case a few times faster than a lower-case copy of every line does. */
function inAnyCase(text: string): Needle {
  const source = text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  const pattern = new RegExp(source, 'iu');
  const everywhere = new RegExp(source, 'giu');
  return {
    isIn: (line) => pattern.test(line),
    rangesIn: (line) =>
      Array.from(line.matchAll(everywhere), ({ 0: found, index }) => [index, index + found.length] as const),
  };
}
