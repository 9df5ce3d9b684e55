/** Who did what, and what became of jobs. */
import { expect, test } from 'vitest';
import { Puppet } from '../puppet.ts';
import { rowOf, rowsOf, selectedTexts, waitForSelected } from '../screen-parts.ts';
import { addFailures, numbered } from './failure-records.ts';
import { useInProcessUi } from './in-process.ts';

const ui = useInProcessUi();

test('Events say who did what, the newest first', async () => {
  await addFailures(ui.stage, numbered(2));
  ui.stage.mayLeaveKeys('queue:mail');
  const screen = await ui.start({ script: ui.stage.script('exit 7'), runners: { bill: 2 } });
  await screen.waitForText('0 waiting');
  await screen.press('p', 'p', '+', 'P', 'P');
  await screen.waitForText('✓ every queue is resumed');
  await screen.press('2');
  await screen.waitForText('1-2 of 2');
  await screen.press('r');
  await screen.waitForText('↺ retried');
  await screen.press('D');
  await screen.waitForText('Delete this failure?');
  await screen.press('y');
  await screen.waitForText('✓ removed');
  await ui.stage.enqueue('bill', { class: 'Charge', args: [1] });
  await screen.press('4');
  await screen.waitForText('failed Charge');
  const who = ui.userName;
  // One event for each action.
  const told = rowsOf(screen, who).map((row) => /[●‖↺] (.*?) *┃/.exec(row)?.[1]?.replace(/ +/g, ' '));
  expect(told).toEqual([
    `mail removed the failed Job, by ${who}`,
    `mail retried the failed Job, by ${who}`,
    `bill resumed by ${who}`,
    `bill paused: all queues, by ${who}`,
    `bill slots: 3 (2 in the config), by ${who}`,
    `bill resumed by ${who}`,
    `bill paused: by ${who}`,
  ]);
  expect(rowsOf(screen, '● command')).toEqual([]);
  const text = screen.text();
  expect(text).toMatch(/✗ bill +#1 +failed Charge after \d+ ms/);
  expect(text).toMatch(/● runner +resque-runner \S+ started/);
});

test('Enter on an event of a job opens that job, on any other it says so', async () => {
  const screen = await ui.start({
    script: ui.stage.script('echo "it broke" >&2; exit 7'),
    runners: { bill: 1 },
  });
  await ui.stage.enqueue('bill', { class: 'Charge', args: [1] });
  await screen.press('4');
  await screen.waitForText('failed Charge');
  await screen.press('return');
  await screen.waitForText('Events › bill › #1');
  await screen.waitForText('err it broke');
  await screen.press('escape');
  await screen.waitForText('[4 Events]');
  await screen.press('G');
  await waitForSelected(screen, 'started, pid');
  await screen.press('return');
  await screen.waitForText('✗ this event is not about a job');
});

test('Jobs list what runs, then what has ended, each with its outcome', async () => {
  const puppet = new Puppet(ui.stage);
  const failing = ui.stage.script('echo "out of money" >&2; exit 9');
  const screen = await ui.start({
    script: ui.stage.script('exit 0'),
    runners: {
      slow: { concurrency: 1, script: puppet.script },
      bad: { concurrency: 1, script: failing },
      good: 1,
    },
  });
  await screen.press('3');
  await screen.waitForText('no jobs yet');
  await ui.stage.enqueue('slow', { class: 'Slow', args: ['s'] });
  await puppet.started();
  puppet.tell('echo "still at it" >&2');
  await ui.stage.enqueue('good', { class: 'Good', args: ['g'] });
  await ui.stage.waitForStat('processed', 1);
  await ui.stage.enqueue('bad', { class: 'Bad', args: ['b'] });
  await screen.waitForText('still at it');
  await screen.waitForText('exit 9');
  expect(screen.text()).toContain('Jobs  1 running');
  expect(rowOf(screen, 'Slow')).toMatch(/▸ ● #1 +00:\d\d +slow +Slow +\["s"\] +still at it/);
  expect(rowOf(screen, 'Bad')).toMatch(/✗ #3 +00:00 +bad +Bad +\["b"\] +exit 9 \S+: out of money/);
  expect(rowOf(screen, 'Good')).toMatch(/✓ #2 +00:00 +good +Good +\["g"\]/);
  expect(rowsOf(screen, /^┃.*#\d/).map((row) => /#\d/.exec(row)?.[0])).toEqual(['#1', '#3', '#2']);

  // The cursor stays on its job, whatever comes above.
  await screen.press('j');
  await waitForSelected(screen, '#3');
  await ui.stage.enqueue('good', { class: 'Another', args: [] });
  await screen.waitForText('✓ #4');
  expect(rowsOf(screen, /^┃.*#\d/).map((row) => /#\d/.exec(row)?.[0])).toEqual(['#1', '#4', '#3', '#2']);
  expect(selectedTexts(screen)).toEqual([expect.stringContaining('✗ #3')]);
  puppet.tell('exit 0');
  await screen.waitForText('Jobs  0 running');
  expect(rowOf(screen, 'Slow')).toContain('✓ #1');
  await screen.press('g', 'return');
  await screen.waitForText('Jobs › slow › #1');
});
