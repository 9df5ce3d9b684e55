/** The page of a queue: why it runs or not, its running jobs, its waiting jobs, its failures. */
import { expect, test } from 'vitest';
import { focusedPanel, mouseOn, rowOf, rowsOf, waitForFocus, waitForSelected } from '../screen-parts.ts';
import { addFailures, numbered } from './failure-records.ts';
import { type Screen, useInProcessUi } from './in-process.ts';

const ui = useInProcessUi();
const numbers = (count: number) => Array.from({ length: count }, (_, at) => at + 1);
const jobs = (count: number) => numbers(count).map((n) => ({ class: 'Send', args: [n] }));
const waiting = async () =>
  (await ui.stage.backlog('mail')).map((text) => (JSON.parse(text) as { args: unknown[] }).args[0]);

/** A paused queue with waiting jobs, and its page. */
async function openPaused(count: number, size = {}): Promise<Screen> {
  ui.stage.mayLeaveKeys('queue:mail');
  const screen = await ui.start({ script: ui.stage.script('exit 0'), runners: { mail: 1, other: 1 } }, size);
  await screen.waitForText('mail');
  await screen.press('p');
  await screen.waitForText('✓ mail is paused');
  if (count > 0) await ui.stage.enqueue('mail', ...jobs(count));
  await screen.press('return');
  await screen.waitForText('Queues › mail');
  return screen;
}

test('Enter opens the page of any queue, Enter again its first running job, and Esc leads back', async () => {
  const screen = await ui.start({
    script: ui.stage.script('echo at work; sleep 60'),
    runners: { mail: 1, bill: 1 },
  });
  await ui.stage.enqueue('mail', ...jobs(3));
  ui.stage.mayLeaveKeys('queue:mail');
  await screen.waitForText('at work');
  await screen.waitForText('2 waiting');
  await screen.press('return');
  await screen.waitForText('Queues › mail');
  await waitForFocus(screen, 'running 1');
  await waitForSelected(screen, 'Send [1]');
  await screen.waitForText('waiting 2');
  for (const text of ['1/1 slots', '2 waiting', '1  Send [2]', '2  Send [3]', 'no failures'])
    expect(screen.text()).toContain(text);
  await screen.press('return');
  await screen.waitForText('Queues › mail › #');
  await screen.press('escape');
  await waitForFocus(screen, 'running 1');
  await screen.press('l');
  await screen.waitForText('Queues › bill');
  await waitForFocus(screen, 'waiting 0');
  await screen.waitForText('Waits for jobs.');
  await screen.press('return');
  await screen.waitForText('no job is waiting on bill');
  await screen.press('escape');
  await waitForFocus(screen, 'bill');
});

test('p, + and x act on the open queue', async () => {
  const screen = await ui.start({ script: ui.stage.script('sleep 60'), runners: { bill: 1, mail: 1 } });
  await ui.stage.enqueue('mail', ...jobs(1));
  await screen.waitForText('mail  1/1');
  await screen.press('l', 'return');
  await screen.waitForText('Queues › mail');
  await screen.press('p');
  await screen.waitForText('✓ mail is paused');
  await screen.waitForText(`Paused: by ${ui.userName}`);
  await screen.press('+');
  await screen.waitForText('1/2 (config 1) slots');
  await screen.press('X');
  await screen.waitForText('Send SIGKILL to job #');
  await screen.press('y');
  await screen.waitForText('no running jobs');
  await screen.waitForText('in 1 group');
});

test('the reason why a queue cannot run is readable in full', async () => {
  const script = ui.stage.path(`${'long-directory-name/'.repeat(12)}job.sh`);
  const screen = await ui.start({ script, runners: { mail: 1 } }, { columns: 60, rows: 16 });
  await screen.waitForText('mail');
  await ui.stage.enqueue('mail', ...jobs(1));
  ui.stage.mayLeaveKeys('queue:mail');
  await screen.waitForText("can't start");
  await screen.press('return');
  await screen.waitForText('Queues › mail');
  await screen.waitForText('more line');
  await screen.press('shift+tab', 'shift+tab');
  await screen.waitFor(() => focusedPanel(screen).startsWith('mail'), 'the reason has the keys');
  await screen.waitForNoText('more line');
  const text = screen.text().replace(/[┃\n ]/g, '');
  expect(text).toContain(script);
  expect(text).toContain("Can'trun:itsscriptcan'tbestarted");
});

