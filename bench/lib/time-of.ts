import { execa } from 'execa';
import type { Command } from './bench.ts';

/** The duration of a command, in milliseconds. */
export async function timeOf([program, ...args]: Command): Promise<number> {
  const startedAt = performance.now();
  await execa(program, args, { stdio: 'ignore' });
  return performance.now() - startedAt;
}
