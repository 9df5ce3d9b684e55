/**
 * How many columns a terminal gives to a text. Ink lays out with the same measure, so that what is fitted here is
 * neither wrapped nor cut there.
 *
 * Kept apart from `fit.ts` since `printable` needs it for its tabs, and `fit` needs `printable`.
 */
import stringWidth from 'string-width';

/**
 * Texts of which each UTF-16 unit takes one column: nearly all, and then there is nothing to measure. ASCII,
 * Latin, Greek and Cyrillic letters, punctuation, arrows, boxes, blocks and the signs that our own screens use.
 */
const simple =
  /^[ -~\u00A1-\u00AC\u00AE-\u02FF\u0391-\u03A1\u03A3-\u03FF\u0400-\u0482\u2010-\u2027\u2030-\u205E\u2190-\u21FF\u2500-\u259F\u25A0-\u25CF\u2713\u2717]*$/;

/** The same, and characters of two columns about which no two terminals disagree: CJK, Korean, kana. */
const undisputed =
  /^[ -~\u00A1-\u00AC\u00AE-\u02FF\u0391-\u03A1\u03A3-\u03FF\u0400-\u0482\u2010-\u2027\u2030-\u205E\u2190-\u21FF\u2500-\u259F\u25A0-\u25CF\u2713\u2717\u3001-\u3029\u3041-\u3096\u30A1-\u30FE\u4E00-\u9FFF\uAC00-\uD7A3\uFF01-\uFF60]*$/;

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** @param text as `printable` gives it; a single character too */
export function columns(text: string): number {
  if (isSimple(text)) return text.length;
  let sum = 0;
  for (const { width } of characters(text)) sum += width;
  return sum;
}

export function isSimple(text: string): boolean {
  return simple.test(text);
}

/** Whether all terminals give it the columns that we count. */
export function isUndisputed(text: string): boolean {
  return undisputed.test(text);
}

export interface Character {
  /** What a reader takes for one: a letter with its marks, an emoji with its tone. */
  readonly text: string;
  readonly width: number;
}

export function* characters(text: string): Generator<Character> {
  for (const { segment } of graphemes.segment(text)) {
    yield { text: segment, width: widthOf(segment) };
  }
}

function widthOf(grapheme: string): number {
  if (grapheme.length === 1) {
    const code = grapheme.charCodeAt(0);
    // CJK ideographs, Korean syllables and kana, of which whole screens may consist.
    if ((code >= 0x4e00 && code <= 0x9fff) || (code >= 0xac00 && code <= 0xd7a3)) return 2;
    if ((code >= 0x3041 && code <= 0x3096) || (code >= 0x30a1 && code <= 0x30fe)) return 2;
    if (code >= 0x20 && code < 0x7f) return 1;
  }
  // Ink puts nothing into less than a column either.
  return Math.max(1, stringWidth(grapheme));
}
