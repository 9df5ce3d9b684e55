/** Reads a screen as a person does: where the keys go, and what the cursor is on. */
import type { TerminalScreen } from '../helpers/terminal-screen.ts';

/** Title of the panel with the heavy border: the keys go there. Of an open dialog, its title. */
export function focusedPanel(screen: TerminalScreen): string {
  const titles = [...screen.text().matchAll(/┏━ (.+?)(?: {2}| ━| ┓)/g)].map(([, title]) => title);
  return titles.at(-1) ?? '';
}

/** The texts that stand there inverse, from top to bottom: a row under the cursor, a choice with the focus. */
export function selectedTexts(screen: TerminalScreen): string[] {
  const { buffer, cols, rows } = screen.xterm;
  const { active } = buffer;
  // Many tests wait for it, so it makes no object for each cell.
  const cell = active.getNullCell();
  const texts = Array.from({ length: rows }, (_, row) => {
    const line = active.getLine(active.viewportY + row);
    let text = '';
    for (let column = 0; column < cols; column += 1) {
      if (line?.getCell(column, cell)?.isInverse()) text += cell.getChars();
    }
    return text.trim();
  });
  return texts.filter((text) => text !== '');
}

/** The first row that shows it. */
export function rowOf(screen: TerminalScreen, text: string): string {
  return screen.screen().find((row) => row.includes(text)) ?? '';
}

/** Rows of lists that show it, as `60 failures` do. */
export function rowsOf(screen: TerminalScreen, text: string | RegExp): string[] {
  return screen.screen().filter((row) => (typeof text === 'string' ? row.includes(text) : text.test(row)));
}

const buttons = { click: 0, 'wheel-up': 64, 'wheel-down': 65 } as const;

/** Uses the mouse where the screen shows that text: on its first character, in the first row that has it. */
export function mouseOn(screen: TerminalScreen, text: string, what: keyof typeof buttons = 'click'): void {
  const rows = screen.screen();
  const row = rows.findIndex((each) => each.includes(text));
  if (row === -1) throw new Error(`"${text}" is not on the screen`);
  const place = `${(rows[row]?.indexOf(text) ?? 0) + 1};${row + 1}`;
  screen.send(`\u001B[<${buttons[what]};${place}M\u001B[<${buttons[what]};${place}m`);
}

/** Waits until the cursor is on that, and on nothing else. */
export async function waitForSelected(screen: TerminalScreen, text: string): Promise<void> {
  await screen.waitFor(() => {
    const selected = selectedTexts(screen);
    return selected.length === 1 && (selected[0]?.includes(text) ?? false);
  }, `the cursor is on ${text}`);
}

export async function waitForFocus(screen: TerminalScreen, title: string): Promise<void> {
  await screen.waitFor(() => focusedPanel(screen) === title, `the keys go to ${title}`);
}

/** What moves by itself: how long a job runs, jobs per second. */
const moving = /(?<![:\d])\d\d:\d\d(?![:\d])|[▁▂▃▄▅▆▇█]{8}|\d+(?:\.\d)?\/s|(?<=up |last: )\d+[sm]/g;

/** Columns of a row, the one at `right` excluded. */
export interface Area {
  readonly row: number;
  readonly left: number;
  readonly right: number;
}

/**
 * Every cell of the screen with its colours, a text for each row, to be compared with those of another moment or
 * another screen; without what moves by itself, and without these areas.
 */
export function cellsOf(screen: TerminalScreen, except: readonly Area[] = []): string[] {
  return screen.screen().map((text, row) => {
    const cells = Array.from({ length: screen.columns }, (_, column) => screen.cell(column, row));
    // By what the text has of each; a wide one takes two columns.
    const columns = cells.flatMap(({ text: own, width }, column) =>
      width === 0 ? [] : Array.from({ length: Math.max(1, own.length) }, () => column),
    );
    const masked = new Set<number>();
    for (const { 0: found, index } of text.matchAll(moving)) {
      for (const column of columns.slice(index, index + found.length)) masked.add(column);
    }
    const areas = except.filter((area) => area.row === row);
    let before = '';
    const shown = cells
      .map(({ text: own, ...style }, column) => {
        if (masked.has(column)) return '#';
        if (areas.some(({ left, right }) => column >= left && column < right)) return '?';
        const look = Object.values(style).join();
        const change = look === before ? '' : `{${look}}`;
        before = look;
        return `${change}${own || ' '}`;
      })
      .join('')
      .trimEnd();
    // The running time in the header gets longer, and the gap before it shorter.
    return row === 0 ? shown.replace(/ {2,}/g, '  ').replace(/#+/g, '#') : shown;
  });
}
