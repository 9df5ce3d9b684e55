/** The screen of one job: its output as it comes, and all that one can do with it. */
import { readFileSync, statSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { isAlive } from '../../helpers/processes.ts';
import type { Cell } from '../../helpers/terminal-screen.ts';
import { Puppet } from '../puppet.ts';
import { type Screen, useInProcessUi } from './in-process.ts';

const ui = useInProcessUi();
const red = 1;
const green = 2;
const yellow = 3;
const cyan = 6;
const brightYellow = 11;

interface OpenJob {
  readonly screen: Screen;
  readonly puppet: Puppet;
}

/** A running job that prints what it is told to, its log open on the screen. @param order for it, before that */
async function openJob(order?: string, shows?: string | RegExp): Promise<OpenJob> {
  const puppet = new Puppet(ui.stage);
  const screen = await ui.start({ script: puppet.script, runners: { mail: 1 } });
  await ui.stage.enqueue('mail', { class: 'Talker', args: ['at length'] });
  await puppet.started();
  if (order !== undefined) puppet.tell(order);
  await screen.waitForText('Talker ["at length"]');
  if (shows !== undefined) await screen.waitForText(shows);
  // The queue's page, then the job.
  await screen.press('return', 'return');
  await screen.waitForText('FOLLOW');
  return { screen, puppet };
}

/** The rows with lines of the log: what is between the rule and the message. */
function logRows(screen: Screen): string[] {
  const rows = screen.screen();
  return rows.slice(rows.findIndex((row) => row.startsWith('── ')) + 1, -2);
}

/** Without times and streams. */
function logTexts(screen: Screen): string[] {
  return logRows(screen)
    .filter((row) => row !== '')
    .map((row) => row.replace(/^.\d\d:\d\d:\d\d (?:out|err) /, ''));
}

function rule(screen: Screen): string {
  return screen.screen().find((row) => row.startsWith('── ')) ?? '';
}

async function search(screen: Screen, text: string): Promise<void> {
  await screen.press('/');
  await screen.waitForText(/^ search: /m);
  screen.type(text);
  await screen.press('return');
}

/** Text that was put onto the clipboard last. */
function copied(screen: Screen): string {
  const [, base64 = ''] = (screen.clipboard.at(-1) ?? '').split(';');
  return Buffer.from(base64, 'base64').toString('utf8');
}

test('Enter on a running job shows what it prints as it prints it, both streams told apart', async () => {
  const { screen, puppet } = await openJob();
  await screen.waitForText('no output yet');
  puppet.tell('echo to stdout');
  await screen.waitForText('1 line ');
  puppet.tell('echo to stderr >&2');
  await screen.waitForText('2 lines');
  puppet.tell('printf unfinished');
  await screen.waitForText(/^ \d\d:\d\d:\d\d out to stdout\n \d\d:\d\d:\d\d err to stderr$/m);
  await screen.waitForText(/out unfinished$/m);
  puppet.tell("printf ', and its end\\n'");
  await screen.waitForText(/out unfinished, and its end$/m);
  const rows = screen.screen();
  const streamAt = ' 00:00:00 '.length;
  const cellOf = (text: string) =>
    screen.cell(
      streamAt,
      rows.findIndex((row) => row.endsWith(text)),
    );
  expect(cellOf('to stdout')).toMatchObject({ text: 'o', color: null, isDim: true });
  expect(cellOf('to stderr')).toMatchObject({ text: 'e', color: yellow, isDim: false });
  expect(rows[0]).toMatch(/Queues › mail › #1 +RUNNING 00:0\d {2}pid \d+$/);
  expect(rows[3]).toContain('args ["at length"]');
  puppet.tell('exit 3');
  await screen.waitForText(/FAILED after 00:/);
  await screen.waitForText(/ended ─/);
});

test('it follows the end until one scrolls up, stands still then, and follows again', async () => {
  const { screen, puppet } = await openJob('seq -f "line %.0f" 200', 'line 200');
  await screen.waitFor(() => logTexts(screen).at(-1) === 'line 200', 'the last line is seen');
  const height = logTexts(screen).length;
  await screen.press('k', 'up', 'k');
  await screen.waitFor(() => logTexts(screen).at(-1) === 'line 197', 'three lines up');
  expect(rule(screen)).toContain('follow:off');
  const seen = logRows(screen);
  puppet.tell('seq -f "line %.0f" 201 400');
  await screen.waitForText('400 lines');
  expect(logRows(screen)).toEqual(seen);
  await screen.press('pageup');
  await screen.waitFor(() => logTexts(screen).at(-1) !== 'line 197', 'a page up');
  expect(logTexts(screen)).toHaveLength(height);
  await screen.press('g');
  await screen.waitFor(() => logTexts(screen)[0] === 'line 1', 'the beginning');
  await screen.press('ctrl+d', 'ctrl+d', 'ctrl+u', 'ctrl+u');
  await screen.waitFor(() => logTexts(screen)[0] === 'line 1', 'the beginning again');
  await screen.press('G');
  await screen.waitFor(() => logTexts(screen).at(-1) === 'line 400', 'the end');
  expect(rule(screen)).toContain('FOLLOW');
  puppet.tell('echo more');
  await screen.waitFor(() => logTexts(screen).at(-1) === 'more', 'what came');
  await screen.press('s');
  await screen.waitForText('follow:off');
  puppet.tell('echo much more');
  await screen.waitForText('402 lines');
  expect(logTexts(screen).at(-1)).toBe('more');
  await screen.press('s');
  await screen.waitFor(() => logTexts(screen).at(-1) === 'much more', 'it follows again');
});

test('long lines wrap, times and streams go, marks come, and the log takes the whole screen', async () => {
  const { screen, puppet } = await openJob('echo short; seq -s . 1000 1100', '1000');
  puppet.tell('echo "a warning" >&2');
  await screen.waitForText('3 lines');
  expect(logTexts(screen)).toHaveLength(3);
  expect(screen.text()).not.toContain('1100');
  await screen.press('w');
  await screen.waitForText('1100');
  expect(rule(screen)).toContain('wrap:on');
  expect(
    logRows(screen)
      .slice(1, 6)
      .map((row) => row.trim())
      .join(''),
  ).toContain(Array.from({ length: 101 }, (_, at) => at + 1000).join('.'));
  await screen.press('w', 't');
  await screen.waitForText(/^ out short$/m);
  expect(screen.text()).not.toContain('1100');
  await screen.press('o');
  await screen.waitForNoText('out short');
  expect(rule(screen)).toMatch(/^── stderr {2}/);
  expect(logRows(screen).filter((row) => row !== '')).toEqual([' err a warning']);
  await screen.press('o');
  await screen.waitForNoText('a warning');
  expect(rule(screen)).toMatch(/^── stdout {2}/);
  await screen.press('o', 'm');
  await screen.waitForText(/^ ── mark \d\d:\d\d:\d\d ──$/m);
  const at = screen.screen().findIndex((row) => row.includes('── mark '));
  expect(screen.cell(1, at).color).toBe(cyan);
  const height = logRows(screen).length;
  await screen.press('z');
  await screen.waitForNoText('args ["at length"]');
  expect(logRows(screen)).toHaveLength(height + 4);
  await screen.press('z');
  await screen.waitForText('args ["at length"]');
});

/** The cell where a text begins. */
function cellOf(screen: Screen, text: string): Cell {
  const row = screen.screen().findIndex((each) => each.includes(text));
  // Each unit of these texts takes one column.
  return screen.cell((screen.screen()[row] ?? '').indexOf(text), row);
}

test('output keeps its colors and weights, over several lines too, and each stream has its own', async () => {
  const { screen, puppet } = await openJob(
    String.raw`printf 'a \033[31mred word\033[0m\n\033[1;38;5;208mloud\nstill loud\n\033[0mquiet\n'`,
    'quiet',
  );
  puppet.tell(
    String.raw`printf 'own \033[4;7mpart\n' >&2; sleep 0.3; printf '\033[30;43mlabel\033[49;39m end\n'`,
  );
  await screen.waitForText('label end');
  await screen.waitForText('6 lines');
  expect(cellOf(screen, 'a red')).toMatchObject({ color: null, isBold: false });
  expect(cellOf(screen, 'red word')).toMatchObject({ color: red, isBold: false });
  expect(cellOf(screen, 'loud')).toMatchObject({ color: brightYellow, isBold: true });
  expect(cellOf(screen, 'still loud')).toMatchObject({ color: brightYellow, isBold: true });
  expect(cellOf(screen, 'quiet')).toMatchObject({ color: null, isBold: false });
  expect(cellOf(screen, 'own part')).toMatchObject({ isUnderlined: false, isInverse: false });
  expect(cellOf(screen, 'part')).toMatchObject({ isUnderlined: true, isInverse: true });
  expect(cellOf(screen, 'label')).toMatchObject({ color: 0, background: yellow });
  expect(cellOf(screen, ' end')).toMatchObject({ color: null, background: null, isInverse: false });
  // The rest of the rows, and what is around the text, has none of it.
  for (const text of ['err own', 'out still']) expect(cellOf(screen, text)).toMatchObject({ isBold: false });
  await search(screen, 'd w');
  await screen.waitForText('1 of 1');
  expect(cellOf(screen, 'd word')).toMatchObject({ color: red, isInverse: true });
  expect(cellOf(screen, 'red word')).toMatchObject({ color: red, isInverse: false });
  await screen.press('y');
  await screen.waitForText("✓ sent 6 lines to the terminal's clipboard");
  expect(copied(screen)).toBe('a red word\nloud\nstill loud\nquiet\nown part\nlabel end\n');
});

test('a wrapped line keeps its colors in every row, and a match over two rows is marked in both', async () => {
  const { screen } = await openJob(
    String.raw`printf '\033[32m%s\033[0m tail\n' "$(seq -s . 1000 1060)"`,
    '1000',
  );
  await screen.press('w');
  await screen.waitForText('tail');
  const [first = '', second = ''] = logRows(screen);
  expect(cellOf(screen, second.trim().slice(0, 9))).toMatchObject({ color: green });
  expect(cellOf(screen, 'tail')).toMatchObject({ color: null });
  const start = first.trimEnd().slice(-3);
  await search(screen, start + second.trim().slice(0, 3));
  await screen.waitForText('1 of 1');
  const row = screen.screen().findIndex((each) => each.endsWith(start));
  expect(screen.cell(first.trimEnd().length - 1, row)).toMatchObject({ color: green, isInverse: true });
  expect(screen.cell(14, row + 1)).toMatchObject({ color: green, isInverse: true });
  expect(screen.cell(17, row + 1)).toMatchObject({ color: green, isInverse: false });
});

test('a progress bar is one line that changes in place, with its last colors', async () => {
  const { screen, puppet } = await openJob(String.raw`printf '\033[33m 10%%\r'`, '10%');
  await screen.waitForText(/out {2}10%$/m);
  for (const percent of [40, 70]) {
    puppet.tell(`printf ' ${percent}%%\\r'`);
    await screen.waitForText(new RegExp(`out {2}${percent}%$`, 'm'));
    expect(cellOf(screen, `${percent}%`).color).toBe(yellow);
    expect(rule(screen)).toContain(' 1 line ');
  }
  puppet.tell(String.raw`printf '\033[32m100%%\033[0m\r\ndone\n'`);
  await screen.waitForText('out done');
  expect(logTexts(screen)).toEqual(['100%', 'done']);
  expect(cellOf(screen, '100%').color).toBe(green);
  expect(cellOf(screen, 'done').color).toBeNull();
});

test('a wrapped line that is longer than the screen is high can be read to its end', async () => {
  const { screen } = await openJob('echo before; seq -s . 1000 2400; echo after', 'after');
  await screen.waitForText('3 lines');
  await screen.press('w');
  await screen.waitForText('2400');
  const whole = Array.from({ length: 1401 }, (_, at) => at + 1000).join('.');
  const height = logRows(screen).length;
  await screen.press('g');
  await screen.waitForText('out before');
  const read = logRows(screen).map((row) => row.trimEnd().slice(14));
  while (!screen.text().includes('out after')) {
    const seen = logRows(screen);
    await screen.press('j');
    await screen.waitFor(() => logRows(screen)[0] === seen[1], 'a row further');
    expect(logRows(screen).slice(0, -1)).toEqual(seen.slice(1));
    read.push((logRows(screen).at(-1) ?? '').trimEnd().slice(14));
  }
  expect(read.length).toBeGreaterThan(height + 10);
  expect(read.join('')).toBe(`before${whole}after`);
  // So can a match in its middle be found.
  await search(screen, '1500.');
  await screen.waitForText(/^▸? {14}.*\.1500\./m);
});

test('a match that lies beyond the right edge is brought into sight', async () => {
  const { screen } = await openJob('seq -s " " 1000 1100; echo after', 'after');
  await screen.waitForText('2 lines');
  expect(screen.text()).not.toContain('1099');
  await search(screen, '1090 1091');
  await screen.waitForText(/^▸\S+ out ….* 1089 1090 1091 1092 /m);
  const row = screen.screen().findIndex((text) => text.startsWith('▸'));
  const column = (screen.screen()[row] ?? '').indexOf('1090');
  expect(screen.cell(column, row).isInverse).toBe(true);
  await search(screen, '');
  await screen.waitForText('out 1000 1001');
  await screen.press('o');
  await screen.waitForText('nothing on stderr; o switches streams');
});

describe('in a log of 100,000 lines', () => {
  test('a search finds lines in the middle, n and N go on from there and around', async () => {
    const { screen } = await openJob(
      'seq -f "line %.0f" 100000 | sed "s/000$/000 needle/; s/^line 50000/& Eye of/"',
      'line 100000',
    );
    await screen.waitForText('100,000 lines');
    await search(screen, 'Eye of');
    await screen.waitForText('1 of 1');
    await screen.waitForText(/^▸\S+ out line 50000 Eye of needle$/m);
    expect(rule(screen)).toContain('follow:off');
    await search(screen, 'NEEDLE');
    await screen.waitForText('no match');
    await search(screen, 'needle');
    await screen.waitForText('/needle 50 of 100');
    // What matches stands out.
    const row = screen.screen().findIndex((text) => text.startsWith('▸'));
    const column = (screen.screen()[row] ?? '').indexOf('needle');
    expect(screen.cell(column, row).isInverse).toBe(true);
    expect(screen.cell(column - 1, row).isInverse).toBe(false);
    await screen.press('n');
    await screen.waitForText(/^▸\S+ out line 51000 needle$/m);
    await screen.waitForText('51 of 100');
    await screen.press('N', 'N');
    await screen.waitForText('49 of 100');
    await screen.press('g');
    await screen.press(...Array.from({ length: 50 }, () => 'N'));
    await screen.waitForText('99 of 100');
    await screen.waitForText(/^▸\S+ out line 99000 needle$/m);
    // An empty search ends it.
    await search(screen, '');
    await screen.waitForNoText('99 of 100');
  });

  test('a search finds lines that came while it was open, and counts those that still come', async () => {
    const { screen, puppet } = await openJob();
    puppet.tell('seq -f "line %.0f" 100000 | sed "s/000$/000 needle/"');
    await search(screen, 'line 50000 needle');
    await screen.waitForText('100,000 lines');
    await screen.press('n');
    await screen.waitForText(/^▸\S+ out line 50000 needle$/m);
    await screen.waitForText('1 of 1');
    await search(screen, 'needle');
    await screen.waitForText('50 of 100');
    const seen = logRows(screen);
    puppet.tell('echo one more needle');
    await screen.waitForText('50 of 101');
    expect(logRows(screen)).toEqual(seen);
  });

  test('the lines that are seen stay where they are when the oldest go', async () => {
    const { screen, puppet } = await openJob('seq -f "line %.0f" 100000', 'line 100000');
    await screen.waitForText('100,000 lines');
    await search(screen, 'line 60000');
    await screen.waitForText('1 of 1');
    const seen = logRows(screen);
    puppet.tell('seq -f "line %.0f" 100001 240000');
    await screen.waitForText('240,000 lines (the last 200,000 are kept)');
    expect(logRows(screen)).toEqual(seen);
    await screen.press('g');
    await screen.waitFor(() => logTexts(screen)[0] === 'line 40001', 'the oldest that is kept');
  });
});

test('y puts what is shown of the log onto the clipboard', async () => {
  const { screen, puppet } = await openJob('echo "grüße 漢字"', 'grüße');
  puppet.tell('echo "a warning" >&2');
  await screen.waitForText('2 lines');
  puppet.tell('echo done');
  await screen.waitForText('3 lines');
  await screen.press('m', 'y');
  await screen.waitForText("✓ sent 3 lines to the terminal's clipboard");
  expect(copied(screen)).toBe('grüße 漢字\na warning\ndone\n');
  await screen.press('o', 'y');
  await screen.waitForText("✓ sent 1 line to the terminal's clipboard");
  expect(copied(screen)).toBe('a warning\n');
  await screen.press('o', 'o');
  puppet.tell('seq 100000');
  await screen.waitForText('100,004 lines');
  await screen.press('y');
  await screen.waitForText(
    /✓ sent the last 12,\d{3} lines to the terminal's clipboard, the terminal's limit/,
  );
  const newest = copied(screen).split('\n');
  expect(newest.at(-2)).toBe('100000');
  expect(newest.slice(0, -1)).toEqual(
    Array.from({ length: newest.length - 1 }, (_, at) => String(100_002 - newest.length + at)),
  );
  expect(Buffer.byteLength(copied(screen))).toBeLessThanOrEqual(74_994);
});

test('a unfolds the arguments, in at most half of the screen, and folds them again', async () => {
  const puppet = new Puppet(ui.stage);
  const screen = await ui.start({ script: puppet.script, runners: { mail: 1 } });
  const many = Array.from({ length: 40 }, (_, at) => at);
  await ui.stage.enqueue('mail', `{"class":"Talker","args":[{"to":"ann","ids":[12345678901234567890]}]}`);
  await puppet.started();
  await screen.waitForText('Talker');
  await screen.press('return', 'return');
  await screen.waitForText('args [{"to":"ann"');
  await screen.press('a');
  await screen.waitForText('"to": "ann",');
  expect(
    screen
      .screen()
      .slice(3, 11)
      .map((row) => row.slice(1, -1).trimEnd()),
  ).toEqual([
    ' [',
    '   {',
    '     "to": "ann",',
    '     "ids": [',
    '       12345678901234567890',
    '     ]',
    '   }',
    ' ]',
  ]);
  puppet.tell('echo below');
  await screen.waitForText('out below');
  await screen.press('a');
  await screen.waitForText('args [{"to":"ann"');
  puppet.tell('exit 0');
  await screen.waitForText(/ ended ─/);
  await ui.stage.enqueue('mail', { class: 'Talker', args: many });
  await screen.press('1');
  await screen.waitForText(/#2 +Talker/);
  await screen.press('return', 'return');
  await screen.waitForText('args [0,1,2');
  await screen.press('a');
  await screen.waitForText(/… 30 more lines/);
  expect(screen.screen().findIndex((row) => row.startsWith('── stderr'))).toBeLessThan(20);
});

test('the time that is left counts down, on the page and in the list', async () => {
  const puppet = new Puppet(ui.stage);
  const screen = await ui.start({
    script: puppet.script,
    runners: { mail: { concurrency: 1, timeout: 600 } },
  });
  await ui.stage.enqueue('mail', { class: 'Talker', args: [] });
  await puppet.started();
  await screen.waitForText('Talker');
  await screen.press('return', 'return');
  await screen.waitForText(/time left (?:10:00|09:5\d) /);
  await screen.press('3');
  await screen.waitForText(/JOB +TIME +LEFT +QUEUE/);
  await screen.waitForText(/▸ ● #1 +00:\d\d +09:5\d +mail/);
});

describe('S', () => {
  test('saves what is shown of the log to a file of the user alone, as plain text', async () => {
    const { screen, puppet } = await openJob(String.raw`printf '\033[31mgr\303\274n\033[0m\n'`, 'grün');
    puppet.tell('echo "a warning" >&2');
    await screen.waitForText('2 lines');
    const file = ui.stage.path('saved.log');
    await screen.press('m', 'S');
    await screen.waitForText(/^ save to: job-1\.log/m);
    await screen.press('ctrl+u');
    screen.type(file);
    await screen.press('return');
    await screen.waitForText(`✓ saved 2 lines to ${file}`);
    expect(readFileSync(file, 'utf8')).toBe('grün\na warning\n');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    // It never replaces a file without a question.
    await screen.press('o', 'S', 'ctrl+u');
    screen.type(file);
    await screen.press('return');
    await screen.waitForText('Replace the file?');
    await screen.waitForText(`${file} exists: 16 bytes.`);
    await screen.press('return');
    await screen.waitForNoText('Replace the file?');
    expect(readFileSync(file, 'utf8')).toBe('grün\na warning\n');
    await screen.press('S', 'ctrl+u');
    screen.type(file);
    await screen.press('return');
    await screen.waitForText('Replace the file?');
    await screen.press('y');
    await screen.waitForText(`✓ saved 1 line to ${file}`);
    expect(readFileSync(file, 'utf8')).toBe('a warning\n');
  });

  test('says why it cannot, and what is missing', async () => {
    const { screen, puppet } = await openJob();
    await screen.press('S', 'return');
    await screen.waitForText('nothing to save');
    puppet.tell('seq 200002');
    await screen.waitForText('200,002 lines (the last 200,000 are kept)');
    const saveTo = async (path: string) => {
      await screen.press('S', 'ctrl+u');
      screen.type(path);
      await screen.press('return');
    };
    await saveTo(ui.stage.path('no-such/file'));
    await screen.waitForText(/✗ can't write .*no-such\/file: no such file or directory/);
    await saveTo(ui.stage.path('tmp'));
    await screen.waitForText(/✗ can't write .*tmp: it is not a file/);
    await saveTo(ui.stage.path('long.log'));
    await screen.waitForText(/✓ saved the last 200,000 lines to .*long\.log/);
    const saved = readFileSync(ui.stage.path('long.log'), 'utf8').split('\n');
    expect([saved[0], saved.at(-2), saved.at(-1)]).toEqual(['3', '200002', '']);
  });
});

test('| shows the log in the pager, with colors of ours and no other sequence', async () => {
  const { screen, puppet } = await openJob();
  await screen.press('|');
  await screen.waitForText('nothing to show');
  puppet.tell(String.raw`printf '\033[38;5;196mred\nstill\033[m \033]52;c;b3duZWQ=\007\033[2Jplain\n'`);
  await screen.waitForText('2 lines');
  await screen.press('|');
  await screen.waitFor(() => screen.paged.length > 0, 'the pager is open');
  expect(screen.paged).toEqual(['\u001B[91mred\u001B[0m\n\u001B[91mstill\u001B[0m plain\n']);
  await screen.press('o');
  await screen.waitForText('nothing on stderr');
  await screen.press('|');
  await screen.waitForText('nothing to show');
});

describe('a job that has ended', () => {
  test('is opened from the jobs, with all that it printed', async () => {
    const script = ui.stage.script('echo "it said $(cat)"; echo "and failed" >&2; exit 7');
    const screen = await ui.start({ script, runners: { mail: 1 } });
    await ui.stage.enqueue('mail', '{"class":"First","args":[1]}', '{"class":"Second","args":[2]}');
    await screen.press('3');
    await screen.waitForText(/#2 .*Second .*exit 7/);
    await screen.press('j');
    await screen.waitForText(/▸ ✗ #1 /);
    await screen.press('return');
    await screen.waitForText('out it said {"class":"First","args":[1]}');
    await screen.waitForText('err and failed');
    await screen.waitForText(/^ resque-runner {2}Jobs › mail › #1 +FAILED after 00:00$/m);
    await screen.waitForText(/ended \d\d:\d\d:\d\d exit 7 {2}UnclassifiedRunnerError: and failed/);
    if (process.platform === 'linux') await screen.waitForText(/ worker \S+, CPU \d+ ms /);
    await screen.press('x');
    await screen.waitForText('job #1 has already ended');
    await screen.press('q');
    await screen.waitForText('[3 Jobs]');
    await screen.waitForText(/▸ ✗ #1 /);
  });

  test('says so where its output is no longer kept', async () => {
    const script = ui.stage.script('grep -q Failing && exit 1; exit 0');
    const screen = await ui.start({ script, runners: { mail: 4 } });
    await ui.stage.enqueue('mail', { class: 'Failing', args: [] });
    await ui.stage.failure();
    await ui.stage.enqueue(
      'mail',
      ...Array.from({ length: 110 }, (_, at) => ({ class: 'Good', args: [at] })),
    );
    await ui.stage.waitForStat('processed', 111, 25_000);
    await screen.press('4');
    await screen.waitForText('failed Failing');
    await screen.press('return');
    await screen.waitForText('the output of this job is no longer kept');
    await screen.waitForText('details of this job are no longer kept');
  });
});

describe('the keys that end a job', () => {
  test.each([
    ['x', 'SIGTERM'],
    ['X', 'SIGKILL'],
  ])('%s asks, and sends %s', async (key, signal) => {
    const { screen, puppet } = await openJob('trap "echo heard; exit 9" TERM; echo "pid $$"', 'pid ');
    await screen.waitForText(/out pid \d+$/m);
    const pid = Number(/out pid (\d+)$/m.exec(screen.text())?.[1]);
    await screen.press(key);
    await screen.waitForText(`Send ${signal} to job #1?`);
    // Cancel has the focus.
    await screen.press('return');
    await screen.waitForNoText(`Send ${signal}`);
    expect(isAlive(pid)).toBe(true);
    puppet.tell('echo still here');
    await screen.waitForText('out still here');
    await screen.press(key);
    await screen.waitForText(`Send ${signal} to job #1?`);
    await screen.press('y');
    await screen.waitForText('FAILED after');
    await screen.waitForText(/ ended ─/);
    expect(screen.text().includes('out heard')).toBe(signal === 'SIGTERM');
    expect(await ui.stage.failure()).toMatchObject(signal === 'SIGTERM' ? { exit_code: 9 } : { signal });
  });
});
