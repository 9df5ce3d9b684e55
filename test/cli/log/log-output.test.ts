/** The way of the log to its reader, through a real pipe: when lines are written, and what happens if nobody reads. */
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LogOutput, takerFor } from '../../../src/cli/log/log-output.ts';
import { waitFor } from '../../helpers/wait-for.ts';

const lossLine = (lines: number) => `lost ${lines}\n`;
/** Longer than the ones of a log, so that few fill the memory. */
const lineOf = (number: number) => `${String(number).padStart(9, '0')} ${'x'.repeat(9_989)}\n`;
const fewerThanFit = 300;
const moreThanFit = 1_000;

/** A pipe that doesn't block. */
class Pipe {
  readonly #path = join(tmpdir(), `resque-runner-log-${process.pid}`);
  readonly #buffer = Buffer.alloc(64 * 1024);
  readonly descriptor: number;

  constructor() {
    execFileSync('mkfifo', [this.#path]);
    this.descriptor = openSync(this.#path, constants.O_RDWR | constants.O_NONBLOCK);
  }

  /** What is in it now. */
  read(): string {
    try {
      return this.#buffer.toString('latin1', 0, readSync(this.descriptor, this.#buffer));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return '';
      throw error;
    }
  }

  close(): void {
    closeSync(this.descriptor);
    rmSync(this.#path);
  }
}

let pipe: Pipe;
beforeEach(() => {
  pipe = new Pipe();
});
afterEach(() => pipe.close());

/** What comes until the last line is this, as lines. */
async function linesUntil(last: RegExp): Promise<string[]> {
  let text = '';
  await waitFor(
    () => {
      text += pipe.read();
      return text.endsWith('\n') && last.test(text.slice(-lineOf(0).length));
    },
    { message: `${last} has come` },
  );
  return text.split('\n').slice(0, -1);
}

function outputTo(take: (bytes: Buffer) => number): LogOutput {
  return new LogOutput({ take, lossLine });
}

const toPipe = () => outputTo((bytes) => writeSync(pipe.descriptor, bytes));

describe('a reader that keeps up', () => {
  test('gets the first lines after a pause at once, and many lines in few writes', async () => {
    const writes: string[] = [];
    const output = outputTo((bytes) => {
      writes.push(String(bytes));
      return bytes.length;
    });
    output.write('a\n');
    output.write('b\n');
    await Promise.resolve();
    expect(writes).toEqual(['a\nb\n']);

    const startedAt = performance.now();
    for (let number = 0; writes.length < 4; number += 1) {
      output.write(`${number}\n`);
      await new Promise(setImmediate);
    }
    expect(performance.now() - startedAt).toBeGreaterThan(20);
  });

  test('gets what fills a pipe without a pause in between', () => {
    const sizes: number[] = [];
    const output = outputTo((bytes) => {
      sizes.push(bytes.length);
      return bytes.length;
    });
    for (let number = 0; number < 20; number += 1) output.write(lineOf(number));
    expect(sizes).toEqual([70_000, 70_000]);
  });

  test('gets everything at the end', () => {
    const output = toPipe();
    output.write('last\n');
    output.end();
    expect(pipe.read()).toBe('last\n');
  });
});

describe('a reader that stops', () => {
  test('gets all lines in order when it goes on', async () => {
    const output = toPipe();
    for (let number = 0; number < fewerThanFit; number += 1) output.write(lineOf(number));
    const lines = await linesUntil(new RegExp(`^0*${fewerThanFit - 1} `));
    expect(lines.map(Number.parseFloat)).toEqual(Array.from({ length: fewerThanFit }, (_, at) => at));
  });

  test('costs a limited memory, and learns how many lines are missing, and where', async () => {
    const output = toPipe();
    for (let number = 0; number < moreThanFit; number += 1) output.write(lineOf(number));
    const lines = await linesUntil(/lost \d+$/m);
    const kept = lines.length - 1;
    expect(kept * lineOf(0).length).toBeGreaterThan(4_000_000);
    expect(kept * lineOf(0).length).toBeLessThan(5_000_000);
    expect(lines.slice(0, -1).map(Number.parseFloat)).toEqual(Array.from({ length: kept }, (_, at) => at));
    expect(lines.at(-1)).toBe(`lost ${moreThanFit - kept}`);

    output.write('next\n');
    expect(await linesUntil(/next$/m)).toEqual(['next']);
  });

  test('does not keep the process from ending', () => {
    const output = toPipe();
    for (let number = 0; number < fewerThanFit; number += 1) output.write(lineOf(number));
    const startedAt = performance.now();
    output.end();
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });

  test('that is only slow still gets the last lines', () => {
    let isSlow = true;
    const got: string[] = [];
    const output = outputTo((bytes) => {
      isSlow = !isSlow;
      if (isSlow) throw Object.assign(new Error('full'), { code: 'EAGAIN' });
      got.push(bytes.toString('utf8', 0, 1));
      return 1;
    });
    output.write('some\nlines\n');
    output.end();
    expect(got.join('')).toBe('some\nlines\n');
  });
});

test('lines that an error loses are counted until it is over, a part of a line too', () => {
  const got: string[] = [];
  const answers = [3, 'EPIPE', 'ENOSPC', 'ENOSPC', Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  const output = outputTo((bytes) => {
    const answer = answers.shift() ?? Number.POSITIVE_INFINITY;
    if (typeof answer === 'string') throw Object.assign(new Error(answer), { code: answer });
    const taken = Math.min(answer, bytes.length);
    got.push(bytes.toString('utf8', 0, taken));
    return taken;
  });
  for (const text of ['one\ntwo\n', 'three\n', 'four\n', 'five\n', 'six\n']) {
    output.write(text);
    output.end();
  }
  expect(got.join('')).toBe('one\nlost 4\nfive\nsix\n');
});

test('a stream without a descriptor gets the lines, and its errors are swallowed', async () => {
  const stream = new PassThrough();
  const output = outputTo(takerFor(stream));
  output.write('line\n');
  output.end();
  expect(String(stream.read())).toBe('line\n');

  const broken = new Writable({ write: (_chunk, _encoding, done) => done(new Error('EPIPE')) });
  const closed = new Promise((resolve) => broken.once('close', resolve));
  const lost = outputTo(takerFor(broken));
  lost.write('line\n');
  lost.end();
  await closed;
});
