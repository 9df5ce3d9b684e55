/** A queue whose waiting children end by themselves: its jobs run, and the screen says what is wrong until it isn't. */
import { rmSync } from 'node:fs';
import { expect, test } from 'vitest';
import { rowOf } from '../screen-parts.ts';
import { useInProcessUi } from './in-process.ts';

const ui = useInProcessUi();
/** The pause between two children grows to 30 s; here it is at 8 s at the most. */
const nextChildMs = 15_000;
const yellow = 3;

test('a throttled queue says so beside a pause, as a panel and as a row, until a child has done a job', async () => {
  const { stage } = ui;
  // What was started for its job has it in a file, what waits for one has a pipe.
  const script = stage.script(`
    if [ -p /dev/stdin ]; then
      if [ -e "$D/broken" ]; then echo "no table yet" >&2; exit 3; fi
      echo waits >> "$D/waits"
    fi
    read -r payload; echo "$payload" >> "$D/ran"`);
  stage.write('broken');
  const screen = await ui.start({ script, runners: { mail: { concurrency: 1, prestart: true }, bill: 1 } });
  await screen.waitForText('mail  ! throttled  0/1');
  await screen.waitForText('waiting children end (exit code 3: no table yet)');
  const row = screen.screen().findIndex((text) => text.includes('! throttled'));
  const column = screen.screen()[row]?.indexOf('! throttled') ?? -1;
  expect(screen.cell(column, row).color).toBe(yellow);

  await stage.enqueue('mail', { class: 'Job', args: [1] });
  expect(await stage.waitForFileLines('ran')).toEqual(['{"class":"Job","args":[1]}']);
  await screen.press('p');
  await screen.waitForText('mail  ‖ PAUSED  ! throttled  0/1');
  await screen.waitForText('by ann');
  expect(screen.text()).toContain('waiting children end');
  await screen.press('p');
  await screen.waitForNoText('PAUSED');
  expect(screen.text()).toContain('mail  ! throttled  0/1');

  screen.resize(80, 24);
  await screen.waitForText(/▸ mail .* ! throttled/);
  await screen.waitForText('mail · running 0  ! throttled');
  await screen.waitForText('│ waiting children end (exit code 3: no table yet)');
  expect(rowOf(screen, '  bill ')).toMatch(/ idle +┃$/);

  rmSync(stage.path('broken'));
  await stage.waitForFileLines('waits', 1, nextChildMs);
  await stage.enqueue('mail', { class: 'Job', args: [2] });
  await stage.waitForFileLines('ran', 2);
  await screen.waitForNoText('! throttled');
  await screen.waitForNoText('waiting children');
  screen.resize(160, 49);
  await screen.press('4');
  await screen.waitForText('no longer throttled');
  expect(screen.text()).toContain(
    'throttled: a waiting child ended (exit code 3: no table yet); next start in 1.0 s',
  );
});
