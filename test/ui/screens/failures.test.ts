/** The shared list of failures: looking, marking, retrying and deleting, also while others change it. */
import { describe, expect, test } from 'vitest';
import { staysTrue, waitFor } from '../../helpers/wait-for.ts';
import { rowOf, rowsOf, selectedTexts, waitForFocus, waitForSelected } from '../screen-parts.ts';
import { addFailures, failureText, listed, numbered, putBack } from './failure-records.ts';
import { type Screen, useInProcessUi } from './in-process.ts';

const ui = useInProcessUi();
const quietMs = 300;
const gone = 'this failure was already retried or removed';

/** The Failures tab, with the list read. What is retried goes to `mail`, which nobody watches. */
async function open(total: number): Promise<Screen> {
  ui.stage.mayLeaveKeys('queue:mail', 'queue:bill');
  const screen = await ui.start({ script: ui.stage.script('exit 0'), runners: { other: 1 } });
  await screen.press('2');
  await screen.waitForText(`[2 Failures(${total})]`);
  await screen.waitForNoText('reading…');
  return screen;
}

/** Places on the list change while its length doesn't, so that the screen can't have noticed. */
async function replaceUnseen(index: number, text: string): Promise<void> {
  const { client } = ui.stage;
  // What it heard while it read the list makes it read it once more, half a second later.
  const reads = async () => /cmdstat_lrange:calls=(\d+)/.exec(await client.info('commandstats'))?.[1];
  let last: string | undefined;
  await waitFor(
    async () => {
      last = await reads();
      return staysTrue(async () => (await reads()) === last, { message: 'no reading', forMs: 700 }).then(
        () => true,
        () => false,
      );
    },
    { message: 'the screen has read the list for the last time' },
  );
  await client.lset(ui.stage.key('failed'), index, text);
}

async function filter(screen: Screen, text: string): Promise<void> {
  await screen.press('/');
  await screen.waitForText('filter: ');
  screen.type(`${text}\r`);
  await screen.waitForText(`filter: ${text}`);
  await screen.waitForNoText('Enter to apply');
  await screen.waitForNoText('reading…');
}

test('a failure appears, is opened with all that is known of it, retried, and then its job runs', async () => {
  const script = ui.stage.script(`
    cat > /dev/null
    if [ -e "$D/once" ]; then echo "$1" >> "$D/ran"; exit 0; fi
    : > "$D/once"
    echo "this went to stdout"
    echo "this went to stderr" >&2
    echo '{"exception":"CardError","error":"card declined","backtrace":["bill.rb:7","main.rb:1"]}' >&2
    exit 3`);
  const screen = await ui.start({ script, runners: { bill: 1 } });
  await ui.stage.enqueue('bill', { class: 'Charge', args: ['bob', 42] });
  await screen.waitForText('2 Failures(1)');
  await screen.waitForText('Recent failures (1)');
  await screen.waitForText(/\d\d:\d\d:\d\d bill +Charge +3 +CardError: card declined/);
  expect(rowOf(screen, '✗ 1 last')).toContain('exit 3 Charge CardError: card declined');

  await screen.press('2');
  await screen.waitForText('1-1 of 1');
  await screen.press('return');
  await screen.waitForText('Failures › bill › Charge');
  const text = screen.text();
  for (const part of ['["bob",42]', 'card declined', 'bill.rb:7', 'main.rb:1', 'exit 3', 'CardError'])
    expect(text).toContain(part);
  expect(text).toMatch(/stderr[^\n]*\n[^\n]*this went to stderr/);
  expect(text).toMatch(/stdout[^\n]*\n[^\n]*this went to stdout/);

  await screen.press('r');
  await screen.waitForText('✓ put back on bill');
  await ui.stage.waitForFileLines('ran');
  await screen.waitForText('[2 Failures(1)]');
  await screen.waitForText('↺ retried CardError: card declined');
  await ui.stage.waitForStat('processed', 2);
});

test('a failure that is longer than the screen scrolls, and from its end back at once', async () => {
  await addFailures(ui.stage, [{ backtrace: Array.from({ length: 100 }, (_, at) => `frame ${at + 1}.`) }]);
  const screen = await open(1);
  await screen.press('return');
  // Summary, three headings, args, error and 100 lines; 31 rows.
  await screen.waitForText('1-31 of 106');
  await screen.press('j', 'j');
  await screen.waitForText('3-33 of 106');
  await screen.press('pagedown');
  await screen.waitForText('33-63 of 106');
  await screen.press('G');
  await screen.waitForText('76-106 of 106');
  expect(screen.text()).toContain('frame 100.');
  await screen.press('j', 'pagedown', 'ctrl+d');
  await screen.press('k');
  await screen.waitForText('75-105 of 106');
  await screen.press('g');
  await screen.waitForText('1-31 of 106');
  await screen.press('q');
  await screen.waitForText('[2 Failures(1)]');
});

