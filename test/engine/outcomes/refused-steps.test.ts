/** Steps that Redis answers with an error, or whose reply was lost, and what was sent behind them. */
import { expect, test } from 'vitest';
import { useRedis } from '../../helpers/redis.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { cutAndBack, isStep, startProxy } from '../proxies.ts';
import { useEngines } from '../stage.ts';

const stage = useEngines(useRedis());

test('a job that failed is recorded and not run again, although Redis refused it and took what was sent behind it', async () => {
  const proxy = await startProxy(stage.server.port);
  const fails = stage.runner('fails', stage.script('exit 1'));
  const works = stage.runner('works', stage.script('while [ ! -e "$D/go" ]; do sleep 0.1; done'));
  const engine = await stage.start([fails, works], { port: proxy.port });
  await stage.enqueue('works', 1);
  await engine.wait('job.started');
  await stage.redis.set('resque:failed', 'no list');
  // The failure, and behind it a success, are on their way at the same time.
  let steps = 0;
  proxy.judge = (text) => {
    if (text.includes('\r\nfailure\r\n')) steps = 1;
    else if (steps === 1 && isStep(text)) steps = 2;
    return steps > 0 ? 'hold' : 'pass';
  };
  await stage.enqueue('fails', 2);
  await waitFor(() => steps === 1, { message: 'the failure is on its way' });
  stage.write('go');
  await waitFor(() => steps === 2, { message: 'the success is on its way' });
  proxy.judge = () => 'pass';
  proxy.release();
  await engine.wait('redis.down');
  await stage.redis.del('resque:failed');
  await engine.wait('redis.up', 2);
  await waitFor(async () => (await stage.stat('processed')) === 2, {
    message: () => `both are written\n${engine.describe()}`,
  });
  expect(engine.all('job.started').map(({ job }) => job.args)).toEqual(['[1]', '[2]']);
  expect(await stage.stat('failed')).toBe(1);
  expect(await stage.redis.llen('resque:failed')).toBe(1);
});

test('jobs that a lost reply brought to a paused queue go back in their order', async () => {
  const proxy = await startProxy(stage.server.port);
  const runner = stage.runner('mail', stage.script(':'), { concurrency: 4 });
  const engine = await stage.start([runner], { port: proxy.port });
  // Before its first wait, what it does at the resume is a matter of luck.
  await stage.waitForIdle();
  await engine.do({ type: 'pause-queue', queue: 'mail' });
  await stage.waitForNoWait();
  await stage.enqueue('mail', 1, 2, 3, 4, 5, 6);
  stage.mayLeaveKeys('queue:mail');
  proxy.judge = (text) => {
    if (!isStep(text)) return 'pass';
    proxy.judge = () => 'pass';
    void engine.do({ type: 'pause-queue', queue: 'mail' });
    return 'pass-and-cut';
  };
  await engine.do({ type: 'resume-queue', queue: 'mail' });
  await cutAndBack(engine, proxy);
  await waitFor(async () => (await stage.redis.llen('resque:queue:mail')) === 6, {
    message: () => `all are back
${engine.describe()}`,
  });
  expect(await stage.backlog('mail')).toEqual([1, 2, 3, 4, 5, 6]);
});
