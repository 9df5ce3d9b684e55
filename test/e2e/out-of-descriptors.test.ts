/** Too few descriptors for all slots: fewer jobs run at once, all of them get done, and the runner lives. */
import { expect, test } from 'vitest';
import { job, persistentScript } from '../helpers/children.ts';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import type { Runner } from '../helpers/runner.ts';

const e2e = useEndToEnd({ timeoutMs: 60_000 });

/** More than the runner keeps of an output in memory. */
const flood = 'head -c 100000 /dev/zero | tr "\\0" x; echo; head -c 30000 /dev/zero | tr "\\0" y >&2';

function jobs(count: number): object[] {
  return Array.from({ length: count }, (_, n) => job(n));
}

/** Each job is done once and well, and the trouble is told once. */
async function assertAllDone(runner: Runner, count: number): Promise<void> {
  expect(await runner.waitForExit(50_000)).toEqual({ code: 0, signal: undefined });
  const outcomes = runner.all('job.finished').map(({ outcome }) => outcome);
  expect(outcomes.filter((outcome) => outcome !== 'requeued')).toEqual(Array(count).fill('succeeded'));
  expect([...new Set(e2e.fileLines('ran'))]).toHaveLength(count);
  expect(e2e.fileLines('ran')).toHaveLength(count);
  await e2e.failures(0);
  await e2e.waitForStat('processed', count);
  expect(runner.all('queue.paused')).toEqual([]);
  expect(runner.all('runner.throttled')).toHaveLength(1);
}

test.each([
  ['natively', {}],
  ["by Node's own means", { RR_NATIVE: 'off' }],
])('jobs started %s that print a lot all succeed with 40 descriptors for 32 slots', async (_way, env) => {
  const script = e2e.script(`read -r job; ${flood}; echo "$job" >> "$D/ran"`);
  await e2e.enqueue('mail', ...jobs(100));
  const runner = await e2e.run(
    { runners: { mail: 32 }, script },
    { args: ['--drain'], env, limits: { nofile: 40 } },
  );
  const { throttled, level } = await runner.waitForLine('runner.throttled');
  expect(level).toBe('warn');
  expect(throttled?.shortage).toContain('too many open files (EMFILE)');
  await assertAllDone(runner, 100);
});

test('persistent children are as many as 48 descriptors allow, and do all jobs', async () => {
  const script = e2e.script(persistentScript(`${flood}; echo "$job" >> "$D/ran"; echo '{"ok":true}' >&3`));
  await e2e.enqueue('mail', ...jobs(100));
  const runner = await e2e.run(
    { runners: { mail: { concurrency: 32, mode: 'persistent' } }, script },
    { args: ['--drain'], limits: { nofile: 48 } },
  );
  await assertAllDone(runner, 100);
  // They stay: none was ended for the sake of another.
  expect(new Set(e2e.fileLines('born').map((line) => line.split(' ')[0])).size).toBeLessThan(8);
});
