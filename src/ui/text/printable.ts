/**
 * Makes one line of harmless text from foreign text, as it would read in a terminal: no control character, no
 * escape sequence, nothing that changes the direction or hides what stands there, and no character that must
 * follow another one at its start. Doing it twice changes nothing.
 *
 * It drops what `visible` of the wording shows as an escape: a log must tell exactly what was there, a screen
 * must be read at a glance.
 */
import stripAnsi from 'strip-ansi';
import { columns } from './columns.ts';

const tabColumns = 8;

/** ESC, and the C1 controls that begin a sequence in one byte. */
const startsSequence = /[\u001B\u0080-\u009F]/;

/**
 * Device control strings and their like (OSC is left to strip-ansi), with their end or without it: then up to the
 * line's end, as a terminal would swallow it too. strip-ansi would take the two characters at the start for all
 * of it.
 */
const controlString =
  /(?:\u001B[PX^_k]|[\u0090\u0098\u009E\u009F])[^\n\u0018\u001A\u001B\u0080-\u009F]*(?:\u001B\\|\u009C)?/g;

/** What strip-ansi leaves since it isn't whole: an OSC without its end, a CSI that broke off, an end, an ESC. */
const brokenSequence =
  /(?:\u001B\]|\u009D)[^\n\u0018\u001A\u001B\u0080-\u009F]*|(?:\u001B\[|\u009B)[0-?]*[ -/]*|\u001B(?:\\|[ -/]*)/g;

const lineBreaks = /[\n\v\f\u0085\u2028\u2029]+/g;

/**
 * Tabs stay for now. Variation selectors and joiners go too, though emoji are made of them: what they do to the
 * width of a character is different in every terminal. So do the letters (of rare Indic scripts) that join
 * whatever follows, be it our own `…` or a blank.
 */
const hidden =
  /[^\P{Cc}\t]|[\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u0D4E\u{111C2}\u{111C3}\u{113D1}\u{1193F}\u{11941}\u{11A3A}\u{11A84}-\u{11A89}\u{11D46}\u{11F02}]/gu;

/**
 * Marks, skin tones, some Thai and Lao vowels, second parts of Korean syllables: at the start of a text they would
 * join whatever stands to the left of it on the screen, and its columns would no longer add up.
 */
const dependent = /^[\p{M}\p{Emoji_Modifier}\u0E33\u0EB3\uFF9E\uFF9F\u1160-\u11FF\uD7B0-\uD7FB]+/u;

/** Marks that pile up on one character: terminals that draw all of them would draw over the rows around. */
const piled = /(\p{M}{4})\p{M}+/gu;

export function printable(text: string): string {
  if (!/[^ -~]/.test(text)) return text;
  let rest = text.toWellFormed();
  if (startsSequence.test(rest)) rest = withoutSequences(rest);
  if (rest.includes('\r')) rest = lastSegments(rest);
  // Breaks at the end end the line, others part words.
  rest = rest.replace(lineBreaks, (breaks, at: number) => (at + breaks.length === rest.length ? '' : ' '));
  rest = rest.replace(hidden, '').replace(dependent, '').replace(piled, '$1');
  return rest.includes('\t') ? expandTabs(rest) : rest;
}

function withoutSequences(text: string): string {
  return stripAnsi(text.replace(controlString, '')).replace(brokenSequence, '');
}

/** A carriage return begins the line anew: of a progress bar only the last state remains. */
function lastSegments(text: string): string {
  return text.replace(/\r+(?=\n|$)/g, '').replace(/[^\n]*\r/g, '');
}

function expandTabs(text: string): string {
  const [first = '', ...others] = text.split('\t');
  let expanded = first;
  let at = columns(first);
  for (const other of others) {
    const blanks = tabColumns - (at % tabColumns);
    expanded += ' '.repeat(blanks) + other;
    at += blanks + columns(other);
  }
  return expanded;
}