test('r retries from the recent failures of the first screen, which Tab reaches', async () => {
  await addFailures(ui.stage, numbered(3, { queue: 'bill' }));
  const screen = await ui.start({
    script: ui.stage.script('read -r payload; echo "$payload" >> "$D/ran"'),
    runners: { bill: 1 },
  });
  await screen.waitForText('Recent failures (3)');
  await screen.press('r');
  await screen.waitForText('press Tab to select a failure');
  await screen.press('tab');
  await waitForFocus(screen, 'Recent failures (3)');
  await waitForSelected(screen, 'Error 3.');
  await screen.press('j');
  await waitForSelected(screen, 'Error 2.');
  await screen.press('r');
  await screen.waitForText('✓ put back on bill');
  expect(await ui.stage.waitForFileLines('ran')).toEqual(['{"class":"Job","args":[2]}']);
  await waitForSelected(screen, '↺ retried RuntimeError: Error 2.');
  await screen.press('return');
  await screen.waitForText('Queues › bill › Job');
});

test('R asks with the number of those that match, and retries exactly these, once each', async () => {
  const failures = numbered(60).map((failure, at) => ({ ...failure, queue: at % 6 === 0 ? 'bill' : 'mail' }));
  await addFailures(ui.stage, failures);
  const screen = await ui.start({
    script: ui.stage.script('read -r payload; echo "$1 $payload" >> "$D/ran"'),
    runners: { mail: 10, bill: 10 },
  });
  await screen.press('2');
  await screen.waitForText('[2 Failures(60)]');
  await filter(screen, 'queue:mail');
  await screen.waitForText('of 50 ');
  expect(rowsOf(screen, ' bill ')).toEqual([]);

  await screen.press('R');
  await screen.waitForText('Retry 50 failures?');
  expect(screen.text()).toContain('50 of 60 failures, with the filter "queue:mail".');
  expect(selectedTexts(screen).some((text) => text.includes('n Cancel'))).toBe(true);
  await screen.press('return');
  await screen.waitForNoText('Retry 50 failures?');
  await staysTrue(() => ui.stage.read('ran') === '', { message: 'nothing is retried', forMs: quietMs });

  await screen.press('R');
  await screen.waitForText('Retry 50 failures?');
  await screen.press('y');
  await screen.waitForText('✓ retried 50 failures');
  await ui.stage.waitForStat('processed', 50);
  const expected = failures.filter(({ queue }) => queue === 'mail').map(({ args }) => args[0]);
  const ran = ui.stage.fileLines('ran').map((line) => /^mail .*\[(\d+)\]/.exec(line)?.[1]);
  expect(ran.map(Number).sort((a, b) => a - b)).toEqual(expected);
  await screen.waitFor(
    () => rowsOf(screen, '↺ retried').length >= 19,
    'all that are seen are marked retried',
  );

  await screen.press('R');
  await screen.waitForText('every failure that matches "queue:mail" was already retried');
  const records = (await ui.stage.rawFailures()).map((raw) => String(raw));
  expect(records.filter((text) => text.includes('retried_at'))).toHaveLength(50);
});

test('what is typed while failures are counted is no answer to a question that comes later', async () => {
  await addFailures(ui.stage, numbered(3));
  const screen = await open(3);
  screen.type('R/y');
  await screen.waitForText('filter: y');
  await staysTrue(() => !screen.text().includes('Retry'), { message: 'nothing is asked', forMs: quietMs });
  await screen.press('escape');
  expect(await putBack(ui.stage, 'mail')).toEqual([]);
  await screen.press('R');
  await screen.waitForText('Retry 3 failures?');
});

