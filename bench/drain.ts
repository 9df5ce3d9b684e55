/**
 * How many jobs get through 4 slots, and what CPU that takes: the runner in turns with others who do the same.
 * `--rounds=6 --jobs=2000`; `--only=noop` measures one part; `--against=FILE` compares with another build of the
 * runner in the place of the baseline, with no-op jobs unless `--only` says otherwise.
 */
import { measureNoop } from './drain/noop.ts';
import { measurePayload } from './drain/payload.ts';
import { measurePersistent } from './drain/persistent.ts';
import { measurePrestart } from './drain/prestart.ts';
import { measurePython } from './drain/python.ts';
import { runBench } from './lib/bench.ts';
import { printLegend } from './lib/contest.ts';
import { slots } from './lib/contestants.ts';
import { textFlag } from './lib/flags.ts';
import { runParts } from './lib/parts.ts';

const parts = {
  noop: measureNoop,
  python: measurePython,
  payload: measurePayload,
  prestart: measurePrestart,
  persistent: measurePersistent,
};

await runBench(async (bench) => {
  const only = textFlag('only') ?? (textFlag('against') === null ? null : 'noop');
  await runParts(bench, `drain: jobs through ${slots} slots`, parts, only);
  printLegend();
});
