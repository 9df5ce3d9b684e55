/** The first screen: what the queues do, where the keys go, and pausing. */
import { rmSync } from 'node:fs';
import { expect, test } from 'vitest';
import { staysTrue } from '../../helpers/wait-for.ts';
import type { ConfigObject } from '../../helpers/workbench.ts';
import { Puppet } from '../puppet.ts';
import { focusedPanel, rowOf, waitForFocus, waitForSelected } from '../screen-parts.ts';
import { type Screen, useInProcessUi } from './in-process.ts';

const ui = useInProcessUi();
const fourQueues = { mail: 2, bill: 1, video: 3, low: 4 };
/** `pause-all-workers` is looked at every 3 s; a key that is no list is tried again after 5 s. */
const lookMs = 12_000;
/** Long enough for several looks at the queue. */
const quietMs = 300;

/** A screen that has the keys at the first queue. */
async function start(runners: ConfigObject, script = ui.stage.script('sleep 60')): Promise<Screen> {
  const screen = await ui.start({ script, runners });
  // Before that the queues' lengths aren't known.
  await screen.waitForText('0 waiting');
  return screen;
}

const recording = 'read -r payload; echo "$1 $payload" >> "$D/ran"';

test('at the start there are a header, a panel for each of four queues, and the failures', async () => {
  const screen = await start(fourQueues);
  // The length of the list of failures is told right after those of the queues.
  await screen.waitForText('[1 Queues] 2 Failures(0) 3 Jobs 4 Events');
  await screen.waitForText('no failures');
  const [header = ''] = screen.screen();
  expect(header).toContain('resque-runner');
  expect(header).toContain(`127.0.0.1:${ui.stage.redis.port}/0 ●`);
  expect(header).toContain('0/10 slots');
  for (const [queue, slots] of Object.entries(fourQueues)) {
    expect(screen.text()).toMatch(new RegExp(`[━─] ${queue} {2}0/${slots} {2}0 waiting `));
  }
  expect(screen.text()).toContain('Recent failures (0)');
  expect(screen.screen().at(-1)).toMatch(/p pause .* q quit/);
});

test('a running job shows with its class, arguments and latest line, which changes as it goes', async () => {
  const puppet = new Puppet(ui.stage);
  const screen = await start({ mail: 2 }, puppet.script);
  await ui.stage.enqueue('mail', { class: 'Welcome', args: ['ann', 7] });
  await screen.waitForText('Welcome ["ann",7]');
  await screen.waitForText('mail  1/2');
  expect(screen.text()).toContain('■□');
  await puppet.started();
  puppet.tell('echo "halfway there" >&2');
  await screen.waitForText('halfway there');
  puppet.tell('echo "nearly done" >&2');
  await screen.waitForText('nearly done');
  expect(screen.text()).not.toContain('halfway there');
  puppet.tell('exit 0');
  await screen.waitForNoText('Welcome');
  await screen.waitForText('mail  0/2');
});

test('p pauses the queue, so that its next job is not taken, and p again resumes it', async () => {
  const screen = await start({ mail: 1, bill: 1 }, ui.stage.script(recording));
  await screen.press('p');
  await screen.waitForText('mail  ‖ PAUSED');
  await screen.waitForText('by ann');
  await screen.waitForText('✓ mail is paused');
  await ui.stage.enqueue('mail', { class: 'Held', args: [] });
  await ui.stage.enqueue('bill', { class: 'Free', args: [] });
  await ui.stage.waitForFileLines('ran');
  await screen.waitForText('1 waiting');
  await staysTrue(async () => (await ui.stage.backlog('mail')).length === 1, {
    message: 'the job waits',
    forMs: quietMs,
  });
  expect(ui.stage.read('ran')).not.toContain('Held');
  await screen.press('p');
  await screen.waitForNoText('PAUSED');
  await ui.stage.waitForFileLines('ran', 2);
  expect(ui.stage.read('ran')).toContain('Held');
  expect(screen.text()).not.toContain('by ann');
});

test('a queue that was paused drains: its running job goes on, and the screen tells both', async () => {
  const puppet = new Puppet(ui.stage);
  const screen = await start({ mail: 2 }, puppet.script);
  await ui.stage.enqueue('mail', { class: 'Welcome', args: [] });
  await puppet.started();
  await screen.waitForText('Welcome');
  await screen.press('p');
  await screen.waitForText('mail  ‖ PAUSED, draining  1/2');
  puppet.tell('exit 0');
  await screen.waitForText('mail  ‖ PAUSED  0/2');
});

test('p twice at once pauses and resumes: the second does not repeat the first', async () => {
  const screen = await start({ mail: 1 });
  screen.type('pp');
  await screen.waitForText('✓ mail is resumed');
  await screen.waitFor(() => !screen.text().includes('PAUSED'), 'the queue is not paused');
  screen.type('ppp');
  await screen.waitForText('mail  ‖ PAUSED');
});

test('P pauses everything, and P again brings all of it back but what was paused by itself', async () => {
  const screen = await start({ mail: 1, bill: 1 }, ui.stage.script(recording));
  await screen.press('p');
  await screen.waitForText('mail  ‖ PAUSED');
  await screen.press('P');
  await screen.waitForText('bill  ‖ PAUSED');
  await screen.waitForText('all queues, by ann');
  await ui.stage.enqueue('bill', { class: 'Held', args: [] });
  await screen.waitForText('1 waiting');
  await staysTrue(() => ui.stage.read('ran') === '', { message: 'nothing runs', forMs: quietMs });
  await screen.press('P');
  await ui.stage.waitForFileLines('ran');
  await screen.waitForNoText('bill  ‖ PAUSED');
  expect(screen.text()).toContain('mail  ‖ PAUSED');
});

