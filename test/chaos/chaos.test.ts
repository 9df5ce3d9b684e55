/** Short runs of `npm run chaos`, in both modes of delivery: their verdicts hold however fast the machine is. */
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { runChaos } from '../../chaos/run-chaos.ts';

const program = fileURLToPath(new URL('../../dist/resque-runner.js', import.meta.url));
const run = { seed: 1, kills: 7, longestPauseMs: 500, program, limitMs: 60_000 };

test.concurrent.each([
  ['at-most-once', 200, 1],
  ['at-least-once', 200, 1],
  ['at-least-once', 100, 4],
] as const)(
  '%s: what is promised holds while runners are killed and Redis is frozen, cut off and restarted (%i jobs of %i attempts)',
  async (delivery, jobs, attempts) => {
    const { broken, figures } = await runChaos({ ...run, delivery, jobs, attempts });
    expect(broken).toEqual([]);
    expect(figures.jobs).toBe(jobs);
    expect(figures.kills).toBeGreaterThan(0);
    if (attempts > 1) expect(figures.runs).toBeGreaterThan(jobs);
    if (delivery === 'at-least-once') expect(figures.ranToTheEnd).toBe(jobs);
  },
  120_000,
);
