/**
 * Output of jobs with its styles. The text is `printable`, without sequences; the styles are kept beside it, and only their
 * numbers are: what reaches the terminal is written anew by `render`. So search, copies and widths know nothing of styles.
 *
 * Styles are a string of pairs of characters: where a run begins in the text, and the number of its style. A kept line has
 * no other overhead, and lines without styles have the empty string.
 */
import type { SafeLine } from '../../store/line-splitter.ts';
import { characters, isSimple } from './columns.ts';
import { render, type Span, type Style, span } from './line.ts';
import { cleaned, printable, withoutSequences } from './printable.ts';
import { plainStyle, styleAfter, styleOf } from './sgr.ts';

const startsControl = /[\u001B\u009B]/;
const onlyAscii = /^[ -~]*$/;
/** Its parameters are captured, so `split` returns them between the texts. */
const sgr = /(?:\u001B\[|\u009B)([\d;:]*)m/g;

/**
 * Stands for an SGR sequence while other sequences are removed: a control character, because a control ends broken sequences
 * as the escape would, then the number of the sequence as a private character.
 */
const mark = '\u0080';
const otherControl = '\u0081';
const firstNumber = 0xe000;
const numbers = 0x1900;
const marks = /\u0080([\uE000-\uF8FF])/;

/**
 * @param raw without line breaks
 * @param before the style at its start
 */
export function styledText(raw: string, before: number): SafeLine {
  if (!startsControl.test(raw)) {
    const text = printable(raw);
    return { text, styles: runsOf(text, [0], [before]), after: before };
  }
  // Nearly always, the rest is plain.
  const parts = raw.split(sgr);
  const isClean = parts.every((part, index) => index % 2 === 1 || onlyAscii.test(part));
  return isClean ? styledParts(parts, before, false) : styledParts(partsOf(raw), before, true);
}

/** Texts, and between them the parameters of SGR sequences. */
function partsOf(raw: string): string[] {
  const parameters: string[] = [];
  const marked = raw
    .toWellFormed()
    .replaceAll(mark, otherControl)
    .replace(sgr, (_, each: string) => {
      if (parameters.length === numbers) return '';
      parameters.push(each);
      return mark + String.fromCharCode(firstNumber + parameters.length - 1);
    });
  return withoutSequences(marked)
    .split(marks)
    .map((part, index) => (index % 2 === 0 ? part : (parameters[part.charCodeAt(0) - firstNumber] ?? '')));
}

function styledParts(parts: readonly string[], before: number, isDirty: boolean): SafeLine {
  let text = '';
  let after = before;
  const places: number[] = [0];
  const styles: number[] = [before];
  for (const [index, part] of parts.entries()) {
    if (index % 2 === 0) {
      text += part;
      continue;
    }
    after = styleAfter(after, part);
    places.push(text.length);
    styles.push(after);
  }
  if (isDirty) text = cleaned(text, places);
  return { text, styles: runsOf(text, places, styles), after };
}

function runsOf(text: string, places: readonly number[], styles: readonly number[]): string {
  let runs = '';
  let current = plainStyle;
  for (const [index, start] of places.entries()) {
    const style = styles[index] ?? plainStyle;
    const isEmpty = start >= (places[index + 1] ?? text.length);
    if (isEmpty || style === current) continue;
    runs += String.fromCharCode(start, style);
    current = style;
  }
  return runs;
}

export interface Shown {
  /** The part of the text. */
  readonly from: number;
  readonly to: number;
  /** Ranges of the text that are inverted, in order. */
  readonly matches: readonly (readonly [number, number])[];
}

/** A part of a text as spans. Where a style changes within a character, the character keeps the style of its start. */
export function styledSpans(text: string, styles: string, { from, to, matches }: Shown): Span[] {
  const shown = text.slice(from, to);
  if (styles === '' && matches.length === 0) return [span(shown)];
  const style = new StyleReader(styles, matches);
  const spans: Span[] = [];
  const boundaries = wholeCharacters(shown, cutsOf(styles, matches, from, from + shown.length), from);
  let start = from;
  for (const end of [...boundaries, from + shown.length]) {
    if (end > start) spans.push(span(text.slice(start, end), style.at(start)));
    start = end;
  }
  return spans;
}

/** A whole text with codes of ours. Quicker than spans, whose columns are measured. */
export function withCodes(text: string, styles: string, hasColors: boolean): string {
  if (styles === '') return text;
  const line: Span[] = [{ text: text.slice(0, styles.charCodeAt(0)), width: 0, style: {} }];
  for (let at = 0; at < styles.length; at += 2) {
    const end = at + 2 < styles.length ? styles.charCodeAt(at + 2) : text.length;
    const style = styleOf(styles.charCodeAt(at + 1));
    line.push({ text: text.slice(styles.charCodeAt(at), end), width: 0, style });
  }
  return render(line, hasColors);
}

/** Where styles change between the two ends, in order. */
function cutsOf(styles: string, matches: Shown['matches'], from: number, to: number): number[] {
  const cuts = matches.flat();
  for (let at = 0; at < styles.length; at += 2) cuts.push(styles.charCodeAt(at));
  return cuts.filter((cut) => cut > from && cut < to).sort((a, b) => a - b);
}

/** The cuts, each moved to the end of its character, and on to one that may begin a span. */
function wholeCharacters(text: string, cuts: readonly number[], from: number): readonly number[] {
  if (cuts.length === 0 || isSimple(text)) return cuts;
  const moved: number[] = [];
  let end = from;
  let next = 0;
  for (const { text: character } of characters(text)) {
    while ((cuts[next] ?? Number.POSITIVE_INFINITY) <= end && printable(character) !== '') {
      moved.push(end);
      next += 1;
    }
    end += character.length;
  }
  return moved;
}

/** Styles at rising positions of a text. */
class StyleReader {
  readonly #styles: string;
  readonly #matches: Shown['matches'];
  #run = 0;
  #match = 0;

  constructor(styles: string, matches: Shown['matches']) {
    this.#styles = styles;
    this.#matches = matches;
  }

  at(position: number): Style {
    while (this.#styles.charCodeAt(this.#run) <= position) this.#run += 2;
    while ((this.#matches[this.#match]?.[1] ?? Number.POSITIVE_INFINITY) <= position) this.#match += 1;
    const style = this.#run === 0 ? plainStyle : this.#styles.charCodeAt(this.#run - 1);
    const isMatch = (this.#matches[this.#match]?.[0] ?? Number.POSITIVE_INFINITY) <= position;
    const own = styleOf(style);
    return isMatch ? { ...own, inverse: own.inverse !== true } : own;
  }
}
