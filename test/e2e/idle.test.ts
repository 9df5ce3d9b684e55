/** The cost of an idle runner. The bench measures it exactly; this checks the order of magnitude. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import { cpuSeconds } from '../helpers/processes.ts';
import { testConnectionName } from '../helpers/redis.ts';
import { waitFor } from '../helpers/wait-for.ts';

const e2e = useEndToEnd({ timeoutMs: 60_000 });
/** Long enough for each regular command to occur at least once. */
const windowSeconds = 22;

/** The heartbeat (a script), the check for pause-all-workers, and the check that the wait is still alive. */
function isExpected([command = '', ...rest]: readonly string[]): boolean {
  switch (command.toLowerCase()) {
    case 'time':
    case 'evalsha':
      return true;
    case 'get':
      return rest[0] === e2e.key('pause-all-workers');
    case 'exists':
      return rest.every((key) => key.startsWith(e2e.key('queue:')));
    default:
      return false;
  }
}

/** Commands of the heartbeat's script. */
function isHeartbeat([, key = '']: readonly string[]): boolean {
  return [':workers', ':workers:heartbeat', ':started', ':runners', ':step'].some((end) => key.endsWith(end));
}

test('an idle runner sends heartbeats and pause checks, and uses two connections and almost no CPU', async () => {
  const script = e2e.script('exit 0');
  const queues = Array.from({ length: 8 }, (_, n) => [`queue-${n}`, n + 1]);
  const runner = await e2e.run({ runners: Object.fromEntries(queues), script });
  await e2e.enqueue('queue-3', { class: 'Job', args: [] }, { class: 'Job', args: [] });
  await runner.waitForFinished(2);
  await e2e.waitForStat('processed', 2);
  await waitFor(async () => String(await e2e.client.client('LIST')).includes('cmd=blpop'), {
    message: 'the runner is blocked again',
  });

  const monitor = await e2e.client.monitor();
  const commands: string[][] = [];
  const fromScripts: string[][] = [];
  monitor.on('monitor', (_time: string, words: string[], source: string) => {
    (source === 'lua' ? fromScripts : commands).push(words);
  });
  const before = cpuSeconds(runner.pid);
  // Measuring a rate needs a fixed time.
  await sleep(windowSeconds * 1000);
  const used = cpuSeconds(runner.pid) - before;
  const clients = String(await e2e.client.client('LIST'))
    .trim()
    .split('\n');
  monitor.disconnect();

  const theirs = commands.filter(([command]) => command?.toLowerCase() !== 'client');
  expect(theirs.filter((words) => !isExpected(words))).toEqual([]);
  expect(fromScripts.filter((words) => !isHeartbeat(words))).toEqual([]);
  const count = (name: string) => theirs.filter(([command]) => command?.toLowerCase() === name).length;
  expect(count('get'), 'pause checks').toBeGreaterThanOrEqual(Math.floor(windowSeconds / 5));
  expect(count('get'), 'pause checks').toBeLessThanOrEqual(windowSeconds / 2);
  expect(count('evalsha'), 'heartbeats').toBeGreaterThan(0);
  expect(theirs.length - count('get')).toBeLessThanOrEqual(6);
  const workers = await e2e.client.smembers(e2e.key('workers'));
  // Each entry registers one worker, and queue-3 at most two: it had two jobs.
  const others = workers.filter((id) => !id.endsWith(':queue-3'));
  expect(others.map((id) => id.split(':').at(-1)).sort(), 'workers that were needed').toEqual(
    queues.map(([queue]) => queue).filter((queue) => queue !== 'queue-3'),
  );
  expect(workers.length - others.length).toBeLessThanOrEqual(2);
  const own = clients.filter((line) => !line.includes(`name=${testConnectionName}`));
  expect(own.length).toBeLessThanOrEqual(2);
  expect(used / windowSeconds).toBeLessThan(0.05);
});
