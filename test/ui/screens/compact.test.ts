/** A terminal too small for panels: a header and a line for each queue, and the keys that go with them. */
import { expect, test } from 'vitest';
import { rowOf, rowsOf, waitForSelected } from '../screen-parts.ts';
import { useInProcessUi } from './in-process.ts';

const ui = useInProcessUi();

test('at 40×10 there is a line for each queue, to pause it and to look at its jobs', async () => {
  const script = ui.stage.script('echo "at work" >&2; sleep 60');
  const screen = await ui.start(
    { script, runners: { mail: 2, bill: 1, video: 3 } },
    { columns: 40, rows: 10, awaits: '0/6' },
  );
  await ui.stage.enqueue('bill', { class: 'Charge', args: [1] }, { class: 'Charge', args: [2] });
  await screen.waitForText(/bill +running +1\/1 +1 waiting/);
  expect(screen.screen()[0]).toMatch(/^ Queues +● .*1\/6 slots /);
  expect(rowOf(screen, 'mail')).toMatch(/^ mail +idle +0\/2 +0 waiting$/);
  expect(screen.screen().at(-1)).toMatch(/⏎ open {2}p pause .*\? help {2}q quit/);
  await waitForSelected(screen, 'mail');

  await screen.press('j', 'p');
  await screen.waitForText(/bill +‖ PAUSED, draining +1\/1 +1/);
  expect(rowsOf(screen, '‖')).toHaveLength(1);
  await screen.press('return');
  await screen.waitForText('Queues › bill');
  await waitForSelected(screen, 'Charge [1]');
  await screen.press('return');
  await screen.waitForText('err at work');
  await screen.press('q', 'q');
  await screen.waitForText(/^ Queues +●/m);

  // Other tabs have no room.
  await screen.press('2');
  await screen.waitForText('✗ Failures needs a terminal of 60×16');
  await screen.press('q');
  await screen.waitForText('Drain and quit');
  ui.stage.mayLeaveKeys('queue:bill');
});

test('a window that becomes compact shows the queues, and its keys act on nothing else', async () => {
  const screen = await ui.start({ script: ui.stage.script('exit 0'), runners: { mail: 1 } });
  await screen.press('2');
  await screen.waitForText('no failures');
  screen.resize(59, 15);
  await screen.waitForText(/^ mail +idle +0\/1 +0 waiting/m);
  await screen.press('p');
  await screen.waitForText(/mail +‖ PAUSED/);
  screen.resize(120, 36);
  await screen.waitForText('[1 Queues]');
});
