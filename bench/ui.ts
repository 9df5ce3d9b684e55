/**
 * What the screen costs, and how soon it answers: the program in real terminals of 160×49, driven by keys.
 * `--rounds=6 --jobs=2000 --seconds=30 --lines=3000000`; `--only=flood` measures one part.
 */
import { type Bench, runBench } from './lib/bench.ts';
import { textFlag } from './lib/flags.ts';
import { startRedis } from './lib/redis-server.ts';
import { printHeading } from './lib/report.ts';
import { screenSize } from './lib/screen.ts';
import { measureDrain } from './ui/drain.ts';
import { measureFirstFrame } from './ui/first-frame.ts';
import { measureFlood } from './ui/flood.ts';
import { measureFrames } from './ui/frames.ts';
import { measureMemory } from './ui/memory.ts';

const parts = {
  'first-frame': measureFirstFrame,
  drain: measureDrain,
  flood: measureFlood,
  frames: measureFrames,
  memory: measureMemory,
};

async function measure(bench: Bench): Promise<void> {
  const only = textFlag('only');
  const chosen = Object.entries(parts).filter(([name]) => only === null || name === only);
  if (chosen.length === 0) throw new Error(`--only=${only}: the parts are ${Object.keys(parts).join(', ')}`);
  const redis = await startRedis(bench);
  const { columns, rows } = screenSize;
  await printHeading(`ui: the screen in a terminal of ${columns}×${rows}`, redis);
  for (const [name, part] of chosen) {
    console.log(`── ${name}`);
    await part(bench, redis);
    console.log();
  }
}

await runBench(measure);
