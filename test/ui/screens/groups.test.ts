/** Failures in groups, and the way from a failed job to its failure. */
import { expect, test } from 'vitest';
import { rowOf, rowsOf, waitForSelected } from '../screen-parts.ts';
import { addFailures, listed, numbered, putBack } from './failure-records.ts';
import { type Screen, useInProcessUi } from './in-process.ts';

const ui = useInProcessUi();

/** The Failures tab. What is retried goes to queues that nobody watches. */
async function open(): Promise<Screen> {
  ui.stage.mayLeaveKeys('queue:mail', 'queue:bill');
  const screen = await ui.start({ script: ui.stage.script('exit 0'), runners: { other: 1 } });
  await screen.press('2');
  await screen.waitForNoText('reading…');
  return screen;
}

async function addGroups(): Promise<void> {
  await addFailures(ui.stage, [
    ...numbered(3, { exception: 'Timeout', jobClass: 'Send' }),
    { exception: 'Timeout', jobClass: 'Sender', args: [11], error: 'later' },
    { exception: 'Timeout', jobClass: 'Send', queue: 'bill', args: [12], error: 'Error 12.' },
    { exception: 'Refused', jobClass: 'Charge', queue: 'bill', args: [13] },
  ]);
}

test('v shows groups, largest first, then also by queue, then the list again', async () => {
  await addGroups();
  const screen = await open();
  await screen.press('v');
  await screen.waitForText('3 groups by exception and class');
  expect(rowsOf(screen, /^. *▸? +\d+ +03-04/)).toHaveLength(3);
  await waitForSelected(screen, 'Send');
  expect(rowOf(screen, '▸')).toMatch(/▸ +4 {2}03-04 +Timeout +Send +Error 12\./);
  expect(screen.text()).toContain('4 failures, 4 can be retried');
  expect(screen.text()).toContain('first 2026/03/04 05:06:07 UTC');
  await screen.press('v');
  await screen.waitForText('4 groups by exception, class and queue');
  expect(rowOf(screen, '▸')).toMatch(/3 {2}03-04 +Timeout +Send +mail/);
  await screen.press('v');
  await screen.waitForText('1-6 of 6');
});

test('an open group is the list of its failures, and Esc leads back to the group', async () => {
  await addGroups();
  const screen = await open();
  await screen.press('v', 'j');
  await screen.waitForText('3 groups by exception and class');
  await screen.press('g', 'return');
  await screen.waitForText('group: Timeout, Send');
  await screen.waitForText('1-4 of 4');
  expect(rowsOf(screen, 'Sender')).toEqual([]);
  await screen.press('return');
  await screen.waitForText('Failures › bill › Send');
  await screen.press('n');
  await screen.waitForText('Failures › mail › Send');
  expect(screen.text()).toContain('Error 3.');
  await screen.press('n', 'n');
  await screen.waitForText('Error 1.');
  await screen.press('n');
  await screen.waitForText('this is the last failure of the list');
  await screen.press('N');
  await screen.waitForText('Error 2.');
  await screen.press('escape');
  await waitForSelected(screen, 'Error 2.');
  await screen.press('escape');
  await screen.waitForText('3 groups by exception and class');
  await waitForSelected(screen, 'Error 12.');
  await screen.press('escape');
  await screen.waitForText('1-6 of 6');
});

test('r retries a group and D deletes one, after a question with the count', async () => {
  await addGroups();
  const screen = await open();
  await screen.press('v');
  await waitForSelected(screen, 'Error 12.');
  await screen.press('r');
  await screen.waitForText('Retry 4 failures?');
  expect(screen.text()).toContain('4 of 6 failures, of the group Timeout, Send.');
  await screen.press('y');
  await screen.waitForText('✓ retried 4 failures');
  await screen.waitForText('4 failures, 0 can be retried');
  expect(await putBack(ui.stage, 'mail')).toEqual([1, 2, 3]);
  await screen.press('r');
  await screen.waitForText("every failure of this group was already retried or can't be retried");
  await screen.press('D');
  await screen.waitForText('Delete 4 failures?');
  await screen.press('y');
  await screen.waitForText('2 groups by exception and class');
  expect(await listed(ui.stage)).toEqual([11, 13]);
});

test('a filter applies to the groups, and to what is done with one', async () => {
  await addGroups();
  const screen = await open();
  await screen.press('v', '/');
  screen.type('queue:mail\r');
  await screen.waitForText('2 groups by exception and class  filter: queue:mail');
  await screen.press('D');
  await screen.waitForText('Delete 3 failures?');
  expect(screen.text()).toMatch(
    /3 of 6 failures, of the group Timeout, Send, with the filter\s+┃[^\n]*\n[^\n]*"queue:mail"\./,
  );
  await screen.press('y');
  await screen.waitForText('1 group by exception and class');
  expect(await listed(ui.stage)).toEqual([11, 12, 13]);
});

test('groups are counted again after new failures', async () => {
  await addFailures(ui.stage, numbered(2));
  const screen = await open();
  await screen.press('v');
  await screen.waitForText('2 failures, 2 can be retried');
  await addFailures(ui.stage, numbered(3));
  await screen.waitForText('5 failures, 5 can be retried');
});

test('f opens the failure of a job, Esc leads back, and r on the job retries it', async () => {
  const script = ui.stage.script(`
    cat > /dev/null
    if [ -e "$D/once" ]; then echo "$1" >> "$D/ran"; exit 0; fi
    : > "$D/once"
    echo '{"exception":"CardError","error":"card declined"}' >&2
    exit 3`);
  const screen = await ui.start({ script, runners: { bill: 1 } });
  await ui.stage.enqueue('bill', { class: 'Charge', args: ['bob', 42] });
  await screen.waitForText('2 Failures(1)');
  await screen.press('3', 'return');
  await screen.waitForText('FAILED');
  await screen.press('f');
  await screen.waitForText('Jobs › bill › Charge');
  expect(screen.text()).toContain('card declined');
  await screen.press('escape');
  await screen.waitForText('FAILED');
  await screen.press('r');
  await screen.waitForText('✓ put back on bill');
  await ui.stage.waitForFileLines('ran');
  await screen.waitForText('FAILED');
  await screen.press('escape');
  await screen.waitForText('✓ #2');
  await screen.press('k', 'return');
  await screen.waitForText('SUCCEEDED');
  await screen.press('r');
  await screen.waitForText('this job has not failed');
});
