/** Redis goes away and comes back: the screen says so, and what runs isn't hurt. */
import { expect, test } from 'vitest';
import { Puppet } from '../puppet.ts';
import { useInProcessUi } from './in-process.ts';

const ui = useInProcessUi({ redis: { appendOnly: true } });

test('header and message tell that Redis is away, running jobs go on, and queues continue when it is back', async () => {
  const puppet = new Puppet(ui.stage);
  const screen = await ui.start({ script: puppet.script, runners: { mail: 1 } });
  await ui.stage.enqueue('mail', { class: 'First', args: [] }, { class: 'Second', args: [] });
  await puppet.started();
  await screen.waitForText('1 waiting');
  await ui.stage.redis.stop();
  await screen.waitForText(/✗ Redis down/);
  expect(screen.screen()[0]).toMatch(/✗ Redis down up \d+s {2}1\/1 slots/);
  expect(screen.screen().at(-2)).toMatch(/^ ✗ Redis: .*; running jobs continue, reconnecting$/);
  // It still runs, and can be looked at.
  puppet.tell('echo "none of my business" >&2');
  await screen.waitForText('none of my business');
  await screen.press('return', 'return');
  await screen.waitForText('err none of my business');
  puppet.tell('echo "and it is done"; exit 0');
  await screen.waitForText('out and it is done');
  await screen.waitForText('SUCCEEDED after');
  await screen.press('escape', '2', 'r');
  expect(screen.screen().at(-2)).toContain('✗');
  await screen.press('1');
  // What it came to waits for Redis, and so does the other job.
  await screen.waitForText('0/1  1 waiting');
  await ui.stage.redis.start();
  await screen.waitForNoText('Redis down');
  await screen.waitForText('#2  Second');
  await ui.stage.waitForStat('processed', 1);
  await screen.press('4');
  await screen.waitForText(/● redis +back after /);
  await screen.waitForText(/! redis +not usable: /);
  expect(screen.screen()[0]).toMatch(/ ● up \d+s/);
  await puppet.started();
  puppet.tell('exit 0');
  await ui.stage.waitForStat('processed', 2);
});

test('a screen that is opened while Redis is away says so, and is of use once it is there', async () => {
  const script = ui.stage.script('cat > /dev/null; exec sleep 60');
  const config = { script, runners: { mail: 1 } };
  await ui.stage.redis.stop();
  const screen = await ui.start(config, { awaitRedis: false });
  await screen.waitForText('✗ Redis down');
  await screen.waitForText(/✗ Redis: .*reconnecting/);
  await screen.press('2');
  await screen.waitForText('[2 Failures');
  await ui.stage.redis.start();
  await screen.waitForNoText('Redis down');
  await screen.waitForText('no failures');
  await ui.stage.enqueue('mail', { class: 'Welcome', args: [] });
  await screen.press('1');
  await screen.waitForText('#1  Welcome');
});
