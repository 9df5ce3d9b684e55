/** What real shells offer with the completion scripts, for the same cases. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Terminal } from '../../helpers/terminal.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { program, runProgram } from '../program.ts';
import { type Case, cases, files } from './cases.ts';

const shells = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof shells)[number];

/** Not every machine has all of these shells. */
function hasShell(shell: Shell): boolean {
  return spawnSync(shell, ['-c', 'exit 0']).status === 0;
}

const asked = cases.filter(({ inShells }) => inShells === true);
const lines = asked.map(({ line }) => `resque-runner ${line}`);
let directory = '';
let scripts = '';
let env: Record<string, string> = {};

beforeAll(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'rr-completion-')));
  scripts = realpathSync(mkdtempSync(join(tmpdir(), 'rr-completion-scripts-')));
  for (const name of files) writeFileSync(join(directory, name), '');
  const command = join(scripts, 'resque-runner');
  writeFileSync(command, `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`, { mode: 0o755 });
  for (const shell of shells) {
    writeFileSync(join(scripts, shell), execFileSync(command, ['completion', shell]));
  }
  env = { PATH: scripts + delimiter + process.env.PATH };
});

afterAll(() => {
  for (const path of [directory, scripts]) rmSync(path, { recursive: true, force: true });
});

/** Runs all cases in one shell. @returns its offers for each case, as they would be typed */
const offersOf: Readonly<Record<Shell, () => Promise<string[][]>>> = {
  bash: async () => askedOutright('bash', ['--norc']),
  zsh: async () => {
    const harness = fileURLToPath(new URL('harness.zsh', import.meta.url));
    const offers = join(scripts, 'offers');
    writeFileSync(offers, '');
    const terminal = new Terminal({
      command: ['zsh', '-f', '-i'],
      cwd: directory,
      env: { ...env, SCRIPT: join(scripts, 'zsh'), OFFERS: offers, HARNESS: harness },
      columns: 120,
      rows: 40,
    });
    const count = () => readFileSync(offers, 'utf8').split('----\n').length - 1;
    try {
      terminal.type('source $HARNESS\r');
      await terminal.waitForText('ready>');
      for (const [at, line] of lines.entries()) {
        terminal.type(`${line}\t\u0014`);
        await waitFor(() => count() === at + 1, {
          message: () => `zsh has completed ${line}\n${terminal.describe()}`,
        });
      }
    } finally {
      await terminal.dispose();
    }
    return sections(readFileSync(offers, 'utf8'));
  },
  fish: async () => askedOutright('fish', ['--no-config']),
};

/** Asks a shell without a terminal; a terminal would only add the files of bash's `-o default`. */
function askedOutright(shell: 'bash' | 'fish', options: readonly string[]): string[][] {
  const harness = fileURLToPath(new URL(`harness.${shell}`, import.meta.url));
  const args = [...options, harness, join(scripts, shell), ...lines];
  const output = execFileSync(shell, args, {
    cwd: directory,
    env: { ...process.env, ...env },
    encoding: 'utf8',
  });
  return sections(output);
}

/** One word per line, and a line of dashes after each case. */
function sections(output: string): string[][] {
  return output.split('----\n').map((section) => section.split('\n').filter((word) => word !== ''));
}

function expectedOffers({ offers, inBash, inZsh }: Case, shell: Shell): string[] {
  const own = { bash: inBash, zsh: inZsh, fish: undefined }[shell];
  return [...(own ?? offers)].sort();
}

describe.each(shells)('%s', (shell) => {
  test.skipIf(!hasShell(shell))('can read its script', () => {
    execFileSync(shell, ['-n', join(scripts, shell)]);
  });

  test.skipIf(!hasShell(shell))('offers the matching words', async () => {
    const found = await offersOf[shell]();
    const all = asked.map((one, at) => ({ line: one.line, offers: [...new Set(found[at])].sort() }));
    const expected = asked.map((one) => ({ line: one.line, offers: expectedOffers(one, shell) }));
    expect(all).toEqual(expected);
  });
});

test.each([
  ['bsh', 'there is no completion for "bsh"; did you mean "bash"?'],
  ['Fish', 'there is no completion for "Fish"; did you mean "fish"?'],
  ['tcsh', 'there is no completion for "tcsh"; the shell must be bash, zsh or fish'],
  ['powershell', 'there is no completion for "powershell"; the shell must be bash, zsh or fish'],
  ['a\u001B[2J', 'there is no completion for "a\\u001b[2J"; the shell must be bash, zsh or fish'],
  ['', 'there is no completion for ""; the shell must be bash, zsh or fish'],
])('the shell %j is rejected with a suggestion', async (shell, message) => {
  expect(await runProgram(['completion', shell], { cwd: directory })).toEqual({
    code: 2,
    stdout: '',
    stderr: `resque-runner: ${message}`,
  });
});
