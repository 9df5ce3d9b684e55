/** The command palette: every action that the current screen has, commands with arguments, and every queue, by name. */
import type { ReactNode } from 'react';
import type { AppState } from '../../store/app-store.ts';
import type { Dialog } from '../../store/view.ts';
import { useFrame, useScreen } from '../frame/use-frame.ts';
import { commandsFor } from '../keys/commands.ts';
import { type ActionName, bindingsAt, hintSentence } from '../keys/keymap.ts';
import { selected } from '../layout/framed.ts';
import { type Size, windowOf } from '../layout/layout.ts';
import { type CommandOffer, commandOffers, readCommandLine } from '../lists/command-line.ts';
import { focusOf } from '../lists/focus.ts';
import { cell, clickable, gap, lineOf, restyled, span } from '../text/line.ts';
import { DialogBox } from './dialog-box.tsx';

export type PaletteItem =
  | { readonly kind: 'action'; readonly action: ActionName; readonly label: string; readonly keys: string }
  | { readonly kind: 'queue'; readonly queue: string; readonly label: string; readonly keys: string }
  /** A command by its name, or a line that the typed one could become. */
  | (CommandOffer & {
      readonly kind: 'command' | 'offer';
      readonly label: string;
      readonly keys: string;
    });

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
  state: AppState,
  size: Size,
  isReadOnly: boolean,
  typed: string,
): readonly PaletteItem[] {
  const offers = commandOffers(typed, state, isReadOnly);
  if (offers !== null) {
    return offers.map((offer) => ({
      kind: 'offer',
      ...offer,
      label: offer.text,
      keys: offer.isWhole ? '' : '…',
    }));
  }
  const actions: PaletteItem[] = bindingsAt(focusOf(state, size), isReadOnly)
    .filter(({ action }) => !leftOut.has(action))
    .map(({ action, label, shown }) => ({ kind: 'action', action, label, keys: shown }));
  const named: PaletteItem[] = commandsFor(isReadOnly).map(({ name, usage, label }) => ({
    kind: 'command',
    text: usage === '' ? name : `${name} `,
    isWhole: usage === '',
    label,
    keys: `:${name} ${usage}`.trimEnd(),
  }));
  const queues: PaletteItem[] = state.model.queues.map(({ name }) => ({
    kind: 'queue',
    queue: name,
    label: `go to queue ${name}`,
    keys: '',
  }));
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  return [...actions, ...named, ...queues].filter(({ kind, label, keys }) =>
    words.every((word) => `${label} ${kind === 'command' ? keys : ''}`.toLowerCase().includes(word)),
  );
}

export function Palette({ text, cursor }: Pick<PaletteDialog, 'text' | 'cursor'>): ReactNode {
  const { isReadOnly } = useScreen();
  const size = useFrame((frame) => frame.size);
  const { items, problem } = useFrame((frame) => {
    const found = paletteItems(frame, frame.size, isReadOnly, text);
    const read = found.length === 0 ? readCommandLine(text, frame, isReadOnly) : '';
    return { items: found, problem: typeof read === 'string' ? read : '' };
  });
  const rows = Math.min(mostRows, size.rows - 6);
  const { from, to } = windowOf(items.length, cursor, rows);
  return (
    <DialogBox
      width={widest}
      title={[span('Commands', { bold: true })]}
      foot={[span(`${items.length} · ${hintSentence('palette')}`)]}
      content={(width) => {
        const shown = items.slice(from, to).map((item, at) => {
          const line = lineOf(width, [span('  '), span(item.label), gap, span(item.keys, { color: 'cyan' })]);
          return clickable(from + at === cursor ? restyled(line, selected) : line, {
            select: ({ dialog }) =>
              dialog?.kind === 'palette' ? { dialog: { ...dialog, cursor: from + at } } : {},
            key: 'return',
          });
        });
        const none = items.length === 0 ? [lineOf(width, [span(`  ${problem}`, { dim: true })])] : [];
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
