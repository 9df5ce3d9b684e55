/** `/` on every list. */
import { expect, test } from 'vitest';
import { focusedPanel, rowOf, rowsOf, waitForFocus, waitForSelected } from '../screen-parts.ts';
import { addFailures } from './failure-records.ts';
import { type Screen, useInProcessUi } from './in-process.ts';

const ui = useInProcessUi();

async function filter(screen: Screen, text: string): Promise<void> {
  await screen.press('/');
  await screen.waitForText('Enter to apply');
  await screen.press('ctrl+u');
  screen.type(`${text}\r`);
  await screen.waitForNoText('Enter to apply');
}

test('on the queues, it leaves those whose names have it, the header says so, and Esc brings all back', async () => {
  const screen = await ui.start({
    script: ui.stage.script('sleep 60'),
    runners: { mail: 1, bill: 1, mail_slow: 1, low: 1 },
  });
  await screen.waitForText('0 waiting');
  await filter(screen, 'MAIL');
  await screen.waitForText('[1 Queues /MAIL]');
  expect(screen.text()).toMatch(/━ mail {2}0\/1.*─ mail_slow {2}0\/1/);
  expect(screen.text()).not.toMatch(/[━─] (?:bill|low) /);
  await screen.press('l', 'p');
  await screen.waitForText('mail_slow  ‖ PAUSED');
  await screen.press('l', 'p');
  await screen.waitForText('✓ mail_slow is resumed');
  await screen.press('escape');
  await screen.waitForText('bill');
  expect(screen.text()).toContain('[1 Queues] ');
  expect(focusedPanel(screen)).toBe('mail_slow');
});

test('on the queues, one that matches nothing leaves no queue to act upon', async () => {
  const screen = await ui.start({ script: ui.stage.script('sleep 60'), runners: { mail: 1, bill: 1 } });
  await screen.waitForText('0 waiting');
  await filter(screen, 'nothing like it');
  await screen.waitForNoText('bill');
  for (const key of ['p', '+', '=']) {
    await screen.press('P');
    await screen.waitForText('✓ every queue is');
    await screen.press(key);
    await screen.waitForText('✗ no queue matches the filter');
  }
  await screen.press('return');
  await screen.waitForText('nothing to open');
  // An empty filter is none.
  await filter(screen, '');
  await waitForFocus(screen, 'mail');
});

test('on the failures, it understands queue, class, exception, exit and words, alone and together', async () => {
  await addFailures(ui.stage, [
    { queue: 'mail', jobClass: 'Welcome', exception: 'TimeoutError', error: 'smtp is slow', exitCode: 1 },
    { queue: 'mail', jobClass: 'Digest', exception: 'CardError', error: 'no such user', exitCode: 2 },
    { queue: 'mail_low', jobClass: 'Welcome', exception: 'CardError', error: 'smtp refused', exitCode: 2 },
    { queue: 'bill', jobClass: 'Charge', exception: 'TimeoutError', error: 'bank is slow', exitCode: 137 },
  ]);
  const screen = await ui.start({ script: ui.stage.script('exit 0'), runners: { other: 1 } });
  await screen.press('2');
  await screen.waitForText('1-4 of 4');
  for (const [text, errors] of [
    ['queue:mail', ['no such user', 'smtp is slow']],
    ['queue:mail*', ['smtp refused', 'no such user', 'smtp is slow']],
    ['class:welc', ['smtp refused', 'smtp is slow']],
    ['exception:timeout', ['bank is slow', 'smtp is slow']],
    ['exit:2', ['smtp refused', 'no such user']],
    ['SMTP', ['smtp refused', 'smtp is slow']],
    ['exit:2 queue:mail', ['no such user']],
    ['is slow class:Charge', ['bank is slow']],
    ['queue:mail smtp refused', []],
  ] as const) {
    await filter(screen, text);
    await screen.waitForText(`filter: ${text}`);
    await screen.waitForText(
      errors.length === 0 ? 'no failure matches' : `1-${errors.length} of ${errors.length}`,
    );
    const rows = rowsOf(screen, /\d\d-\d\d {4}\w/);
    expect(rows, text).toHaveLength(errors.length);
    for (const [at, error] of errors.entries()) expect(rows[at], text).toContain(error);
  }
  // What is being asked for can be changed, not only typed anew.
  await screen.press('/');
  await screen.waitForText('filter: queue:mail smtp refused');
  await screen.press('ctrl+w', 'ctrl+w', 'return');
  await screen.waitForText('1-2 of 2');
  await screen.press('escape');
  await screen.waitForText('1-4 of 4');
});

test('on the jobs, it looks at queue, class, args and number', async () => {
  const screen = await ui.start({ script: ui.stage.script('sleep 60'), runners: { mail: 2, bill: 1 } });
  await ui.stage.enqueue('mail', { class: 'Welcome', args: ['ann'] }, { class: 'Digest', args: ['bob'] });
  await ui.stage.enqueue('bill', { class: 'Charge', args: ['cy'] });
  await screen.press('3');
  await screen.waitForText('1-3 of 3');
  for (const [text, job] of [
    ['welcome', 'Welcome'],
    ['"bob"', 'Digest'],
    ['BILL', 'Charge'],
  ] as const) {
    await filter(screen, text);
    await screen.waitForText(`filter: ${text}`);
    await screen.waitForText('1-1 of 1');
    expect(rowOf(screen, '#')).toContain(job);
  }
  await filter(screen, 'neither');
  await screen.waitForText('nothing matches; Esc clears the filter');
  await screen.press('escape');
  await screen.waitForText('1-3 of 3');
});

