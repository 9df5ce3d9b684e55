import type { ReactNode } from 'react';
import { framed, type PanelProps } from '../layout/framed.ts';
import { Canvas, type CanvasProps } from './canvas.tsx';

/** Lines with a border around them. */
export function Panel({ wheel, ...props }: PanelProps & Pick<CanvasProps, 'wheel'>): ReactNode {
  return <Canvas width={props.width} lines={framed(props)} wheel={wheel} />;
}
