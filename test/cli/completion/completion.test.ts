/** The completion scripts as texts: that each holds all there is, and nothing that is hidden. No shell is needed. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { optionOf } from '../../../src/cli/command-line/flags.ts';
import { type CommandName, commandNames, commands, firstWords } from '../../../src/cli/commands.ts';
import { runProgram, useDirectory } from '../program.ts';
import { completionScript, hasShell, type Shell, shells } from './shells.ts';

const directory = useDirectory();
const scripts = new Map<Shell, string>();

beforeAll(() => {
  for (const shell of shells) scripts.set(shell, completionScript(shell));
});

function script(shell: Shell): string {
  return scripts.get(shell) ?? '';
}

/** The flags that a script knows of a command. */
const flagsIn: Readonly<Record<Shell, (text: string, name: CommandName) => string[]>> = {
  bash: (text, name) => {
    const [, flags = ''] = new RegExp(`^    '${name}'\\)\\n      flags='(.*)'$`, 'm').exec(text) ?? [];
    return flags.split(' ');
  },
  zsh: (text, name) => {
    const [, block = ''] = new RegExp(`^    \\('${name}'\\)\\n([^]*?)\\n      ;;`, 'm').exec(text) ?? [];
    return [...block.matchAll(/'(--[\w-]+)=?\[/g)].map(([, option = '']) => option);
  },
  fish: (text, name) => {
    const line = new RegExp(`__resque_runner_takes \\\\'${name}\\\\' (--[\\w-]+)' -l ([\\w-]+) `, 'g');
    return [...text.matchAll(line)].map(([, option = '', long]) => (option === `--${long}` ? option : '?'));
  },
};

describe.each(shells)('the script for %s', (shell) => {
  test.each(commandNames)('knows every flag of %s, and none that is hidden', (name) => {
    const own = commands[name].flags.map(optionOf);
    const always = name === 'run' ? ['--help', '--version'] : ['--help'];
    expect(flagsIn[shell](script(shell), name)).toEqual([...own, ...always]);
  });

  test('knows every command and action', () => {
    for (const name of commandNames) {
      if (name === 'run') continue;
      for (const word of name.split(' ')) expect(script(shell)).toMatch(new RegExp(`\\b${word}\\b`));
    }
    for (const word of firstWords) {
      if (shell === 'bash') continue;
      expect(script(shell)).toMatch(new RegExp(`(-a ${word} |'${word}:)`));
    }
    expect(script(shell)).toMatch(/list.*show.*retry.*remove.*clear/);
  });

  test('never names what is hidden', () => {
    expect(script(shell)).not.toContain('link-fd');
  });

  test.runIf(shell !== 'bash')('says what flags and commands do', () => {
    expect(script(shell)).toContain('how many times to enqueue the job');
    expect(script(shell)).toContain('put a job on a queue, or a file of jobs');
    expect(script(shell)).toMatch(/don('\\''|\\')t ask/);
    // What a flag means for one command.
    expect(script(shell)).toContain('a job of this class with the ARGs');
  });

  test('is whole', () => {
    expect(script(shell)).toMatch(/\S\n$/);
    expect(script(shell)).not.toMatch(/undefined|\[object|\r|\t/);
  });

  test.skipIf(!hasShell(shell))('is one that the shell can read', () => {
    const file = join(directory.path, 'script');
    writeFileSync(file, script(shell));
    execFileSync(shell, ['-n', file]);
  });
});

test.each([
  ['bsh', 'there is no completion for "bsh"; did you mean "bash"?'],
  ['Fish', 'there is no completion for "Fish"; did you mean "fish"?'],
  ['tcsh', 'there is no completion for "tcsh"; the shell must be bash, zsh or fish'],
  ['powershell', 'there is no completion for "powershell"; the shell must be bash, zsh or fish'],
  ['a\u001B[2J', 'there is no completion for "a\\u001b[2J"; the shell must be bash, zsh or fish'],
  ['', 'there is no completion for ""; the shell must be bash, zsh or fish'],
])('the shell %j is refused, with what to say instead', async (shell, message) => {
  expect(await runProgram(['completion', shell], { cwd: directory.path })).toEqual({
    code: 2,
    stdout: '',
    stderr: `resque-runner: ${message}`,
  });
});