describe('marks', () => {
  test('Space marks, and r asks and retries exactly these', async () => {
    await addFailures(ui.stage, numbered(6));
    const screen = await open(6);
    await screen.press('space', 'j', 'space', 'space');
    await screen.waitForText('3 marked');
    expect(rowsOf(screen, /● \d\d-\d\d/).map((row) => /Error \d/.exec(row)?.[0])).toEqual([
      'Error 6',
      'Error 4',
      'Error 3',
    ]);
    await waitForSelected(screen, 'Error 2.');
    await screen.press('r');
    await screen.waitForText('Retry 3 failures?');
    expect(screen.text()).toContain('3 marked failures of mail.');
    expect(await putBack(ui.stage, 'mail')).toEqual([]);
    await screen.press('y');
    await screen.waitForText('✓ retried 3 failures');
    expect((await putBack(ui.stage, 'mail')).sort()).toEqual([3, 4, 6]);
    await screen.waitForNoText('marked');
  });

  test('D asks and deletes exactly the marked ones', async () => {
    await addFailures(ui.stage, numbered(5));
    const screen = await open(5);
    await screen.press('j', 'space', 'j', 'space', 'g');
    await screen.waitForText('2 marked');
    await screen.press('D');
    await screen.waitForText('Delete 2 failures?');
    await screen.press('escape', 'D');
    await screen.waitForText('Delete 2 failures?');
    expect(await listed(ui.stage)).toEqual([1, 2, 3, 4, 5]);
    await screen.press('y');
    await screen.waitForText('✓ removed 2 failures');
    expect(await listed(ui.stage)).toEqual([1, 3, 5]);
    await screen.waitForText('1-3 of 3');
  });

  test('Space again takes a mark away', async () => {
    await addFailures(ui.stage, numbered(2));
    const screen = await open(2);
    await screen.press('space');
    await screen.waitForText('1 marked');
    await screen.press('k', 'space');
    await screen.waitForNoText('1 marked');
  });

  test('* marks all that match, D asks with their number and deletes them and nothing else', async () => {
    await addFailures(ui.stage, [...numbered(4), ...numbered(30, { queue: 'bill' })]);
    const screen = await open(34);
    await filter(screen, 'queue:bill');
    await screen.press('*');
    await screen.waitForText('all matches are marked');
    await screen.press('D');
    await screen.waitForText('Delete 30 failures?');
    await screen.press('return');
    await screen.waitForNoText('Delete 30 failures?');
    expect(await listed(ui.stage)).toHaveLength(34);
    await screen.press('D');
    await screen.waitForText('Delete 30 failures?');
    await screen.press('y');
    await screen.waitForText('✓ removed 30 failures');
    expect(await listed(ui.stage)).toEqual([1, 2, 3, 4]);
    await screen.waitForText('no failure matches');
    await screen.waitForText('[2 Failures(4)]');
  });

  test('Esc takes the marks away first, then the filter', async () => {
    await addFailures(ui.stage, [...numbered(4), ...numbered(3, { queue: 'bill' })]);
    const screen = await open(7);
    await filter(screen, 'queue:bill');
    await screen.press('space');
    await screen.waitForText('1 marked');
    await screen.press('escape');
    await screen.waitForNoText('1 marked');
    expect(screen.text()).toContain('filter: queue:bill');
    await screen.press('*');
    await screen.waitForText('all matches are marked');
    await screen.press('escape');
    await screen.waitForNoText('are marked');
    await screen.press('escape');
    await screen.waitForText('1-7 of 7');
    expect(screen.text()).not.toContain('filter: queue:bill');
  });
});

test('D names the failure, Enter leaves it alone, y deletes it, and the cursor is on the next', async () => {
  await addFailures(ui.stage, numbered(5));
  const screen = await open(5);
  await screen.press('j', 'j');
  await waitForSelected(screen, 'Error 3.');
  await screen.press('D');
  await screen.waitForText('Delete this failure?');
  expect(screen.text()).toContain('Job of mail: RuntimeError Error 3.');
  await screen.press('return');
  await screen.waitForNoText('Delete this failure?');
  expect(await listed(ui.stage)).toEqual([1, 2, 3, 4, 5]);
  await screen.press('D');
  await screen.waitForText('Delete this failure?');
  await screen.press('y');
  await screen.waitForText('✓ removed');
  expect(await listed(ui.stage)).toEqual([1, 2, 4, 5]);
  await waitForSelected(screen, 'Error 2.');
  // Beyond the end it is the last.
  await screen.press('G', 'D');
  await screen.waitForText('Job of mail: RuntimeError Error 1.');
  await screen.press('y');
  await screen.waitForText('1-3 of 3');
  await waitForSelected(screen, 'Error 2.');
});

test('r leaves the cursor where it is, and it stays there when others fail meanwhile', async () => {
  await addFailures(ui.stage, numbered(4));
  const screen = await open(4);
  await screen.press('j');
  await waitForSelected(screen, 'Error 3.');
  await screen.press('r');
  await waitForSelected(screen, '↺ retried RuntimeError: Error 3.');
  await addFailures(ui.stage, [{ error: 'Another one.' }]);
  await screen.waitForText('Another one.');
  await waitForSelected(screen, '↺ retried RuntimeError: Error 3.');
  await screen.press('j', 'r');
  await waitForSelected(screen, '↺ retried RuntimeError: Error 2.');
  expect(await putBack(ui.stage, 'mail')).toEqual([3, 2]);
});

