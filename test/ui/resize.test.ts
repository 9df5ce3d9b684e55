/** A screen that was resized looks like one that was opened at that size: nothing of the old one is left. */
import { expect, test } from 'vitest';
import type { Terminal } from '../helpers/terminal.ts';
import { cellsOf, useUiStage } from './stage.ts';

const ui = useUiStage({ timeoutMs: 60_000 });

const sizes = [
  [80, 24],
  [50, 10],
  [80, 24],
  [60, 16],
  [161, 49],
  [59, 16],
  [60, 15],
  [120, 36],
] as const;

const isTooSmall = (columns: number, rows: number) => columns < 60 || rows < 16;

/** Two queues, one of them paused, with a job each, and a failure. */
async function openScreen(): Promise<Terminal> {
  const script = ui.stage.script(`grep -q Failing && { echo "it failed" >&2; exit 1; }
    seq -f "line %.0f of a log that is wide enough to be cut where the screen is narrow" 100 >&2; exec sleep 60`);
  const screen = await ui.start({ script, runners: { mail: 2, images: 3 } });
  await ui.stage.enqueue('mail', { class: 'Failing', args: [] });
  await screen.waitForText(/Failing.*it failed/);
  await ui.stage.enqueue('mail', { class: 'Welcome', args: ['ann', 7] });
  await ui.stage.enqueue('images', { class: 'Resize', args: [{ to: [640, 480] }] });
  await screen.waitForText(/line 100[\s\S]*line 100|line 100.*line 100/);
  await screen.press('p');
  await screen.waitForText('PAUSED');
  return screen;
}

/** @param keys what brings a fresh screen to where the other one is */
async function expectLikeFresh(screen: Terminal, columns: number, rows: number, keys: string[]): Promise<void> {
  // Too small, it still takes the keys that end it, but no others: so those come first.
  const fresh = await ui.attach({ columns: 120, rows: 36 });
  await fresh.waitForText('line 100');
  for (const key of keys) await fresh.press(key);
  const isSame = (a: readonly string[], b: readonly string[]) => a.every((row, at) => row === b[at]);
  await ui.attach;
  fresh.resize(columns, rows);
}

test('x', () => {});
