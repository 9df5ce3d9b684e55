/** The mouse in a real terminal; test/ui/screens/mouse.test.ts has what clicks do. */
import { expect, test } from 'vitest';
import { mouseOn } from '../screen-parts.ts';
import { useUiStage } from '../stage.ts';

const ui = useUiStage();

test('clicks work, :mouse gives the mouse back to the terminal, and --no-mouse never takes it', async () => {
  const script = ui.stage.script('cat > /dev/null');
  const screen = await ui.start({ script, runners: { mail: 1 } });
  await screen.waitForText('0 waiting');
  await screen.waitFor(() => screen.reportsMouse, 'the terminal reports the mouse');
  // Not the moves of the pointer, which would be many.
  expect(screen.xterm.modes.mouseTrackingMode).toBe('vt200');
  mouseOn(screen, '4 Events');
  await screen.waitForText('[4 Events]');
  for (const isOn of [false, true]) {
    await screen.press(':');
    screen.type('mouse\r');
    await screen.waitFor(() => screen.reportsMouse === isOn, `the mouse is ${isOn ? 'on' : 'off'}`);
  }
  const attached = await ui.attach({ args: ['--no-mouse'] });
  expect(attached.reportsMouse).toBe(false);
  await attached.press('q');
});