describe('300 failures', () => {
  test('are all seen by PgDn, without a gap', async () => {
    await addFailures(ui.stage, numbered(300));
    const screen = await open(300);
    const seen = new Set<string>();
    const look = () => {
      for (const [text] of screen.text().matchAll(/Error \d+\./g)) seen.add(text);
    };
    await waitForSelected(screen, 'Error 300.');
    look();
    // The cursor goes 19 rows at a time, from the first row on.
    for (let at = 300 - 19; at > 0; at -= 19) {
      await screen.press('pagedown');
      await waitForSelected(screen, `Error ${at}.`);
      await screen.waitForNoText('reading…');
      look();
    }
    await screen.press('pagedown');
    await waitForSelected(screen, 'Error 1.');
    look();
    expect(seen.size).toBe(300);
    await screen.waitForText('282-300 of 300');
  });

  test('have their oldest at G and their newest at g, with half pages between', async () => {
    await addFailures(ui.stage, numbered(300));
    const screen = await open(300);
    await screen.waitForText('1-19 of 300');
    await screen.press('G');
    await waitForSelected(screen, 'Error 1.');
    await screen.waitForText('282-300 of 300');
    await screen.press('ctrl+u');
    await waitForSelected(screen, 'Error 11.');
    await screen.press('pageup');
    await waitForSelected(screen, 'Error 30.');
    await screen.press('g');
    await waitForSelected(screen, 'Error 300.');
    await screen.press('ctrl+d', 'ctrl+d');
    await waitForSelected(screen, 'Error 280.');
  });
});

describe('where another client has changed the list meanwhile', () => {
  test('r on an entry that was removed says so and hits no other', async () => {
    await addFailures(ui.stage, numbered(3));
    const screen = await open(3);
    await waitForSelected(screen, 'Error 3.');
    await replaceUnseen(2, failureText({ args: [99], error: 'Not seen yet.' }));
    await screen.press('r');
    await screen.waitForText(`✗ ${gone}`);
    expect(await putBack(ui.stage, 'mail')).toEqual([]);
    // It has looked again, and shows what is there now.
    await screen.waitForText('Not seen yet.');
    expect(await listed(ui.stage)).toEqual([1, 2, 99]);
  });

  test('r on an entry that was retried says so and does not repeat it', async () => {
    const [text = ''] = numbered(1).map(failureText);
    await addFailures(ui.stage, numbered(1));
    const screen = await open(1);
    await waitForSelected(screen, 'Error 1.');
    await replaceUnseen(0, text.replace('"queue"', '"retried_at":"2026/03/04 06:00:00 UTC","queue"'));
    await screen.press('r');
    await screen.waitForText(`✗ ${gone}`);
    expect(await putBack(ui.stage, 'mail')).toEqual([]);
    await screen.waitForText('↺ retried');
  });

  test('D, answered after it was removed, says so and deletes no other', async () => {
    await addFailures(ui.stage, numbered(3));
    const screen = await open(3);
    await screen.press('D');
    await screen.waitForText('RuntimeError Error 3.');
    await ui.stage.client.rpop(ui.stage.key('failed'));
    await screen.press('y');
    await screen.waitForText(`✗ ${gone}`);
    expect(await listed(ui.stage)).toEqual([1, 2]);
  });

  test('marks that were trimmed away are counted out, and the rest is retried', async () => {
    await addFailures(ui.stage, numbered(5));
    const screen = await open(5);
    await screen.press('G', 'space', 'k', 'space', 'g', 'space');
    await screen.waitForText('3 marked');
    await screen.press('r');
    await screen.waitForText('Retry 3 failures?');
    // The two oldest go.
    await ui.stage.client.ltrim(ui.stage.key('failed'), 2, -1);
    await screen.press('y');
    await screen.waitForText('✓ retried 1; 2 were already retried or removed');
    expect(await putBack(ui.stage, 'mail')).toEqual([5]);
    expect(await listed(ui.stage)).toEqual([3, 4, 5]);
  });

  test('a single mark on what is gone does not stay behind', async () => {
    await addFailures(ui.stage, numbered(3));
    const screen = await open(3);
    await screen.press('space');
    await screen.waitForText('1 marked');
    await replaceUnseen(2, failureText({ args: [99], error: 'Not seen yet.' }));
    await screen.press('r');
    await screen.waitForText(`✗ ${gone}`);
    await screen.waitForNoText('1 marked');
  });

  test('all that match are those that were counted: what failed since is left alone', async () => {
    await addFailures(ui.stage, numbered(3));
    const screen = await open(3);
    await screen.press('R');
    await screen.waitForText('Retry 3 failures?');
    await addFailures(ui.stage, [{ args: [4] }]);
    await screen.press('y');
    await screen.waitForText('✓ retried 3 failures');
    expect((await putBack(ui.stage, 'mail')).sort()).toEqual([1, 2, 3]);
  });

  test('the old ones are deleted by their age, and the question says which have none', async () => {
    await addFailures(ui.stage, numbered(3));
    const undated = ['no time', null].map((failed_at) => JSON.stringify({ failed_at, error: 'x' }));
    await ui.stage.client.rpush(ui.stage.key('failed'), ...undated);
    const screen = await open(5);
    await filter(screen, 'older:1d');
    await screen.press('*', 'D');
    await screen.waitForText('Delete 3 failures?');
    await screen.waitForText('2 failures without a readable time left alone.');
    await screen.press('y');
    await screen.waitForText('✓ removed 3 failures');
    expect(await ui.stage.client.lrange(ui.stage.key('failed'), 0, -1)).toEqual(undated);
    await ui.stage.client.del(ui.stage.key('failed'));
  });

  test('a cursor whose entry goes away stays in its row', async () => {
    await addFailures(ui.stage, numbered(6));
    const screen = await open(6);
    await screen.press('j', 'j', 'j');
    await waitForSelected(screen, 'Error 3.');
    await ui.stage.client.lrem(ui.stage.key('failed'), 1, failureText({ args: [3], error: 'Error 3.' }));
    await screen.waitForText('1-5 of 5');
    await waitForSelected(screen, 'Error 2.');
  });
});

