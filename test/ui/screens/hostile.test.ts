/**
 * Whatever jobs print and clients write: on the screen it stays in its place, and does nothing to the terminal.
 */
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { takenScreen } from '../../helpers/terminal-screen.ts';
import { Puppet } from '../puppet.ts';
import { cellsOf } from '../screen-parts.ts';
import { type Screen, useInProcessUi } from './in-process.ts';

const ui = useInProcessUi({ timeoutMs: 150_000 });

const mebibyte = 1024 * 1024;
/** What it copies, should it come to that. */
const secret = Buffer.from('owned').toString('base64');

/** Each ends in, or begins its last line with, a text that shows, in which `SEEN` stands for one of its own. */
const outputs: readonly (readonly [string, string | Buffer])[] = [
  ['OSC 52', `\u001B]52;c;${secret}\u0007SEEN`],
  ['OSC 52 with ST', `\u001B]52;c;${secret}\u001B\\SEEN`],
  ['OSC 52 without an end', `SEEN \u001B]52;c;${secret}`],
  ['OSC 52 in C1 controls', `\u009D52;c;${secret}\u009CSEEN`],
  ['OSC 52 in bytes of eight bits', Buffer.from(`\u009D52;c;${secret}\u009CSEEN`, 'latin1')],
  ['OSC 52 for tmux', `\u001BPtmux;\u001B\u001B]52;c;${secret}\u0007\u001B\\SEEN`],
  ['OSC 52 with a sequence in it', `SEEN \u001B]52;c;\u001B[0m${secret}\u0007`],
  ['titles', 'SEEN\u001B]0;owned\u0007\u001B]1;owned\u0007\u001B]2;owned\u001B\\'],
  ['links and colours', 'SEEN\u001B]8;;https://example.org\u0007link\u001B]8;;\u0007\u001B]4;1;#fff\u0007'],
  ['cursor moves', '\u001B[1;1HSEEN\u001B[5A\u001B[99C\u001B[20;20H\u001BM\u001BD\u001B7\u001B8X'],
  ['clear screen', 'SEEN\u001B[2J\u001B[3J\u001B[H\u001B[K\u001B[1J'],
  ['reset, alignment pattern, character sets', 'SEEN\u001Bc\u001B#8\u001B(0qqq\u000Eqqq'],
  [
    'modes',
    'SEEN\u001B[?1049l\u001B[?25h\u001B[?7h\u001B[?2004l\u001B[?1003h\u001B[3;6r\u001B[4h\u001B[?2026h',
  ],
  ['colours that stay', 'SEEN\u001B[41;7mred'],
  ['questions to the terminal', 'SEEN\u001B[c\u001B[6n\u001B[?1$p\u001BP$qm\u001B\\\u001B]11;?\u0007'],
  ['control strings without an end', 'SEEN\u001BP\u001BX\u001B^\u001B_'],
  ['CR storm', `${Array.from({ length: 20_000 }, (_, at) => `\rat ${at}`).join('')}\rSEEN`],
  ['CR before blanks', `xxxxxxxxxx\rSEEN${' '.repeat(100)}\r\r\r`],
  ['backspaces and bells', `${'\b'.repeat(5_000)}SEEN${'\u0007'.repeat(300)}`],
  ['tabs', `${'\t'.repeat(3)}SEEN${'\t'.repeat(100)}end`],
  ['other breaks', 'SEEN\u000B\u000C\u0085\u2028\u2029end'],
  ['NUL and DEL', `${'\0'.repeat(100)}SEEN${'\u007F'.repeat(100)}`],
  ['C1 controls', `SEEN${Array.from({ length: 32 }, (_, at) => String.fromCharCode(0x80 + at)).join('')}`],
  ['bidi overrides', 'SEEN\u202Eevil\u202C\u2066\u2067\u2068x\u2069\u200F\u200E\u061C'],
  ['right-to-left text', 'SEEN مرحبا بالعالم שלום עולם'],
  ['zero-width characters', `SE\u200BEN SEEN\u200B\u200C\u200D\u2060\uFEFF\u00AD\u{E0041}\u180E`],
  ['emoji', 'SEEN 👩‍👩‍👧‍👦👍🏽🇩🇪❤️1️⃣🏴󠁧󠁢󠁥󠁮󠁧󠁿'.padEnd(400, '👩‍🔬')],
  ['wide characters up to the edge', `SEEN${'漢字'.repeat(600)}`],
  ['wide characters, one column on', `SEEN.${'漢字'.repeat(600)}`],
  ['combining marks', `SEENz${'\u0301'.repeat(1_500)}end`],
  ['combining marks at the start', `${'\u0301\u20E3\u0488'.repeat(50)}SEEN`],
  ['conjoining scripts', 'SEEN\u1100\u1161\u11A8 \u0E33\u0E33 क्षि ನ್ನಾ \u0D4E'.repeat(10)],
  ['incomplete UTF-8', Buffer.concat([Buffer.from('SEEN caf'), Buffer.from([0xc3])])],
  [
    'UTF-8 that is none',
    Buffer.concat([Buffer.from('SEEN'), Buffer.from([0xc0, 0xaf, 0xed, 0xa0, 0x80, 0xff])]),
  ],
  ['a storm of escapes', `${'\u001B'.repeat(mebibyte / 4)}\nSEEN`],
  // These two last.
  ['10 MB without a newline', `SEEN${'x'.repeat(10 * mebibyte)}${'SEEN '.repeat(100)}`],
  ['binary', Buffer.concat([randomBytes(40_000), Buffer.from('\nSEEN '), withoutBreaks(randomBytes(1_000))])],
];

