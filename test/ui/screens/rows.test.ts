/** Rows of entries with patterns, the way to queues in trouble, and pauses that can't be overlooked. */
import { rmSync } from 'node:fs';
import { expect, test } from 'vitest';
import { staysTrue } from '../../helpers/wait-for.ts';
import { rowOf, rowsOf, waitForSelected } from '../screen-parts.ts';
import { useInProcessUi } from './in-process.ts';

const ui = useInProcessUi();
const recording = 'cat > /dev/null; echo "$1" >> "$D/ran"';
const quietMs = 300;
const red = 1;

test.each([
  [140, 45],
  [80, 24],
])(
  'at %d×%d, p on a pattern stops all its queues, also a new one, and p again resumes them',
  async (columns, rows) => {
    const { stage } = ui;
    await stage.client.sadd(stage.key('queues'), 'tenant_1', 'tenant_2');
    const screen = await ui.start(
      { script: stage.script(recording), runners: { 'tenant_*': 3 } },
      { columns, rows, awaits: 'tenant_2' },
    );
    await screen.press('p');
    await screen.waitForText('✓ every queue of tenant_* is paused');
    await screen.waitFor(() => rowsOf(screen, '‖ PAUSED').length >= 2, 'the queues are paused, too');
    await stage.enqueue('tenant_1', { class: 'Held', args: [] });
    await stage.enqueue('tenant_3', { class: 'New', args: [] });
    await screen.waitForText('tenant_3');
    await staysTrue(() => stage.read('ran') === '', { message: 'nothing starts', forMs: quietMs });
    await screen.press('p');
    await screen.waitForText('✓ every queue of tenant_* is resumed');
    expect((await stage.waitForFileLines('ran', 2)).sort()).toEqual(['tenant_1', 'tenant_3']);
    await screen.waitForNoText('PAUSED');
    await screen.press('4');
    await screen.waitForText('[4 Events]');
    await screen.waitForText(`resumed by ${ui.userName}`);
    expect(rowsOf(screen, /┃.*[‖●] tenant_\* +(paused|resumed)/)).toHaveLength(2);
  },
);

test('the row of an entry has the slots of its queues, and opens to them', async () => {
  const { stage } = ui;
  await stage.client.sadd(stage.key('queues'), 'tenant_1', 'tenant_2');
  const screen = await ui.start(
    { script: stage.script('sleep 60'), runners: { mail: 1, 'tenant_*': 3 } },
    { columns: 80, rows: 24, awaits: 'tenant_2' },
  );
  await stage.enqueue('tenant_1', { class: 'One', args: [] }, { class: 'Two', args: [] });
  await screen.waitForText(/tenant_\* +■■□ +2\/3/);
  expect(rowOf(screen, 'tenant_1 ')).toMatch(/tenant_1 +2 of tenant/);
  expect(rowOf(screen, 'tenant_2 ')).toMatch(/tenant_2 +0 of tenant/);
  await screen.press('j', 'j', '+');
  await screen.waitForText(/tenant_\* +2\/4 \(config 3\)/);
  await screen.press('k', 'return');
  await screen.waitForText('/tenant_*  3 of 4');
  await screen.waitForNoText('mail');
  await screen.press('escape');
  await screen.waitForText('mail');
});

test.each([
  [140, 45],
  [80, 24],
])('at %d×%d, ! and Enter are all it takes to a queue in trouble among 100', async (columns, rows) => {
  const { stage } = ui;
  const names = Array.from({ length: 100 }, (_, at) => `queue-${String(at + 1).padStart(3, '0')}`);
  const missing = stage.path('missing-script');
  const runners = Object.fromEntries(names.map((name) => [name, 1]));
  await stage.enqueue('queue-077', { class: 'Stuck', args: [] });
  const screen = await ui.start(
    {
      script: stage.script(recording),
      runners: { ...runners, 'queue-077': { concurrency: 1, script: missing } },
    },
    { columns, rows, awaits: 'of 100' },
  );
  await screen.waitForText("! can't start");
  await screen.press('G');
  await waitForSelected(screen, 'queue-100');
  await screen.press('!');
  await waitForSelected(screen, 'queue-077');
  // The whole reason is in the panel below, once.
  await screen.waitForText('missing-script');
  await screen.press('return');
  await screen.waitForText('Queues › queue-077');
  stage.script(recording, { name: 'missing-script' });
  await stage.waitForFileLines('ran');
  rmSync(missing);
});

test.each([
  [140, 45],
  [60, 16],
])('at %d×%d, a pause of all queues colors the header, and is one event', async (columns, rows) => {
  const screen = await ui.start(
    { script: ui.stage.script('exit 0'), runners: { mail: 1, bill: 1 } },
    { columns, rows },
  );
  await screen.waitForText('mail');
  await screen.press('P');
  await screen.waitForText('PAUSED all queues, by');
  const column = screen.screen()[0]?.indexOf('PAUSED') ?? -1;
  expect(screen.cell(column, 0)).toMatchObject({ color: red });
  expect(screen.cell(1, 0)).toMatchObject({ color: red });
  await screen.press('4');
  await screen.waitForText('[4 Events]');
  expect(rowsOf(screen, /┃.*‖ runner +paused: all queues, by/)).toHaveLength(1);
  expect(rowsOf(screen, /command +ann/)).toEqual([]);
});

test('o sorts by the next column, which the head names', async () => {
  const screen = await ui.start(
    { script: ui.stage.script('exit 0'), runners: { mail: 1, bill: 1 } },
    { columns: 80, rows: 24 },
  );
  await screen.waitForText('Queues  by urgency');
  await waitForSelected(screen, 'mail');
  await screen.press('o');
  await screen.waitForText('Queues  by name');
  await screen.waitForText('QUEUE▾');
  await screen.press('j');
  await waitForSelected(screen, 'mail');
  await screen.press('k');
  await waitForSelected(screen, 'bill');
});

test('! says why a queue whose row looks calm needs attention', async () => {
  const screen = await ui.start({ script: ui.stage.script('exit 1'), runners: { mail: 1, bill: 1 } });
  await ui.stage.enqueue('bill', { class: 'Charge', args: [1] });
  await ui.stage.failure();
  await screen.waitFor(
    () => screen.text().indexOf(' bill ') < screen.text().indexOf(' mail '),
    'bill is first',
  );
  await screen.press('!');
  await screen.waitForText('✗ bill: 100 % of its recent jobs failed');
});
