/** Help and the list in docs/commands.md are generated from the table of commands. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { flags, optionOf } from '../../../src/cli/command-line/flags.ts';
import { actionsOf, commandNames, commands } from '../../../src/cli/commands.ts';
import { commandLines, helpOn } from '../../../src/cli/help.ts';
import { readArguments } from '../../../src/cli/read-arguments.ts';

/** Examples can be copied unchanged. */
const commandLine = /^ {2}(?:resque-runner|bash|zsh|fish) /;

function expectFits(help: string, columns: number): void {
  for (const line of help.split('\n')) {
    if (!commandLine.test(line)) expect(line.length, line).toBeLessThanOrEqual(columns);
  }
}

/** The words of a command line, as a shell splits them. */
function wordsOf(line: string): string[] {
  const words = execFileSync('sh', ['-c', `printf '%s\\0' ${line}`], { cwd: tmpdir(), encoding: 'utf8' });
  return words.split('\0').slice(0, -1);
}

describe.each(commandNames)('help on %s', (name) => {
  const spec = commands[name];
  const help = helpOn(name === 'run' ? null : name);

  test.each([72, 80, 110])('fits %i columns', (columns) => {
    expectFits(helpOn(name === 'run' ? null : name, columns), columns);
  });

  test('is never too wide to read', () => {
    expectFits(helpOn(name === 'run' ? null : name, 300), 110);
  });

  test('lists every argument and flag except hidden ones', () => {
    for (const flag of spec.flags)
      expect(help).toMatch(new RegExp(`^ {2}${optionOf(flag)}\\b.* {2}\\S`, 'm'));
    for (const flag of spec.hiddenFlags ?? []) expect(help).not.toContain(optionOf(flag));
    for (const argument of spec.arguments) expect(help).toContain(argument.shown ?? argument.name);
  });

  test('has at least two examples, which are valid command lines', () => {
    expect(spec.examples.length).toBeGreaterThanOrEqual(2);
    for (const example of spec.examples) {
      expect(help).toContain(`\n  resque-runner ${example}`);
      expect(readArguments(wordsOf(example), process.cwd())).toMatchObject({
        kind: 'command',
        invocation: { command: name },
      });
    }
  });
});

test('every flag belongs to a command', () => {
  const used = new Set(
    commandNames.flatMap((name) => [...commands[name].flags, ...(commands[name].hiddenFlags ?? [])]),
  );
  expect(Object.keys(flags).filter((name) => !(used as Set<string>).has(name))).toEqual([]);
});

test('help on a group names its actions', () => {
  const help = helpOn('failed');
  for (const action of actionsOf('failed')) expect(help).toContain(`resque-runner ${action}`);
  expectFits(helpOn('failed', 72), 72);
});

test('help on the program names all commands', () => {
  const help = helpOn(null);
  for (const name of commandNames) {
    if (name !== 'run') expect(help).toContain(`resque-runner ${name.split(' ')[0]}`);
  }
});

describe('docs/commands.md', () => {
  const file = fileURLToPath(new URL('../../../docs/commands.md', import.meta.url));
  const start = '<!-- commands: UPDATE_DOCS=1 npx vitest run test/cli/command-line -->\n```\n';
  const end = '\n```\n<!-- /commands -->';

  test('lists the current commands', () => {
    const text = readFileSync(file, 'utf8');
    const [before, rest = ''] = text.split(start);
    const [, ...after] = rest.split(end);
    expect(after, 'the document has a place for the commands').toHaveLength(1);
    const list = commandLines()
      .map((line) => line.slice(2))
      .join('\n');
    const wanted = `${before}${start}${list}${end}${after[0]}`;
    if (process.env.UPDATE_DOCS === '1') writeFileSync(file, wanted);
    expect(readFileSync(file, 'utf8')).toBe(wanted);
  });
});
