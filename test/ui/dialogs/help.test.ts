/** The help by size and focus. That it shows what the keymap has is up to `keymap.test.ts`. */
import { expect, test } from 'vitest';
import { createAppStore } from '../../../src/store/app-store.ts';
import { initialView, type View } from '../../../src/store/view.ts';
import { RenderedScreen } from '../rendered-screen.tsx';

function help(columns: number, rows: number, view: Partial<View> = {}): string {
  const state = {
    ...createAppStore().getState(),
    view: { ...initialView, ...view, dialog: { kind: 'help', top: 0 } as const },
  };
  return new RenderedScreen(state, { columns, rows }).rowTexts().join('\n');
}

test.each(['queues', 'failures', 'jobs', 'events'] as const)(
  'all keys of the tab %s are seen at 80×24',
  (tab) => {
    const text = help(80, 24, { tab });
    for (const title of ['ACT', 'MOVE', 'PROGRAM']) expect(text).toContain(title);
    for (const label of ['open', 'copy', 'a page', 'suspend (fg resumes)', 'quit; twice'])
      expect(text).toContain(label);
  },
);

test('in a narrow terminal there is one column, and no label is cut', () => {
  const text = help(60, 40);
  expect(text).toMatch(/┃ ACT +┃/);
  const rows = text.split('\n').filter((row) => /^.?┃ /.test(row));
  expect(rows.length).toBeGreaterThan(20);
  expect(rows.join('\n')).not.toContain('…');
});

test('it names the pane that has the focus, and leaves out what does not work there', () => {
  const queues = { ...initialView.queues, pane: 'failures' as const };
  const text = help(120, 40, { queues });
  expect(text).toContain('Help · Queues · Recent failures');
  expect(text).toContain('retry this failure');
  expect(text).not.toContain('pause or resume the queue');
});
