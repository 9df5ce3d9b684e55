/** A question with its choices. A harmless choice has the focus. */
import type { ReactNode } from 'react';
import type { Dialog } from '../../store/view.ts';
import { selected } from '../layout/framed.ts';
import { clickable, lineOf, type Part, span } from '../text/line.ts';
import { wrapWords } from '../text/wrap.ts';
import { blank, DialogBox } from './dialog-box.tsx';

type QuestionDialog = Extract<Dialog, { kind: 'question' }>;

const widest = 70;

export function QuestionBox({ dialog }: { readonly dialog: QuestionDialog }): ReactNode {
  const { title, lines, choices, focus } = dialog;
  const longest = Math.max(...choices.map(({ label }) => label.length));
  const hasDetails = choices.some(({ detail }) => detail !== '');
  return (
    <DialogBox
      width={widest}
      title={[span(title, { bold: true })]}
      foot={[span('Enter to choose, Esc to cancel')]}
      content={(width) => [
        blank(width),
        ...lines.flatMap((line) => wrapWords(line, width)).map((line) => lineOf(width, [span(line)])),
        ...(lines.length === 0 ? [] : [blank(width)]),
        ...(hasDetails
          ? choices.map((choice, at) =>
              lineOf(width, [
                ...button(choice.label.padEnd(longest), choice.key, at === focus),
                ...(choice.detail === '' ? [] : [span(`  ${choice.detail}`, { dim: true })]),
              ]),
            )
          : [
              lineOf(
                width,
                choices.flatMap((choice, at) => [
                  ...button(choice.label.padEnd(longest), choice.key, at === focus),
                  span('   '),
                ]),
              ),
            ]),
        blank(width),
      ]}
    />
  );
}

function button(label: string, key: string, isFocused: boolean): Part[] {
  const style = isFocused ? { ...selected, bold: true } : {};
  return [
    span(isFocused ? '▸' : ' '),
    ...clickable([span(` ${key} `, { ...style, color: 'cyan' }), span(`${label} `, style)], { key }),
  ];
}
