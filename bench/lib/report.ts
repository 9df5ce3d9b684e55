/** The output of the benches. */
import { cpus, loadavg, release } from 'node:os';
import type { RedisServer } from './redis-server.ts';
import { percentile, type Spread } from './statistics.ts';

/** The machine: figures are meaningless without it. */
export async function printHeading(title: string, redis: RedisServer): Promise<void> {
  const model = cpus()[0]?.model.trim() ?? '';
  console.log(`\n${title}`);
  console.log(
    `${cpus().length} cores${model === '' ? '' : ` (${model})`}, Node ${process.versions.node}, ` +
      `Redis ${await redis.version()}, Linux ${release()}, load average at start ${loadavg()[0]?.toFixed(2)}\n`,
  );
}

/** Prints columns as wide as their widest cell. The first one is text, the others are numbers. */
export function printTable(rows: readonly (readonly string[])[]): void {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  for (const row of rows) {
    const cells = row.map((cell, at) =>
      at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0),
    );
    console.log(cells.join('  '));
  }
  console.log();
}

/** A row of the table: these percentiles (0 to 1) of the values, and their number. */
export function percentileRow(
  name: string,
  values: readonly number[],
  shares: readonly number[],
  digits: number,
): string[] {
  return [name, ...shares.map((p) => percentile(values, p).toFixed(digits)), String(values.length)];
}

/** One line for one requirement. */
export function printVerdict(requirement: string, holds: boolean, figures: string): void {
  console.log(`${holds ? 'yes' : 'NO '}  ${requirement}: ${figures}`);
}

/** `1.16 (1.09–1.21)`: median, minimum and maximum of the rounds. */
export function spreadText({ median, least, most }: Spread, digits: number): string {
  return `${median.toFixed(digits)} (${least.toFixed(digits)}–${most.toFixed(digits)})`;
}
