/** A list, with the details of the item under the cursor below it: the Workers and Delayed tabs. */
import type { ReactNode } from 'react';
import { grouped, plural } from '../../messages/quantities.ts';
import { Panel } from '../frame/panel.tsx';
import { useFrame } from '../frame/use-frame.ts';
import { innerHeight, innerWidth } from '../layout/framed.ts';
import { failuresLayout, windowOf } from '../layout/layout.ts';
import { indexOfKey } from '../lists/selection.ts';
import { clickableRow, type Line, lineOf, type Part, span, type ViewChange } from '../text/line.ts';

export interface SplitScreenProps {
  readonly title: readonly Part[];
  readonly keys: readonly string[];
  readonly cursor: string | null;
  /** Why there are no rows. */
  readonly none: string;
  /** Of all rows, for the lower border: `200+`. */
  readonly count: string;
  readonly heading: (width: number) => Line;
  readonly row: (index: number, width: number, isSelected: boolean) => Line;
  readonly detail: (index: number, width: number) => readonly Line[];
  readonly select: (key: string) => ViewChange;
}

export function SplitScreen(props: SplitScreenProps): ReactNode {
  const { title, keys, cursor, none, count, heading, row, detail, select } = props;
  const size = useFrame((frame) => frame.size);
  const width = size.columns;
  const inner = innerWidth(width);
  const { listRows, detailRows } = failuresLayout(size);
  const at = indexOfKey(keys, cursor);
  const { from, to } = windowOf(keys.length, at, innerHeight(listRows) - 1);
  const rows = keys.slice(from, to).map((key, index) => {
    const isSelected = from + index === at;
    return clickableRow(row(from + index, inner, isSelected), isSelected, select(key));
  });
  const lines = keys.length === 0 ? [] : detail(at, inner);
  const hidden = lines.length - innerHeight(detailRows);
  return (
    <>
      <Panel
        width={width}
        height={listRows}
        title={title}
        foot={keys.length === 0 ? [] : [span(`${grouped(from + 1)}-${grouped(to)} of ${count}`)]}
        isFocused={true}
        wheel={() => ({})}
        content={[
          heading(inner),
          ...(keys.length === 0 ? [lineOf(inner, [span(none, { dim: true })])] : rows),
        ]}
      />
      <Panel
        width={width}
        height={detailRows}
        title={[span('detail', { dim: true })]}
        foot={hidden > 0 ? [span(`${plural(hidden, 'more line')}, Enter shows all`, { dim: true })] : []}
        isFocused={false}
        content={lines}
      />
    </>
  );
}
