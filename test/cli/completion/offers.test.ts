/** What shells offer with the completion scripts: real shells, and for each the same table of command lines. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Terminal } from '../../helpers/terminal.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { type Case, cases, files } from './cases.ts';
import { completionScript, hasShell, type Shell, shells } from './shells.ts';

let directory = '';
let scripts = '';

beforeAll(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'rr-completion-')));
  scripts = realpathSync(mkdtempSync(join(tmpdir(), 'rr-completion-scripts-')));
  for (const name of files) writeFileSync(join(directory, name), '');
  for (const shell of shells) writeFileSync(join(scripts, shell), completionScript(shell));
});

afterAll(() => {
  for (const path of [directory, scripts]) rmSync(path, { recursive: true, force: true });
});

/** Runs all cases in one shell. @returns what it offered for each, as it would be typed */
const offersOf: Readonly<Record<Shell, () => Promise<string[][]>>> = {
  bash: async () => askedOutright('bash', ['--norc']),
  zsh: async () => {
    const harness = fileURLToPath(new URL('harness.zsh', import.meta.url));
    const offers = join(scripts, 'offers');
    writeFileSync(offers, '');
    const terminal = new Terminal({
      command: ['zsh', '-f', '-i'],
      cwd: directory,
      env: { SCRIPT: join(scripts, 'zsh'), OFFERS: offers, HARNESS: harness },
      columns: 120,
      rows: 40,
    });
    const count = () => readFileSync(offers, 'utf8').split('----\n').length - 1;
    try {
      terminal.type('source $HARNESS\r');
      await terminal.waitForText('ready>');
      for (const [at, line] of lines().entries()) {
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

/** Of a shell that can be asked without a terminal: that would add nothing but bash's files of `-o default`. */
function askedOutright(shell: 'bash' | 'fish', options: readonly string[]): string[][] {
  const harness = fileURLToPath(new URL(`harness.${shell}`, import.meta.url));
  const args = [...options, harness, join(scripts, shell), ...lines()];
  return sections(execFileSync(shell, args, { cwd: directory, encoding: 'utf8' }));
}

function lines(): string[] {
  return cases.map(({ line }) => `resque-runner ${line}`);
}

/** A word a line, and after each case a line of dashes. */
function sections(output: string): string[][] {
  return output.split('----\n').map((section) => section.split('\n').filter((word) => word !== ''));
}

function expectedOffers({ offers, otherwise }: Case, shell: Shell): string[] {
  return [...(otherwise?.[shell] ?? offers)].sort();
}

describe.each(shells)('%s', (shell) => {
  test.skipIf(!hasShell(shell))('offers what fits', async () => {
    const found = await offersOf[shell]();
    const all = cases.map((one, at) => ({ line: one.line, offers: [...new Set(found[at])].sort() }));
    const expected = cases.map((one) => ({ line: one.line, offers: expectedOffers(one, shell) }));
    expect(all).toEqual(expected);
  });
});
