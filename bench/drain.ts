/**
 * Job throughput of 4 slots and its CPU cost: the runner in turns with other programs. `--rounds=6 --jobs=2000`;
 * `--only=noop` measures one part; `--against=FILE` replaces the baseline by another build of the runner, with no-op jobs
 * unless `--only` names another part.
 */
import { measureLog } from './drain/log.ts';
import { measureMetrics } from './drain/metrics.ts';
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
  log: measureLog,
  metrics: measureMetrics,
};

await runBench(async (bench) => {
  const only = textFlag('only') ?? (textFlag('against') === null ? null : 'noop');
  await runParts(bench, `drain: jobs through ${slots} slots`, parts, only);
  printLegend();
});
