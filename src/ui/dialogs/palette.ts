/** The command palette: every action that the current screen has, and every queue, by name. */
import type { AppState } from '../../store/app-store.ts';
import { type ActionName, bindingsIn } from '../keys/keymap.ts';
import { contextOf } from '../lists/selection.ts';
import { type Size, windowOf } from '../panels/layout.ts';
import { type Panel, selected } from '../panels/panel.ts';
import { cell, gap, lineOf, restyled, span } from '../text/line.ts';
import { box } from './box.ts';

export type PaletteItem =
  | { readonly kind: 'action'; readonly action: ActionName; readonly label: string; readonly keys: string }
  | { readonly kind: 'queue'; readonly queue: string; readonly label: string; readonly keys: string };

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
export function paletteItems(state: AppState, isReadOnly: boolean, typed: string): readonly PaletteItem[] {
  const actions: PaletteItem[] = bindingsIn(contextOf(state.view), isReadOnly)
    .filter(({ action }) => !leftOut.has(action))
    .map(({ action, label, shown }) => ({ kind: 'action', action, label, keys: shown }));
  const queues: PaletteItem[] = state.model.queues.map(({ name }) => ({
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

export function palette(items: readonly PaletteItem[], text: string, cursor: number, size: Size): Panel {
  const rows = Math.min(mostRows, size.rows - 6);
  const { from, to } = windowOf(items.length, cursor, rows);
  return box({
    key: 'palette',
    size,
    width: widest,
    title: [span('Commands', { bold: true })],
    foot: [span(`${items.length} · Enter to run, Esc to cancel`)],
    content: (width) => {
      const shown = items.slice(from, to).map((item, at) => {
        const line = lineOf(width, [span('  '), span(item.label), gap, span(item.keys, { color: 'cyan' })]);
        return from + at === cursor ? restyled(line, selected) : line;
      });
      const none = items.length === 0 ? [lineOf(width, [span('  no matching command', { dim: true })])] : [];
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
    },
  });
}
