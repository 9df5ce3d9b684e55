/**
 * One row of a frame as the bytes that paint it, from its first column on, over the old contents.
 *
 * The bytes are the text and codes for colors and weights, and no other sequence or control character, even if a component
 * forgot to make a text printable. So no job can set the clipboard or the title through a frame.
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
  // Every second piece is a code, because the pattern captures it.
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
      // Terminals disagree on the width of emoji and of marks in many scripts. However wide this one became, the next
      // character goes to the column that we count, so the rest of the row stays aligned.
      isDisputed = true;
      if (column < width) painted += `\u001B[${column + 1}G`;
    }
  }
  if (isStyled) painted += resetStyle;
  // If columns may be skipped, erase the old contents first.
  if (isDisputed) return eraseRow + painted;
  // After a full row, the cursor is still on the last column, and some terminals would erase that column.
  return column < width ? painted + eraseRest : painted;
}
