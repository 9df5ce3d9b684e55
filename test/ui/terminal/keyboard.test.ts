/** Keys and pastes as a real terminal sends them. */
import { expect, test } from 'vitest';
import type { TerminalInput } from '../../../src/ui/keys/key-decoder.ts';
import { useTerminals } from '../../helpers/terminal.ts';
import { usePrograms } from './programs.ts';

const terminals = useTerminals();
const programs = usePrograms('keys.ts');

test('keys, fast typing, pastes and ends of the program are told apart', async () => {
  const terminal = terminals.open({ command: programs.command('keys.ts'), rows: 50 });
  await terminal.waitForText('ready');
  const expected: TerminalInput[] = [];
  const expectInputs = async (...more: TerminalInput[]) => {
    expected.push(...more);
    await terminal.waitFor(
      () => told(terminal.text()).length >= expected.length,
      `${JSON.stringify(more)} came`,
    );
    expect(told(terminal.text())).toEqual(expected);
  };
  const names = [
    'j',
    'J',
    'up',
    'pagedown',
    'shift+tab',
    'tab',
    'return',
    'backspace',
    'delete',
    'space',
    'ctrl+c',
  ];
  await terminal.press(...names, 'ctrl+u', 'alt+x', 'escape', 'home', 'end', 'escape', 'left');
  await expectInputs(
    ...[...names, 'ctrl+u', 'alt+x', 'escape', 'home', 'end', 'escape', 'left'].map((key) => ({ key })),
  );
  terminal.type('jjk\u001B[Bü');
  await expectInputs(...['j', 'j', 'k', 'down', 'ü'].map((key) => ({ key })));
  terminal.paste('q\nrm -rf /\n');
  await expectInputs({ paste: 'q\nrm -rf /\n' });
  await terminal.press('q');
  expect(await terminal.exit).toEqual({ exitCode: 0, signal: 0 });
});

test('a long paste comes whole', async () => {
  const terminal = terminals.open({ command: programs.command('keys.ts'), rows: 50 });
  await terminal.waitForText('ready');
  const text = 'lorem ipsum '.repeat(2_000);
  terminal.paste(text);
  const paste = /\{"paste":.*?\}/;
  await terminal.waitFor(() => paste.test(terminal.received), 'the paste came');
  expect(JSON.parse(paste.exec(terminal.received)?.[0] ?? '')).toEqual({ paste: text });
  await terminal.press('q');
  await terminal.exit;
});

function told(text: string): TerminalInput[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as TerminalInput);
}
