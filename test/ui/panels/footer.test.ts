/** The last row: what works here and now. */
import { expect, test } from 'vitest';
import { createAppStore } from '../../../src/store/app-store.ts';
import { initialView, type View } from '../../../src/store/view.ts';
import { RenderedScreen } from '../rendered-screen.tsx';
import { failureEntry } from '../states.ts';

function footer(view: Partial<View>, columns = 140): string {
  const state = { ...createAppStore().getState(), view: { ...initialView, ...view } };
  return new RenderedScreen(state, { columns, rows: 36 }).rowTexts().at(-1) ?? '';
}

test('on the queues it follows the focus', () => {
  expect(footer({})).toMatch(/^ ⏎ open {2}p pause {2}\+\/- slots .* ↑↓\/jk row .* q quit/);
  const failures = footer({ queues: { ...initialView.queues, pane: 'failures' } });
  expect(failures).toMatch(/r retry .* q back/);
  expect(failures).not.toMatch(/pause|slots|TERM/);
});

test('keys that scroll are called that, and q goes back', () => {
  const opened = { kind: 'failure', entry: failureEntry(0, 'Lost'), top: 0 } as const;
  expect(footer({ tab: 'failures', opened })).toMatch(
    /^ r retry {2}D delete {2}y copy {2}n\/N next {2}↑↓\/jk scroll .* q back/,
  );
});

test('where it has no room for all, what acts comes first', () => {
  const text = footer({ tab: 'failures' }, 80);
  expect(text).toMatch(/^ ⏎ open {2}Space mark {2}\* all {2}r retry {2}R retry all {2}D delete .* q quit/);
  expect(text).not.toContain('jk');
});

test('below a dialog it has the keys of the dialog', () => {
  expect(footer({ dialog: { kind: 'help', top: 0 } }).trim()).toBe('↑↓ scroll  ?/Esc close');
  expect(footer({ dialog: { kind: 'palette', text: '', cursor: 0 } }).trim()).toBe('Enter run  Esc cancel');
  const choices = [
    { label: 'Cancel', key: 'n', detail: '' },
    { label: 'Retry', key: 'y', detail: '' },
  ];
  const question = { kind: 'question', question: { kind: 'quit' }, title: '', lines: [], focus: 0 } as const;
  const text = footer({ dialog: { ...question, choices } });
  expect(text.trim()).toBe('n Cancel  y Retry  Enter choose  Esc cancel');
  // Each as a whole.
  expect(footer({ dialog: { ...question, choices } }, 42).trim()).toBe('n Cancel  y Retry  Enter choose');
});
