import type { ReactNode } from 'react';
import { framed, type PanelProps } from '../layout/framed.ts';
import { Canvas } from './canvas.tsx';

/** Lines with a border around them. */
export function Panel(props: PanelProps): ReactNode {
  return <Canvas width={props.width} lines={framed(props)} />;
}
