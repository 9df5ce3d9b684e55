/**
 * What must not be left when a runner has ended cleanly: no process, no key of ours but the failures and the
 * totals, no temporary file.
 */
import { readdirSync } from 'node:fs';
import type { Redis } from 'ioredis';
import { expect } from 'vitest';
import { processesMarked } from './processes.ts';
import { waitFor } from './wait-for.ts';

/**
 * How long a killed process may take to disappear from the process table: only the kernel's own work is left
 * by then.
 */
const graceMs = 500;

export async function assertNoProcessLeft(mark: string): Promise<void> {
  await waitFor(() => processesMarked(mark).length === 0, {
    message: () => `no process is left: ${JSON.stringify(processesMarked(mark))}`,
    timeoutMs: graceMs,
  });
}

/** @param allowed key names, prefix included, that the test expects to be left. */
export async function assertNoKeyLeft(
  client: Redis,
  prefix: string,
  allowed: Iterable<string>,
): Promise<void> {
  const expected = new Set([
    ...['failed', 'stat:processed', 'stat:failed', 'queues'].map((name) => `${prefix}${name}`),
    ...allowed,
  ]);
  const keys = (await client.keys('*')).filter((key) => !expected.has(key));
  // A runner that was declared dead may live: for a week it can learn so.
  const tombstones = keys.filter((key) => key.startsWith(`${prefix}runner:dead:`));
  for (const key of tombstones) expect(await client.ttl(key), `${key} expires`).toBeGreaterThan(0);
  const left = keys.filter((key) => !tombstones.includes(key));
  expect(left, 'keys left in Redis').toEqual([]);
}

export function assertNoFileLeft(directory: string): void {
  expect(readdirSync(directory), 'files left in the temporary directory').toEqual([]);
}
