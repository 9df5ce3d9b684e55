/** More and fewer slots, while jobs run. */
import { expect, test } from 'vitest';
import { staysTrue } from '../../helpers/wait-for.ts';
import type { ConfigObject } from '../../helpers/workbench.ts';
import { Puppet } from '../puppet.ts';
import { waitForFocus } from '../screen-parts.ts';
import { type Screen, useInProcessUi } from './in-process.ts';

const ui = useInProcessUi();
const quietMs = 300;
/** Says that it runs, and goes on until it is ended. */
const staying = 'echo "$$" >> "$D/ran"; sleep 60';

async function start(runners: ConfigObject, script: string): Promise<Screen> {
  const screen = await ui.start({ script, runners });
  await screen.waitForText('0 waiting');
  return screen;
}

test('+ twice starts two more at once, of three that wait for one slot, and marks what the config says', async () => {
  const screen = await start({ mail: 1 }, ui.stage.script(staying));
  await ui.stage.enqueue('mail', ...['One', 'Two', 'Three'].map((name) => ({ class: name, args: [] })));
  await screen.waitForText('2 waiting');
  await staysTrue(() => ui.stage.fileLines('ran').length === 1, { message: 'one job runs', forMs: quietMs });
  await screen.press('+', '+');
  await screen.waitForText('mail  3/3 (config 1)');
  await ui.stage.waitForFileLines('ran', 3);
  await screen.waitForText('0 waiting');
  await screen.waitForText('✓ mail: 2 → 3 slots');
  for (const name of ['One', 'Two', 'Three']) expect(screen.text()).toContain(name);
  expect(screen.text()).toContain('■■■');
});

test('- takes a slot away, never a job, and what is as in the config is not marked', async () => {
  const puppet = new Puppet(ui.stage);
  const screen = await start({ mail: 2 }, puppet.script);
  await ui.stage.enqueue('mail', { class: 'One', args: [] });
  await puppet.started();
  await screen.press('-');
  await screen.waitForText('mail  1/1 (config 2)');
  await ui.stage.enqueue('mail', { class: 'Two', args: [] });
  await screen.waitForText('1 waiting');
  expect(screen.text()).toContain('One');
  puppet.tell('exit 0');
  await screen.waitForText('Two');
  await screen.press('+');
  await screen.waitForText('mail  1/2 ');
  expect(screen.text()).not.toContain('config');
});

test('slots never go below one', async () => {
  const screen = await start({ mail: 2 }, ui.stage.script(staying));
  screen.type('---');
  await screen.waitForText('mail  0/1 (config 2)');
  await screen.press('-');
  await screen.waitForText('mail needs at least one slot; press p to pause it');
  expect(screen.text()).toContain('mail  0/1 (config 2)');
});

test('= asks for a number and sets it, with what was typed wrong taken back', async () => {
  const screen = await start({ mail: 2 }, ui.stage.script(staying));
  await screen.press('=');
  await screen.waitForText('slots of mail (now 2): ');
  screen.type('14');
  await screen.waitForText('(now 2): 14');
  await screen.press('backspace', 'backspace');
  screen.type('7');
  await screen.press('return');
  await screen.waitForText('✓ mail: 2 → 7 slots');
  await screen.waitForText('mail  0/7 (config 2)');
  await screen.press('=');
  await screen.waitForText('(now 7; ');
  screen.type('2\r');
  await screen.waitForText('mail  0/2 ');
  expect(screen.text()).not.toContain('(config');
});

test('= with anything but a number of slots changes nothing and says why', async () => {
  const screen = await start({ mail: 2 }, ui.stage.script(staying));
  for (const [typed, objection] of [
    ['many', 'slots must be a whole number, 1 or more, got "many"'],
    ['-3', 'slots must be a whole number, 1 or more, got "-3"'],
    ['1.5', 'slots must be a whole number, 1 or more, got "1.5"'],
    ['0', 'slots must be a whole number from 1 to 10000, got 0'],
    ['10001', 'slots must be a whole number from 1 to 10000, got 10001'],
  ] as const) {
    await screen.press('=');
    await screen.waitForText('slots of mail');
    screen.type(`${typed}\r`);
    await screen.waitForText(objection);
    expect(screen.text()).toContain('mail  0/2 ');
    expect(screen.text()).not.toContain('config');
  }
});

test('= with an empty answer goes back to the config', async () => {
  const screen = await start({ mail: 2 }, ui.stage.script(staying));
  await screen.press('+', '+');
  await screen.waitForText('mail  0/4 (config 2)');
  await screen.press('=');
  await screen.waitForText('slots of mail (now 4; empty: 2, as in the config): ');
  await screen.press('return');
  await screen.waitForText('mail  0/2 ');
  expect(screen.text()).not.toContain('config');
  // Without a difference, there is nothing to go back to.
  await screen.press('=');
  await screen.waitForText('slots of mail (now 2): ');
  await screen.press('return');
  await screen.waitForNoText('slots of mail (now');
  expect(screen.text()).toContain('mail  0/2 ');
  // Backspace leaves the question.
  await screen.press('+');
  await screen.waitForText('mail  0/3 (config 2)');
  await screen.press('=');
  await screen.waitForText('slots of mail (now 3; ');
  await screen.press('backspace');
  await screen.waitForNoText('slots of mail (now');
  expect(screen.text()).toContain('mail  0/3 (config 2)');
});

test('Esc leaves = as it was, and nothing that was typed is taken for keys', async () => {
  const screen = await start({ mail: 2 }, ui.stage.script(staying));
  await screen.press('=');
  await screen.waitForText('slots of mail');
  screen.type('5pPq+');
  await screen.waitForText('(now 2): 5pPq+');
  await screen.press('escape');
  await screen.waitForNoText('slots of mail');
  await screen.press('p');
  await screen.waitForText('mail  ‖ PAUSED  0/2 ');
  expect(screen.text()).not.toContain('config');
});

test('slots that queues share are those of their entry, and change whichever has the focus', async () => {
  const screen = await ui.start({ script: ui.stage.script(staying), runners: { 'high,low': 1 } });
  await ui.stage.enqueue('high', { class: 'One', args: [] });
  await ui.stage.enqueue('low', { class: 'Two', args: [] });
  await screen.waitForText('high,low  1/1');
  await screen.waitForText('high  1 of high,low');
  await screen.press('l', 'l');
  await waitForFocus(screen, 'low');
  await screen.press('+');
  await screen.waitForText('high,low  2/2 (config 1)');
  await screen.waitForText('low  1 of high,low');
  await ui.stage.waitForFileLines('ran', 2);
});
