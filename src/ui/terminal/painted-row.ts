/**
 * One row of a frame as the bytes that paint it, from its first column on, over whatever stands there.
 *
 * It holds the text and codes for colours and weights, and no other sequence or control character, also where a
 * component forgot to make a text printable: no job can write the clipboard or the title through a frame.
 */
import { characters, columns, isUndisputed } from '../text/columns.ts';
import { printable } from '../text/printable.ts';

const styleCode = /(\u001B\[[\d;:]*m)/;
const harmful = /[\p{Cc}\u200E\u200F\u202A-\u202E\u2066-\u2069]/u;

const resetStyle = '\u001B[0m';
const eraseRest = '\u001B[K';
const eraseRow = '\u001B[2K';

/** @param width of the terminal */
export function paintedRow(line: string, width: number): string {
  let painted = '';
  let column = 0;
  let isStyled = false;
  let isDisputed = false;
  // Every second piece is a code, since the pattern captures it.
  for (const [index, piece] of line.split(styleCode).entries()) {
    if (index % 2 === 1) {
      painted += piece;
      isStyled = true;
      continue;
    }
    const text = harmful.test(piece) ? printable(piece) : piece;
    if (isUndisputed(text)) {
      painted += text;
      column += columns(text);
      continue;
    }
    for (const character of characters(text)) {
      painted += character.text;
      column += character.width;
      if (isUndisputed(character.text)) continue;
      // Terminals disagree on emoji and on marks of many scripts. Whatever it made of this one, the next
      // character goes where we count it, so that what follows stays in its column.
      isDisputed = true;
      if (column < width) painted += `\u001B[${column + 1}G`;
    }
  }
  if (isStyled) painted += resetStyle;
  // Where columns may be skipped, what stood there must go first.
  if (isDisputed) return eraseRow + painted;
  // Behind a full row the cursor still stands on the last column, and some terminals would erase that.
  return column < width ? painted + eraseRest : painted;
}
