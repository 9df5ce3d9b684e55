/** Of which jobs output is kept, and for how long. */
import { describe, expect, test } from 'vitest';
import { OutputStore, type OutputStoreLimits } from '../../../src/engine/output/output-store.ts';

const small = { memoryBytes: 1_024, fileBytes: 16_384 };

function shelfOf(limits: Partial<OutputStoreLimits> = {}): OutputStore {
  return new OutputStore(limits, small);
}

/** A job that has run and printed that much. */
function run(shelf: OutputStore, jobId: string, bytes = 10): void {
  for (let left = bytes; left > 0; left -= 512) {
    shelf.take(jobId, 'stdout', Buffer.alloc(Math.min(512, left), 'x'), 1);
  }
  shelf.end(jobId);
}

const isKept = (shelf: OutputStore, jobId: string) => shelf.open(jobId, false) !== null;

test('a job that runs can be read before it has printed anything', () => {
  const shelf = shelfOf();
  const reader = shelf.open('1', true);
  shelf.take('1', 'stderr', Buffer.from('later'), 7);
  expect(reader?.read(100).pieces).toEqual([{ stream: 'stderr', atMs: 7, text: 'later' }]);
  shelf.end('1');
  expect(reader?.read(100)).toEqual({ pieces: [], skippedLines: 0, isEnd: true });
});

test('a job that ended without a word reads as ended, one that never was as nothing', () => {
  const shelf = shelfOf();
  shelf.end('1');
  expect(shelf.open('1', false)?.read(100)).toEqual({ pieces: [], skippedLines: 0, isEnd: true });
  expect(shelf.open('2', false)).toBeNull();
});

test('the last ended jobs are kept, by number', () => {
  const shelf = shelfOf({ endedJobs: 3 });
  for (const jobId of ['1', '2', '3', '4', '5']) run(shelf, jobId);
  expect(['1', '2', '3', '4', '5'].map((jobId) => isKept(shelf, jobId))).toEqual([
    false,
    false,
    true,
    true,
    true,
  ]);
});

test('and by space in files', () => {
  const inFiles = shelfOf({ fileBytes: 30_000 });
  for (const jobId of ['1', '2', '3']) run(inFiles, jobId, 12_000);
  expect(['1', '2', '3'].map((jobId) => isKept(inFiles, jobId))).toEqual([false, true, true]);
  inFiles.close();
});

test('one that is larger than all that may be kept is not kept', () => {
  const shelf = shelfOf({ fileBytes: 5_000 });
  run(shelf, '1', 20_000);
  expect(isKept(shelf, '1')).toBe(false);
});

test('files of ended jobs make room for those of running ones; beyond that, memory has to do', () => {
  const shelf = shelfOf({ files: 2 });
  run(shelf, '1', 5_000);
  run(shelf, '2', 5_000);
  for (const jobId of ['3', '4', '5']) {
    for (let at = 0; at < 10; at += 1) shelf.take(jobId, 'stdout', Buffer.alloc(500, 'x'), 1);
  }
  expect(['1', '2'].map((jobId) => isKept(shelf, jobId))).toEqual([false, false]);
  const behind = ['3', '4', '5'].map((jobId) => shelf.open(jobId, true)?.behindBytes ?? 0);
  expect(behind.slice(0, 2)).toEqual([5_000, 5_000]);
  expect(behind[2]).toBeGreaterThan(500);
  expect(behind[2]).toBeLessThanOrEqual(1_024);
  shelf.close();
});

test('a reader goes on although its job was dropped, and to the end of what is in memory when all is closed', () => {
  const shelf = shelfOf({ endedJobs: 1 });
  run(shelf, '1', 5_000);
  const reader = shelf.open('1', false);
  run(shelf, '2');
  expect(isKept(shelf, '1')).toBe(false);
  expect(reader?.read(10_000)).toMatchObject({ isEnd: true, pieces: [{ text: 'x'.repeat(5_000) }] });
  reader?.close();
  const last = shelf.open('2', false);
  shelf.close();
  expect(last?.read(100)).toMatchObject({ isEnd: true, pieces: [{ text: 'x'.repeat(10) }] });
  expect(shelf.open('2', false)).toBeNull();
  shelf.take('3', 'stdout', Buffer.from('too late'), 1);
  shelf.end('3');
  expect(shelf.open('3', false)).toBeNull();
});

describe('a search finds', () => {
  const find = async (shelf: OutputStore, text: string) => {
    const found = await shelf.find(text);
    shelf.close();
    return found;
  };

  test('jobs that run and jobs that have ended, in any case, whatever the colors', async () => {
    const outputs = shelfOf();
    outputs.take('1', 'stderr', Buffer.from('shard 7: Connection refused\n'), 1);
    outputs.take('2', 'stdout', Buffer.from('all is well\n'), 1);
    outputs.take('3', 'stdout', Buffer.from('shard 9: \u001B[31mconnection\u001B[0m refused'), 1);
    outputs.end('1');
    outputs.end('2');
    expect(await find(outputs, 'CONNECTION refused')).toEqual(['1', '3']);
  });

  test('a text that was printed in pieces, but not one of two streams', async () => {
    const outputs = shelfOf();
    for (const [at, letter] of Array.from('timeout').entries()) {
      outputs.take('1', 'stderr', Buffer.from(letter), at * 10_000);
      outputs.take('2', at % 2 === 0 ? 'stdout' : 'stderr', Buffer.from(letter), at * 10_000);
    }
    expect(await find(outputs, 'timeout')).toEqual(['1']);
  });

  test('a text far from the end', async () => {
    const outputs = shelfOf();
    outputs.take('1', 'stdout', Buffer.from('the needle\n'), 1);
    outputs.take('1', 'stdout', Buffer.alloc(5_000, 'hay '), 1);
    outputs.take('2', 'stdout', Buffer.alloc(5_000, 'hay '), 1);
    outputs.end('1');
    outputs.end('2');
    expect(await find(outputs, 'needle')).toEqual(['1']);
  });

  test('a single letter', async () => {
    const outputs = shelfOf();
    outputs.take('1', 'stdout', Buffer.from('a'), 1);
    outputs.take('2', 'stdout', Buffer.from('b'), 1);
    outputs.end('1');
    outputs.end('2');
    expect(await find(outputs, 'b')).toEqual(['2']);
  });

  test('nothing if the output is no longer kept', async () => {
    const outputs = shelfOf({ endedJobs: 0 });
    outputs.take('1', 'stdout', Buffer.from('gone'), 1);
    outputs.end('1');
    expect(await find(outputs, 'gone')).toEqual([]);
  });
});
