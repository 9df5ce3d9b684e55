/** A runner needs only the permissions that `check` tests. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { LinkClient } from '../../src/link/client/client.ts';
import type { FailureFilter } from '../../src/protocol/commands.ts';
import { runProgram } from '../cli/program.ts';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import type { ConfigObject } from '../helpers/workbench.ts';

const stage = useEndToEnd();
const sources = fileURLToPath(new URL('../../src/resque/', import.meta.url));

/** Commands that the runner tries but doesn't need. */
const spared = ['info', 'role', 'client|kill', 'client|setname', 'config|get'];

function config(): ConfigObject {
  const script = stage.script(`
    job=$(cat)
    case $job in
      *Slow*) echo >> "$D/slow"; exec sleep 300 ;;
      *Bad*) exit 1 ;;
    esac`);
  return {
    redis: { server: '127.0.0.1', port: stage.redis.port, username: 'low', password: 'pw' },
    runners: {
      mail: { concurrency: 2, interrupted: 'requeue' },
      'sure,extra': { concurrency: 2, delivery: 'at-least-once' },
      sure: { concurrency: 1, delivery: 'at-least-once' },
    },
    script,
    failedLimit: 3,
    shutdownTimeout: 0.1,
    killAfter: 0.1,
  };
}

/** The missing permissions that check reports for a user without any. */
async function commandsAskedFor(settings: ConfigObject): Promise<string[]> {
  // Without these, check can't connect or test.
  const few = ['ping', 'multi', 'exec', 'discard'];
  await setUser(...few.map((name) => `+${name}`));
  const { stdout } = await check(settings);
  const names = /^FAIL permission (.*): no permission;/m.exec(stdout)?.[1]?.split(', ') ?? [];
  expect(names.length).toBeGreaterThan(20);
  return [...names.map((name) => name.toLowerCase().replace(' ', '|')), ...few];
}

async function setUser(...rules: string[]): Promise<void> {
  await stage.client.acl('SETUSER', 'low', 'reset', 'on', '>pw', '~resque:*', ...rules);
}

async function check(settings: ConfigObject) {
  writeFileSync(stage.path('check.json'), JSON.stringify(settings));
  const env = { XDG_STATE_HOME: stage.path('state') };
  return await runProgram(['check', 'check.json'], { cwd: stage.directory, env });
}

/** Denied commands, from Redis' ACL log. */
async function refused(): Promise<string[]> {
  const log = (await stage.client.acl('LOG')) as string[][];
  return log
    .map((entry) => String(entry[entry.indexOf('object') + 1]))
    .filter((name) => !spared.includes(name));
}

const all: FailureFilter = { queue: null, jobClass: null, exception: null, exit: null, text: null };

test('with the permissions of check, a runner runs, retries, removes, stops and recovers', async () => {
  const settings = config();
  const commands = await commandsAskedFor(settings);
  await setUser(...commands.map((name) => `+${name}`));
  const checked = await check(settings);
  expect(checked.stdout).not.toContain('FAIL');
  expect(checked.code).toBe(0);
  await stage.client.acl('LOG', 'RESET');

  const first = await stage.run(settings, { args: ['--socket', stage.path('s')] });
  await stage.enqueue('mail', { class: 'Good', args: [] }, { class: 'Bad', args: [1] });
  await stage.enqueue('sure', { class: 'Good', args: [] }, { class: 'Bad', args: [2] });
  await stage.enqueue('extra', { class: 'Good', args: [] });
  await stage.waitForStat('processed', 5);
  const events = { onSnapshot: () => {}, onEvents: () => {}, onClosed: () => {} };
  const client = await LinkClient.connect(stage.path('s'), { name: 'test', isReadOnly: false }, events);
  expect(await client.send({ type: 'retry-matching', filter: all, within: 2 })).toMatchObject({ ok: true });
  await stage.waitForStat('processed', 7);
  expect(await stage.client.llen(stage.key('failed'))).toBe(3);
  expect(await stage.client.hvals(stage.key('runner:failed-removed'))).toEqual(['1']);
  expect(await client.send({ type: 'remove-matching', filter: all, within: 3 })).toMatchObject({ ok: true });
  expect(await stage.client.llen(stage.key('failed'))).toBe(0);
  await client.close();
  await stage.enqueue('mail', { class: 'Slow', args: [] });
  await stage.enqueue('sure', { class: 'Slow', args: [] });
  await stage.waitForFileLines('slow', 2);
  first.signal('SIGKILL');
  await first.waitForExit();

  const second = await stage.run(settings);
  await second.waitForLine('peer.recovered');
  await stage.waitForFileLines('slow', 4);
  // Its job goes back.
  stage.mayLeaveKeys('queue:mail', 'runner:failed-removed');
  await second.stop();
  expect(await refused()).toEqual([]);
  await stage.client.acl('DELUSER', 'low');
});

test('check tests every command in the scripts of a runner', async () => {
  const commands = await commandsAskedFor(config());
  const folders = ['redis', 'failed', 'workers', 'steps'].map((folder) => join(sources, folder));
  const files = folders.flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)));
  const called = files.flatMap((name) =>
    [...readFileSync(name, 'utf8').matchAll(/redis\.p?call\('([A-Z]+)'/g)].map(([, command]) =>
      command?.toLowerCase(),
    ),
  );
  expect(called.length).toBeGreaterThan(50);
  expect(called.filter((command) => !commands.includes(command ?? ''))).toEqual([]);
});
