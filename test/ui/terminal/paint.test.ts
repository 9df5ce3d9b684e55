/** What reaches a real terminal of Ink's frames. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Terminal, useTerminals } from '../../helpers/terminal.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { usePrograms } from './programs.ts';

const terminals = useTerminals();
const programs = usePrograms('full-screen.tsx', 'hostile.tsx');

async function waitForSize(terminal: Terminal, columns: number, rows: number): Promise<void> {
  const last = `row ${rows - 1} +count \\d+ {${columns - 30},}end$`;
  await terminal.waitForText(new RegExp(`^size ${columns}x${rows} [\\s\\S]*${last}`));
}

/** The number that all rows of a frame show; an error where it isn't whole. */
function countOf(frame: readonly string[], columns: number, rows: number): number {
  const count = /count (\d+)/.exec(frame[1] ?? '')?.[1] ?? '';
  const [head = '', ...others] = frame;
  expect(head).toMatch(new RegExp(`^size ${columns}x${rows} +key none$`));
  expect(head).toHaveLength(columns);
  const expected = Array.from({ length: rows - 1 }, (_, row) =>
    [`row ${row + 1}`.padEnd(10), `count ${count}`.padEnd(columns - 13), 'end'].join(''),
  );
  expect(others).toEqual(expected);
  return Number(count);
}

test('each update leaves a whole frame, at full height and after each resize, also in CI', async () => {
  // With CI set, Ink by itself would write the last frame only.
  const terminal = terminals.open({ command: programs.command('full-screen.tsx'), env: { CI: 'true' } });
  for (const [columns, rows] of [
    [80, 24],
    [100, 30],
    [60, 16],
    [61, 16],
    [80, 40],
  ] as const) {
    terminal.resize(columns, rows);
    await waitForSize(terminal, columns, rows);
    const from = terminal.frames.length;
    await terminal.waitFor(() => terminal.frames.length > from + 10, 'ten more frames');
    const counts = terminal.frames.slice(from).map((frame) => countOf(frame, columns, rows));
    // Each a newer one.
    expect(counts).toEqual([...new Set(counts)].sort((a, b) => a - b));
  }
  // Nothing clears the screen (it would flicker), scrolls it, or touches the lines above it.
  const frames = terminal.received.slice(terminal.received.indexOf('\u001B[?2026h'));
  expect(frames).not.toContain('\u001B[2J');
  expect(frames).not.toContain('\u001B[3J');
  expect(frames).not.toContain('\n');
  await terminal.press('q');
  expect(await terminal.exit).toEqual({ exitCode: 0, signal: 0 });
});
test('Ctrl-L mends what another program wrote over the screen', async () => {
  const terminal = terminals.open({ command: programs.command('full-screen.tsx') });
  await waitForSize(terminal, 80, 24);
  terminal.scribble('\u001B[1;5Hscribble\u001B[?25h\u001B[5;10r\u001B[?7h\u001B(0');
  await terminal.waitForText('scribble');
  await terminal.press('ctrl+l');
  await terminal.waitForNoText('scribble');
  await waitForSize(terminal, 80, 24);
  const from = terminal.frames.length;
  await terminal.waitFor(() => terminal.frames.length > from + 2, 'more frames');
  for (const frame of terminal.frames.slice(from)) countOf(frame, 80, 24);
  expect(terminal).toMatchObject({ isCursorHidden: true, wrapsLines: false });
  await terminal.press('q');
  await terminal.exit;
});

test('a terminal that stops reading holds up neither the program nor its signals, and gets the newest frame later', async () => {
  const log = join(programs.directory, 'slow');
  const counted = () => Number(readFileSync(`${log}.count`, 'utf8') || 0);
  const terminal = terminals.open({ command: programs.command('full-screen.tsx', log) });
  /** Stops reading, and waits until the program has made more frames than fit between it and us. */
  const stall = async () => {
    terminal.stopReading();
    const before = counted();
    await waitFor(() => counted() > before + 100, {
      message: () => `it counts on from ${before}: ${counted()}`,
    });
  };
  await waitForSize(terminal, 80, 24);
  await stall();
  const stalledUntil = counted();
  const from = terminal.frames.length;
  terminal.goOnReading();
  await terminal.waitFor(
    () => countOf(terminal.frames.at(-1) ?? [], 80, 24) > stalledUntil,
    `it shows more than ${stalledUntil}`,
  );
  const counts = terminal.frames.slice(from).map((frame) => countOf(frame, 80, 24));
  const steps = counts.slice(1).map((count, index) => count - (counts[index] ?? 0));
  expect(Math.max(...steps)).toBeGreaterThan(20);
  await stall();
  terminal.signal('SIGTERM');
  await waitFor(() => existsSync(log) && readFileSync(log, 'utf8') === 'SIGTERM\n', { message: 'it heard' });
  expect(await terminal.exit).toEqual({ exitCode: 143, signal: 0 });
});

test('no sequence within a text reaches the terminal', async () => {
  const texts = [
    'a\u001B]0;owned\u0007title',
    'b\u001B]52;c;b3duZWQ=\u0007clipboard',
    'c\u001B]52;c;b3duZWQ=\u001B\\clipboard',
    'd\u001B[5;5Hcursor',
    'e\u001B[?1049lscreen',
    'f\u001B[?25hcursor',
    'g\rreturn',
    'h\bback\u0007',
    'i\u202Eoverride',
    'j\u009B2Jeight bits',
    'k\u001B]52;c;b3\u001B[0mduZWQ=\u0007in two',
    'l\u001BPtmux;\u001B\u001B]52;c;b3duZWQ=\u0007\u001B\\passthrough',
  ];
  const terminal = terminals.open({
    command: programs.command('hostile.tsx', JSON.stringify(texts)),
    rows: 30,
  });
  await terminal.waitForText('all shown');
  expect(terminal).toMatchObject({
    titles: [],
    clipboard: [],
    isAlternateScreen: true,
    isCursorHidden: true,
  });
  const frames = terminal.received.slice(terminal.received.indexOf('\u001B[?2026h'));
  expect(frames).not.toContain('\u202E');
  expect(frames).not.toContain('\u0007');
  // That it would be seen if it did.
  terminal.scribble('\u001B]0;seen\u0007\u001B]52;c;c2Vlbg==\u0007');
  await terminal.waitFor(() => terminal.titles.length > 0, 'a title');
  expect(terminal).toMatchObject({ titles: ['seen'], clipboard: ['c;c2Vlbg=='] });
  terminal.signal('SIGTERM');
  await terminal.exit;
});
