/** How a server divides each step among its watches. `output.test.ts` tests the rest, over a socket. */
import { expect, test } from 'vitest';
import { OutputWatches } from '../../../src/link/server/output-watches.ts';
import type { OutputBatch } from '../../../src/protocol/job.ts';
import { FakeOutput } from '../fake-output.ts';

function watching(outputs: Readonly<Record<string, FakeOutput>>): {
  watches: OutputWatches;
  sent: { jobId: string; batch: OutputBatch | null }[];
} {
  const sent: { jobId: string; batch: OutputBatch | null }[] = [];
  const watches = new OutputWatches(
    (jobId) => outputs[jobId]?.open() ?? null,
    (jobId, batch) => sent.push({ jobId, batch }),
  );
  for (const jobId of Object.keys(outputs)) watches.open(jobId);
  return { watches, sent };
}

test('a piece that is larger than a step leaves the other watches for the next steps', () => {
  const outputs = { a: new FakeOutput(), b: new FakeOutput(), c: new FakeOutput() };
  for (const output of Object.values(outputs)) output.print('x'.repeat(300));
  const { watches, sent } = watching(outputs);
  const steps = [1, 2, 3, 4].map(() => {
    watches.step(100);
    return sent.splice(0).map(({ jobId }) => jobId);
  });
  expect(steps).toEqual([['a'], ['b'], ['c'], []]);
});

test('a skip is reported even if no output follows it', () => {
  const output = new FakeOutput();
  output.print('x');
  const { watches, sent } = watching({ a: output });
  output.readers[0]?.skipTo(0);
  watches.step(100);
  watches.step(100);
  expect(sent).toEqual([{ jobId: 'a', batch: { pieces: [], skippedLines: 1, isEnd: false } }]);
});
