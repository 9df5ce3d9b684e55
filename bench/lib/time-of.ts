import { execa } from 'execa';
import type { Command } from './bench.ts';

/** Milliseconds from the start of a command to its end. */
export async function timeOf([program, ...args]: Command): Promise<number> {
  const startedAt = performance.now();
  await execa(program, args, { stdio: 'ignore' });
  return performance.now() - startedAt;
}
