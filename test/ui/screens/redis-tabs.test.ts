/** The Workers and Delayed tabs, and the bell, with a real engine: what others change in Redis, and what keys do to it. */
import { expect, test } from 'vitest';
import { waitFor } from '../../helpers/wait-for.ts';
import { Puppet } from '../puppet.ts';
import { rowOf, waitForSelected } from '../screen-parts.ts';
import { useInProcessUi } from './in-process.ts';

const ui = useInProcessUi({ redis: { appendOnly: true } });
const idle = () => ({ script: ui.stage.script('cat > /dev/null; exit 0'), runners: { mail: 1 } });
const bell = '\u0007';
const titleOf = (text: string) => `\u001B]0;✗ resque-runner: ${text}\u001B\\`;

async function registerStale(id: string): Promise<void> {
  const { client } = ui.stage;
  const key = (name: string) => ui.stage.key(name);
  const record = '{"queue":"mail","run_at":"2026-11-24T15:20:19Z","payload":{"class":"Left","args":["x"]}}';
  await client.set(key(`worker:${id}`), record);
  await client.hset(key('workers:heartbeat'), id, '2026-11-24T15:20:19+00:00');
  await client.sadd(key('workers'), id);
}

async function delay(time: number, item: string): Promise<void> {
  const { client } = ui.stage;
  await client.rpush(ui.stage.key(`delayed:${time}`), item);
  await client.sadd(ui.stage.key(`timestamps:${item}`), `delayed:${time}`);
  await client.zadd(ui.stage.key('delayed_queue_schedule'), time, String(time));
}

test('a worker that goes stale appears, is looked at, and removed after a question; a living one is not', async () => {
  const screen = await ui.start(idle());
  await screen.press('5');
  await screen.waitForText('[5 Workers]');
  await screen.waitForText(/runner +idle/);
  await registerStale('db:2:mail');
  await screen.waitForText(/! db:2 .* stale .* mail Left \["x"\]/);
  // The cursor is still on the living one.
  await screen.press('D');
  await screen.waitForText('only a stale worker can be removed');
  await screen.press('k', 'return');
  await screen.waitForText(/Worker ━/);
  await screen.waitForText('left a job: Left of mail');
  await screen.press('D');
  await screen.waitForText('Remove worker db:2:mail?');
  await screen.waitForText('Its job Left of mail is recorded as failed.');
  await screen.press('return');
  await screen.waitForNoText('Remove worker');
  expect(await ui.stage.client.sismember(ui.stage.key('workers'), 'db:2:mail')).toBe(1);
  await screen.press('D', 'y');
  await screen.waitForText('removed worker db:2:mail; its job is recorded as failed');
  await screen.waitForNoText('db:2 ');
  await screen.waitForText('[5 Workers]');
  expect(await ui.stage.client.llen(ui.stage.key('failed'))).toBe(1);
  await ui.stage.client.del(ui.stage.key('failed'));
});

test('delayed jobs bring a tab of their own: they are run now, or deleted, after a question', async () => {
  const screen = await ui.start(idle());
  expect(screen.screen()[0]).not.toContain('Delayed');
  await screen.press('6');
  await screen.waitForText('there are no delayed jobs and no schedules');
  const items = ['first', 'second'].map((arg) => `{"class":"Send","args":["${arg}"],"queue":"mail"}`);
  for (const [at, item] of items.entries()) await delay(4_000_000_000 + at, item);
  await screen.waitForText('6 Delayed(2)');
  await screen.press('6');
  await waitForSelected(screen, 'first');
  await screen.press('/');
  await screen.waitForText('filter: ');
  screen.type('!FIRST\r');
  await waitForSelected(screen, 'second');
  expect(rowOf(screen, '["first"]')).toBe('');
  await screen.press('r');
  await screen.waitForText('Run this job now?');
  await screen.press('y');
  await screen.waitForText('moved the delayed job to its queue');
  await ui.stage.waitForStat('processed', 1);
  await screen.press('escape');
  await waitForSelected(screen, 'first');
  await screen.press('D');
  await screen.waitForText('Delete this delayed job?');
  await screen.press('y');
  await screen.waitForText('deleted the delayed job');
  await screen.waitForText('no delayed jobs');
});

test('Redis that goes away rings the bell and is in the title until it is back; a job that prints both does nothing', async () => {
  const puppet = new Puppet(ui.stage);
  const screen = await ui.start({ script: puppet.script, runners: { mail: 1 } });
  await ui.stage.enqueue('mail', { class: 'Noisy', args: ['\u0007\u001B]0;owned\u0007'] });
  await puppet.started();
  puppet.tell("printf '\\007\\033]0;owned\\007\\033]2;owned\\033\\\\SEEN\\n'; printf '\\007' >&2");
  await screen.waitForText('SEEN');
  expect(screen.received).not.toMatch(/\u0007|\u001B\][012];/);
  await ui.stage.redis.stop();
  await screen.waitFor(() => screen.received.includes(titleOf('Redis is down')), 'the title says so');
  expect(screen.received.split(bell)).toHaveLength(2);
  await ui.stage.redis.start();
  await screen.waitForNoText('Redis down');
  await screen.waitFor(() => screen.received.includes('\u001B[23;0t'), 'it gets its title back');
  await screen.press(':');
  await screen.waitForText('Commands');
  screen.type('bell\r');
  await screen.waitForText('bell and title are off');
  puppet.tell('exit 0');
  await ui.stage.waitForStat('processed', 1);
});

test('failures that burst ring once', async () => {
  const screen = await ui.start({
    script: ui.stage.script("cat > /dev/null; printf '\\007\\033]0;owned\\007' >&2; exit 1"),
    runners: { mail: 2 },
  });
  await ui.stage.enqueue('mail', ...Array.from({ length: 12 }, (_, at) => ({ class: 'Bad', args: [at] })));
  await ui.stage.waitForStat('failed', 12);
  await screen.waitFor(() => screen.received.includes(titleOf('many jobs fail')), 'the title says so');
  expect(screen.received.split(bell)).toHaveLength(2);
  expect(screen.received).not.toContain('owned\u0007');
  await waitFor(async () => (await ui.stage.client.llen(ui.stage.key('failed'))) === 12, {
    message: 'all failed',
  });
  await ui.stage.client.del(ui.stage.key('failed'));
});
