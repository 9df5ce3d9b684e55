/** The last row: the most important keys, or the prompt while the user types. */
import type { ReactNode } from 'react';
import type { Dialog } from '../../store/view.ts';
import { Canvas } from '../frame/canvas.tsx';
import { useFrame, useScreen } from '../frame/use-frame.ts';
import { type Binding, bindingsIn, type Context } from '../keys/keymap.ts';
import { filterProblem } from '../lists/completions.ts';
import { contextOf } from '../lists/selection.ts';
import { columns as columnsOf } from '../text/columns.ts';
import { cutStart } from '../text/fit.ts';
import { clickable, type Line, lineOf, type Part, type Span, span } from '../text/line.ts';

type PromptDialog = Extract<Dialog, { kind: 'prompt' }>;

/** The most important keys. */
export function Footer(): ReactNode {
  const { isReadOnly } = useScreen();
  const { context, columns } = useFrame(({ view, size }) => ({
    context: contextOf(view),
    columns: size.columns,
  }));
  return <Canvas width={columns} lines={[footerLine(context, columns, isReadOnly)]} />;
}

/** What the user types, in place of the footer. */
export function Prompt({ dialog }: { readonly dialog: PromptDialog }): ReactNode {
  const columns = useFrame(({ size }) => size.columns);
  return <Canvas width={columns} lines={[promptLine(dialog, columns)]} />;
}

function footerLine(context: Context, width: number, isReadOnly: boolean): Line {
  const parts: Part[] = [span(' ')];
  // Help and quit are always shown. The other keys share the rest of the row.
  const shown = bindingsIn(context, isReadOnly).filter((binding) => binding.footer !== undefined);
  const last = shown.filter(({ action }) => action === 'help' || action === 'quit').flatMap(hint);
  let room = width - 1 - widthOf(last);
  for (const binding of shown) {
    if (binding.action === 'help' || binding.action === 'quit') continue;
    const next = hint(binding);
    if (widthOf(next) > room) break;
    room -= widthOf(next);
    parts.push(...next);
  }
  return lineOf(width, [...parts, ...last]);
}

/** A click on a key presses it. A click on the words presses the first key, unless there are two. */
function hint({ shown, footer: label, action, keys }: Binding): Span[] {
  const pair = footerKeys[action] ?? [[shown, keys[0] ?? '']];
  const key = pair.length === 1 ? pair[0]?.[1] : undefined;
  const words = span(` ${label}  `, { dim: true });
  return [
    ...pair.map(([text, own]) => ({
      ...span(text, { bold: true }),
      ...(own === '' ? {} : { target: { key: own } }),
    })),
    ...(key === undefined ? [words] : clickable([words], { key })),
  ];
}

/** As texts and the keys that a click on them presses. Pairs of keys take one hint. */
const footerKeys: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  down: [
    ['↑', 'up'],
    ['↓', 'down'],
    ['/', ''],
    ['j', 'down'],
    ['k', 'up'],
  ],
  right: [
    ['←', 'left'],
    ['→', 'right'],
    ['/', ''],
    ['h', 'left'],
    ['l', 'right'],
  ],
  open: [['⏎', 'return']],
  'slots-up': [
    ['+', '+'],
    ['/', ''],
    ['-', '-'],
  ],
  'next-match': [
    ['n', 'n'],
    ['/', ''],
    ['N', 'N'],
  ],
  'next-failure': [
    ['n', 'n'],
    ['/', ''],
    ['N', 'N'],
  ],
};

function widthOf(spans: readonly Span[]): number {
  return spans.reduce((sum, { text }) => sum + columnsOf(text), 0);
}

/** The line of a prompt, with its cursor. Shows the end of a text that is too long. */
function promptLine(dialog: PromptDialog, width: number): Line {
  const { label, text } = dialog;
  const room = Math.max(1, width - columnsOf(label) - 3);
  return lineOf(width, [
    span(` ${label}`, { bold: true, color: 'cyan' }),
    span(cutStart(text, room)),
    span(' ', { inverse: true }),
    ...promptHint(dialog),
  ]);
}

/** What is wrong, how the text could go on, or which keys there are. */
function promptHint({ purpose, text, choices = [] }: PromptDialog): Span[] {
  const problem = purpose.kind === 'filter' ? filterProblem(text, purpose.list) : null;
  if (choices.length > 0) {
    // Of values, without their field.
    const names = choices.map((choice) => choice.replace(/^\w+:(?=.)/, ''));
    return [span(`  ${names.join('  ')}`, { dim: true })];
  }
  if (problem !== null) return [span(`  ${problem}`, { color: 'yellow' })];
  return [span('  Enter to apply, Esc to cancel', { dim: true })];
}
