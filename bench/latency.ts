/**
 * The time until a job starts: from just before RPUSH to the program's own clock. `--rounds=16`; `--only=prestart`
 * measures one part.
 */
import { measurePrestart } from './latency/prestart.ts';
import { measureStart } from './latency/start.ts';
import { runBench } from './lib/bench.ts';
import { runParts } from './lib/parts.ts';

const parts = { start: measureStart, prestart: measurePrestart };

await runBench((bench) => runParts(bench, 'latency: from RPUSH to the program', parts));
