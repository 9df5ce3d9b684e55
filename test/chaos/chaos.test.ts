/** A short run of `npm run chaos`, in both modes of delivery: its verdicts hold however fast the machine is. */
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { runChaos } from '../../chaos/run-chaos.ts';

const program = fileURLToPath(new URL('../../dist/resque-runner.js', import.meta.url));
const run = { seed: 1, jobs: 200, kills: 7, longestPauseMs: 500, program, limitMs: 60_000 };

test.concurrent.each(['at-most-once', 'at-least-once'] as const)(
  '%s: what is promised holds while runners are killed and Redis is frozen, cut off and restarted',
  async (delivery) => {
    const { broken, figures } = await runChaos({ ...run, delivery });
    expect(broken).toEqual([]);
    expect(figures.jobs).toBe(run.jobs);
    expect(figures.kills).toBeGreaterThan(0);
    if (delivery === 'at-least-once') expect(figures.ranToTheEnd).toBe(run.jobs);
  },
  120_000,
);
