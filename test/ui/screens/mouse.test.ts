/** Clicks and the wheel, as a terminal sends them. */
import { expect, test } from 'vitest';
import { focusedPanel, mouseOn, rowOf, waitForFocus, waitForSelected } from '../screen-parts.ts';
import { addFailures } from './failure-records.ts';
import { useInProcessUi } from './in-process.ts';

const ui = useInProcessUi();

test('a click selects a row, and a second one opens it; a click on the first step leads back', async () => {
  const screen = await ui.start({ script: ui.stage.script('sleep 60'), runners: { mail: 3 } });
  for (const job of ['First', 'Second', 'Third']) await ui.stage.enqueue('mail', { class: job, args: [] });
  mouseOn(screen, '3 Jobs');
  await screen.waitForText('Jobs  3 running');
  await screen.waitForText('Third');
  mouseOn(screen, 'Third');
  await waitForSelected(screen, 'Third');
  mouseOn(screen, 'Third');
  await screen.waitForText('RUNNING');
  expect(rowOf(screen, 'Jobs › mail › #3')).not.toBe('');
  mouseOn(screen, 'Jobs ›');
  await screen.waitForText('[3 Jobs]');
  await waitForSelected(screen, 'Third');
});

test('a click on a panel of the queues gives it the keys, and one on a job of another selects that job', async () => {
  const screen = await ui.start({ script: ui.stage.script('sleep 60'), runners: { mail: 2, bill: 2 } });
  await ui.stage.enqueue('bill', { class: 'One', args: [] }, { class: 'Two', args: [] });
  await screen.waitForText('Two');
  await waitForFocus(screen, 'mail');
  mouseOn(screen, 'Two');
  await waitForSelected(screen, 'Two');
  expect(focusedPanel(screen)).toBe('bill');
  mouseOn(screen, 'Recent failures');
  mouseOn(screen, 'mail');
  await waitForFocus(screen, 'mail');
});

test('the wheel moves the list under the pointer by three rows', async () => {
  await addFailures(
    ui.stage,
    Array.from({ length: 40 }, (_, at) => ({ queue: 'mail', jobClass: 'Welcome', error: `error ${at}.` })),
  );
  const screen = await ui.start({ script: ui.stage.script('exit 0'), runners: { mail: 1 } });
  await screen.waitForText('error 39.');
  // The panel that has the keys is another one.
  mouseOn(screen, 'error 39.', 'wheel-down');
  await waitForFocus(screen, 'Recent failures (40)');
  await waitForSelected(screen, 'error 36.');
  await screen.press('2');
  await screen.waitForText('1-19 of 40');
  mouseOn(screen, 'error 39.', 'wheel-down');
  mouseOn(screen, 'error 39.', 'wheel-down');
  await waitForSelected(screen, 'error 33.');
  mouseOn(screen, 'error 39.', 'wheel-up');
  await waitForSelected(screen, 'error 36.');
});

test('the wheel scrolls the output of a job', async () => {
  const script = ui.stage.script('seq -f "line %g." 100 >&2; sleep 60');
  const screen = await ui.start({ script, runners: { mail: 1 } });
  await ui.stage.enqueue('mail', { class: 'Lines', args: [] });
  await screen.waitForText('line 100.');
  await screen.press('return', 'return');
  await screen.waitForText('FOLLOW');
  await screen.waitForText('line 99.');
  mouseOn(screen, 'line 99.', 'wheel-up');
  await screen.waitForText('follow:off');
  expect(screen.text()).not.toContain('line 98.');
  mouseOn(screen, 'line 97.', 'wheel-down');
  await screen.waitForText('line 100.');
});

test('a key in the footer can be clicked, each of a pair by itself', async () => {
  const screen = await ui.start({ script: ui.stage.script('exit 0'), runners: { mail: 1 } });
  await screen.waitForText('0 waiting');
  mouseOn(screen, 'pause');
  await screen.waitForText('PAUSED');
  mouseOn(screen, '+/-');
  await screen.waitForText('mail: 1 → 2 slots');
  mouseOn(screen, '/-');
  mouseOn(screen, '- slots');
  await screen.waitForText('mail: 2 → 1 slots');
});

test('a question is answered by a click on a choice, and by no other click', async () => {
  const screen = await ui.start({ script: ui.stage.script('sleep 60'), runners: { mail: 1 } });
  await ui.stage.enqueue('mail', { class: 'Slow', args: [] });
  await screen.waitForText('Slow');
  mouseOn(screen, 'TERM');
  await screen.waitForText('Send SIGTERM to job #1?');
  mouseOn(screen, '3 Jobs');
  mouseOn(screen, 'The signal goes to pid');
  mouseOn(screen, 'Cancel');
  await screen.waitForNoText('Send SIGTERM to job #1?');
  expect(screen.text()).toContain('[1 Queues]');
  await screen.press('x');
  await screen.waitForText('Send SIGTERM to job #1?');
  mouseOn(screen, 'y Send SIGTERM');
  await screen.waitForText('✓ sent SIGTERM to job 1');
});

test('help and palette scroll, close with a click beside them, and run a command with one on it', async () => {
  const screen = await ui.start({ script: ui.stage.script('exit 0'), runners: { mail: 1 } });
  await screen.waitForText('0 waiting');
  mouseOn(screen, 'help');
  await screen.waitForText('Help · Queues');
  mouseOn(screen, '3 Jobs');
  await screen.waitForNoText('Help · Queues');
  expect(screen.text()).toContain('[1 Queues]');
  await screen.press(':');
  await screen.waitForText('Commands');
  mouseOn(screen, '3 Jobs', 'wheel-down');
  await waitForSelected(screen, 'add a slot');
  mouseOn(screen, 'pause or resume the queue');
  await screen.waitForText('PAUSED');
});

test(':mouse turns the mouse off and on', async () => {
  const screen = await ui.start({ script: ui.stage.script('exit 0'), runners: { mail: 1 } });
  for (const state of ['off', 'on']) {
    await screen.press(':');
    screen.type('mouse\r');
    await screen.waitForText(`✓ the mouse is ${state}`);
  }
});
