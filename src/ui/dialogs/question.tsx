/** A question with its choices. A harmless choice has the focus. */
import type { ReactNode } from 'react';
import type { Dialog } from '../../store/view.ts';
import { useFrame } from '../frame/use-frame.ts';
import { hintSentence } from '../keys/keymap.ts';
import { selected } from '../layout/framed.ts';
import { cell, clickable, type Line, lineOf, type Part, span, widthOf } from '../text/line.ts';
import { wrapWords } from '../text/wrap.ts';
import { blank, boxRows, DialogBox } from './dialog-box.tsx';

type QuestionDialog = Extract<Dialog, { kind: 'question' }>;

const widest = 70;

export function QuestionBox({ dialog }: { readonly dialog: QuestionDialog }): ReactNode {
  const { title, lines } = dialog;
  const rows = useFrame(({ size }) => boxRows(size));
  return (
    <DialogBox
      width={widest}
      title={[span(title, { bold: true })]}
      foot={[span(hintSentence('question'))]}
      content={(width) => {
        const wrapped = choiceLines(dialog, width);
        const buttons = wrapped.length > rows ? choiceLines(dialog, width, 1) : wrapped;
        const text = lines.flatMap((line) => wrapWords(line, width));
        // The choices are always visible: a small screen has less text, and no blank lines.
        const shown = text.length > rows - buttons.length ? cutLines(text, rows - buttons.length) : text;
        const body = [shown.map((line) => lineOf(width, [span(line)])), buttons].filter(
          (part) => part.length > 0,
        );
        const isRoomy = shown.length + buttons.length + body.length + 1 <= rows;
        return isRoomy ? [blank(width), ...body.flatMap((part) => [...part, blank(width)])] : body.flat();
      }}
    />
  );
}

function cutLines(lines: readonly string[], rows: number): readonly string[] {
  if (rows <= 0) return [];
  return [...lines.slice(0, rows - 1), `${lines[rows - 1] ?? ''} …`];
}

/**
 * A row for each choice and what it does, or all choices in one row if that says it all.
 *
 * @param rowsEach what doesn't fit into so many rows for each choice is left out
 */
function choiceLines({ choices, focus }: QuestionDialog, width: number, rowsEach = Infinity): Line[] {
  const longest = Math.max(...choices.map(({ label }) => label.length));
  const buttons = choices.map(({ label, key }, at) => button(label.padEnd(longest), key, at === focus));
  const inOneRow = buttons.flatMap((parts) => [...parts, span('   ')]);
  if (choices.every(({ detail }) => detail === '') && widthOf(inOneRow) - 3 <= width)
    return [lineOf(width, inOneRow)];
  return choices.flatMap(({ detail }, at) => {
    const parts = [...(buttons[at] ?? []), span('  ')];
    const indent = widthOf(parts);
    const lines = wrapWords(detail, width - indent);
    return (lines.length > rowsEach ? [''] : lines).map((line, row) =>
      lineOf(width, [...(row === 0 ? parts : [cell('', indent)]), span(line, { dim: true })]),
    );
  });
}

function button(label: string, key: string, isFocused: boolean): Part[] {
  const style = isFocused ? { ...selected, bold: true } : {};
  return [
    span(isFocused ? '▸' : ' '),
    ...clickable([span(` ${key} `, { ...style, color: 'cyan' }), span(`${label} `, style)], { key }),
  ];
}
