/** What jobs print, on its way into the log of the runner. */
import { describe, expect, test } from 'vitest';
import { useRedis } from '../../helpers/redis.ts';
import { type TestEngine, useEngines } from '../stage.ts';

const stage = useEngines(useRedis());

/** What is told of jobs, in order: `out: text`, and how they ended. */
function told(engine: TestEngine): string[] {
  return engine.events.flatMap((event) => {
    if (event.type === 'output.logged')
      return [`${event.outcome ?? 'running'} ${event.stream}: ${event.line}`];
    return event.type === 'job.finished' ? [event.outcome] : [];
  });
}

/** Fails if its arg is negative. */
const printing = 'read -r job || :; echo "one"; echo "two" >&2; case "$job" in *-*) exit 1;; esac';

describe('logOutput', () => {
  test('"failed" tells the output of jobs that failed, just before their end is told', async () => {
    stage.mayLeaveKeys('failed');
    const engine = await stage.start([stage.runner('mail', stage.script(printing), { logOutput: 'failed' })]);
    await stage.enqueue('mail', 1, -1);
    await engine.wait('job.finished', 2);
    expect(told(engine)).toEqual(['succeeded', 'failed stdout: one', 'failed stderr: two', 'failed']);
    expect(engine.all('output.logged')[0]).toMatchObject({ jobId: '2', queue: 'mail', jobClass: 'Job' });
  });

  test('"all" tells the output of all jobs while they run, once', async () => {
    stage.mayLeaveKeys('failed');
    const engine = await stage.start([stage.runner('mail', stage.script(printing), { logOutput: 'all' })]);
    await stage.enqueue('mail', 1, -1);
    await engine.wait('job.finished', 2);
    expect(told(engine).sort()).toEqual(
      [...['running stdout: one', 'running stderr: two', 'succeeded']]
        .concat(['running stdout: one', 'running stderr: two', 'failed'])
        .sort(),
    );
    expect(told(engine).at(-1)).toBe('failed');
  });

  test('"none" tells nothing', async () => {
    stage.mayLeaveKeys('failed');
    const engine = await stage.start([stage.runner('mail', stage.script(printing))]);
    await stage.enqueue('mail', -1);
    await engine.wait('job.finished');
    expect(told(engine)).toEqual(['failed']);
  });
});

test('the trace of a payload is known from the start of its job', async () => {
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;
  const engine = await stage.start([stage.runner('mail', stage.script('echo "$TRACEPARENT" > "$D/trace"'))]);
  const { redis } = stage;
  await redis.rpush('resque:queue:mail', JSON.stringify({ class: 'Job', args: [], traceparent }));
  await engine.wait('job.finished');
  expect(engine.all('job.started')[0]?.job.traceId).toBe(traceId);
  expect(stage.lines('trace')).toEqual([traceparent]);
});
