/** The built program in a real terminal, from screen to screen. The screens' own tests run in-process. */
import { expect, test } from 'vitest';
import { takenTerminal } from '../../helpers/terminal.ts';
import { waitForSelected } from '../screen-parts.ts';
import { useUiStage } from '../stage.ts';

const ui = useUiStage();

test('every screen can be reached and used, whatever jobs print', async () => {
  const script = ui.stage.script(`job=$(cat)
    case $job in *Talker*)
      printf 'one\\033]0;owned\\007\\033]52;c;b3duZWQ=\\007\\033[2J\\033[1;1Htwo\\n'
      while [ ! -e "$D/go" ]; do sleep 0.1; done;;
    *) [ -e "$D/go" ] || { echo 'card declined' >&2; exit 3; };;
    esac`);
  const screen = await ui.start({ script, runners: { mail: 1, bill: 1 } });
  // The cursor stays there when the other queue fails and comes first.
  await screen.press('h');
  await ui.stage.enqueue('mail', { class: 'Talker', args: ['at length'] });
  await screen.waitForText('Talker ["at length"]');
  await ui.stage.enqueue('bill', { class: 'Charge', args: [42] });
  await screen.waitForText(/✗ 1 last: \d+s exit 3 Charge/);
  await screen.press('return', 'return');
  await screen.waitForText(/out onetwo$/m);
  expect(screen).toMatchObject({ ...takenTerminal, titles: [], clipboard: [] });
  await screen.press('m', 'y');
  await screen.waitFor(() => screen.clipboard.length === 1, 'the log was copied');
  ui.stage.write('go');
  await screen.waitForText('SUCCEEDED after');
  await screen.press('escape', '2');
  await waitForSelected(screen, 'card declined');
  await screen.press('return');
  await screen.waitForText('Failures › bill › Charge');
  await screen.press('r');
  await screen.waitForText('✓ put back on bill');
  await screen.press('3');
  await screen.waitForText(/✓ #3 +00:00 +bill +Charge/);
  await screen.press('4');
  await screen.waitForText(/↺ bill +retried the failed Charge/);
  await screen.press('?');
  await screen.waitForText('Help · Events');
  await screen.press('escape');
  await screen.waitForNoText('Help · Events');
  await screen.press('q', 'q');
  expect(await screen.exit).toEqual({ exitCode: 0, signal: 0 });
  await screen.waitForText('resque-runner has stopped: 3 jobs processed, 1 failed.');
});
