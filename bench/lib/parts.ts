import type { Bench } from './bench.ts';
import { textFlag } from './flags.ts';
import { type RedisServer, startRedis } from './redis-server.ts';
import { printHeading } from './report.ts';

export type Part = (bench: Bench, redis: RedisServer) => Promise<void>;

/** Measures all parts of a bench, or the one that `--only` names. */
export async function runParts(
  bench: Bench,
  title: string,
  parts: Readonly<Record<string, Part>>,
  only = textFlag('only'),
): Promise<void> {
  const chosen = Object.entries(parts).filter(([name]) => only === null || name === only);
  if (chosen.length === 0) throw new Error(`--only=${only}: parts are ${Object.keys(parts).join(', ')}`);
  const redis = await startRedis(bench);
  await printHeading(title, redis);
  for (const [name, part] of chosen) {
    console.log(`── ${name}`);
    await part(bench, redis);
    console.log();
  }
}