test('what keeps a queue from running is told with its reason, and goes away with it', async () => {
  const { stage } = ui;
  const missing = stage.path('missing-script');
  await stage.client.set(stage.key('pause-all-workers'), 'true');
  await stage.client.set(stage.key('queue:odd'), 'no list');
  await stage.enqueue('gone', { class: 'Gone', args: [] });
  await stage.enqueue('mail', { class: 'Held', args: [] });
  const screen = await ui.start({
    script: stage.script(recording),
    runners: { mail: 1, odd: 1, gone: { concurrency: 1, script: missing } },
  });
  await screen.waitForText('mail  ‖ PAUSED');
  await screen.waitForText('pause-all-workers is set in Redis');
  await screen.waitForText('odd  ‖ PAUSED  0/1  ? waiting');

  await stage.client.del(stage.key('pause-all-workers'));
  await screen.waitForNoText('pause-all-workers', lookMs);
  await stage.waitForFileLines('ran');
  await screen.waitForText("gone  ! can't start");
  await screen.waitForText(missing.slice(0, 40));
  await screen.waitForText('odd  ! unreadable');
  expect(screen.text()).toContain("its key in Redis can't be read as a list");

  stage.script(recording, { name: 'missing-script' });
  await stage.client.del(stage.key('queue:odd'));
  await screen.waitForNoText("can't start", lookMs);
  await screen.waitForNoText('unreadable', lookMs);
  await stage.waitForFileLines('ran', 2);
  expect(stage.read('ran')).toContain('gone {"class":"Gone"');
  rmSync(missing);
});

test('a limit over all runners is shown, and that it keeps jobs from starting', async () => {
  const { stage } = ui;
  const body = `read -r job; while [ ! -e "$D/go" ]; do sleep 0.05; done`;
  const screen = await ui.start({
    script: stage.script(body),
    runners: { mail: { concurrency: 3, limit: 1, rate: '100/s burst 9' } },
  });
  await screen.waitForText('limit 1, rate 100/s burst 9 over all runners');
  expect(screen.text()).not.toContain('at its limit');
  await stage.enqueue('mail', { class: 'Held', args: [] }, { class: 'Held', args: [] });
  await screen.waitForText('mail  at its limit  1/3  1 waiting');
  stage.write('go');
  await screen.waitForNoText('at its limit');
  await stage.waitForStat('processed', 2);
  // They expire by themselves.
  await stage.client.del(stage.key('runner:free:mail'), stage.key('runner:rate:mail'));
});

test('h, l, the arrows, Tab and Shift-Tab move the focus from panel to panel', async () => {
  const screen = await start(fourQueues);
  await waitForFocus(screen, 'mail');
  const steps: [string, string][] = [
    ['l', 'bill'],
    ['right', 'video'],
    ['left', 'bill'],
    ['h', 'mail'],
    ['h', 'mail'],
    ['shift+tab', 'Recent failures (0)'],
    ['tab', 'mail'],
    ['tab', 'bill'],
    ['tab', 'video'],
    ['tab', 'low'],
    ['l', 'low'],
    ['tab', 'Recent failures (0)'],
    ['escape', 'low'],
  ];
  for (const [key, panel] of steps) {
    await screen.press(key);
    await waitForFocus(screen, panel);
  }
});

test('j, k, g and G move between the jobs of the panel', async () => {
  const screen = await start({ mail: 3 });
  await ui.stage.enqueue('mail', ...['One', 'Two', 'Three'].map((name) => ({ class: name, args: [] })));
  await screen.waitForText('mail  3/3');
  await screen.waitForText('Three');
  // Jobs that are taken together start in their order, but it is the panel's that counts.
  const order = [...screen.text().matchAll(/#\d+ {2}(One|Two|Three)/g)].map(([, name]) => name ?? '');
  expect(order).toHaveLength(3);
  const [first = '', second = '', third = ''] = order;
  await waitForSelected(screen, first);
  for (const [key, job] of [
    ['j', second],
    ['down', third],
    ['j', third],
    ['k', second],
    ['g', first],
    ['G', third],
    ['up', second],
  ] as const) {
    await screen.press(key);
    await waitForSelected(screen, job);
  }
});

test('1 to 5 open the tabs, Tab goes on from there, and cursors stay where they were', async () => {
  const screen = await start(fourQueues);
  await screen.press('l');
  await waitForFocus(screen, 'bill');
  for (const [key, tab] of [
    ['2', '[2 Failures(0)]'],
    ['3', '[3 Jobs]'],
    ['4', '[4 Events]'],
    ['5', '[5 Workers]'],
    // Without delayed jobs, there is no sixth tab.
    ['tab', '[1 Queues]'],
    ['4', '[4 Events]'],
    ['shift+tab', '[3 Jobs]'],
    ['1', '[1 Queues]'],
  ] as const) {
    await screen.press(key);
    await screen.waitForText(tab);
  }
  expect(focusedPanel(screen)).toBe('bill');
});

test('x on a queue without a job says so', async () => {
  const screen = await start({ mail: 1 });
  await screen.press('x');
  await screen.waitForText('no job is selected');
  expect(screen.text()).toContain('[1 Queues]');
});

test('from the failures, keys for a queue act upon none: it could not be seen upon which', async () => {
  const screen = await start({ mail: 1, bill: 1 });
  await screen.press('shift+tab');
  await waitForFocus(screen, 'Recent failures (0)');
  for (const key of ['p', '+', '-', '=']) {
    await screen.press('P');
    await screen.waitForText('every queue is');
    await screen.press(key);
    await screen.waitForText('no queue is selected');
  }
  expect(rowOf(screen, 'mail')).not.toContain('PAUSED');
  await screen.press('escape', 'p');
  await screen.waitForText('mail  ‖ PAUSED');
});
