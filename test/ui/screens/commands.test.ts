/** What `:` takes: commands with arguments. */
import { expect, test } from 'vitest';
import { addFailures } from './failure-records.ts';
import { type Screen, useInProcessUi } from './in-process.ts';

const ui = useInProcessUi();

async function run(screen: Screen, line: string): Promise<void> {
  await screen.press(':');
  await screen.waitForText('Enter to run, Esc to cancel');
  screen.type(`${line}\r`);
}

test('queues can be paused and resumed, and get slots, from every tab', async () => {
  const screen = await ui.start({ script: ui.stage.script('exit 0'), runners: { mail: 1, bill: 1 } });
  await screen.press('4');
  await screen.waitForText('[4 Events]');
  await run(screen, 'pause bill');
  await screen.waitForText('✓ bill is paused');
  await run(screen, 'resume bill');
  await screen.waitForText('✓ bill is resumed');
  await run(screen, 'pause all');
  await screen.waitForText('✓ every queue is paused');
  await run(screen, 'slots bill 8');
  await screen.waitForText('✓ bill: 1 → 8 slots');
  await run(screen, 'go queues');
  await screen.waitForText('[1 Queues]');
});

test(':reset goes back to the config, for a queue or for all of them', async () => {
  const screen = await ui.start({
    script: ui.stage.script('exit 0'),
    runners: { mail: 1, bill: 2, 'high,low': 1 },
  });
  for (const queue of ['mail', 'bill', 'high,low']) {
    await run(screen, `pause ${queue}`);
    await screen.waitForText(/✓ .* paused/);
    await run(screen, `slots ${queue} 5`);
    await screen.waitForText(`✓ ${queue}: `);
  }
  await run(screen, 'pause low');
  await screen.waitForText('✓ low is paused');
  await run(screen, 'reset bill');
  await screen.waitForText('✓ bill is back to the config: 2 slots');
  await screen.waitForText('bill  0/2 ');
  expect(screen.text()).toContain('mail  ‖ PAUSED  0/5 (config 1)');
  await run(screen, 'reset high,low');
  await screen.waitForText('✓ high,low is back to the config: 1 slot');
  await screen.waitForText('high,low  0/1 ');
  await run(screen, 'pause low');
  await screen.waitForText('✓ low is paused');
  await run(screen, 'pause all');
  await screen.waitForText('✓ every queue is paused');
  await run(screen, 'reset all');
  await screen.waitForText('✓ every queue is back to the config');
  await screen.waitForNoText('PAUSED');
  expect(screen.text()).toContain('mail  0/1 ');
  expect(screen.text()).not.toContain('(config');
  await run(screen, 'reset mial');
  await screen.waitForText('✗ no queue "mial"; did you mean mail?');
});

test('Tab and Enter complete a line, ↑ recalls one, and a mistake keeps the line', async () => {
  const screen = await ui.start({ script: ui.stage.script('exit 0'), runners: { mail: 1, bill: 1 } });
  await run(screen, 'paus bill');
  await screen.waitForText('✗ no command "paus"; did you mean pause?');
  await screen.press('ctrl+u');
  screen.type('pause bi');
  await screen.waitForText('1 · Enter to run');
  await screen.press('tab');
  await screen.waitForText(': pause bill');
  await screen.press('return');
  await screen.waitForText('✓ bill is paused');
  await screen.press(':', 'up');
  await screen.waitForText(': pause bill');
  await screen.press('ctrl+u');
  screen.type('slots bi\r');
  await screen.waitForText(': slots bill ');
  screen.type('3\r');
  await screen.waitForText('✓ bill: 1 → 3 slots');
  await run(screen, 'pause mial');
  await screen.waitForText('✗ no queue "mial"; did you mean mail?');
});

test(':retry and :delete show the matches and ask', async () => {
  await addFailures(ui.stage, [
    { queue: 'mail', jobClass: 'Welcome', exception: 'TimeoutError', error: 'smtp is slow' },
    { queue: 'mail', jobClass: 'Charge', exception: 'CardError', error: 'bank is slow' },
    { queue: 'mail', jobClass: 'Refund', exception: 'CardError', error: 'no account' },
  ]);
  const screen = await ui.start({ script: ui.stage.script('exit 0'), runners: { other: 1 } });
  await screen.waitForText('bank is slow');
  await run(screen, 'retry exception:Timeout');
  await screen.waitForText('Retry 1 failure?');
  expect(screen.text()).toContain('1 of 3 failures, with the filter "exception:Timeout".');
  await screen.press('y');
  await screen.waitForText('✓ retried 1 failure');
  expect(await ui.stage.backlog('mail')).toHaveLength(1);
  await run(screen, 'delete exception:card !account');
  await screen.waitForText('Delete 1 failure?');
  await screen.press('n');
  await screen.waitForNoText('Delete 1 failure?');
  expect(screen.text()).toContain('bank is slow');
  expect(screen.text()).not.toContain('all matches are marked');
  await ui.stage.client.del(ui.stage.key('queue:mail'));
});

test(':reload reads the config again', async () => {
  const script = ui.stage.script('exit 0');
  const screen = await ui.start({ script, runners: { mail: 1 } });
  ui.nextConfig = { script, runners: { mail: 4 } };
  await run(screen, 'reload');
  await screen.waitForText('✓ the config is reloaded');
  await screen.waitForText('mail  0/4');
});
