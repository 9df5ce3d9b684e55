/** Connections that are cut again and again while many jobs run: still each runs once and counts once. */
import { expect, test } from 'vitest';
import { randomCases } from '../../helpers/random-cases.ts';
import { useRedis } from '../../helpers/redis.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { isStep, startProxy } from '../proxies.ts';
import { useEngines } from '../stage.ts';

const stage = useEngines(useRedis());
const jobs = 60;
const cutsEach = 4;

/** Mulberry32: the same numbers for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

test.each([1, 2, 3, 4, 5, 6].slice(0, randomCases(6)))(
  'all jobs are run once and counted once (seed %i)',
  async (seed) => {
    const random = randomFrom(seed);
    const proxy = await startProxy(stage.server.port);
    const body = 'read -r job || :; echo "$job" >> "$D/ran"; case "$job" in *0]*|*5]*) exit 3;; esac';
    const script = stage.script(body);
    const args = Array.from({ length: jobs }, (_, at) => at);
    await stage.enqueue('a', ...args.filter((arg) => arg % 2 === 0));
    await stage.enqueue('b', ...args.filter((arg) => arg % 2 === 1));
    const runners = [
      stage.runner('a', script, { concurrency: 3 }),
      stage.runner('b', script, { concurrency: 2 }),
    ];
    proxy.judge = (text) => {
      // The cuts take longer from one to the next, since the engine backs off.
      if (!isStep(text) || proxy.cuts >= cutsEach || random() > 0.15) return 'pass';
      return random() < 0.7 ? 'pass-and-cut' : 'cut';
    };
    const engine = await stage.start(runners, { port: proxy.port });
    await waitFor(async () => (await stage.stat('processed')) >= jobs, {
      message: () => `all are processed, after ${proxy.cuts} cuts\n${engine.describe()}`,
      timeoutMs: 15_000,
    });
    await engine.stop();
    expect(proxy.cuts).toBeGreaterThan(0);
    const ran = stage.lines('ran').map((line) => (JSON.parse(line) as { args: [number] }).args[0]);
    expect(ran.sort((x, y) => x - y)).toEqual(args);
    expect(await stage.stat('processed')).toBe(jobs);
    const failures = await stage.redis.lrange('resque:failed', 0, -1);
    const failed = failures.map(
      (text) => (JSON.parse(text) as { payload: { args: [number] } }).payload.args[0],
    );
    expect(failed.sort((x, y) => x - y)).toEqual(args.filter((arg) => arg % 5 === 0));
    expect(await stage.stat('failed')).toBe(jobs / 5);
  },
);
