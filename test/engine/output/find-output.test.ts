/** Which jobs have printed a text, wherever it lies in what is kept of their output. */
import { expect, test } from 'vitest';
import { findOutput } from '../../../src/engine/output/find-output.ts';
import { OutputStore } from '../../../src/engine/output/output-store.ts';

/** Small, so that much of the output lies in files. */
const store = () => new OutputStore({}, { memoryBytes: 1_024, fileBytes: 16_384 });

async function find(outputs: OutputStore, text: string, running: readonly string[] = []) {
  const open = (jobId: string) => outputs.open(jobId, running.includes(jobId));
  try {
    return await findOutput(text, { jobIds: () => outputs.jobIds(), open });
  } finally {
    outputs.close();
  }
}

test('jobs that run and jobs that have ended, in any case, whatever the colors', async () => {
  const outputs = store();
  outputs.take('1', 'stderr', Buffer.from('shard 7: Connection refused\n'), 1);
  outputs.take('2', 'stdout', Buffer.from('all is well\n'), 1);
  outputs.take('3', 'stdout', Buffer.from('shard 9: \u001B[31mconnection\u001B[0m refused'), 1);
  outputs.end('1');
  outputs.end('2');
  expect(await find(outputs, 'CONNECTION refused', ['3'])).toEqual(['1', '3']);
});

test('a text that was printed in pieces, but not one of two streams', async () => {
  const outputs = store();
  for (const [at, letter] of Array.from('timeout').entries()) {
    outputs.take('1', 'stderr', Buffer.from(letter), at * 10_000);
    outputs.take('2', at % 2 === 0 ? 'stdout' : 'stderr', Buffer.from(letter), at * 10_000);
  }
  expect(await find(outputs, 'timeout', ['1', '2'])).toEqual(['1']);
});

test('a text far from the end', async () => {
  const outputs = store();
  outputs.take('1', 'stdout', Buffer.from('the needle\n'), 1);
  outputs.take('1', 'stdout', Buffer.alloc(5_000, 'hay '), 1);
  outputs.take('2', 'stdout', Buffer.alloc(5_000, 'hay '), 1);
  outputs.end('1');
  outputs.end('2');
  expect(await find(outputs, 'needle')).toEqual(['1']);
});

test('a single letter', async () => {
  const outputs = store();
  outputs.take('1', 'stdout', Buffer.from('a'), 1);
  outputs.take('2', 'stdout', Buffer.from('b'), 1);
  outputs.end('1');
  outputs.end('2');
  expect(await find(outputs, 'b')).toEqual(['2']);
});

test('none if the output is no longer kept', async () => {
  const outputs = store();
  outputs.take('1', 'stdout', Buffer.from('gone'), 1);
  outputs.end('1');
  expect(await findOutput('gone', { jobIds: () => ['1', '7'], open: () => null })).toEqual([]);
  outputs.close();
});
