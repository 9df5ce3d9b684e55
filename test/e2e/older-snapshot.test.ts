/** Redis crashes and restarts from an old snapshot. */
import { expect, test } from 'vitest';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import { expectForgottenTwice, gatedJobs, gatedScript, slots, waitForGate } from '../helpers/gates.ts';

const stage = useEndToEnd({ redis: { isOwn: true }, timeoutMs: 60_000 });
const clean = { code: 0, signal: undefined };
const deliveries = ['at-most-once', 'at-least-once'] as const;

/** Restarts it with the data of the last `SAVE`, the only data on the disk. */
async function crash(): Promise<void> {
  await stage.redis.kill();
  await stage.redis.start();
}

test.each(deliveries)(
  '%s: two runners lose no job, and only jobs taken after the snapshot run twice',
  async (delivery) => {
    await stage.enqueue('mail', ...gatedJobs());
    const runners = { mail: { concurrency: slots / 2, delivery } };
    const config = { script: stage.script(gatedScript), runners };
    const drain = { args: ['--drain'] };
    const both = [await stage.run(config, drain), await stage.run(config, drain)];
    await waitForGate(stage, 100);
    await stage.waitForStat('processed', 100);
    await stage.client.save();
    stage.write('go-1');
    await waitForGate(stage, 200);
    await crash();
    stage.write('go-2');

    for (const runner of both) {
      expect(await runner.waitForExit(30_000)).toEqual(clean);
      expect(runner.all('peer.recovered')).toEqual([]);
      const forgotten = runner.all('steps.forgotten');
      const message = expect.stringMatching(/without the last \d+ steps of this runner/);
      expect(forgotten).toEqual([expect.objectContaining({ message, settled: 0 })]);
    }
    await expectForgottenTwice(stage);
  },
);

test.each(deliveries)(
  '%s: a runner that is not in the snapshot continues with its running jobs',
  async (delivery) => {
    await stage.client.save();
    const script = stage.script('echo >> "$D/ran"; while [ ! -e "$D/go" ]; do sleep 0.02; done');
    const runner = await stage.run({ script, runners: { mail: { concurrency: 2, delivery } } });
    await stage.enqueue('mail', {}, {}, {});
    await stage.waitForFileLines('ran', 2);
    await crash();
    const { message } = await runner.waitForLine('steps.forgotten');
    expect(message).toMatch(/came back without this runner's data .* 2 running jobs recorded again/);
    stage.write('go');
    await stage.waitForStat('processed', 2);
    await stage.enqueue('mail', {});
    await stage.waitForStat('processed', 3);
    expect(await runner.stop()).toEqual(clean);
  },
);
