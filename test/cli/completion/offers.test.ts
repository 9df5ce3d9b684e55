/** What the program offers for a command line. `shells.test.ts` asks real shells. */
import { describe, expect, test } from 'vitest';
import { optionOf } from '../../../src/cli/command-line/flags.ts';
import { commandNames, commands, firstWords, groups } from '../../../src/cli/commands.ts';
import { offerLines, offersFor } from '../../../src/cli/completion/offers.ts';
import { cases, files } from './cases.ts';

const commandLine = { specs: commands, groups, firstWords };

/** The words of a line, as a shell would pass them on. */
function typed(line: string): string[] {
  return line.split(' ');
}

test.each(cases)('"$line" gets the matching offers', ({ line, offers }) => {
  const { words, takesFiles } = offersFor(typed(line), commandLine);
  const current = /[^ =]*$/.exec(line)?.[0] ?? '';
  const prefix =
    typed(line)
      .at(-1)
      ?.slice(0, -current.length || undefined) ?? '';
  const paths = takesFiles
    ? files.filter((name) => name.startsWith(current)).map((name) => prefix + name)
    : [];
  expect([...words.map(({ word }) => word), ...paths].sort()).toEqual([...offers].sort());
});

describe.each(commandNames)('after %s', (name) => {
  test('every flag is offered, except hidden ones', () => {
    const line = name === 'run' ? ['-'] : [...name.split(' '), '-'];
    const always = name === 'run' ? ['--help', '--version'] : ['--help'];
    const offered = offersFor(line, commandLine).words.map(({ word }) => word);
    expect(offered).toEqual([...commands[name].flags.map(optionOf), ...always]);
  });
});

test('offers include descriptions of commands and flags', () => {
  expect(offerLines(['enq'], commandLine)).toBe(`enqueue\t${commands.enqueue.summary}\n:files\n`);
  const retry = offerLines(['failed', 'retry', '--y'], commandLine);
  expect(retry).toMatch(/^--yes\t\S.*\n$/);
});
