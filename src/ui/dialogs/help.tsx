/** All keys of the current screen, from the keymap. */
import type { ReactNode } from 'react';
import { useFrame, useScreen } from '../frame/use-frame.ts';
import { type Binding, type BindingGroup, bindingsIn, type Context } from '../keys/keymap.ts';
import type { Size } from '../layout/layout.ts';
import { contextOf } from '../lists/selection.ts';
import { cell, type Line, lineOf, type Span, span } from '../text/line.ts';
import { blank, boxInnerWidth, DialogBox, lastBoxTop } from './dialog-box.tsx';

const groupTitles: Readonly<Record<BindingGroup, string>> = {
  move: 'MOVE',
  act: 'ACT',
  log: 'LOG',
  program: 'PROGRAM',
};
const contextTitles: Readonly<Record<Context, string>> = {
  queues: 'Queues',
  failures: 'Failures',
  groups: 'Failures in groups',
  jobs: 'Jobs',
  events: 'Events',
  queue: 'A queue',
  workers: 'Workers',
  delayed: 'Delayed',
  job: 'Job',
  failure: 'Failure',
  worker: 'Worker',
  'delayed-job': 'Delayed job',
  'waiting-job': 'Waiting job',
};
const groups: readonly BindingGroup[] = ['move', 'act', 'log', 'program'];
const widest = 100;
/** Two columns fit from this width on. */
const twoColumnsFrom = 90;
const keyColumns = 10;

export function Help({ top }: { readonly top: number }): ReactNode {
  const { isReadOnly } = useScreen();
  const context = useFrame(({ view }) => contextOf(view));
  const bindings = bindingsIn(context, isReadOnly);
  return (
    <DialogBox
      width={widest}
      title={[
        span(`Help · ${contextTitles[context]}`, { bold: true }),
        ...(bindings.some(({ asks }) => asks === true) ? [span('   ● asks first', { dim: true })] : []),
      ]}
      foot={[span('↑↓ to scroll, ? or Esc to close')]}
      top={top}
      content={(width) => helpLines(bindings, width)}
    />
  );
}

/** The last position of scrolling. */
export function lastHelpTop(context: Context, size: Size, isReadOnly: boolean): number {
  return lastBoxTop(helpLines(bindingsIn(context, isReadOnly), boxInnerWidth(widest, size)).length, size);
}

function helpLines(bindings: readonly Binding[], width: number): Line[] {
  return groups.flatMap((group) => {
    const own = bindings.filter((binding) => binding.group === group);
    if (own.length === 0) return [];
    return [
      lineOf(width, [span(groupTitles[group], { bold: true })]),
      ...inColumns(own, width),
      blank(width),
    ];
  });
}

function inColumns(bindings: readonly Binding[], width: number): Line[] {
  const across = width >= twoColumnsFrom ? 2 : 1;
  const down = Math.ceil(bindings.length / across);
  const each = Math.floor(width / across);
  return Array.from({ length: down }, (_, row) =>
    lineOf(
      width,
      Array.from({ length: across }, (_unused, column) => bindings[column * down + row]).flatMap((binding) =>
        binding === undefined ? [] : [...lineOf(each, hint(binding))],
      ),
    ),
  );
}

function hint({ shown, label, asks }: Binding): Span[] {
  return [cell(shown, keyColumns, { color: 'cyan' }), span(asks === true ? '● ' : ''), span(label)];
}
