/**
 * Fits untrusted text to a number of columns. The result is always printable and never wider than requested; `fit` and its
 * variants return exactly that width. A cut text has `…`.
 */
import { characters, columns, isSimple } from './columns.ts';
import { printable } from './printable.ts';

export type Align = 'left' | 'right' | 'center';

const ellipsis = '…';

/** Cut or padded with blanks to exactly `width` columns. */
export function fit(text: string, width: number, align: Align = 'left'): string {
  const shown = cut(text, width);
  const missing = Math.max(0, whole(width) - columns(shown));
  if (missing === 0) return shown;
  const before = align === 'left' ? 0 : align === 'right' ? missing : Math.floor(missing / 2);
  return ' '.repeat(before) + shown + ' '.repeat(missing - before);
}

export function center(text: string, width: number): string {
  return fit(text, width, 'center');
}

/** At most `width` columns of the text's start. */
export function cut(text: string, width: number): string {
  const limit = whole(width);
  const line = printable(text);
  if (isSimple(line)) {
    if (line.length <= limit) return line;
    return limit === 0 ? '' : line.slice(0, limit - 1) + ellipsis;
  }
  let kept = '';
  let used = 0;
  /** The kept text, with room for an ellipsis. */
  let short = '';
  for (const { text: character, width: wide } of characters(line)) {
    if (used + wide > limit) return limit === 0 ? '' : short + ellipsis;
    kept += character;
    used += wide;
    if (used < limit) short = kept;
  }
  return kept;
}

/** At most `width` columns of the text's end, for example for paths. */
export function cutStart(text: string, width: number): string {
  const limit = whole(width);
  const line = printable(text);
  if (columns(line) <= limit) return line;
  if (limit === 0) return '';
  const all = [...characters(line)];
  let room = limit - 1;
  let from = all.length;
  while (from > 0) {
    const wide = all[from - 1]?.width ?? 0;
    if (wide > room) break;
    room -= wide;
    from -= 1;
  }
  return (
    ellipsis +
    all
      .slice(from)
      .map(({ text: character }) => character)
      .join('')
  );
}

/** Layouts subtract, so a width may be zero or negative. */
function whole(width: number): number {
  return width > 0 ? Math.floor(width) : 0;
}
