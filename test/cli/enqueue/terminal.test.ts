/** `enqueue --file` at a terminal: a bar while it lasts, and nothing of it behind. */
import { expect, test } from 'vitest';
import { useRedis } from '../../helpers/redis.ts';
import { shellWords } from '../../helpers/shell-words.ts';
import { type Terminal, useTerminals } from '../../helpers/terminal.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { program } from '../program.ts';
import { holdStep } from './program-stage.ts';
import { useEnqueue } from './stage.ts';

const redis = useRedis();
const stage = useEnqueue(redis);
const terminals = useTerminals();

/** From a shell, whose prompt is what the program has to leave behind in order. */
async function open(...args: string[]): Promise<Terminal> {
  const terminal = terminals.open({ command: ['/bin/sh'], cwd: stage.directory, env: { PS1: 'prompt> ' } });
  await terminal.waitForText('prompt>');
  const words = [process.execPath, program, 'enqueue', 'mail', '--redis', stage.url, ...args];
  terminal.type(`clear; ${shellWords(words)}; echo "exit $?"\r`);
  return terminal;
}

/** Starts a file of many steps, and stops time behind one of them. */
async function openHeld() {
  const { name, lines } = stage.manySteps();
  const proxy = await stage.through();
  const terminal = await open('--file', name);
  await holdStep(proxy);
  await terminal.waitForText(/^enqueuing {2}[█░]+ \d+ % {2}[\d,]+ jobs? {2}(\d+ \w+|…) left$/m);
  return { terminal, lines, proxy };
}

function rowsFrom(terminal: Terminal, text: string): string[] {
  const rows = terminal.screen();
  return rows.slice(rows.findIndex((row) => row.startsWith(text))).filter((row) => row !== '');
}

test('shows how far it is, and at the end only what came of it', async () => {
  const { terminal, lines, proxy } = await openHeld();
  expect(terminal.isCursorHidden).toBe(true);
  proxy.release();
  await terminal.waitForText(/exit 0\nprompt>/);
  expect(terminal.text().replaceAll('\n', '')).toContain(
    'enqueued 20,000 jobs in mail; 20,000 jobs are waiting there now',
  );
  expect(terminal.text()).not.toContain('█');
  expect(terminal.isRestored).toBe(true);
  expect(await stage.jobs()).toEqual(lines);
});

test('Ctrl-C takes the bar away, and the terminal is as it was', async () => {
  const { terminal, proxy } = await openHeld();
  await terminal.press('ctrl+c');
  await terminal.waitForNoText('█');
  proxy.release();
  await terminal.waitForText(/exit 130\nprompt>/);
  expect(rowsFrom(terminal, 'resque-runner: stopped').join('')).toMatch(
    /^resque-runner: stopped: [\d,]+ jobs are enqueued in mail, up to line [\d,]+to continue within a day/,
  );
  expect(terminal.isRestored).toBe(true);
});

test('takes jobs from the keyboard, until Ctrl-D', async () => {
  const terminal = await open('--file', '-');
  await terminal.waitForText('type one job per line');
  terminal.type('{"class":"A"}\r');
  await stage.waitForJobs(1);
  await terminal.press('ctrl+d');
  await terminal.waitForText(/exit 0\nprompt>/);
  expect(terminal.text()).toContain('enqueued 1 job in mail; 1 job is waiting there now');
  await waitFor(async () => (await stage.keysLeft()).length === 0, { message: 'no mark is left' });
});
