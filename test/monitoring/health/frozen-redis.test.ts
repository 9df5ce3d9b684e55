/** Redis hangs with its connections open, and comes back. Engine and health share a clock that the test moves. */
import { expect, test } from 'vitest';
import { Health, stuckMs } from '../../../src/monitoring/health/health.ts';
import { useEngines } from '../../engine/stage.ts';
import { MovableClock } from '../../helpers/movable-clock.ts';
import { useRedis } from '../../helpers/redis.ts';
import { waitFor } from '../../helpers/wait-for.ts';

const redis = useRedis({ isOwn: true });
const stage = useEngines(redis);

test('the runner is not ready within 14 s, alive all the same, and ready again after Redis answers', async () => {
  const clock = new MovableClock();
  const runner = stage.runner('mail', stage.script(':'));
  const engine = await stage.start([runner], { machine: { clock }, awaitRedis: false });
  const health = new Health(engine.engine, clock);
  try {
    expect(health.readyz()).toEqual({ ok: false, reasons: ['not connected to Redis yet'] });
    await engine.wait('redis.up');
    expect([health.readyz(), health.livez()]).toEqual([{ ok: true }, { ok: true }]);
    redis.freeze();
    try {
      // A second at a time, as on the system's clock.
      for (let seconds = 0; seconds < 14; seconds += 1) clock.move(1_000);
      await engine.wait('redis.down');
      const reasons = ['Redis is not usable: no answer within 10 s'];
      expect(health.readyz()).toEqual({ ok: false, reasons });
      for (let passedMs = 0; passedMs < 2 * stuckMs; passedMs += 1_000) {
        clock.move(1_000);
        await new Promise(setImmediate);
      }
      expect(health.livez()).toEqual({ ok: true });
    } finally {
      redis.thaw();
    }
    await waitFor(
      () => {
        clock.move(500);
        return health.readyz().ok;
      },
      { message: 'ready again' },
    );
    expect(health.livez()).toEqual({ ok: true });
  } finally {
    health.close();
  }
});
