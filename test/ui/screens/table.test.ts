/** The first screen as a table: where the terminal is small, or the queues are many. */
import { expect, test } from 'vitest';
import { rowOf, rowsOf, selectedTexts, waitForFocus, waitForSelected } from '../screen-parts.ts';
import { addFailures, numbered } from './failure-records.ts';
import { useInProcessUi } from './in-process.ts';

const ui = useInProcessUi();

test('at 80×24 all queues are rows of a table, with the jobs of the one under the cursor below', async () => {
  const screen = await ui.start(
    {
      script: ui.stage.script('echo "at work on $1" >&2; sleep 60'),
      runners: { mail: 2, bill: 1, video: 3, low: 4 },
    },
    { columns: 80, rows: 24 },
  );
  await ui.stage.enqueue('mail', { class: 'Welcome', args: ['ann'] });
  await ui.stage.enqueue('bill', { class: 'Charge', args: [1] }, { class: 'Charge', args: [2] });
  await screen.waitForText('at work on mail');
  await screen.waitForText(/bill +■ +1\/1 +1 /);
  expect(rowOf(screen, 'mail ')).toMatch(/▸ mail +■□ +1\/2 +0 +0\.0\/s +0 +running/);
  expect(rowOf(screen, 'low ')).toMatch(/low +□□□□ +0\/4 +0 .* idle/);
  expect(screen.text()).toContain('mail · running 1');

  await screen.press('j');
  await screen.waitForText('bill · running 1');
  await screen.waitForText('at work on bill');
  await screen.press('p');
  await screen.waitForText(/bill .*‖ PAUSED, d/);
  expect(rowsOf(screen, /┃.*‖/)).toHaveLength(1);
  // Enter opens the queue's page, and there the job under the cursor.
  await screen.press('return');
  await screen.waitForText('Queues › bill');
  await waitForFocus(screen, 'running 1');
  await waitForSelected(screen, 'Charge [1]');
  await screen.press('return');
  await screen.waitForText('Queues › bill › #');
  await screen.press('escape', 'escape');
  await waitForFocus(screen, 'Queues');
  await screen.press('tab', 'tab');
  await waitForFocus(screen, 'Recent failures (0)');
  await screen.press('tab');
  await waitForFocus(screen, 'Queues');
  await screen.press('shift+tab', 'shift+tab', 'l');
  await screen.waitForText('video · running 0');
  ui.stage.mayLeaveKeys('queue:bill');
});

test('200 queues scroll to the last and back, and p pauses the one under the cursor alone', async () => {
  const names = Array.from({ length: 200 }, (_, at) => `queue-${String(at + 1).padStart(3, '0')}`);
  const screen = await ui.start({
    script: ui.stage.script('cat > /dev/null; echo "$1" >> "$D/ran"'),
    runners: Object.fromEntries(names.map((name) => [name, 1])),
  });
  ui.stage.mayLeaveKeys('queue:queue-200');
  await screen.waitForText('of 200');
  await waitForSelected(screen, 'queue-001');
  expect(screen.text()).toContain('0/200 slots');

  const seen = new Set<string>();
  const rows = rowsOf(screen, /queue-\d{3} +□/).length;
  expect(rows).toBeGreaterThan(10);
  for (let at = 1; at <= 200; at += rows) {
    await waitForSelected(screen, `queue-${String(at).padStart(3, '0')}`);
    for (const [name] of screen.text().matchAll(/queue-\d{3}(?= +□)/g)) seen.add(name);
    await screen.press('pagedown');
  }
  await waitForSelected(screen, 'queue-200');
  for (const [name] of screen.text().matchAll(/queue-\d{3}(?= +□)/g)) seen.add(name);
  expect([...seen].sort()).toEqual(names);
  await screen.waitForText(`${201 - rows}-200 of 200`);

  await screen.press('p');
  await screen.waitForText('✓ queue-200 is paused');
  await screen.waitForText(/▸ queue-200 .*‖ PAUSED by ann/);
  expect(rowsOf(screen, /┃.*PAUSED/)).toHaveLength(1);
  await ui.stage.enqueue('queue-200', { class: 'Held', args: [] });
  await ui.stage.enqueue('queue-199', { class: 'Free', args: [] });
  expect(await ui.stage.waitForFileLines('ran')).toEqual(['queue-199']);
  await screen.waitForText(/queue-200 +□ +0\/1 +1 /);

  await screen.press('k');
  await waitForSelected(screen, 'queue-199');
  await screen.press('+');
  await screen.waitForText(/▸ queue-199 .*0\/2 \(config 1\)/);
  await screen.press('g');
  await waitForSelected(screen, 'queue-001');
  await screen.press('p');
  await screen.waitForText('✓ queue-001 is paused');
  await screen.press('G', 'p');
  expect(await ui.stage.waitForFileLines('ran', 2)).toEqual(['queue-199', 'queue-200']);
  expect(selectedTexts(screen)).toHaveLength(1);
});

test('a window that becomes too small for the failures takes the keys from them', async () => {
  await addFailures(ui.stage, numbered(1));
  const screen = await ui.start({ script: ui.stage.script('exit 0'), runners: { mail: 1, bill: 1 } });
  await screen.waitForText('Error 1.');
  await screen.press('shift+tab');
  await waitForFocus(screen, 'Recent failures (1)');
  screen.resize(80, 20);
  await screen.waitForNoText('Recent failures');
  await screen.press('r');
  await screen.waitForText('press Tab to select a failure');
  await screen.press('j');
  await waitForSelected(screen, 'bill');
  expect(await ui.stage.client.exists(ui.stage.key('queue:mail'))).toBe(0);
});