test('waiting jobs are shown from the one that runs next, and change while others take and add jobs', async () => {
  const screen = await openPaused(300);
  await waitForFocus(screen, 'waiting 300');
  await waitForSelected(screen, '1  Send [1]');
  await screen.press('G');
  await waitForSelected(screen, '300  Send [300]');
  await screen.press('g', 'j', 'j');
  await waitForSelected(screen, '3  Send [3]');
  await ui.stage.client.lpop(ui.stage.key('queue:mail'));
  await waitForSelected(screen, '2  Send [3]');
  expect(rowOf(screen, 'Send [2]')).toMatch(/ 1 {2}Send \[2\]/);
  await screen.waitForText('waiting 299');
});

test('D deletes a waiting job after a question, H and T move one', async () => {
  const screen = await openPaused(4);
  await screen.press('j', 'H');
  await screen.waitForText('✓ moved to the head of mail');
  expect(await waiting()).toEqual([2, 1, 3, 4]);
  await waitForSelected(screen, '1  Send [2]');
  await screen.press('T');
  await screen.waitForText('✓ moved to the tail of mail');
  expect(await waiting()).toEqual([1, 3, 4, 2]);
  await waitForSelected(screen, '4  Send [2]');
  await screen.press('k');
  await waitForSelected(screen, '3  Send [4]');
  await screen.press('D');
  await screen.waitForText('Delete this waiting job?');
  expect(screen.text()).toContain('Send of mail: [4]');
  await screen.press('return');
  await screen.waitForNoText('Delete this waiting job?');
  expect(await waiting()).toHaveLength(4);
  await screen.press('D', 'y');
  await screen.waitForText('✓ removed from mail');
  expect(await waiting()).toEqual([1, 3, 2]);
  await screen.waitForText('waiting 3');
  await waitForSelected(screen, 'Send [2]');
});

test('Enter opens a waiting job in full; D, H and T work there, too, and lead back', async () => {
  const screen = await openPaused(150);
  const long = 'x'.repeat(300);
  await ui.stage.enqueue('mail', { class: 'Long', args: [{ to: 'ann', text: long }] });
  await screen.waitForText('waiting 151');
  await screen.press('G');
  await waitForSelected(screen, 'Long');
  await screen.press('return');
  await screen.waitForText('Queues › mail › Long');
  const text = screen.text();
  expect(text).toContain('place 151 when it was read  348 bytes');
  expect(text).toContain('"to": "ann",');
  expect(text.replace(/[┃\s]/g, '')).toContain(`"text":"${long}"}]}`);
  await screen.press('escape');
  await waitForSelected(screen, 'Long');
  await screen.press('return');
  await screen.waitForText('Queues › mail › Long');
  await screen.press('H');
  await screen.waitForText('✓ moved to the head of mail');
  await waitForSelected(screen, '1  Long');
  await screen.press('return');
  await screen.waitForText('Queues › mail › Long');
  await screen.press('D', 'y');
  await screen.waitForText('✓ removed from mail');
  await screen.waitForText('waiting 150');
  expect(await waiting()).toEqual(numbers(150));
});

test('a job that was taken before the answer is not deleted, nor is another one', async () => {
  const screen = await openPaused(3);
  await screen.press('j');
  await waitForSelected(screen, 'Send [2]');
  await screen.press('D');
  await screen.waitForText('Delete this waiting job?');
  await ui.stage.client.lpop(ui.stage.key('queue:mail'), 2);
  await screen.press('y');
  await screen.waitForText('✗ this job is no longer waiting');
  expect(await waiting()).toEqual([3]);
});

test('a filter finds waiting jobs', async () => {
  const screen = await openPaused(200, { rows: 45 });
  await screen.press('/');
  screen.type('17\r');
  await screen.waitForText('waiting 200  filter: 17');
  await screen.waitForNoText('reading…');
  await waitForSelected(screen, '17  Send [17]');
  expect(rowsOf(screen, 'Send [')).toHaveLength(12);
  await screen.press('j');
  await waitForSelected(screen, '117  Send [117]');
  await screen.press('/');
  screen.type(' !11 !7]\r');
  await screen.waitForText('filter: 17 !11 !7]');
  await waitForSelected(screen, '170  Send [170]');
  expect(rowsOf(screen, 'Send [')).toHaveLength(9);
  await screen.press('escape');
  await screen.waitForNoText('filter: 17');
  await waitForSelected(screen, '1  Send [1]');
});

