import { expect, test } from 'vitest';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import { isAlive } from '../helpers/processes.ts';
import type { Runner } from '../helpers/runner.ts';
import { waitFor } from '../helpers/wait-for.ts';

const stage = useEndToEnd();

/** After SIGKILL, a runner can't clean up. */
async function crash(runner: Runner): Promise<void> {
  runner.signal('SIGKILL');
  await runner.waitForExit();
}

async function pidOf(file: string): Promise<number> {
  return Number((await stage.waitForFileLines(file))[0]);
}

test('the next runner records the job of a killed runner as failed, and ends its program', async () => {
  const script = stage.script('echo $$ > "$D/pid"; sleep 300');
  const config = { script, runners: { mail: 2 } };
  const first = await stage.run(config);
  await stage.enqueue('mail', { class: 'Send', args: [7] });
  const pid = await pidOf('pid');
  await crash(first);
  expect(isAlive(pid)).toBe(true);

  const second = await stage.run(config);
  const recovered = await second.waitForLine('peer.recovered');
  expect(recovered.message).toContain('1 job recorded as failed');
  const failure = await stage.failure();
  expect(failure).toMatchObject({
    exception: 'Resque::PruneDeadWorkerDirtyExit',
    queue: 'mail',
    payload: { class: 'Send', args: [7] },
  });
  expect(isAlive(pid)).toBe(false);
  await stage.waitForStat('failed', 1);
  await stage.waitForStat('processed', 1);
  const workers = await stage.client.smembers(stage.key('workers'));
  expect(workers.every((id) => id.includes(`:${second.pid}-`))).toBe(true);
});

test('with "interrupted": "requeue" it goes back to the head of its queue and runs again', async () => {
  const script = stage.script(
    'cat >> "$D/seen"; echo >> "$D/seen"; [ -e "$D/go" ] || { echo $$ > "$D/pid"; sleep 300; }',
  );
  const config = { script, runners: { mail: 1 }, interrupted: 'requeue' };
  const first = await stage.run(config);
  await stage.enqueue('mail', { class: 'A', args: [] }, { class: 'B', args: [] });
  await pidOf('pid');
  await crash(first);
  stage.write('go');

  await stage.run(config);
  await stage.waitForStat('processed', 2);
  expect(await stage.waitForFileLines('seen', 3)).toEqual([
    '{"class":"A","args":[]}',
    '{"class":"A","args":[]}',
    '{"class":"B","args":[]}',
  ]);
  expect(await stage.stat('failed')).toBe(0);
});

test('a starting runner leaves a living one alone', async () => {
  const script = stage.script('echo $$ > "$D/pid"; while [ ! -e "$D/end" ]; do sleep 0.1; done');
  const first = await stage.run({ script, runners: { mail: 1 } });
  await stage.enqueue('mail', { class: 'A', args: [] });
  await pidOf('pid');

  const second = await stage.run({ script, runners: { other: 1 } });
  await waitFor(async () => (await stage.client.smembers(stage.key('workers'))).length === 2, {
    message: 'both are registered',
  });
  expect(second.all('peer.recovered')).toEqual([]);
  stage.write('end');
  await first.waitForFinished(1);
  expect(await stage.stat('failed')).toBe(0);
});
