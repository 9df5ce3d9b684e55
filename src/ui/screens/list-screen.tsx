/** A screen that is one list, such as the Jobs and Events tabs. */
import type { ReactNode } from 'react';
import { grouped } from '../../messages/quantities.ts';
import { Panel } from '../frame/panel.tsx';
import { useFrame } from '../frame/use-frame.ts';
import { innerHeight, innerWidth } from '../layout/framed.ts';
import { bodyRows, windowOf } from '../layout/layout.ts';
import { indexOfKey } from '../lists/selection.ts';
import { clickableRow, type Line, lineOf, type Part, span, type ViewChange } from '../text/line.ts';

export interface ListScreenProps {
  readonly title: string;
  readonly filter: string;
  readonly keys: readonly string[];
  readonly cursor: string | null;
  readonly none: string;
  /** Instead of saying that nothing matches. */
  readonly noMatch?: string;
  readonly heading: (width: number) => readonly Line[];
  readonly row: (index: number, width: number, isSelected: boolean) => Line;
  /** Moves the cursor to this item. */
  readonly select: (key: string) => ViewChange;
}

export function ListScreen(props: ListScreenProps): ReactNode {
  const { title, filter, keys, cursor, none, heading, row, select } = props;
  const { noMatch = 'nothing matches; Esc clears the filter' } = props;
  const size = useFrame((frame) => frame.size);
  const height = bodyRows(size);
  const inner = innerWidth(size.columns);
  const head = heading(inner);
  const at = indexOfKey(keys, cursor);
  const { from, to } = windowOf(keys.length, at, innerHeight(height) - head.length);
  const rows = keys.slice(from, to).map((key, index) => {
    const isSelected = from + index === at;
    return clickableRow(row(from + index, inner, isSelected), isSelected, select(key));
  });
  const empty = lineOf(inner, [span(filter === '' ? none : noMatch, { dim: true })]);
  const parts: Part[] = [span(title, { bold: true })];
  if (filter !== '') parts.push(span(`  filter: ${filter}`, { color: 'yellow' }));
  return (
    <Panel
      width={size.columns}
      height={height}
      title={parts}
      foot={keys.length === 0 ? [] : [span(`${grouped(from + 1)}-${grouped(to)} of ${grouped(keys.length)}`)]}
      isFocused={true}
      wheel={() => ({})}
      content={[...head, ...(keys.length === 0 ? [empty] : rows)]}
    />
  );
}
