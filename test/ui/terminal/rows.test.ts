/** By keys in a terminal: an entry with a pattern is paused and resumed, and nothing starts in between. */
import { expect, test } from 'vitest';
import { staysTrue } from '../../helpers/wait-for.ts';
import { useUiStage } from '../stage.ts';

const ui = useUiStage();
const quietMs = 500;

test('p on a pattern holds all of its queues at 140×45, and p at 80×24 resumes them', async () => {
  const { stage } = ui;
  await stage.client.sadd(stage.key('queues'), 'tenant_1', 'tenant_2');
  const script = stage.script('cat > /dev/null; echo "$1" >> "$D/ran"');
  const screen = await ui.start({ script, runners: { 'tenant_*': 2 } }, { columns: 140, rows: 45 });
  await screen.waitForText('tenant_2');
  await screen.press('p');
  await screen.waitForText('✓ every queue of tenant_* is paused');
  await stage.enqueue('tenant_1', { class: 'Held', args: [] });
  await stage.enqueue('tenant_9', { class: 'New', args: [] });
  await screen.waitForText('tenant_9');
  await staysTrue(() => stage.read('ran') === '', { message: 'nothing starts', forMs: quietMs });
  screen.resize(80, 24);
  await screen.waitForText(/tenant_\* .*‖ PAUSED/);
  await screen.press('p');
  await screen.waitForText('✓ every queue of tenant_* is resumed');
  expect((await stage.waitForFileLines('ran', 2)).sort()).toEqual(['tenant_1', 'tenant_9']);
});
