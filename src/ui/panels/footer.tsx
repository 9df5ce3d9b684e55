/** The last row: the most important keys that work now, or the prompt while the user types. */
import type { ReactNode } from 'react';
import type { Dialog } from '../../store/view.ts';
import { Canvas } from '../frame/canvas.tsx';
import { useFrame, useScreen } from '../frame/use-frame.ts';
import {
  type ActionName,
  type Binding,
  bindingsAt,
  dialogHints,
  type Focus,
  hintSentence,
} from '../keys/keymap.ts';
import { filterProblem } from '../lists/completions.ts';
import { focusOf } from '../lists/focus.ts';
import { columns as columnsOf } from '../text/columns.ts';
import { cutStart } from '../text/fit.ts';
import { clickable, type Line, lineOf, type Span, span, widthOf } from '../text/line.ts';

type PromptDialog = Extract<Dialog, { kind: 'prompt' }>;

export function Footer(): ReactNode {
  const { isReadOnly } = useScreen();
  const focus = useFrame((frame) => focusOf(frame, frame.size));
  const dialog = useFrame(({ view }) => view.dialog);
  const columns = useFrame(({ size }) => size.columns);
  const line = dialog === null ? keysLine(focus, columns, isReadOnly) : dialogLine(dialog, columns);
  return <Canvas width={columns} lines={[line]} />;
}

/** What the user types, in place of the footer. */
export function Prompt({ dialog }: { readonly dialog: PromptDialog }): ReactNode {
  const columns = useFrame(({ size }) => size.columns);
  return <Canvas width={columns} lines={[promptLine(dialog, columns)]} />;
}

function keysLine(focus: Focus, width: number, isReadOnly: boolean): Line {
  const parts: Span[] = [span(' ')];
  // Help and quit are always shown. The other keys share the rest of the row.
  const bindings = bindingsAt(focus, isReadOnly).filter((binding) => binding.footer !== undefined);
  const isLast = ({ action }: Binding) => action === 'help' || action === 'quit';
  const last = bindings.filter(isLast).flatMap((binding) => hint(binding, focus));
  let room = width - 1 - widthOf(last);
  for (const binding of bindings) {
    if (isLast(binding)) continue;
    const next = hint(binding, focus);
    if (widthOf(next) > room) break;
    room -= widthOf(next);
    parts.push(...next);
  }
  return lineOf(width, [...parts, ...last]);
}

function hint({ shown, footer = '', footerIn, action, keys }: Binding, focus: Focus): Span[] {
  const label = action === 'quit' && focus.canGoBack ? 'back' : (footerIn?.[focus.context] ?? footer);
  return keysAndLabel(footerKeys[action] ?? [[shown, keys[0] ?? '']], label);
}

/** As texts and the keys that a click on them presses; '' for none. */
type KeyTexts = readonly (readonly [text: string, key: string])[];

/** Pairs of keys take one hint. */
const footerKeys: Readonly<Partial<Record<ActionName, KeyTexts>>> = {
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

/** As many of the keys as fit as a whole. */
function dialogLine(dialog: Dialog, width: number): Line {
  const choices = dialog.kind === 'question' ? dialog.choices : [];
  const hints = [
    ...choices.map(({ key, label }) => keysAndLabel([[key, key]], label)),
    ...dialogHints[dialog.kind].map(({ keys, label }) => keysAndLabel([[keys.join('/'), '']], label)),
  ];
  let room = width - 1;
  const fitting = hints.filter((hint) => {
    room -= widthOf(hint);
    return room >= 0;
  });
  return lineOf(width, [span(' '), ...fitting.flat()]);
}

/** A click on a key presses it. A click on the words presses the key, unless there are two. */
function keysAndLabel(texts: KeyTexts, label: string): Span[] {
  const key = texts.length === 1 ? (texts[0]?.[1] ?? '') : '';
  const words = span(` ${label}  `, { dim: true });
  return [
    ...texts.map(([text, own]) => ({
      ...span(text, { bold: true }),
      ...(own === '' ? {} : { target: { key: own } }),
    })),
    ...(key === '' ? [words] : clickable([words], { key })),
  ];
}

/** The line of a prompt, with its cursor. Shows the end of a text that is too long. */
function promptLine(dialog: PromptDialog, width: number): Line {
  const { label, text } = dialog;
  const room = Math.max(1, width - columnsOf(label) - 3);
  return lineOf(width, [
    span(` ${label}`, { bold: true, color: 'cyan' }),
    span(cutStart(text, room)),
    span(' ', { inverse: true }),
    ...promptHint(dialog, width - columnsOf(label) - columnsOf(text) - 2),
  ]);
}

/** What is wrong, how the text could go on, or which keys there are. */
function promptHint({ purpose, text, choices = [] }: PromptDialog, room: number): Span[] {
  const problem = purpose.kind === 'filter' ? filterProblem(text, purpose.list) : null;
  if (choices.length > 0) {
    // Of values, without their field.
    const names = choices.map((choice) => choice.replace(/^\w+:(?=.)/, ''));
    return [span(`  ${names.join('  ')}`, { dim: true })];
  }
  if (problem !== null) return [span(`  ${problem}`, { color: 'yellow' })];
  const keys = span(`  ${hintSentence('prompt')}`, { dim: true });
  return keys.width > room ? [] : [keys];
}
