import { characters, columns, isSimple } from './columns.ts';
import { printable } from './printable.ts';

/**
 * The lines of a text, each printable and no wider than `width`. It wraps anywhere, like a terminal: payloads and backtraces
 * have few spaces, and each of them matters.
 */
export function wrap(text: string, width: number): string[] {
  const limit = Math.max(1, Math.floor(width));
  return text.split('\n').flatMap((line) => wrapLine(printable(line), limit));
}

/** The same for sentences: wraps at spaces. A word that is wider than a line wraps anywhere. */
export function wrapWords(text: string, width: number): string[] {
  const limit = Math.max(1, Math.floor(width));
  const lines: string[] = [];
  let line = '';
  for (const word of printable(text).split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (columns(longer) <= limit) {
      line = longer;
      continue;
    }
    if (line !== '') lines.push(line);
    const pieces = wrapLine(word, limit);
    lines.push(...pieces.slice(0, -1));
    line = pieces.at(-1) ?? '';
  }
  return [...lines, line];
}

function wrapLine(line: string, limit: number): string[] {
  const lines: string[] = [];
  if (isSimple(line)) {
    for (let at = 0; at < line.length; at += limit) lines.push(line.slice(at, at + limit));
    return lines.length === 0 ? [''] : lines;
  }
  let current = '';
  let used = 0;
  for (const { text, width } of characters(line)) {
    if (used + width > limit && used > 0) {
      lines.push(current);
      current = '';
      used = 0;
    }
    // A character that is wider than a whole line.
    current += width > limit ? '…' : text;
    used += Math.min(width, limit);
  }
  lines.push(current);
  return lines;
}
