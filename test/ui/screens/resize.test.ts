/** A screen that was resized looks like one that was opened at that size: nothing of the old one is left. */
import { expect, test } from 'vitest';
import { cellsOf } from '../screen-parts.ts';
import { type Screen, useInProcessUi } from './in-process.ts';

const ui = useInProcessUi({ timeoutMs: 60_000 });

const smallest = { columns: 40, rows: 10 };

/** Two queues with a job each, and a failure. */
async function openScreen(): Promise<Screen> {
  const script = ui.stage.script(`grep -q Failing && { echo "it failed" >&2; exit 1; }
    seq -f "line %.0f of a log that is wide enough to be cut or wrapped where a screen is narrow, 漢字" 100 >&2
    exec sleep 60`);
  const screen = await ui.start({ script, runners: { mail: 2, images: 3 } });
  await ui.stage.enqueue('mail', { class: 'Failing', args: [] });
  await screen.waitForText(/Failing .*it failed/);
  await ui.stage.enqueue('mail', { class: 'Welcome', args: ['ann', 7] });
  await ui.stage.enqueue('images', { class: 'Resize', args: [{ to: [640, 480] }] });
  await screen.waitForText(/line 100 .*line 100 /);
  await screen.waitForText(/0 waiting.*0 waiting/);
  return screen;
}

/** The end of the footer. */
const awaited = '? help  q quit';

/** @param keys that bring a fresh screen to where the other one is */
async function expectLikeFresh(screen: Screen, keys: readonly string[]): Promise<void> {
  const { columns, rows } = screen;
  const isTooSmall = columns < smallest.columns || rows < smallest.rows;
  const awaits = isTooSmall ? `have ${columns}×${rows}, need 40×10` : awaited;
  const fresh = await ui.attach({ columns, rows, awaits });
  if (!isTooSmall) await fresh.press(...keys);
  const areAlike = () => cellsOf(screen).join('\n') === cellsOf(fresh).join('\n');
  try {
    await fresh.waitFor(areAlike, 'both are alike', 5_000);
  } catch {
    // What is different says more than that it didn't go away.
    expect(cellsOf(screen)).toEqual(cellsOf(fresh));
  }
  // There may be a dialog, which would take the q for itself.
  await fresh.press('ctrl+c');
  expect(await fresh.ended).toEqual({ kind: 'detached' });
}

test.each<[string, string[], string, [number, number][]]>([
  [
    'the queues',
    [],
    'Recent failures',
    [
      [80, 24],
      [50, 10],
      [39, 9],
      [80, 24],
      [59, 40],
      [160, 49],
      // Rows that stay the same, where terminals have moved them.
      [160, 30],
      [160, 45],
      [120, 15],
      [120, 36],
    ],
  ],
  [
    'a log that is wrapped',
    ['3', 'return', 'w'],
    'wrap:on',
    [
      [60, 16],
      [100, 40],
    ],
  ],
  [
    'a dialog',
    ['?'],
    'Help',
    [
      [60, 16],
      [50, 9],
      [120, 36],
    ],
  ],
])('%s', async (_, keys, shows, sizes) => {
  const screen = await openScreen();
  await screen.press(...keys);
  await screen.waitForText(shows);
  for (const [columns, rows] of sizes) {
    screen.resize(columns, rows);
    await expectLikeFresh(screen, keys);
  }
});

test('where there is no room it says so, takes q and Ctrl-C, and no other key', async () => {
  const screen = await openScreen();
  screen.resize(39, 10);
  await screen.waitForText('have 39×10, need 40×10\nq quits');
  expect(screen.text().trim()).toBe('have 39×10, need 40×10\nq quits');
  // Neither may have any effect once there is room again.
  await screen.press('p', 'P', '2', 'x', '+');
  await screen.press('q');
  await screen.waitForText('Drain and quit');
  await screen.press('escape');
  await screen.waitForNoText('Drain and quit');
  screen.resize(120, 36);
  await screen.waitForText('[1 Queues]');
  expect(screen.text()).not.toMatch(/PAUSED|Send SIGTERM|config 2/);
  // A line that is being typed and a job that is open don't take the q for themselves.
  await screen.press('return', 'return', '/');
  await screen.waitForText(/^ search: /m);
  screen.resize(50, 9);
  await screen.waitForText('have 50×9');
  screen.paste('typed');
  await screen.press('x', 'q');
  await screen.waitForText('Drain and quit');
  await screen.press('c');
  screen.resize(120, 36);
  await screen.waitForText('FOLLOW');
  expect(screen.text()).not.toContain('search: ');
  screen.resize(20, 4);
  await screen.waitForText('have 20×4');
  await screen.press('ctrl+c', 'ctrl+c', 'ctrl+c');
  expect(await screen.ended).toEqual({ kind: 'stopped' });
});

test('a window that is being dragged shows whole screens at its end', async () => {
  const screen = await openScreen();
  for (let step = 0; step < 40; step += 1) screen.resize(120 - step, 36 - Math.floor(step / 4));
  await expectLikeFresh(screen, []);
});
