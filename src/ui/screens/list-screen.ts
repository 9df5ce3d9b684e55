/** A screen that is one list, such as the Jobs and Events tabs. */
import { grouped } from '../../messages/quantities.ts';
import { indexOfKey } from '../lists/selection.ts';
import { bodyRows, type Size, windowOf } from '../panels/layout.ts';
import { framed, innerHeight, innerWidth, type Panel } from '../panels/panel.ts';
import { type Line, lineOf, type Part, span } from '../text/line.ts';

export interface ListContent {
  readonly title: string;
  readonly filter: string;
  readonly keys: readonly string[];
  readonly cursor: string | null;
  readonly none: string;
  readonly heading: (width: number) => readonly Line[];
  readonly row: (index: number, width: number, isSelected: boolean) => Line;
}

export function listScreen(
  { title, filter, keys, cursor, none, heading, row }: ListContent,
  size: Size,
  top: number,
): Panel[] {
  const { columns: width } = size;
  const height = bodyRows(size);
  const inner = innerWidth(width);
  const head = heading(inner);
  const at = indexOfKey(keys, cursor);
  const { from, to } = windowOf(keys.length, at, innerHeight(height) - head.length);
  const rows = keys.slice(from, to).map((_, index) => row(from + index, inner, from + index === at));
  const empty = lineOf(inner, [
    span(filter === '' ? none : 'nothing matches; Esc clears the filter', { dim: true }),
  ]);
  const parts: Part[] = [span(title, { bold: true })];
  if (filter !== '') parts.push(span(`  filter: ${filter}`, { color: 'yellow' }));
  const lines = framed({
    width,
    height,
    title: parts,
    foot: keys.length === 0 ? [] : [span(`${grouped(from + 1)}-${grouped(to)} of ${grouped(keys.length)}`)],
    isFocused: true,
    content: [...head, ...(keys.length === 0 ? [empty] : rows)],
  });
  return [{ key: 'list', left: 0, top, width, height, lines }];
}
