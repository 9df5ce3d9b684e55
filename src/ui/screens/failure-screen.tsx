/** One failure in full, opened on top of a tab. */
import { type ReactNode, useMemo } from 'react';
import { grouped } from '../../messages/quantities.ts';
import type { Opened } from '../../store/view.ts';
import { Panel } from '../frame/panel.tsx';
import { useFrame } from '../frame/use-frame.ts';
import { innerHeight, innerWidth } from '../layout/framed.ts';
import { bodyRows } from '../layout/layout.ts';
import { failureDetail } from '../panels/failure-detail.ts';
import { span } from '../text/line.ts';

type OpenedFailure = Extract<Opened, { kind: 'failure' }>;

export function FailureScreen({ entry, top }: Pick<OpenedFailure, 'entry' | 'top'>): ReactNode {
  const size = useFrame((frame) => frame.size);
  const height = bodyRows(size);
  const lines = useMemo(() => failureDetail(entry, innerWidth(size.columns)), [entry, size]);
  const last = Math.max(0, lines.length - innerHeight(height));
  const first = Math.min(top, last);
  const shown = lines.slice(first, first + innerHeight(height));
  return (
    <Panel
      width={size.columns}
      height={height}
      title={[span('Failure', { bold: true })]}
      foot={last === 0 ? [] : [span(`${first + 1}-${first + shown.length} of ${grouped(lines.length)}`)]}
      isFocused={true}
      wheel={() => ({})}
      content={shown}
    />
  );
}
