import { spawnSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TerminalOutput } from '../../../src/ui/terminal/terminal-output.ts';
import { waitFor } from '../../helpers/wait-for.ts';

/** A pipe takes so much before somebody has to read it. */
const capacity = 65_536;

let directory: string;
let fd: number;
let output: TerminalOutput;
let stream: { fd: number; columns: number; rows: number; on(): void; off(): void };

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rr-output-'));
  const path = join(directory, 'pipe');
  spawnSync('mkfifo', [path]);
  fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  stream = { fd, columns: 100, rows: 30, on() {}, off() {} };
  output = new TerminalOutput(stream);
});

afterEach(() => {
  output.discard();
  closeSync(fd);
  rmSync(directory, { recursive: true });
});

/** What can be read now. */
function read(): string {
  const buffer = Buffer.alloc(capacity * 4);
  try {
    return buffer.toString('utf8', 0, readSync(fd, buffer));
  } catch {
    return ''; // EAGAIN: nothing.
  }
}

const long = 'x'.repeat(capacity * 2);

describe('write', () => {
  test('is done at once where there is room', () => {
    let isDone = false;
    output.write('abc', () => {
      isDone = true;
    });
    expect(isDone).toBe(true);
    expect(read()).toBe('abc');
  });

  test('waits for room and keeps the order', async () => {
    const done: number[] = [];
    output.write(long, () => done.push(1));
    output.write('ä', () => done.push(2));
    expect(done).toEqual([]);
    let text = '';
    const hasAll = () => {
      text += read();
      return text.endsWith('ä');
    };
    await waitFor(hasAll, { message: 'all has come' });
    expect(text).toBe(`${long}ä`);
    await waitFor(() => done.length === 2, { message: 'it is told' });
    expect(done).toEqual([1, 2]);
  });

  test('after discard only what comes later is written', async () => {
    let isDone = false;
    output.write(long, () => {
      isDone = true;
    });
    output.discard();
    expect(read()).toBe('x'.repeat(capacity));
    output.write('later');
    await waitFor(() => read() === 'later', { message: 'the later text has come' });
    expect(isDone).toBe(false);
  });
});

describe('writeNow', () => {
  test('writes before it returns, and nothing comes after it', async () => {
    output.write(long);
    expect(read()).toBe('x'.repeat(capacity));
    output.writeNow('leave');
    let text = '';
    output.write('!');
    const hasEnded = () => {
      text += read();
      return text.endsWith('!');
    };
    await waitFor(hasEnded, { message: 'what came later' });
    expect(text).toBe('leave!');
  });

  test('gives up where nobody reads', () => {
    output.write(long);
    output.writeNow('leave');
    expect(read()).toBe('x'.repeat(capacity));
    expect(read()).toBe('');
  });
});

test('a terminal that has gone swallows everything', () => {
  const gone = new TerminalOutput({ ...stream, fd: 9_999 });
  let isDone = false;
  gone.write('a', () => {
    isDone = true;
  });
  gone.writeNow('b');
  expect(isDone).toBe(true);
});

test('a terminal that does not tell its size has 80 columns and 24 rows', () => {
  expect([output.columns, output.rows]).toEqual([100, 30]);
  const unknown = new TerminalOutput({ ...stream, columns: 0, rows: 0 });
  expect([unknown.columns, unknown.rows]).toEqual([80, 24]);
});
