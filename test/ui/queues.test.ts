import { test } from 'vitest';
import { useUiStage } from './stage.ts';

const ui = useUiStage();

test('a running job shows with its class, arguments and latest line', async () => {
  const script = ui.stage.script('cat > /dev/null; echo "halfway there" >&2; sleep 60');
  const screen = await ui.start({ script, runners: { mail: 2 } });
  await ui.stage.enqueue('mail', { class: 'Welcome', args: ['ann', 7] });
  await screen.waitForText('Welcome ["ann",7]');
  await screen.waitForText('halfway there');
  await screen.waitForText('1/2');
});
