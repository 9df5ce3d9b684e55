/**
 * Checks whether the cost of a job grows with the number of queues, slots or waiting jobs. All sizes run in turns, each in
 * its own runner. `--rounds=6 --jobs=2000`; `--only=queues` measures one part.
 */
import { runBench } from './lib/bench.ts';
import { printLegend } from './lib/contest.ts';
import { runParts } from './lib/parts.ts';
import { measureBacklog } from './scale/backlog.ts';
import { measureQueues } from './scale/queues.ts';
import { measureSlots } from './scale/slots.ts';

const parts = { queues: measureQueues, slots: measureSlots, backlog: measureBacklog };

await runBench(async (bench) => {
  await runParts(bench, 'scale: from few to many', parts);
  printLegend();
});
