/** CPU time and memory of jobs: what is measured, and of which processes. Only Linux tells. */
import { describe, expect, test } from 'vitest';
import { persistentScript, sayOk } from '../../helpers/children.ts';
import { useRedis } from '../../helpers/redis.ts';
import { type TestEngine, useEngines } from '../stage.ts';

const stage = useEngines(useRedis());

/** Uses so much CPU time, then writes `burned`. */
const burnedMs = 250;
const burn = `'${process.execPath}' -e '
  const used = () => { const { user, system } = process.cpuUsage(); return user + system; };
  while (used() < ${burnedMs * 1_000});
' && echo > "$D/burned"`;
/** Needs more memory than this process, which runs the engine. */
const allocate = () => {
  const mebibytes = Math.ceil(process.resourceUsage().maxRSS / 1_024) + 64;
  return { mebibytes, script: `dd if=/dev/zero of=/dev/null bs=${mebibytes}M count=1` };
};

const finished = (engine: TestEngine) => engine.wait('job.finished');

describe.runIf(process.platform === 'linux')('of a job, its end tells', () => {
  test('the CPU time of its program and of what that waited for, in its record, too', async () => {
    stage.mayLeaveKeys('failed');
    const engine = await stage.start([stage.runner('mail', stage.script(`${burn}; exit 1`))]);
    await stage.enqueue('mail', 1);
    const { cpuMs = 0 } = await finished(engine);
    expect(cpuMs).toBeGreaterThanOrEqual(burnedMs);
    expect(cpuMs).toBeLessThan(burnedMs + 200);
    await engine.wait('counters.changed');
    const [record = ''] = await stage.redis.lrange('resque:failed', 0, -1);
    expect(JSON.parse(record)).toMatchObject({ exit_code: 1, cpu_ms: cpuMs });
  });

  test('no CPU time of processes that it left behind', async () => {
    const script = stage.script(
      `{ ${burn}; sleep 60; } > /dev/null 2>&1 &\nwhile [ ! -e "$D/burned" ]; do sleep 0.3; done`,
    );
    const engine = await stage.start([stage.runner('mail', script)]);
    await stage.enqueue('mail', 1);
    expect((await finished(engine)).cpuMs).toBeLessThan(burnedMs);
  });

  test('its memory if it had more than this process', async () => {
    const { mebibytes, script } = allocate();
    const engine = await stage.start([stage.runner('mail', stage.script(script))]);
    await stage.enqueue('mail', 1);
    const { outcome, failure, peakMemoryBytes = 0 } = await finished(engine);
    // On a machine with too little memory, `dd` fails or is killed: its words say so.
    expect({ outcome, failure }).toEqual({ outcome: 'succeeded', failure: null });
    expect(peakMemoryBytes / 1_048_576).toBeGreaterThanOrEqual(mebibytes);
    expect(peakMemoryBytes / 1_048_576).toBeLessThan(mebibytes + 16);
  });

  test('no memory if that may be ours, prestarted or not', async () => {
    const engine = await stage.start([
      stage.runner('mail', '/bin/true'),
      stage.runner('news', stage.script('cat > /dev/null'), { isPrestarted: true }),
    ]);
    await stage.enqueue('mail', 1);
    await stage.enqueue('news', 1);
    await engine.wait('job.finished', 2);
    for (const { outcome, cpuMs = 1_000, peakMemoryBytes } of engine.all('job.finished')) {
      expect({ outcome, peakMemoryBytes }).toEqual({ outcome: 'succeeded', peakMemoryBytes: undefined });
      expect(cpuMs).toBeLessThan(100);
    }
  });

  test('nothing for a persistent child, which runs many jobs', async () => {
    const script = stage.script(persistentScript(sayOk));
    const engine = await stage.start([stage.runner('mail', script, { mode: 'persistent' })]);
    await stage.enqueue('mail', 1);
    const end = await finished(engine);
    expect(end).toMatchObject({ outcome: 'succeeded' });
    expect(end).not.toHaveProperty('cpuMs');
  });
});
