/** `|`: the log of a job in a pager that has the terminal, and the way back to the screen. */
import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type Terminal, takenTerminal } from '../../helpers/terminal.ts';
import { useUiStage } from '../stage.ts';

const ui = useUiStage();

/** Shows that it has the terminal, takes a line from its keyboard, and says so at its end. */
function pagerScript(): string {
  return ui.stage.script(
    `trap 'echo interrupted' INT; cat > "$D/paged"; echo "the pager is open"
    while ! read -r key < /dev/tty; do :; done; echo "$key" > "$D/key"`,
    { name: 'pager' },
  );
}

/** A screen with the log of a job that has printed something, under a shell with job control. */
async function openLog(pager: string, ...then: string[]): Promise<Terminal> {
  const script = ui.stage.script(
    String.raw`cat > /dev/null; printf '\033[31mred\033[0m\033]52;c;b3duZWQ=\007 and \033[2Jplain\n'
    echo "a warning" >&2; exec sleep 60`,
  );
  const config = ui.writeConfig({ script, runners: { mail: 1 } });
  const terminal = ui.shell([ui.shellCommandOf([config]), ...then], { env: { PAGER: pager } });
  await terminal.waitForText('1 Queues');
  await ui.stage.enqueue('mail', { class: 'Sleeper', args: [] });
  await terminal.waitForText('a warning');
  // The queue's page, then the job.
  await terminal.press('return', 'return');
  await terminal.waitForText('2 lines');
  return terminal;
}

async function expectBack(terminal: Terminal): Promise<void> {
  await terminal.waitForText(/^ \d\d:\d\d:\d\d out red and plain$/m);
  await terminal.waitFor(() => terminal.inputMode === 'raw', 'it takes keys');
  expect(terminal).toMatchObject({ ...takenTerminal, reportsMouse: true });
  await terminal.press('t');
  await terminal.waitForText(/^ out red and plain$/m);
}

async function quit(terminal: Terminal): Promise<void> {
  await terminal.press('1', 'q', 'K');
  await terminal.waitForText('came to 0');
  expect(terminal.isRestored, terminal.describe()).toBe(true);
}

test.each([
  ['a program', ''],
  ['a shell command', '; true "$0"'],
])('%s as pager has the terminal and its keys until it ends, then the screen is back', async (_, more) => {
  const terminal = await openLog(pagerScript() + more);
  await terminal.press('|');
  await terminal.waitForText('the pager is open');
  expect(terminal).toMatchObject({
    isAlternateScreen: false,
    isCursorHidden: false,
    hasBracketedPaste: false,
    wrapsLines: true,
    inputMode: 'cooked',
    reportsMouse: false,
  });
  // Colors of ours, and nothing else.
  const paged = readFileSync(ui.stage.path('paged'), 'utf8').split('\n').sort();
  expect(paged).toEqual(['', '\u001B[31mred\u001B[0m and plain', 'a warning']);
  const before = terminal.received.length;
  // For the pager: on the screen, it would ask.
  await terminal.press('ctrl+c');
  await terminal.waitForText('interrupted');
  await terminal.press('q', 'Q');
  terminal.resize(110, 30);
  expect(terminal.received.slice(before)).not.toContain('\u001B[?2026h');
  await terminal.press('return');
  await expectBack(terminal);
  expect(readFileSync(ui.stage.path('key'), 'utf8')).toBe('qQ\n');
  expect(terminal.screen()).toHaveLength(30);
  await quit(terminal);
});

test('Ctrl-Z in the pager stops both, and fg goes on in the pager', async () => {
  const terminal = await openLog(pagerScript(), 'fg');
  await terminal.press('|');
  await terminal.waitForText('the pager is open');
  await terminal.press('ctrl+z');
  await terminal.waitForText('came to 148');
  await terminal.press('return');
  await terminal.press('g', 'o', 'return');
  await expectBack(terminal);
  expect(existsSync(ui.stage.path('key'))).toBe(true);
  await quit(terminal);
});

test.each([
  ['no-such-pager', 'the pager no-such-pager was not found; set PAGER to another one'],
  ['/', "the pager / can't be executed; set PAGER to another one"],
  ['no-such-pager "with quotes"', 'the pager no-such-pager "with quotes" was not found'],
])('a pager that fails says so on the screen: %s', async (pager, problem) => {
  const terminal = await openLog(pager);
  await terminal.press('|');
  await terminal.waitForText(problem);
  await expectBack(terminal);
  await quit(terminal);
});

test('so does one that exits with an error or dies; one that is left before it has read everything is no problem', async () => {
  const pager = ui.stage.script('true', { name: 'pager' });
  const terminal = await openLog(pager);
  for (const [body, problem] of [
    ['exit 3', `the pager ${pager} exited with 3`],
    ['kill -9 $$', `the pager ${pager} got SIGKILL`],
  ] as const) {
    ui.stage.script(body, { name: 'pager' });
    await terminal.press('|');
    await terminal.waitForText(problem);
  }
  ui.stage.script('true', { name: 'pager' });
  const before = terminal.received.length;
  await terminal.press('|');
  await terminal.waitFor(() => terminal.received.indexOf('\u001B[?1049h', before) > 0, 'it is back');
  await expectBack(terminal);
  expect(terminal.text()).not.toContain('the pager');
  await quit(terminal);
});

test('if the runner stops, the pager stays, and the reason appears after it', async () => {
  const terminal = await openLog(pagerScript());
  await terminal.press('|');
  await terminal.waitForText('the pager is open');
  for (const pid of ui.enginePids()) process.kill(pid, 'SIGTERM');
  await ui.stage.waitForStat('failed', 1);
  await terminal.waitFor(() => ui.enginePids().length === 0, 'the engine has stopped');
  expect(terminal.text()).not.toContain('came to');
  await terminal.press('x', 'return');
  await terminal.waitForText(/came to \d/);
  expect(readFileSync(ui.stage.path('key'), 'utf8')).toBe('x\n');
  expect(terminal.isRestored, terminal.describe()).toBe(true);
});

test('a signal ends the screen and the pager', async () => {
  const terminal = await openLog(pagerScript());
  await terminal.press('|');
  await terminal.waitForText('the pager is open');
  terminal.signal('SIGTERM');
  await terminal.waitForText(/came to \d+/);
  expect(terminal.isRestored, terminal.describe()).toBe(true);
  expect(existsSync(ui.stage.path('key'))).toBe(false);
});
