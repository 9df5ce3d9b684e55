/**
 * How many columns a text takes in a terminal. Ink uses the same measure, so it never wraps or cuts a text that was fitted
 * here.
 *
 * Separate from `fit.ts`, because `printable` needs it for tabs, and `fit` needs `printable`.
 */
import stringWidth from 'string-width';

/**
 * UTF-16 units that take exactly one column in all terminals and don't combine: ASCII, Latin, Greek and Cyrillic letters,
 * punctuation, arrows, boxes, blocks, and the glyphs of our screens. Nearly all texts consist of them and need no measuring.
 */
const narrow =
  ' -~\\u00A1-\\u00AC\\u00AE-\\u02FF\\u0391-\\u03A1\\u03A3-\\u03FF\\u0400-\\u0482\\u2010-\\u2027\\u2030-\\u205E' +
  '\\u2190-\\u21FF\\u23CE\\u2500-\\u25CF\\u2713\\u2717';
/** The same with two columns each: CJK ideographs and punctuation, kana, Korean syllables, full-width forms. */
const wide = '\\u3001-\\u3029\\u3041-\\u3096\\u30A1-\\u30FE\\u4E00-\\u9FFF\\uAC00-\\uD7A3\\uFF01-\\uFF60';

const onlyNarrow = new RegExp(`^[${narrow}]*$`);
const onlyUndisputed = new RegExp(`^[${narrow}${wide}]*$`);
const eachWide = new RegExp(`[${wide}]`, 'g');

/** Created for the first text that needs it, because creating it is slow and most commands never need it. */
let graphemes: Intl.Segmenter | null = null;

/** @param text from `printable` */
export function columns(text: string): number {
  if (isSimple(text)) return text.length;
  if (isUndisputed(text)) return text.length + (text.match(eachWide)?.length ?? 0);
  let sum = 0;
  for (const { width } of characters(text)) sum += width;
  return sum;
}

/** Whether each unit of the text takes one column. */
export function isSimple(text: string): boolean {
  return onlyNarrow.test(text);
}

/** Whether all terminals agree with our number of columns. */
export function isUndisputed(text: string): boolean {
  return onlyUndisputed.test(text);
}

export interface Character {
  /** Characters as readers see them: a letter with its marks, an emoji with its skin tone. */
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
    // At least one column, the same as in Ink.
    yield { text: segment, width: isSimple(segment) ? 1 : Math.max(1, stringWidth(segment)) };
  }
}
