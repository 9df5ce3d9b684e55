/** A failure, a worker or a delayed job in full, opened on top of a tab. */
import { type ReactNode, useMemo } from 'react';
import { grouped } from '../../messages/quantities.ts';
import { detailOf, detailTitles, type OpenedDetail } from '../details/opened-detail.ts';
import { Panel } from '../frame/panel.tsx';
import { useFrame } from '../frame/use-frame.ts';
import { innerHeight, innerWidth } from '../layout/framed.ts';
import { bodyRows } from '../layout/layout.ts';
import { span } from '../text/line.ts';

export function DetailScreen({ opened }: { readonly opened: OpenedDetail }): ReactNode {
  const size = useFrame((frame) => frame.size);
  const height = bodyRows(size);
  const lines = useMemo(() => detailOf(opened, innerWidth(size.columns)), [opened, size]);
  const last = Math.max(0, lines.length - innerHeight(height));
  const first = Math.min(opened.top, last);
  const shown = lines.slice(first, first + innerHeight(height));
  return (
    <Panel
      width={size.columns}
      height={height}
      title={[span(detailTitles[opened.kind], { bold: true })]}
      foot={last === 0 ? [] : [span(`${first + 1}-${first + shown.length} of ${grouped(lines.length)}`)]}
      isFocused={true}
      wheel={() => ({})}
      content={shown}
    />
  );
}
