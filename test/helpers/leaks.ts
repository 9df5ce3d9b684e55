/**
 * Checks that a runner that ended cleanly left no process, no key of ours except failures and totals, and no temporary
 * file.
 */
import { readdirSync } from 'node:fs';
import type { Redis } from 'ioredis';
import { expect } from 'vitest';
import { processesMarked } from './processes.ts';
import { waitFor } from './wait-for.ts';

/** Time for a killed process to disappear from the process table. Only the kernel still has work to do. */
const graceMs = 500;

export async function assertNoProcessLeft(mark: string): Promise<void> {
  await waitFor(() => processesMarked(mark).length === 0, {
    message: () => `no process is left: ${JSON.stringify(processesMarked(mark))}`,
    timeoutMs: graceMs,
  });
}

/** @param allowed key names, including the prefix, that the test may leave. */
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
  // A runner that was declared dead may still be alive. The first kind tells it so for a week. The second kind claims a time
  // of a schedule for an hour. The third kind keeps what was set by hand for the next runner.
  const isExpiring = (key: string) => /^runner:(dead|cron|overrides):/.test(key.slice(prefix.length));
  for (const key of keys.filter(isExpiring)) {
    expect(await client.ttl(key), `${key} expires`).toBeGreaterThan(0);
  }
  const left = keys.filter((key) => !isExpiring(key));
  expect(left, 'keys left in Redis').toEqual([]);
}

export function assertNoFileLeft(directory: string): void {
  expect(readdirSync(directory), 'files left in the temporary directory').toEqual([]);
}
