/** The command palette: every action that the current screen has, and every queue, by name. */
import type { ReactNode } from 'react';
import type { Dialog } from '../../store/view.ts';
import { useFrame, useScreen } from '../frame/use-frame.ts';
import { type ActionName, bindingsIn, type Context } from '../keys/keymap.ts';
import { selected } from '../layout/framed.ts';
import { windowOf } from '../layout/layout.ts';
import { contextOf } from '../lists/selection.ts';
import { cell, clickable, gap, lineOf, restyled, span } from '../text/line.ts';
import { DialogBox } from './dialog-box.tsx';

export type PaletteItem =
  | { readonly kind: 'action'; readonly action: ActionName; readonly label: string; readonly keys: string }
  | { readonly kind: 'queue'; readonly queue: string; readonly label: string; readonly keys: string };

type PaletteDialog = Extract<Dialog, { kind: 'palette' }>;

const widest = 64;
const mostRows = 14;

/** Actions that make no sense in a palette. */
const leftOut: ReadonlySet<ActionName> = new Set([
  'up',
  'down',
  'left',
  'right',
  'half-page-down',
  'half-page-up',
  'page-down',
  'page-up',
  'palette',
  'interrupt',
]);

/** Items whose label contains every typed word, in any order. */
export function paletteItems(
  context: Context,
  queueNames: readonly string[],
  isReadOnly: boolean,
  typed: string,
): readonly PaletteItem[] {
  const actions: PaletteItem[] = bindingsIn(context, isReadOnly)
    .filter(({ action }) => !leftOut.has(action))
    .map(({ action, label, shown }) => ({ kind: 'action', action, label, keys: shown }));
  const queues: PaletteItem[] = queueNames.map((name) => ({
    kind: 'queue',
    queue: name,
    label: `go to queue ${name}`,
    keys: '',
  }));
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  return [...actions, ...queues].filter(({ label }) =>
    words.every((word) => label.toLowerCase().includes(word)),
  );
}

export function Palette({ text, cursor }: Pick<PaletteDialog, 'text' | 'cursor'>): ReactNode {
  const { isReadOnly } = useScreen();
  const context = useFrame(({ view }) => contextOf(view));
  const queueNames = useFrame(({ model }) => model.queues.map(({ name }) => name));
  const size = useFrame((frame) => frame.size);
  const items = paletteItems(context, queueNames, isReadOnly, text);
  const rows = Math.min(mostRows, size.rows - 6);
  const { from, to } = windowOf(items.length, cursor, rows);
  return (
    <DialogBox
      width={widest}
      title={[span('Commands', { bold: true })]}
      foot={[span(`${items.length} · Enter to run, Esc to cancel`)]}
      content={(width) => {
        const shown = items.slice(from, to).map((item, at) => {
          const line = lineOf(width, [span('  '), span(item.label), gap, span(item.keys, { color: 'cyan' })]);
          return clickable(from + at === cursor ? restyled(line, selected) : line, {
            select: ({ dialog }) =>
              dialog?.kind === 'palette' ? { dialog: { ...dialog, cursor: from + at } } : {},
            key: 'return',
          });
        });
        const none =
          items.length === 0 ? [lineOf(width, [span('  no matching command', { dim: true })])] : [];
        const filling = Array.from({ length: rows - shown.length - none.length }, () => lineOf(width, []));
        return [
          lineOf(width, [
            span(': ', { bold: true, color: 'cyan' }),
            span(text),
            cell(' ', 1, { inverse: true }),
          ]),
          ...shown,
          ...none,
          ...filling,
        ];
      }}
    />
  );
}
