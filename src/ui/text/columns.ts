/**
 * How many columns a terminal gives to a text. Ink lays out with the same measure, so that what is fitted here is
 * neither wrapped nor cut there.
 *
 * Kept apart from `fit.ts` since `printable` needs it for its tabs, and `fit` needs `printable`.
 */
import stringWidth from 'string-width';

/**
 * UTF-16 units that take one column each, join nothing, and that all terminals agree on: ASCII, Latin, Greek and
 * Cyrillic letters, punctuation, arrows, boxes, blocks, and the signs that our own screens use. Nearly all texts
 * consist of them, and then there is nothing to measure.
 */
const narrow =
  ' -~\\u00A1-\\u00AC\\u00AE-\\u02FF\\u0391-\\u03A1\\u03A3-\\u03FF\\u0400-\\u0482\\u2010-\\u2027\\u2030-\\u205E' +
  '\\u2190-\\u21FF\\u23CE\\u2500-\\u25CF\\u2713\\u2717';
/** The same of two columns each: CJK ideographs and punctuation, kana, Korean syllables, full-width forms. */
const wide = '\\u3001-\\u3029\\u3041-\\u3096\\u30A1-\\u30FE\\u4E00-\\u9FFF\\uAC00-\\uD7A3\\uFF01-\\uFF60';

const onlyNarrow = new RegExp(`^[${narrow}]*$`);
const onlyUndisputed = new RegExp(`^[${narrow}${wide}]*$`);
const eachWide = new RegExp(`[${wide}]`, 'g');

/** Made when the first text needs it: that takes longer than all else here, and few commands ever come to one. */
let graphemes: Intl.Segmenter | null = null;

/** @param text as `printable` gives it */
export function columns(text: string): number {
  if (isSimple(text)) return text.length;
  if (isUndisputed(text)) return text.length + (text.match(eachWide)?.length ?? 0);
  let sum = 0;
  for (const { width } of characters(text)) sum += width;
  return sum;
}

/** Whether each unit of the text is a column. */
export function isSimple(text: string): boolean {
  return onlyNarrow.test(text);
}

/** Whether all terminals give it the columns that we count. */
export function isUndisputed(text: string): boolean {
  return onlyUndisputed.test(text);
}

export interface Character {
  /** What a reader takes for one: a letter with its marks, an emoji with its tone. */
  readonly text: string;
  readonly width: number;
}

export function* characters(text: string): Generator<Character> {
  if (isUndisputed(text)) {
    for (const unit of text) yield { text: unit, width: isSimple(unit) ? 1 : 2 };
    return;
  }
  graphemes ??= new Intl.Segmenter(undefined, { granularity: 'grapheme' });
  for (const { segment } of graphemes.segment(text)) {
    // Ink puts nothing into less than a column either.
    yield { text: segment, width: isSimple(segment) ? 1 : Math.max(1, stringWidth(segment)) };
  }
}
