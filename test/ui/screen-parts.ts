/** Reads a screen as a person does: where the keys go, and what the cursor is on. */
import type { Terminal } from '../helpers/terminal.ts';

/** Title of the panel with the heavy border: the keys go there. Of an open dialog, its title. */
export function focusedPanel(screen: Terminal): string {
  const titles = [...screen.text().matchAll(/┏━ (.+?)(?: {2}| ━| ┓)/g)].map(([, title]) => title);
  return titles.at(-1) ?? '';
}

/** The texts that stand there inverse, from top to bottom: a row under the cursor, a choice with the focus. */
export function selectedTexts(screen: Terminal): string[] {
  const { cols, rows } = screen.xterm;
  const texts = Array.from({ length: rows }, (_, row) => {
    const cells = Array.from({ length: cols }, (_unused, column) => screen.cell(column, row));
    return cells.map(({ text, isInverse }) => (isInverse ? text : '')).join('');
  });
  return texts.map((text) => text.trim()).filter((text) => text !== '');
}

/** The first row that shows it. */
export function rowOf(screen: Terminal, text: string): string {
  return screen.screen().find((row) => row.includes(text)) ?? '';
}

/** Rows of lists that show it, as `60 failures` do. */
export function rowsOf(screen: Terminal, text: string | RegExp): string[] {
  return screen.screen().filter((row) => (typeof text === 'string' ? row.includes(text) : text.test(row)));
}

/** Waits until the cursor is on that, and on nothing else. */
export async function waitForSelected(screen: Terminal, text: string): Promise<void> {
  await screen.waitFor(() => {
    const selected = selectedTexts(screen);
    return selected.length === 1 && (selected[0]?.includes(text) ?? false);
  }, `the cursor is on ${text}`);
}

export async function waitForFocus(screen: Terminal, title: string): Promise<void> {
  await screen.waitFor(() => focusedPanel(screen) === title, `the keys go to ${title}`);
}
