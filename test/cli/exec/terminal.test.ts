/** `exec` on a terminal. */
import { describe, expect, test } from 'vitest';
import { isAlive } from '../../helpers/processes.ts';
import { useTerminals } from '../../helpers/terminal.ts';
import { program } from '../program.ts';
import { useExec } from './stage.ts';

const terminals = useTerminals();
const stage = useExec();

function open(args: readonly string[], { columns = 80, env = {} } = {}) {
  const command = [process.execPath, program, 'exec', ...args] as const;
  return terminals.open({
    command: [...command] as [string, ...string[]],
    cwd: stage.directory,
    columns,
    rows: 40,
    env,
  });
}

describe('the verdict', () => {
  test.each([
    ['green', 'exit 0', '✓ succeeded', 2],
    ['red', 'exit 3', '✗ failed', 1],
  ])('is %s, on its own line', async (_, script, words, color) => {
    stage.script(`printf 'no end'; ${script}`);
    stage.config();
    const terminal = open(['mail', '--class', 'A']);
    await terminal.exit;
    await terminal.waitForText('peak memory');
    const row = terminal.screen().findIndex((line) => line.startsWith(words));
    expect(terminal.screen()[row - 1]).toBe('no end');
    expect(terminal.cell(0, row).color).toBe(color);
  });

  test('has no colors with NO_COLOR', async () => {
    stage.script('exit 3');
    stage.config();
    const terminal = open(['mail', '--class', 'A'], { env: { NO_COLOR: '1' } });
    await terminal.exit;
    await terminal.waitForText('✗ failed');
    expect(terminal.received).not.toContain('\u001b[3');
  });

  test('never wraps a line, even on a narrow terminal', async () => {
    stage.script(`head -c 500 /dev/zero | tr '\\0' x >&2; exit 3`);
    stage.config();
    const terminal = open(['mail', '--class', 'A', 'x'.repeat(300), '--json'], { columns: 60 });
    await terminal.exit;
    const text = open(['mail', '--class', 'A', 'x'.repeat(300)], { columns: 60 });
    await text.exit;
    await text.waitForText('resque-web would show');
    const shown = text.received.slice(text.received.indexOf('✗'));
    // Escape sequences are not text.
    for (const line of shown.replaceAll(/\u001b\[[\d;]*m/g, '').split('\r\n'))
      expect(line.length).toBeLessThanOrEqual(60);
  });
});

test('without a job, it says how to name one, and does not wait for input', async () => {
  stage.script('');
  stage.config();
  const terminal = open(['mail']);
  expect(await terminal.exit).toEqual({ exitCode: 2, signal: 0 });
  await terminal.waitForText('resque-runner: no job given; use one of:');
  await terminal.waitForText('a class:         resque-runner exec QUEUE --class CLASS ARG…');
});

test('Ctrl-C ends the job once, and the verdict follows', async () => {
  stage.script(`trap 'echo cleaned; exit 5' TERM; echo $$ > "$D/pid"; while :; do sleep 0.1; done`);
  stage.config({ killAfter: 3600 });
  const terminal = open(['mail', '--class', 'A']);
  const pid = Number(await stage.waitForFile('pid', '\n'));
  await terminal.press('ctrl+c');
  expect(await terminal.exit).toEqual({ exitCode: 130, signal: 0 });
  await terminal.waitForText(/cleaned\n✗ failed after .*: interrupted by SIGINT; exit code 5/);
  expect(isAlive(pid)).toBe(false);
});

test('Ctrl-C reaches a job of --watch once, too', async () => {
  stage.script(`trap 'echo cleaned; exit 5' TERM; echo $$ > "$D/pid"; while :; do sleep 0.1; done`);
  stage.config({ killAfter: 3600 });
  const terminal = open(['mail', '--class', 'A', '--watch']);
  const pid = Number(await stage.waitForFile('pid', '\n'));
  await terminal.press('ctrl+c');
  expect(await terminal.exit).toEqual({ exitCode: 130, signal: 0 });
  await terminal.waitForText(/cleaned\n✗ failed after .*: interrupted by SIGINT; exit code 5/);
  expect(isAlive(pid)).toBe(false);
});

test('closing the terminal ends the job', async () => {
  stage.script('echo $$ > "$D/pid"; exec sleep 60');
  stage.config();
  const terminal = open(['mail', '--class', 'A']);
  const pid = Number(await stage.waitForFile('pid', '\n'));
  expect(isAlive(pid)).toBe(true);
  terminal.hangUp();
  await terminal.exit;
  expect(isAlive(pid)).toBe(false);
});
