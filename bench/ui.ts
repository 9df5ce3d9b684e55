/**
 * The cost of the screen and its response time: the program in real terminals of 160×49, driven by keys.
 * `--rounds=6 --jobs=2000 --seconds=30 --lines=3000000`; `--only=flood` measures one part.
 */
import { type Bench, runBench } from './lib/bench.ts';
import { runParts } from './lib/parts.ts';
import { screenSize } from './lib/screen.ts';
import { measureDrain } from './ui/drain.ts';
import { measureFirstFrame } from './ui/first-frame.ts';
import { measureFlood } from './ui/flood.ts';
import { measureFrames } from './ui/frames.ts';
import { measureManyQueues } from './ui/many-queues.ts';
import { measureMemory } from './ui/memory.ts';

const parts = {
  'first-frame': measureFirstFrame,
  drain: measureDrain,
  flood: measureFlood,
  frames: measureFrames,
  queues: measureManyQueues,
  memory: measureMemory,
};

async function measure(bench: Bench): Promise<void> {
  const { columns, rows } = screenSize;
  await runParts(bench, `ui: the screen in a terminal of ${columns}×${rows}`, parts);
}

await runBench(measure);
