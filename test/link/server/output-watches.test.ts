/** How the steps of a server share out what they may send; `output.test.ts` has the rest, over the wire. */
import { expect, test } from 'vitest';
import { OutputWatches } from '../../../src/link/server/output-watches.ts';
import type { OutputBatch } from '../../../src/protocol/output.ts';
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

test('one piece that is larger than a whole step leaves the others for the next steps', () => {
  const outputs = { a: new FakeOutput(), b: new FakeOutput(), c: new FakeOutput() };
  for (const output of Object.values(outputs)) output.print('x'.repeat(300));
  const { watches, sent } = watching(outputs);
  const steps = [1, 2, 3, 4].map(() => {
    watches.step(100);
    return sent.splice(0).map(({ jobId }) => jobId);
  });
  expect(steps).toEqual([['a'], ['b'], ['c'], []]);
});

test('what was skipped is told, though nothing is left behind it', () => {
  const output = new FakeOutput();
  output.print('x');
  const { watches, sent } = watching({ a: output });
  output.readers[0]?.skipTo(0);
  watches.step(100);
  watches.step(100);
  expect(sent).toEqual([{ jobId: 'a', batch: { pieces: [], skippedLines: 1, isEnd: false } }]);
});