test('entries of others that are no failure records show, can be deleted, and are not retried', async () => {
  const { stage } = ui;
  await stage.client.rpush(
    stage.key('failed'),
    'this is no JSON',
    JSON.stringify({ payload: { class: 'Lost', args: [] }, error: 'nobody knows where' }),
  );
  const screen = await open(2);
  await waitForSelected(screen, 'nobody knows where');
  await screen.press('r');
  await screen.waitForText("✗ this failure can't be retried: it has no job or no queue");
  await screen.press('R');
  await screen.waitForText("every failure was already retried or can't be retried");
  await screen.press('j');
  await waitForSelected(screen, 'not a JSON object; it can only be deleted');
  await screen.press('r');
  await screen.waitForText("✗ this failure can't be retried");
  await screen.press('return');
  await screen.waitForText('Failures › (no queue) › (no class)');
  await screen.press('D');
  await screen.waitForText('Delete this failure?');
  await screen.press('y');
  await screen.waitForText('[2 Failures(1)]');
  await waitForSelected(screen, 'nobody knows where');
  await screen.press('D', 'y');
  await screen.waitForText('no failures');
  await waitFor(async () => (await stage.rawFailures()).length === 0, { message: 'the list is empty' });
});

test('without a failure, keys for failures say that there is none', async () => {
  const screen = await open(0);
  await screen.waitForText('no failures');
  for (const [key, text] of [
    ['r', 'no failure to retry'],
    ['D', 'no failure to delete'],
    ['R', 'there are no failures'],
    ['return', 'no failure to open'],
    ['y', 'nothing to copy'],
  ] as const) {
    await screen.press(key);
    await screen.waitForText(text);
  }
});

describe('keys that are typed faster than the list is read', () => {
  async function start(failures: number): Promise<Screen> {
    ui.stage.mayLeaveKeys('queue:mail');
    await addFailures(ui.stage, numbered(failures));
    return await ui.start({ script: ui.stage.script('exit 0'), runners: { other: 1 } });
  }

  test('act on its rows in their order, right behind the tab switch', async () => {
    const screen = await start(5);
    screen.type('2jjj');
    await waitForSelected(screen, 'Error 2.');
    screen.type('k');
    await waitForSelected(screen, 'Error 3.');
  });

  test('open, leave and move on as they were typed', async () => {
    const screen = await start(5);
    screen.type('2j\rqj');
    await waitForSelected(screen, 'Error 3.');
    await screen.waitForText('[2 Failures(5)]');
  });

  test('act on the rows of a filter that was just typed', async () => {
    const screen = await start(12);
    screen.type('2/Error 1\rj');
    // Of 12, 11, 10 and 1.
    await waitForSelected(screen, 'Error 11.');
    screen.type('/\u0015Error 2\rr');
    await screen.waitForText('filter: Error 2');
    await waitFor(async () => (await putBack(ui.stage, 'mail')).length === 1, { message: 'one is retried' });
    expect(await putBack(ui.stage, 'mail')).toEqual([2]);
  });
});
