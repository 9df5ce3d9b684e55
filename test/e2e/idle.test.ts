/** The cost of an idle runner. The bench measures it exactly; this checks the order of magnitude. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { type RunOptions, useEndToEnd } from '../helpers/end-to-end.ts';
import { cpuSeconds } from '../helpers/processes.ts';
import { testConnectionName } from '../helpers/redis.ts';
import type { Runner } from '../helpers/runner.ts';
import { waitFor } from '../helpers/wait-for.ts';

const e2e = useEndToEnd({ isInProcess: true });
/** Long enough for each regular command to occur at least once. */
const windowSeconds = 22;
/** CPU time is measured in real time. A runner that is busy for no reason uses more within any second. */
const measuredSeconds = 3;
const queues = Array.from({ length: 8 }, (_, n) => [`queue-${n}`, n + 1] as const);

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

/** A runner of 8 queues that has done two jobs and waits for more. */
async function runUntilIdle(options: RunOptions = {}): Promise<Runner> {
  const script = e2e.script('exit 0');
  const runner = await e2e.run({ runners: Object.fromEntries(queues), script }, options);
  await e2e.enqueue('queue-3', { class: 'Job', args: [] }, { class: 'Job', args: [] });
  await runner.waitForFinished(2);
  await e2e.waitForStat('processed', 2);
  await waitFor(async () => String(await e2e.client.client('LIST')).includes('cmd=blpop'), {
    message: 'the runner is blocked again',
  });
  return runner;
}

test('an idle runner sends heartbeats and pause checks, and uses two connections', async () => {
  await runUntilIdle();
  const monitor = await e2e.client.monitor();
  const commands: string[][] = [];
  const fromScripts: string[][] = [];
  monitor.on('monitor', (_time: string, words: string[], source: string) => {
    (source === 'lua' ? fromScripts : commands).push(words);
  });
  await e2e.pass(windowSeconds);
  const clients = String(await e2e.client.client('LIST'))
    .trim()
    .split('\n');
  await e2e.client.echo('last');
  await waitFor(() => commands.some(([command]) => command?.toLowerCase() === 'echo'), {
    message: 'the monitor shows all commands',
  });
  monitor.disconnect();

  const ours = ['ping', 'client', 'echo'];
  const theirs = commands.filter(([command = '']) => !ours.includes(command.toLowerCase()));
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
});

test('an idle runner uses almost no CPU', async () => {
  const runner = await runUntilIdle({ isProgram: true });
  const before = cpuSeconds(runner.pid);
  // Measuring a rate needs a fixed time.
  await sleep(measuredSeconds * 1000);
  const used = cpuSeconds(runner.pid) - before;
  expect(used / measuredSeconds).toBeLessThan(0.05);
});
