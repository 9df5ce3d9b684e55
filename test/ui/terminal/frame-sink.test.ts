import { setImmediate as nextTurn } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { FrameSink } from '../../../src/ui/terminal/frame-sink.ts';

/** A terminal of 10 columns and 3 rows that takes what is written when the test says so. */
class FakeOutput {
  columns = 10;
  rows = 3;
  /** Without the marks around an update. */
  written: string[] = [];
  isSlow = false;
  #taken: (() => void)[] = [];
  #resized: (() => void)[] = [];

  write(text: string, onDone: () => void = () => {}): void {
    this.written.push(text.replace('\u001B[?2026h', '<').replace('\u001B[?2026l', '>'));
    if (this.isSlow) this.#taken.push(onDone);
    else onDone();
  }

  take(): void {
    this.isSlow = false;
    for (const done of this.#taken.splice(0)) done();
  }

  onResize(listener: () => void): () => void {
    this.#resized.push(listener);
    return () => {
      this.#resized = this.#resized.filter((each) => each !== listener);
    };
  }

  resize(columns: number, rows: number): void {
    this.columns = columns;
    this.rows = rows;
    for (const listener of this.#resized) listener();
  }

  /** What was written since this was last called. */
  async news(): Promise<string> {
    await nextTurn();
    await nextTurn();
    return this.written.splice(0).join('');
  }
}

const modes = '\u001B(B\u000F\u001B[r\u001B[?7l\u001B[?25l\u001B[0m';

let output: FakeOutput;
let sink: FrameSink;

beforeEach(() => {
  output = new FakeOutput();
  sink = new FrameSink(output);
});

/** Opened, with a frame on it. */
async function open(frame: string): Promise<void> {
  sink.open();
  sink.write(frame);
  await output.news();
}

describe('while closed', () => {
  test('nothing is painted, and once opened the newest frame', async () => {
    sink.write('old');
    sink.write('new');
    sink.repaint();
    sink.send('sequence');
    expect(await output.news()).toBe('');
    sink.open();
    expect(await output.news()).toBe(`<${modes}\u001B[1;1Hnew\u001B[K\u001B[2;1H\u001B[J>`);
  });

  test('nor is what was written just before', async () => {
    await open('a');
    sink.write('b');
    sink.close();
    expect(await output.news()).toBe('');
    sink.open();
    expect(await output.news()).toContain('\u001B[1;1Hb');
  });
});

describe('while open', () => {
  test('only rows that changed are painted', async () => {
    await open('one\ntwo\nthree');
    sink.write('one\n2\nthree');
    expect(await output.news()).toBe('<\u001B[2;1H2\u001B[K>');
  });

  test('rows that are gone are erased', async () => {
    await open('one\ntwo\nthree');
    sink.write('one');
    expect(await output.news()).toBe('<\u001B[2;1H\u001B[K\u001B[3;1H\u001B[K>');
  });

  test('the same frame again is nothing', async () => {
    await open('one\ntwo');
    sink.write('one\ntwo');
    expect(await output.news()).toBe('');
  });

  test('rows below the screen are left out', async () => {
    await open('1\n2\n3\n4\n5');
    sink.write('1\n2\n3\nfour\n5');
    expect(await output.news()).toBe('');
  });

  test('of several frames in one turn the last is painted', async () => {
    await open('0');
    for (const frame of ['1', '2', '3']) sink.write(frame);
    expect(await output.news()).toBe('<\u001B[1;1H3\u001B[K>');
    expect(sink.stats.skipped).toBe(2);
  });

  test('a full row is not followed by an erasure, which some terminals do to its last column', async () => {
    await open('');
    sink.write('0123456789');
    expect(await output.news()).toBe(`<${modes}\u001B[1;1H0123456789\u001B[2;1H\u001B[J>`);
  });

  test('what Ink says to the cursor is no frame', async () => {
    await open('one');
    sink.write('\u001B[?25h');
    sink.write('\u001B[?25l');
    sink.write('');
    expect(await output.news()).toBe('');
    sink.repaint();
    expect(await output.news()).toContain('one');
  });

  test('repaint paints all', async () => {
    await open('1\n2\n3');
    sink.repaint();
    expect(await output.news()).toBe(
      `<${modes}\u001B[1;1H1\u001B[K\u001B[2;1H2\u001B[K\u001B[3;1H3\u001B[K>`,
    );
  });

  test('sequences go between frames', async () => {
    await open('1');
    sink.send('\u001B]52;c;\u0007');
    sink.write('2');
    expect(await output.news()).toBe('\u001B]52;c;\u0007<\u001B[1;1H2\u001B[K>');
  });
});

test('a new size is told, and all is painted', async () => {
  await open('1\n2\n3');
  const sizes: string[] = [];
  sink.on('resize', () => {
    sizes.push(`${sink.columns}x${sink.rows}`);
    // As Ink does.
    sink.write('a\nb');
  });
  output.resize(20, 2);
  expect(sizes).toEqual(['20x2']);
  expect(await output.news()).toBe(`<${modes}\u001B[1;1Ha\u001B[K\u001B[2;1Hb\u001B[K>`);
  sink.dispose();
  output.resize(30, 2);
  expect(sizes).toHaveLength(1);
});

test('Ink hears that its write is done', () => {
  let calls = 0;
  const done = () => {
    calls += 1;
  };
  sink.write('a', done);
  sink.write('b', 'utf8', done);
  sink.write('', done);
  expect(calls).toBe(3);
});

describe('a slow terminal', () => {
  test('gets the newest frame once it has taken the last', async () => {
    await open('0');
    output.isSlow = true;
    sink.write('1');
    expect(await output.news()).toBe('<\u001B[1;1H1\u001B[K>');
    for (const frame of ['2', '3', '4']) {
      sink.write(frame);
      expect(await output.news()).toBe('');
    }
    output.take();
    expect(await output.news()).toBe('<\u001B[1;1H4\u001B[K>');
    expect(sink.stats).toMatchObject({ frames: 3, skipped: 2 });
  });

  test('gets nothing more where nothing is new', async () => {
    await open('0');
    output.isSlow = true;
    sink.write('1');
    await output.news();
    output.take();
    expect(await output.news()).toBe('');
  });

  test('that was resized meanwhile is painted anew', async () => {
    await open('0');
    output.isSlow = true;
    sink.write('1');
    await output.news();
    output.resize(20, 2);
    expect(await output.news()).toBe('');
    output.take();
    expect(await output.news()).toContain(`${modes}\u001B[1;1H1`);
  });

  test('is not waited for after the screen was left and entered again', async () => {
    await open('0');
    output.isSlow = true;
    sink.write('1');
    await output.news();
    sink.close();
    sink.open();
    expect(await output.news()).toContain(`${modes}\u001B[1;1H1`);
  });
});

test('frames and bytes are counted', async () => {
  await open('a');
  const { bytes } = sink.stats;
  sink.write('ä');
  await output.news();
  expect(sink.stats).toEqual({
    frames: 2,
    bytes: bytes + Buffer.byteLength('\u001B[?2026h\u001B[1;1Hä\u001B[K\u001B[?2026l'),
    skipped: 0,
  });
});
