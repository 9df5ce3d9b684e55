/** Ctrl-Z and its relatives, under a shell with job control. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Terminal, takenTerminal, useTerminals } from '../../helpers/terminal.ts';
import { usePrograms } from './programs.ts';

const terminals = useTerminals();
const programs = usePrograms('full-screen.tsx');

/** A shell that runs the commands one after the other, each when Enter is pressed. */
function openShell(...commands: string[]): Terminal {
  const script = commands.map((command) => `${command}; echo "came to $?"; read -r _`).join('; ');
  return terminals.open({ command: ['sh', '-mc', script] });
}

async function expectPainted(terminal: Terminal, size = '80x24'): Promise<void> {
  await terminal.waitForText(new RegExp(`size ${size}.*\\n.*count \\d+ `));
  expect(terminal).toMatchObject({ ...takenTerminal, reportsMouse: true });
  // It goes on, and takes keys.
  await terminal.press('x');
  await terminal.waitForText('key x');
  await terminal.press('y');
  await terminal.waitForText('key y');
}

/** The shell's screen may show a text from an earlier command before the program has restored everything. */
async function waitForRestored(terminal: Terminal): Promise<void> {
  await terminal.waitFor(() => terminal.isRestored, 'the terminal is as before the program');
}

async function expectStopped(terminal: Terminal): Promise<void> {
  // 128 and the signal's number: 20 for SIGTSTP, 19 for SIGSTOP, 22 for SIGTTOU.
  await terminal.waitForText(/came to (?:148|147|150)/);
  await waitForRestored(terminal);
  expect(terminal.text()).not.toMatch(/count \d/);
}

async function quit(terminal: Terminal): Promise<void> {
  await terminal.press('q');
  await terminal.waitForText('came to 0');
  await waitForRestored(terminal);
}

test('Ctrl-Z and SIGTSTP give the terminal to the shell, and fg takes it back', async () => {
  const terminal = openShell(programs.shellCommand('full-screen.tsx'), 'fg', 'fg');
  await expectPainted(terminal);
  await terminal.press('ctrl+z');
  await expectStopped(terminal);
  await terminal.press('return');
  await expectPainted(terminal);
  terminal.signal('SIGTSTP');
  await terminal.waitForText(/came to 148[\s\S]*came to 148/);
  await terminal.press('return');
  await expectPainted(terminal);
  await quit(terminal);
});

test('in the background it paints nothing and waits to be brought back', async () => {
  const terminal = openShell(programs.shellCommand('full-screen.tsx'), 'bg', 'wait', 'fg');
  await expectPainted(terminal);
  await terminal.press('ctrl+z');
  await expectStopped(terminal);
  await terminal.press('return');
  await terminal.waitForText('came to 0');
  await terminal.press('return');
  // The kernel stops it as soon as it touches the terminal's modes.
  await terminal.waitForText(/came to 0[\s\S]*came to \d+/);
  await waitForRestored(terminal);
  await terminal.press('return');
  await expectPainted(terminal);
  await terminal.press('q');
  await terminal.waitForText(/came to 0[\s\S]*came to 0/);
});

test('after a stop that it could not see coming it takes the terminal back too', async () => {
  const terminal = openShell(
    programs.shellCommand('full-screen.tsx'),
    "stty sane; printf '\\033[?1049l'",
    'fg',
  );
  await expectPainted(terminal);
  terminal.signal('SIGSTOP');
  await terminal.waitFor(() => terminal.received.includes('came to 147'), 'the shell is back');
  // As they are, Enter would not end a line. Most shells mend that themselves.
  await terminal.press('ctrl+j');
  await terminal.waitFor(
    () => terminal.received.includes('came to 0') && !terminal.isAlternateScreen,
    'mended',
  );
  await terminal.press('return');
  await expectPainted(terminal);
  await quit(terminal);
});

test('where no shell waits for stopped programs, Ctrl-Z only repaints', async () => {
  const log = join(programs.directory, 'not-stopped');
  const terminal = terminals.open({ command: programs.command('full-screen.tsx', log) });
  await expectPainted(terminal);
  await terminal.press('ctrl+z');
  await terminal.waitFor(() => existsSync(log), 'it goes on by itself');
  await expectPainted(terminal);
  await terminal.press('q');
  expect(await terminal.exit).toEqual({ exitCode: 0, signal: 0 });
});
