import { characters, isSimple } from './columns.ts';
import { printable } from './printable.ts';

/**
 * The lines of a text, each printable and no wider than `width`. Wrapped anywhere, as a terminal does it: what is
 * shown are payloads and backtraces, in which blanks are rare and matter.
 */
export function wrap(text: string, width: number): string[] {
  const limit = Math.max(1, Math.floor(width));
  return text.split('\n').flatMap((line) => wrapLine(printable(line), limit));
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
    // Wider than a whole line: only that there is something can be said.
    current += width > limit ? '…' : text;
    used += Math.min(width, limit);
  }
  lines.push(current);
  return lines;
}
