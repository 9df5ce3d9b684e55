/** A question on a small screen: its words are whole, and its choices are there. */
import { expect, test } from 'vitest';
import { createAppStore } from '../../../src/store/app-store.ts';
import { type Dialog, initialView } from '../../../src/store/view.ts';
import { RenderedScreen } from '../rendered-screen.tsx';

type QuestionDialog = Extract<Dialog, { kind: 'question' }>;

const quit: QuestionDialog = {
  ...{ kind: 'question', question: { kind: 'quit' }, title: 'Quit?', focus: 0 },
  lines: ['This screen started the runner.'],
  choices: [
    { label: 'Detach', key: 'd', detail: 'leave the runner running' },
    { label: 'Drain and quit', key: 'q', detail: 'wait for 12 running jobs' },
    { label: 'Cancel', key: 'c', detail: '' },
  ],
};

function dialog(columns: number, rows: number, question: QuestionDialog): string[] {
  const state = { ...createAppStore().getState(), view: { ...initialView, dialog: question } };
  const screen = new RenderedScreen(state, { columns, rows });
  const all = screen.rowTexts();
  const top = all.findIndex((row) => row.includes('┏━ Quit?'));
  const left = all[top]?.indexOf('┏━ Quit?') ?? 0;
  const right = all[top]?.indexOf('┓', left);
  const box = all.slice(top + 1).map((row) => row.slice(left, right));
  return box
    .slice(
      0,
      box.findIndex((row) => row.startsWith('┗')),
    )
    .map((row) => row.slice(2).trimEnd());
}

test('what a choice does is wrapped at words, beside its button', () => {
  const rows = dialog(44, 20, quit);
  expect(rows).toContain('▸ d Detach           leave the runner');
  expect(rows).toContain('                     running');
  expect(rows).toContain('  q Drain and quit   wait for 12');
});

test('choices that do not fit into one row get a row each', () => {
  const choices = [
    { label: 'Cancel', key: 'n', detail: '' },
    { label: 'Send SIGTERM', key: 'y', detail: '' },
  ];
  const question: QuestionDialog = { ...quit, choices, lines: [] };
  expect(dialog(80, 24, question)[1]).toMatch(/^▸ n Cancel +y Send SIGTERM$/);
  const narrow = dialog(36, 24, question);
  expect(narrow).toContain('▸ n Cancel');
  expect(narrow).toContain('  y Send SIGTERM');
});

test('a text that is too long is cut, and the choices stay', () => {
  const choices = quit.choices.map((choice) => ({ ...choice, detail: '' }));
  const rows = dialog(40, 10, { ...quit, choices, lines: ['many words '.repeat(60).trimEnd()] });
  expect(rows).toHaveLength(6);
  expect(rows[2]).toMatch(/^many words .* …$/);
  expect(rows.at(-1)).toBe('  c Cancel');
});

test('where not all choices fit with what they do, what is too long is left out', () => {
  const kill = { label: 'Kill and quit', key: 'K', detail: 'kill 12 running jobs' };
  const rows = dialog(40, 10, {
    ...quit,
    choices: [...quit.choices.slice(0, 2), kill, ...quit.choices.slice(2)],
  });
  expect(rows.slice(-4)).toEqual(['▸ d Detach', '  q Drain and quit', '  K Kill and quit', '  c Cancel']);
});
