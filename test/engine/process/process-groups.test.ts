/** Processes that jobs leave running when they end. */
import { expect, test } from 'vitest';
import { isAlive } from '../../helpers/processes.ts';
import { useRedis } from '../../helpers/redis.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { useEngines } from '../stage.ts';

const stage = useEngines(useRedis());

/** A job that ends and leaves a child behind, in its group and without its pipes. */
function leaving(child: string): string {
  const loop = `${child} echo $$ > "$D/pid"; while :; do sleep 0.1; done`;
  return stage.script(`( exec sh -c '${loop.replaceAll('$D', '\'"$D"\'')}' ) </dev/null >/dev/null 2>&1 &
while [ ! -s "$D/pid" ]; do sleep 0.1; done`);
}

function leftPid(): number {
  return Number(stage.lines('pid')[0]);
}

test('a grandchild is killed when its job ends', async () => {
  const engine = await stage.start([stage.runner('mail', leaving(''), { killAfterSeconds: 20 })]);
  await stage.enqueue('mail', 1);
  expect((await engine.wait('job.finished')).outcome).toBe('succeeded');
  await waitFor(() => !isAlive(leftPid()), { message: 'it is gone', timeoutMs: 2_000 });
});

test('a grandchild that ignores TERM gets KILL after the same time as a job', async () => {
  const engine = await stage.start([
    stage.runner('mail', leaving('trap "" TERM;'), { killAfterSeconds: 0.5 }),
  ]);
  await stage.enqueue('mail', 1);
  const { atMs } = await engine.wait('job.finished');
  expect(isAlive(leftPid())).toBe(true);
  await waitFor(() => !isAlive(leftPid()), { message: 'it is gone', timeoutMs: 3_000 });
  expect(Date.now() - atMs).toBeGreaterThanOrEqual(480);
});

test('a stop waits for processes that jobs have left', async () => {
  const engine = await stage.start([
    stage.runner('mail', leaving('trap "" TERM;'), { killAfterSeconds: 0.5 }),
  ]);
  await stage.enqueue('mail', 1);
  await engine.wait('job.finished');
  expect(isAlive(leftPid())).toBe(true);
  await engine.stop('quit');
  await waitFor(() => !isAlive(leftPid()), { message: 'it is gone', timeoutMs: 300 });
});

test('a stop that kills does not wait for them', async () => {
  const engine = await stage.start([
    stage.runner('mail', leaving('trap "" TERM;'), { killAfterSeconds: 60 }),
  ]);
  await stage.enqueue('mail', 1);
  await engine.wait('job.finished');
  await engine.stop('kill');
  await waitFor(() => !isAlive(leftPid()), { message: 'it is gone', timeoutMs: 300 });
});

test('a job that ignores TERM is killed with all processes that it started', async () => {
  const body = `trap '' TERM; sh -c 'trap "" TERM; echo $$ > "$0"; while :; do sleep 0.1; done' "$D/pid" & while :; do sleep 0.1; done`;
  const runner = stage.runner('mail', stage.script(body), { killAfterSeconds: 0.3, timeoutSeconds: 0.3 });
  const engine = await stage.start([runner]);
  await stage.enqueue('mail', 1);
  const finished = await engine.wait('job.finished');
  expect(finished).toMatchObject({ signal: 'SIGKILL', failure: { exception: 'TimeoutError' } });
  expect(engine.all('job.killed').map(({ signal, reason }) => [signal, reason])).toEqual([
    ['SIGTERM', 'timeout'],
    ['SIGKILL', 'timeout'],
  ]);
  await waitFor(() => !isAlive(leftPid()), { message: 'its child is gone', timeoutMs: 1_000 });
});