test('failures of the queue are grouped; Enter opens a group on the Failures tab', async () => {
  await addFailures(ui.stage, [
    ...numbered(3, { exception: 'Timeout', jobClass: 'Send' }),
    { exception: 'Timeout', jobClass: 'Send', queue: 'bill', args: [9] },
    { exception: 'Refused', jobClass: 'Send', args: [10] },
  ]);
  const screen = await openPaused(0);
  await screen.waitForText('failures in 2 groups');
  await screen.press('tab');
  await waitForFocus(screen, 'failures in 2 groups');
  await waitForSelected(screen, 'Timeout');
  await screen.press('r');
  await screen.waitForText('3 of 5 failures, of the group Timeout, Send, queue mail.');
  await screen.press('n', 'return');
  await screen.waitForText('group: Timeout, Send, queue mail');
  await screen.waitForText('1-3 of 3');
  await screen.press('escape');
  await screen.waitForText('3 groups by exception, class and queue');
});

test.each([
  [140, 45],
  [100, 30],
  [80, 24],
  [60, 16],
])('at %i×%i, Tab leads through the panes, and each has a row', async (columns, rows) => {
  await addFailures(ui.stage, numbered(2, { exception: 'Timeout', jobClass: 'Send' }));
  const screen = await openPaused(50, { columns, rows });
  await waitForFocus(screen, 'waiting 50');
  expect(screen.text()).toContain('Send [2]');
  await screen.press('tab');
  await waitForFocus(screen, 'failures in 1 group');
  await waitForSelected(screen, 'Timeout');
  await screen.press('tab');
  await screen.waitFor(() => focusedPanel(screen) === 'mail', 'the state has the keys');
  expect(screen.text()).toContain(`Paused: by ${ui.userName}`);
  await screen.press('tab');
  await waitForFocus(screen, 'running 0');
  expect(screen.text()).toContain('no running jobs');
  expect(screen.screen().at(-1)).toMatch(/q back/);
});

test('a queue whose key is no list says so instead of its jobs', async () => {
  await ui.stage.client.set(ui.stage.key('queue:mail'), 'text');
  ui.stage.mayLeaveKeys('queue:mail');
  const screen = await ui.start({ script: ui.stage.script('exit 0'), runners: { mail: 1 } });
  await screen.press('return');
  await screen.waitForText('resque:queue:mail is not a list');
});

test('the page shows what the runner has counted: durations, and charts of the last hour with a scale', async () => {
  const screen = await ui.start(
    { script: ui.stage.script('grep -q 3 && exit 1; exit 0'), runners: { mail: 2 } },
    { columns: 140, rows: 45 },
  );
  await ui.stage.enqueue('mail', ...jobs(3));
  await ui.stage.waitForStat('processed', 3);
  await screen.press('return');
  await screen.waitForText(/jobs +[▁-█]+ {2}up to [123] a minute/);
  await screen.waitForText(/failed +[▁-█]+ {2}up to 1 a minute/);
  await screen.waitForText(/15 min {2}3 jobs, 1 failed {2}ran /);
  await screen.waitForText('-60 min');
  expect(screen.text()).toContain('3 jobs ended');
});

test('a click selects a waiting job or a group, and the wheel moves in its pane', async () => {
  await addFailures(ui.stage, numbered(2, { exception: 'Timeout', jobClass: 'Send' }));
  const screen = await openPaused(50);
  await waitForSelected(screen, 'Send [1]');
  mouseOn(screen, 'Send [3]');
  await waitForSelected(screen, 'Send [3]');
  mouseOn(screen, 'Timeout');
  await waitForFocus(screen, 'failures in 1 group');
  mouseOn(screen, 'Send [4]', 'wheel-down');
  await waitForFocus(screen, 'waiting 50');
  mouseOn(screen, 'running 0');
  mouseOn(screen, 'Timeout');
  await waitForFocus(screen, 'failures in 1 group');
  mouseOn(screen, 'Timeout');
  await screen.waitForText('group: Timeout, Send, queue mail');
});
