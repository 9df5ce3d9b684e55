/** The screen of the demo and of an embedded Redis, without colors, and on unsuitable terminals. */
import { readdirSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { isAlive } from '../../helpers/processes.ts';
import type { Terminal } from '../../helpers/terminal.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { useUiStage } from '../../ui/stage.ts';

const ui = useUiStage();

const sleeper = 'echo "it runs" >&2; cat > /dev/null; exec sleep 60';

async function openDemo(): Promise<Terminal> {
  const terminal = ui.shell([ui.shellCommandOf(['demo'])]);
  await terminal.waitForText('1 Queues');
  await terminal.waitForText(/payments[\s\S]*mail[\s\S]*SendMail/);
  return terminal;
}

async function expectNothingLeft(pids: readonly number[]): Promise<void> {
  await waitFor(() => pids.every((pid) => !isAlive(pid)) && readdirSync(ui.stage.path('tmp')).length === 0, {
    message: () => `nothing is left: ${readdirSync(ui.stage.path('tmp'))} ${pids.filter(isAlive)}`,
    timeoutMs: 15_000,
  });
}

describe('the demo has a screen, and leaves nothing behind after', () => {
  test('q and drain', async () => {
    const terminal = await openDemo();
    const pids = ui.enginePids();
    // Its Redis keeps them for as long as the demo runs.
    await terminal.press('p', '+');
    await terminal.waitForText('payments  ‖ PAUSED  0/2 (config 1)');
    await terminal.press('q');
    await terminal.waitForText('Drain and quit');
    // It can't continue without the demo's Redis.
    expect(terminal.text()).not.toContain('Detach');
    await terminal.press('q');
    await terminal.waitForText('came to 0', 20_000);
    expect(terminal.isRestored, terminal.describe()).toBe(true);
    expect(terminal.text()).toMatch(/resque-runner has stopped: \d+ jobs? processed, \d+ failed\./);
    expect(terminal.text()).toMatch(/^demo: ran for .*; \d+ jobs processed, .*; all files are removed$/m);
    await expectNothingLeft(pids);
  });

  // All at once, because each one takes a while to end.
  test('Ctrl-C three times, SIGTERM, SIGKILL, and a closed terminal', async () => {
    const ends: readonly [string, (terminal: Terminal) => void | Promise<void>][] = [
      ['came to 0', (terminal) => terminal.press('ctrl+c', 'ctrl+c', 'ctrl+c')],
      ['came to 143', (terminal) => terminal.signal('SIGTERM')],
    ];
    const ending = await Promise.all(
      ends.map(async ([text, end]) => ({ terminal: await openDemo(), text, end })),
    );
    const [killed, closed] = [await openDemo(), await openDemo()];
    // A child that is just being started is a copy of its engine for a moment.
    await waitFor(() => ui.enginePids().length === ends.length + 2, { message: 'each demo has one engine' });
    const pids = [...ui.enginePids(), closed.foregroundPid];
    for (const { terminal, end } of ending) await end(terminal);
    killed.signal('SIGKILL');
    closed.hangUp();
    for (const { terminal, text } of ending) {
      await terminal.waitForText(text);
      expect(terminal.isRestored, terminal.describe()).toBe(true);
    }
    // What it leaves on the screen, it can't help.
    await waitFor(() => killed.received.includes('came to 137'), { message: 'it has been killed' });
    await expectNothingLeft(pids);
  });
});

test('a mistake in the config is shown on the normal screen', async () => {
  const file = ui.stage.write('bad.json', '{ "runners": { "mail": 0 }, "script": "/bin/true" }');
  const terminal = ui.shell([ui.shellCommandOf([file])]);
  await terminal.waitForText('came to 2');
  expect(terminal.isRestored).toBe(true);
  expect(terminal.screen().slice(0, 3)).toEqual([
    'before',
    `resque-runner: ${file} can't be used:`,
    '  runners.mail.concurrency: must be 1 or more, got 0',
  ]);
  expect(terminal.received).not.toContain('\u001B');
});

test('an embedded Redis runs with the screen, and ends with it', async () => {
  const script = ui.stage.script('cat > /dev/null; echo ran >> "$D/ran"');
  const file = ui.stage.path('embedded.json');
  writeFileSync(file, JSON.stringify({ redis: 'embedded', script, runners: { mail: 1 } }));
  const terminal = ui.shell([ui.shellCommandOf([file])], { cwd: ui.stage.directory });
  await terminal.waitForText('━ mail ');
  await terminal.waitForText(/ ● up \d+s/);
  const other = ui.terminal({
    command: ui.commandOf(['enqueue', 'mail', 'Welcome', '--config', file]),
    cwd: ui.stage.directory,
  });
  expect(await other.exit).toEqual({ exitCode: 0, signal: 0 });
  await ui.stage.waitForFileLines('ran');
  await terminal.press('3');
  await terminal.waitForText(/✓ #1 .*Welcome/);
  await terminal.press('q', 'q');
  await terminal.waitForText('came to 0');
  expect(terminal.isRestored, terminal.describe()).toBe(true);
});

test('what is set by hand survives a restart of an embedded Redis', async () => {
  const file = ui.stage.path('embedded.json');
  writeFileSync(file, JSON.stringify({ redis: 'embedded', script: '/bin/true', runners: { mail: 1 } }));
  const start = async () => {
    const terminal = ui.shell([ui.shellCommandOf([file])], { cwd: ui.stage.directory });
    await terminal.waitForText(/ ● up \d+s/);
    return terminal;
  };
  const stop = async (terminal: Terminal) => {
    await terminal.press('q', 'q');
    await terminal.waitForText('came to 0');
    expect(terminal.text()).not.toMatch(/overrides|lost|survive/);
  };
  const first = await start();
  await first.press('p', '+', '+');
  await first.waitForText('mail  ‖ PAUSED  0/3 (config 1)');
  await stop(first);
  const second = await start();
  await second.waitForText('mail  ‖ PAUSED  0/3 (config 1)');
  await second.waitForText('config kept from before: mail paused by ');
  await second.press(':');
  await second.waitForText('Commands');
  second.type('reset all\r');
  await second.waitForText('mail  0/1 ');
  await stop(second);
  const third = await start();
  await third.waitForText('mail  0/1 ');
  await stop(third);
});

test('with NO_COLOR, there are no colors, and no information depends on them', async () => {
  const script = ui.stage.script(sleeper);
  const screen = await ui.start({ script, runners: { mail: 1, images: 1 } }, { env: { NO_COLOR: '1' } });
  await ui.stage.enqueue('mail', { class: 'First', args: [] });
  await screen.waitForText('it runs');
  await screen.press('p');
  await screen.waitForText(/draining|PAUSED/);
  await screen.press('return', 'return');
  await screen.waitForText('err it runs');
  await screen.press('?');
  await screen.waitForText('Help');
  await screen.press('escape', 'x');
  await screen.waitForText('Send SIGTERM');
  const styles = [...screen.received.matchAll(/\u001B\[([\d;]*)m/g)].flatMap(([, codes = '']) =>
    codes.split(';'),
  );
  // Bold, dim, underlined and inverse, and their ends.
  expect(
    [...new Set(styles)].filter((code) => !['', '0', '1', '2', '4', '7', '22', '24', '27'].includes(code)),
  ).toEqual([]);
  expect(styles).toContain('7');
});

test.each([
  ['a dumb terminal', ['env', 'TERM=dumb'], []],
  ['--no-ui', [], ['--no-ui']],
  ['--log-format', [], ['--log-format', 'pretty']],
] as const)('with %s there are log lines instead of a screen', async (_, before, flags) => {
  const script = ui.stage.script('cat > /dev/null');
  const [node, ...args] = ui.commandOf([ui.writeConfig({ script, runners: { mail: 1 } }), ...flags]);
  const [program = node, ...rest] = [...before, node, ...args];
  const terminal = ui.terminal({ command: [program, ...rest], columns: 120 });
  await terminal.waitForText('connected, version');
  await ui.stage.enqueue('mail', { class: 'Welcome', args: [] });
  await terminal.waitForText('done Welcome');
  expect(terminal).toMatchObject({ isAlternateScreen: false, isCursorHidden: false, inputMode: 'cooked' });
  // As a terminal does: the signal goes to the group.
  await terminal.press('ctrl+c');
  expect(await terminal.exit).toEqual({ exitCode: 0, signal: 0 });
});