function withoutBreaks(bytes: Buffer): Buffer {
  return Buffer.from(bytes.filter((byte) => byte !== 0x0a && byte !== 0x0d));
}

/** All that our own painting sends. */
const ownSequences =
  /\u001B(?:\[\?2026[hl]|\[\d+;\d+H|\[[\d;]*m|\[2?K|\[\d+G|\[J|\(B\u000F\u001B\[r\u001B\[\?7l\u001B\[\?25l)/g;

/** What reached the terminal and is neither text nor ours. */
function strays(received: string): string[] {
  const painted = received.slice(received.indexOf('\u001B[?2026h'));
  return painted.replace(ownSequences, '').match(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu) ?? [];
}

function expectHarmless(screen: Screen): void {
  expect(strays(screen.received)).toEqual([]);
  expect(screen).toMatchObject({
    titles: [],
    clipboard: [],
    ...takenScreen,
  });
}

/** The samples, each with a text of its own that shows. @returns those texts */
function writeOutputs(): string[] {
  return outputs.map(([, output], at) => {
    const mark = `seen-${at}.`;
    ui.stage.write(`output-${at}`, marked(output, mark));
    return mark;
  });
}

function marked(output: string | Buffer, mark: string): string | Buffer {
  if (typeof output === 'string') return output.replaceAll('SEEN', mark);
  const at = output.lastIndexOf('SEEN');
  return Buffer.concat([output.subarray(0, at), Buffer.from(mark), output.subarray(at + 'SEEN'.length)]);
}

test('a latest line changes nothing on the screen but itself, and nothing of the terminal', async () => {
  const marks = writeOutputs();
  const script = ui.stage.script(`number=$(tr -dc 0-9); echo "something harmless" >&2
    while [ ! -e "$D/go" ]; do sleep 0.1; done
    echo >&2; cat "$D/output-$number" >&2; exec sleep 60`);
  const calm = ui.stage.script('echo "all is well" >&2; cat > /dev/null; exec sleep 60');
  const foreign = foreignFailure({ error: 'it failed' });
  await ui.stage.client.rpush(ui.stage.key('failed'), JSON.stringify(foreign));
  const screen = await ui.start(
    { runners: { loud: { concurrency: marks.length, script }, calm: { concurrency: 1, script: calm } } },
    { rows: 110 },
  );
  await ui.stage.enqueue('calm', { class: 'Calm', args: ['ly'] });
  await ui.stage.enqueue('loud', ...marks.map((_, at) => ({ class: 'Loud', args: [at] })));
  await screen.waitForText('all is well');
  await screen.waitForText('it failed');
  const harmless = /^┃ +something harmless/;
  const count = () => screen.screen().filter((row) => harmless.test(row)).length;
  await screen.waitFor(() => count() === marks.length, 'all have said something harmless');
  // Now that all run, it stays so.
  await screen.waitForText(/ 0 waiting.* 0 waiting/);
  // Between the borders of the panel.
  const areas = screen
    .screen()
    .flatMap((text, row) => (harmless.test(text) ? [{ row, left: 1, right: 59 }] : []));
  const before = cellsOf(screen, areas);
  expect(before[areas[0]?.row ?? 0]).toMatch(/┃\?+┃/);
  ui.stage.write('go');
  await screen.waitFor(
    () => marks.every((mark) => screen.text().includes(mark)) && count() === 0,
    `all are seen, not ${outputs.filter((_, at) => !screen.text().includes(marks[at] ?? '')).map(([name]) => name)}`,
    60_000,
  );
  expect(cellsOf(screen, areas)).toEqual(before);
  expectHarmless(screen);
  // It is not as our own would be.
  await ui.stage.client.del(ui.stage.key('failed'));
});

test('the log of a job shows it line by line, and it stays within its rows', async () => {
  const marks = writeOutputs();
  const puppet = new Puppet(ui.stage);
  const screen = await ui.start({ script: puppet.script, runners: { loud: 1 } }, { rows: 110 });
  await ui.stage.enqueue('loud', { class: 'Loud', args: [] });
  await puppet.started();
  puppet.tell('echo something harmless >&2');
  await screen.waitForText('something harmless');
  await screen.press('return', 'return');
  await screen.waitForText(/err something harmless$/m);
  await screen.waitForText('1 line ');
  const rows = screen.screen();
  const logRows = () => screen.screen().slice(6, -2);
  expect(rows[5]).toMatch(/^── stderr/);
  // All but the rows of the log, and how many lines there are.
  const chrome = () => [
    ...cellsOf(screen, [{ row: 5, left: 34, right: 120 }]).filter((_, row) => row < 6 || row >= 108),
  ];
  const before = chrome();
  const print = (numbers: number[], end: string) => {
    const files = numbers.map((at) => `"$D/output-${at}"`);
    puppet.tell(`for file in ${files.join(' ')}; do cat $file >&2; echo >&2; done; echo "${end}" >&2`);
  };
  // The binary one, of many lines, first; the largest, before the end of which a part is left out, at last.
  const [large, binary] = [marks.length - 2, marks.length - 1];
  print([binary, ...marks.keys()].slice(0, -2), 'nearly all is said');
  await screen.waitForText(/err nearly all is said$/m, 60_000);
  const isLine = /^ (?:\d\d:\d\d:\d\d err(?: .*)?|── \d+ lines? skipped ──)?$/;
  for (const mark of marks.slice(0, -2)) expect(screen.text()).toContain(mark);
  expect(logRows().filter((row) => !isLine.test(row || ' '))).toEqual([]);
  expect(chrome()).toEqual(before);
  print([large], 'all is said');
  await screen.waitForText(/err all is said$/m, 60_000);
  expect(logRows().filter((row) => !isLine.test(row || ' '))).toEqual([]);
  expect(chrome()).toEqual(before);
  // Wrapped, all of the long ones is seen.
  await screen.press('w', 'g');
  await screen.waitForText('wrap:on');
  while (!screen.text().includes('all is said')) {
    const [top] = logRows();
    await screen.press('pagedown');
    await screen.waitFor(() => logRows()[0] !== top, 'a page further');
    expect(logRows().filter((row) => !isLine.test(row || ' ') && !/^ {14}/.test(row))).toEqual([]);
  }
  await screen.press('w', 'G');
  await screen.waitForText('FOLLOW  wrap:off');
  expect(chrome()).toEqual(before);
  expectHarmless(screen);
});

interface ForeignFailure {
  readonly jobClass: string;
  readonly args: unknown[];
  readonly queue: string;
  readonly error: string;
  readonly exception: string;
  readonly worker: string;
  readonly backtrace: string[];
}

/** As another worker writes it. */
function foreignFailure(failure: Partial<ForeignFailure>): object {
  const { jobClass = 'Doomed', args = [], ...rest } = failure;
  return {
    failed_at: new Date().toISOString(),
    payload: { class: jobClass, args },
    exception: 'Error',
    error: '',
    backtrace: [],
    worker: 'host:1:queue',
    queue: 'queue',
    ...rest,
  };
}

/** Begins like a harmless one and does all that it can. */
function nasty(text: string): string {
  const sequences = `\u001B]0;owned\u0007\u001B]52;c;${secret}\u0007\u001B]52;c;${secret}\u001B\\\u001B[2J\u001B[1;1H`;
  return `${text}${sequences}\u009B5A\u202Eevil\u200B\t\r\n\u2028\b\u{E0041}z\u0301\u0301 漢字 👩‍👩‍👧‍👦`;
}

const screens: readonly (readonly [readonly string[], string | RegExp])[] = [
  [['3'], '[3 Jobs]'],
  [['return'], 'FOLLOW'],
  [['escape', '4'], '[4 Events]'],
  [['2'], /\[2 Failures.*[\s\S]*Foreign/],
  [['return'], /Failures › [\s\S]*it failed/],
  [['escape', 'j', 'return'], /Failures › [\s\S]*it broke/],
];
const boxes: readonly (readonly [readonly string[], string | RegExp])[] = [
  [['escape', '1', 'x'], 'Send SIGTERM to job #2?'],
  [['escape', ':', 'm', 'a', 'i', 'l'], /queue +mail/],
];

/**
 * Queues, jobs and failures of all these names, on every screen.
 *
 * @returns of each screen, where its vertical borders are
 */
async function bordersWith(name: (text: string) => string): Promise<string[][]> {
  const queue = name('mail');
  const script = ui.stage.script('if grep -q Doomed; then cat "$D/error" >&2; exit 1; fi; exec sleep 60');
  const report = { exception: name('Doom'), error: name('it failed'), backtrace: [name('a.rb:1')] };
  ui.stage.write('error', JSON.stringify(report));
  const foreign = foreignFailure({
    jobClass: name('Foreign'),
    args: [name('arg')],
    queue: name('elsewhere'),
    exception: name('Alien'),
    error: name('it broke'),
    worker: name('host:1:elsewhere'),
    backtrace: [name('b.rb:2')],
  });
  await ui.stage.client.rpush(ui.stage.key('failed'), JSON.stringify(foreign));
  const screen = await ui.start({ script, runners: { [queue]: 1, plain: 1 } });
  await ui.stage.enqueue(queue, { class: name('Doomed'), args: [name('arg')] });
  await screen.waitForText(/Doomed.* Doom/);
  await ui.stage.enqueue(queue, { class: name('Sleeper'), args: [name('arg')] });
  await screen.waitForText(/00:0\d +#2 +Sleeper/);
  await screen.waitForText('Foreign');
  const found = [bordersOf(screen)];
  for (const [keys, text] of screens) {
    await screen.press(...keys);
    await screen.waitForText(text);
    found.push(bordersOf(screen));
  }
  for (const [keys, text] of boxes) {
    await screen.press(...keys);
    await screen.waitForText(text);
    expectWholeBox(bordersOf(screen));
  }
  await screen.press('escape');
  screen.resize(80, 24);
  await screen.waitFor(() => screen.screen()[23]?.includes('quit') === true, 'the table');
  found.push(bordersOf(screen));
  await screen.press('q', 'K');
  expect(await screen.ended).toEqual({ kind: 'stopped' });
  const last = screen.received.lastIndexOf('\u001B[?2026l');
  expect(strays(screen.received.slice(0, last))).toEqual([]);
  expect(screen).toMatchObject({ titles: [], clipboard: [] });
  await ui.stage.redis.flush();
  return found;
}

/** Everything but the vertical borders left blank. */
function bordersOf(screen: Screen): string[] {
  return screen.screen().map((_, row) =>
    Array.from({ length: screen.columns }, (_unused, column) => {
      const { text } = screen.cell(column, row);
      return /[│┃╭╮╰╯┏┓┗┛]/.test(text) ? text : ' ';
    })
      .join('')
      .trimEnd(),
  );
}

/** That over the screen there is a box, as high as it may be, with nothing missing at its sides. */
function expectWholeBox(rows: readonly string[]): void {
  const top = rows.findIndex((row) => row.indexOf('┏', 1) > 0);
  const [left, right] = [rows[top]?.indexOf('┏', 1) ?? 0, rows[top]?.indexOf('┓', 1) ?? 0];
  const sides = rows.slice(top + 1).map((row) => `${row[left]}${row[right]}`);
  const height = sides.indexOf('┗┛');
  expect(height).toBeGreaterThan(2);
  expect(new Set(sides.slice(0, height))).toEqual(new Set(['┃┃']));
}

test('names of queues, classes, args, errors and workers stay in their places on every screen', async () => {
  const harmless = await bordersWith((text) => text);
  expect(harmless[0]?.[3]).toMatch(/^┃ {58}┃│ {58}│$/);
  expect(await bordersWith(nasty)).toEqual(harmless);
});
