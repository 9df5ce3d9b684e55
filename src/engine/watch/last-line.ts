import { printedLineLimit } from '../../protocol/events.ts';
import { withoutPartEnd, withoutPartStart } from '../output/part-characters.ts';

/** As much of a stream's end is looked at. */
export const lastLineBytes = 4_096;

/** What a terminal draws nothing for, though it has letters: colours, movements of the cursor, window titles. */
const escapes = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*|[^[\]])/g;

/**
 * The last line of a stream that shows anything: the one that is being written, or the one before. Of a line
 * that rewrites itself with CR, as progress does, what it says last.
 *
 * @param end the last `lastLineBytes` bytes of the stream, which may begin and end inside a character
 * @returns at most `printedLineLimit` characters; `null` where nothing shows
 */
export function lastLine(end: Buffer): string | null {
  const text = withoutPartEnd(withoutPartStart(end)).toString('utf8');
  for (let to = text.length; to > 0; ) {
    const from = Math.max(text.lastIndexOf('\n', to - 1), text.lastIndexOf('\r', to - 1)) + 1;
    const line = text.slice(from, to);
    if (/[^\s\p{Cc}]/u.test(line.replace(escapes, ''))) {
      // Of a line without a beginning the end says more.
      const hasStart = from > 0 || end.length < lastLineBytes;
      return hasStart
        ? line.slice(0, printedLineLimit).replace(/[\ud800-\udbff]$/, '')
        : line.slice(-printedLineLimit).replace(/^[\udc00-\udfff]/, '');
    }
    to = from - 1;
  }
  return null;
}
