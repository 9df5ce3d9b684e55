/**
 * The terminal is given back as it was, however a program ends. Each program is started by a shell that waits for
 * it, so that the terminal lives on and shows what was left.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isAlive } from '../../helpers/processes.ts';
import { type Terminal, takenTerminal, useTerminals } from '../../helpers/terminal.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { usePrograms } from './programs.ts';

const terminals = useTerminals();
const programs = usePrograms('full-screen.tsx');

/** A shell with job control runs the program, and says what it came to. */
async function openProgram(env: Readonly<Record<string, string>> = {}): Promise<Terminal> {
  const script = `echo before; ${programs.shellCommand('full-screen.tsx')}; echo "came to $?"; read -r _`;
  const terminal = terminals.open({ command: ['sh', '-mc', script], env });
  await terminal.waitForText(/size 80x24.*\n.*count \d+ /);
  expect(terminal).toMatchObject({ ...takenTerminal, reportsMouse: true });
  return terminal;
}

async function expectRestored(terminal: Terminal, code: number): Promise<void> {
  await terminal.waitForText(`came to ${code}`);
  expect(terminal.isRestored, terminal.describe()).toBe(true);
  expect(terminal.screen()[0]).toBe('before');
  // Nothing of the frames is left on it.
  expect(terminal.text()).not.toMatch(/count \d/);
}

describe('the terminal is as it was after', () => {
  test('process.exit', async () => {
    const terminal = await openProgram();
    await terminal.press('e');
    await expectRestored(terminal, 3);
  });

  test.each([
    ['an error in a component', 't', 'thrown in render', 4],
    ['an error that nobody caught', 'u', 'thrown by a key', 1],
    ['a rejection that nobody caught', 'r', 'rejected by a key', 1],
  ])('%s, which is then told', async (_, key, message, code) => {
    const terminal = await openProgram();
    await terminal.press(key);
    await expectRestored(terminal, code);
    expect(terminal.text()).toContain(`Error: ${message}`);
  });
});

test('a program with its own report of faults prints it there', async () => {
  const terminal = await openProgram({ OWN_REPORT: '1' });
  await terminal.press('r');
  await expectRestored(terminal, 6);
  expect(terminal.screen()[1]).toMatch(/^own report: /);
});

test('a program whose window is closed is told to hang up, once, and ends', async () => {
  const log = join(programs.directory, 'hang-up');
  const terminal = terminals.open({ command: programs.command('full-screen.tsx', log) });
  await terminal.waitForText('count');
  const pid = terminal.foregroundPid;
  terminal.hangUp();
  await waitFor(() => !isAlive(pid), { message: 'the program has ended' });
  expect(readFileSync(log, 'utf8')).toBe('SIGHUP\n');
});