test('on the events, it looks at what is told, and every list has a filter of its own', async () => {
  const screen = await ui.start({ script: ui.stage.script('sleep 60'), runners: { mail: 1, bill: 1 } });
  await screen.waitForText('0 waiting');
  await screen.press('p');
  await screen.waitForText('mail  ‖ PAUSED');
  await screen.press('4');
  await screen.waitForText('mail is paused');
  await filter(screen, 'by ann');
  await screen.waitForText('1-1 of 1');
  expect(rowOf(screen, '▸')).toMatch(/‖ mail +paused: by ann/);
  await screen.press('3');
  await screen.waitForText('no jobs yet');
  await screen.press('4');
  await screen.waitForText('filter: by ann');
});

test('the list follows each key, Esc brings back what was there, and Enter keeps the new filter', async () => {
  const screen = await ui.start({
    script: ui.stage.script('sleep 60'),
    runners: { mail: 1, bill: 1, mail_slow: 1 },
  });
  await screen.waitForText('0 waiting');
  await screen.press('/');
  screen.type('bi');
  await screen.waitForText('[1 Queues /bi]');
  await screen.waitForNoText('mail_slow');
  await screen.press('escape');
  await screen.waitForText('mail_slow');
  expect(screen.text()).toContain('[1 Queues] ');
  await filter(screen, 'mail !slow');
  await screen.waitForText('[1 Queues /mail !slow]');
  await screen.waitForNoText('mail_slow');
  await screen.waitForNoText('bill');
});

test('the failures follow a moment later, and Esc brings back marks and cursor, too', async () => {
  await addFailures(ui.stage, [
    { queue: 'mail', jobClass: 'Welcome', exception: 'TimeoutError', error: 'smtp is slow' },
    { queue: 'bill', jobClass: 'Charge', exception: 'CardError', error: 'bank is slow' },
    { queue: 'bill', jobClass: 'Refund', exception: 'CardError', error: 'no account' },
  ]);
  const screen = await ui.start({ script: ui.stage.script('exit 0'), runners: { mail: 1 } });
  await screen.press('2');
  await screen.waitForText('1-3 of 3');
  await screen.press('space');
  await screen.waitForText('1 marked');
  await screen.press('/');
  screen.type('exception:card !bank');
  await screen.waitForText('1-1 of 1');
  await screen.waitForText('filter: exception:card !bank');
  expect(screen.text()).not.toContain('marked');
  await screen.press('escape');
  await screen.waitForText('1-3 of 3');
  await screen.waitForText('1 marked');
  await waitForSelected(screen, 'bank is slow');
});

test('a field that does not exist asks whether another was meant, and Tab completes fields and values', async () => {
  await addFailures(ui.stage, [
    { queue: 'mail', jobClass: 'Welcome', exception: 'TimeoutError', error: 'smtp is slow' },
    { queue: 'bill', jobClass: 'Charge', exception: 'CardError', error: 'bank is slow' },
  ]);
  const screen = await ui.start({ script: ui.stage.script('exit 0'), runners: { mail: 1 } });
  await screen.press('2');
  await screen.waitForText('1-2 of 2');
  await screen.press('/');
  screen.type('clas:Welcome');
  await screen.waitForText('no field "clas"; did you mean class:?');
  await screen.press('ctrl+u');
  screen.type('ex\t');
  await screen.waitForText('exception:  exit:');
  screen.type('c\tca\t');
  await screen.waitForText('filter: exception:CardError    Enter to apply');
  await screen.waitForText('1-1 of 1');
  await screen.press('return');
  await screen.waitForNoText('Enter to apply');
  // The next time, it can be recalled.
  await screen.press('escape');
  await screen.waitForText('1-2 of 2');
  await screen.press('/', 'up');
  await screen.waitForText('filter: exception:CardError');
  await screen.press('return');
  await screen.waitForText('1-1 of 1');
});

test('jobs can be found by what they have printed', async () => {
  const script = ui.stage.script(
    'read -r job; case $job in *Bad*) echo "Connection refused" >&2; exit 1;; *Slow*) echo connected; exec sleep 60;; esac',
  );
  const screen = await ui.start({ script, runners: { mail: 3 } });
  for (const job of ['Good', 'Bad', 'Slow']) await ui.stage.enqueue('mail', { class: job, args: [] });
  await screen.press('3');
  await screen.waitForText('1-3 of 3');
  await ui.stage.waitForStat('failed', 1);
  for (const [text, shown] of [
    ['output:"connection refused"', /1-1 of 1/],
    ['output:connect outcome:run', /Slow[\s\S]*1-1 of 1/],
    ['output:CONNECT', /1-2 of 2/],
    ['output:CONNECT !bad', /Slow[\s\S]*1-1 of 1/],
    ['output:disconnected', /nothing matches/],
  ] as const) {
    await filter(screen, text);
    await screen.waitForText(`filter: ${text}`);
    await screen.waitForText(shown);
  }
});

test('jobs can be found by their outcome', async () => {
  const script = ui.stage.script('read -r job; case $job in *Bad*) exit 1;; *Slow*) exec sleep 60;; esac');
  const screen = await ui.start({ script, runners: { mail: 3 } });
  for (const job of ['Good', 'Bad', 'Slow']) await ui.stage.enqueue('mail', { class: job, args: [] });
  await screen.press('3');
  await screen.waitForText('1-3 of 3');
  await ui.stage.waitForStat('failed', 1);
  for (const [text, job] of [
    ['outcome:failed', 'Bad'],
    ['outcome:succeeded', 'Good'],
    ['outcome:run', 'Slow'],
    ['class:good', 'Good'],
  ] as const) {
    await filter(screen, text);
    await screen.waitForText(`filter: ${text}`);
    await screen.waitForText('1-1 of 1');
    expect(rowOf(screen, '#')).toContain(job);
  }
});
