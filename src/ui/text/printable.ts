/**
 * Turns untrusted text into one safe line, as a terminal would show it: no control characters, no escape sequences, nothing
 * that changes the direction or hides text, and no combining character at its start. Idempotent.
 *
 * It drops what `visible` in messages shows as an escape: a log must be exact, but a screen must be readable at a glance.
 */
import stripAnsi from 'strip-ansi';
import { columns } from './columns.ts';

const tabColumns = 8;

/** ESC, and the C1 controls that begin a sequence in one byte. */
const startsSequence = /[\u001B\u0080-\u009F]/;

/**
 * Device control strings and similar ones (strip-ansi handles OSC). Without their end, they extend to the end of the line,
 * because a terminal would swallow that too. strip-ansi would remove only their first two characters.
 */
const controlString =
  /(?:\u001B[PX^_k]|[\u0090\u0098\u009E\u009F])[^\n\u0018\u001A\u001B\u0080-\u009F]*(?:\u001B\\|\u009C)?/g;

/** Incomplete sequences that strip-ansi leaves: an OSC without its end, an incomplete CSI, an end, an ESC. */
const brokenSequence =
  /(?:\u001B\]|\u009D)[^\n\u0018\u001A\u001B\u0080-\u009F]*|(?:\u001B\[|\u009B)[0-?]*[ -/]*|\u001B(?:\\|[ -/]*)/g;

const lineBreaks = /[\n\v\f\u0085\u2028\u2029]+/g;

/**
 * Hidden characters except tabs, which are expanded later. Includes variation selectors and joiners, although emoji contain
 * them: their effect on the width differs between terminals. Also includes letters (of rare Indic scripts) that join the
 * next character, even our own `…` or a space.
 */
const hidden =
  /[^\P{Cc}\t]|[\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u0D4E\u{111C2}\u{111C3}\u{113D1}\u{1193F}\u{11941}\u{11A3A}\u{11A84}-\u{11A89}\u{11D46}\u{11F02}]/gu;

/**
 * Marks, skin tones, some Thai and Lao vowels, second parts of Korean syllables: at the start of a text, they would join the
 * character to the left of it on the screen, and columns would no longer add up.
 */
const dependent = /^[\p{M}\p{Emoji_Modifier}\u0E33\u0EB3\uFF9E\uFF9F\u1160-\u11FF\uD7B0-\uD7FB]+/gu;

/** Many marks on one character, after the fourth: terminals that draw all of them would draw over neighboring rows. */
const piled = /(?<=\p{M}{4})\p{M}+/gu;

export function printable(text: string): string {
  if (!/[^ -~]/.test(text)) return text;
  const rest = text.toWellFormed();
  return cleaned(startsSequence.test(rest) ? withoutSequences(rest) : rest, []);
}

/** The first of the two steps of `printable`. */
export function withoutSequences(text: string): string {
  return stripAnsi(text.replace(controlString, '')).replace(brokenSequence, '');
}

/**
 * The second step: everything but sequences.
 *
 * @param places positions in the text, in order; they are changed to the positions in the result
 */
export function cleaned(text: string, places: number[]): string {
  let rest = text.includes('\r') ? lastSegments(text, places) : text;
  // Line breaks at the end are dropped; others become spaces.
  rest = replaced(rest, lineBreaks, places, (breaks, at, whole) =>
    at + breaks.length === whole.length ? '' : ' ',
  );
  rest = replaced(rest, hidden, places, nothing);
  rest = replaced(rest, dependent, places, nothing);
  rest = replaced(rest, piled, places, nothing);
  return rest.includes('\t') ? expandTabs(rest, places) : rest;
}

/** A carriage return starts the line again: only the last state of a progress bar remains. */
function lastSegments(text: string, places: number[]): string {
  const rest = replaced(text, /\r+(?=\n|$)/g, places, nothing);
  return replaced(rest, /[^\n]*\r/g, places, nothing);
}

function expandTabs(text: string, places: number[]): string {
  let column = 0;
  let from = 0;
  return replaced(text, /\t/g, places, (tab, at) => {
    column += columns(text.slice(from, at));
    const blanks = tabColumns - (column % tabColumns);
    column += blanks;
    from = at + tab.length;
    return ' '.repeat(blanks);
  });
}

type Replacement = (match: string, at: number, whole: string) => string;

function nothing(): string {
  return '';
}

/** @param pattern global, without groups */
function replaced(text: string, pattern: RegExp, places: number[], replacement: Replacement): string {
  if (places.length === 0) return text.replace(pattern, replacement);
  let result = '';
  let from = 0;
  let next = 0;
  const movePlaces = (to: number) => {
    for (; (places[next] ?? Number.POSITIVE_INFINITY) <= to; next += 1) {
      // A place within a match is now after it.
      places[next] = result.length + Math.max(0, (places[next] ?? 0) - from);
    }
  };
  for (const { 0: match, index } of text.matchAll(pattern)) {
    movePlaces(index);
    result += text.slice(from, index) + replacement(match, index, text);
    from = index + match.length;
  }
  movePlaces(text.length);
  return result + text.slice(from);
}
