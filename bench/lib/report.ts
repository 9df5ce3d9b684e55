/** All that the benches print. */
import { cpus, loadavg, release } from 'node:os';
import type { RedisServer } from './redis-server.ts';
import type { Spread } from './statistics.ts';

/** The machine, without which no figure means anything. */
export async function printHeading(title: string, redis: RedisServer): Promise<void> {
  const model = cpus()[0]?.model.trim() ?? '';
  console.log(`\n${title}`);
  console.log(
    `${cpus().length} cores${model === '' ? '' : ` (${model})`}, Node ${process.versions.node}, ` +
      `Redis ${await redis.version()}, Linux ${release()}, load average at start ${loadavg()[0]?.toFixed(2)}\n`,
  );
}

/** Columns as wide as their widest cell; the first is text, the others are figures. */
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

/** One line for one requirement. */
export function printVerdict(requirement: string, holds: boolean, figures: string): void {
  console.log(`${holds ? 'yes' : 'NO '}  ${requirement}: ${figures}`);
}

/** `1.16 (1.09–1.21)`: the median of the rounds, the least and the most. */
export function spreadText({ median, least, most }: Spread, digits: number): string {
  return `${median.toFixed(digits)} (${least.toFixed(digits)}–${most.toFixed(digits)})`;
}
