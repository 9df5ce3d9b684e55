import { execa } from 'execa';
import type { Command } from './bench.ts';

/** The duration of a command, in milliseconds. */
export async function timeOf(
  [program, ...args]: Command,
  env: Readonly<Record<string, string>> = {},
): Promise<number> {
  const startedAt = performance.now();
  await execa(program, args, { stdio: 'ignore', env });
  return performance.now() - startedAt;
}
