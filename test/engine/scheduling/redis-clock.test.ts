/** Delayed jobs if Redis' clock is not the runner's, or is set back and forth. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import type { Schedule } from '../../../src/config/config.ts';
import { lastSeconds } from '../../../src/resque/delayed/recurring-jobs.ts';
import { runCommand } from '../../cli/run-command.ts';
import { useRedis } from '../../helpers/redis.ts';
import { staysTrue, waitFor } from '../../helpers/wait-for.ts';
import { cronSchedule, everySchedule } from '../../resque/delayed/schedules.ts';
import { rubyItem, schedule } from '../../resque/delayed/stage.ts';
import { useEngines } from '../stage.ts';

const directory = mkdtempSync(join(tmpdir(), 'rr-clock-'));
const library = join(directory, 'shifted-clock.so');
const shiftFile = join(directory, 'shift');
const source = fileURLToPath(new URL('../../fixtures/shifted-clock.c', import.meta.url));
const hasCompiler = compile();

function compile(): boolean {
  try {
    execFileSync(process.env.CC ?? 'cc', ['-shared', '-fPIC', '-O1', '-o', library, source, '-ldl'], {
      stdio: 'ignore',
    });
    return true;
  } catch {
    // Without a C compiler, nothing can shift the clock.
    return false;
  }
}

const redis = useRedis({ env: hasCompiler ? { LD_PRELOAD: library, CLOCK_SHIFT: shiftFile } : {} });
const stage = useEngines(redis);
const hour = 3_600;

/** Sets Redis' clock. @param seconds ahead of this machine's */
function shift(seconds: number): void {
  writeFileSync(shiftFile, String(seconds));
}

beforeEach(() => shift(0));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const redisNow = async () => Number((await stage.redis.time())[0]);
const ownNow = () => Math.floor(Date.now() / 1_000);
const start = (schedules: readonly Schedule[] = []) =>
  stage.start([stage.runner('mail', stage.script('cat > /dev/null'))], { scheduler: 'on', schedules });

async function delay(time: number, item: string): Promise<void> {
  await stage.redis.rpush(`resque:delayed:${time}`, item);
  await stage.redis.sadd(`resque:timestamps:${item}`, `delayed:${time}`);
  await stage.redis.zadd(schedule, time, time);
}

describe.skipIf(!hasCompiler)("a Redis whose clock is not the machine's", () => {
  test('is what the tests say it is', async () => {
    shift(hour);
    expect((await redisNow()) - ownNow()).toBeGreaterThan(hour - 60);
    shift(-hour);
    expect((await redisNow()) - ownNow()).toBeLessThan(60 - hour);
  });

  test.each([hour, -hour])('decides what is due if it is off by %i s', async (seconds) => {
    shift(seconds);
    const now = await redisNow();
    await delay(now + 1, rubyItem('mail', 1));
    await delay(now + hour / 2, rubyItem('mail', 2));
    const engine = await start();
    await engine.wait('job.finished');
    expect(await redisNow()).toBeGreaterThan(now);
    expect(await stage.redis.zrange(schedule, 0, '-1')).toEqual([String(now + hour / 2)]);
    // When its clock is set, the other one is due, too.
    shift(seconds + hour);
    await engine.wait('job.finished', 2);
  });

  test.each([hour, -hour])('decides when a retry is due if it is off by %i s', async (seconds) => {
    shift(seconds);
    const delay = { firstDelaySeconds: 1, longestDelaySeconds: 1, jitter: 0 };
    const retry = { attempts: 2, on: 'any', ...delay, queue: null, classes: {} } as const;
    const before = await redisNow();
    const script = stage.script('echo "$RESQUE_ATTEMPT" >> "$D/runs"; exit 1');
    const engine = await stage.start([stage.runner('mail', script, { retry })]);
    await stage.enqueue('mail', 1);
    await engine.wait('job.finished', 2);
    expect(stage.lines('runs')).toEqual(['1', '2']);
    expect(await redisNow()).toBeGreaterThan(before);
    expect((await redisNow()) - before).toBeLessThan(hour / 2);
  });

  test('may be set back: nothing is moved early, and nothing is forgotten', async () => {
    const due = (await redisNow()) + 1;
    const engine = await start();
    shift(-hour);
    await delay(due, rubyItem('mail', 1));
    await staysTrue(async () => (await stage.redis.zcard(schedule)) === 1 || (await redisNow()) >= due, {
      message: 'the job waits for its time',
      forMs: 2_500,
    });
    expect(engine.all('job.finished')).toEqual([]);
    shift(0);
    await engine.wait('job.finished');
    expect(await redisNow()).toBeGreaterThanOrEqual(due);
  });

  test.each([hour, -hour])('decides when schedules are due if it is off by %i s', async (seconds) => {
    stage.mayLeaveKeys('delayed:last_enqueued_at', 'queue:mail');
    shift(seconds);
    const now = await redisNow();
    const schedules = [
      everySchedule('1s', { queue: 'mail' }),
      cronSchedule('* * * * * *', { name: 'lines', queue: 'mail' }),
    ];
    const engine = await start(schedules);
    await engine.wait('schedule.enqueued', 4);
    const times = Object.values(await stage.redis.hgetall('resque:delayed:last_enqueued_at')).map(
      lastSeconds,
    );
    for (const time of times) expect((time ?? 0) - now).toBeLessThan(60);
    expect(times).toHaveLength(2);
  });

  test('may be set back: no time of a schedule comes twice', async () => {
    stage.mayLeaveKeys('delayed:last_enqueued_at', 'queue:mail');
    const schedules = [
      everySchedule('1s', { queue: 'mail' }),
      cronSchedule('* * * * * *', { name: 'lines', queue: 'mail' }),
    ];
    const engine = await start(schedules);
    await engine.wait('schedule.enqueued', 4);
    shift(-hour);
    const enqueued = () => engine.all('schedule.enqueued').length;
    await waitFor(async () => (await redisNow()) < ownNow() - hour / 2, { message: 'it is set back' });
    const before = enqueued();
    await staysTrue(() => enqueued() <= before + 2, { message: 'schedules wait', forMs: 2_500 });
    shift(0);
    await waitFor(() => enqueued() > before + 2, { message: 'they go on' });
  });

  test('counts --in by its own clock', async () => {
    shift(hour);
    const url = `redis://127.0.0.1:${redis.port}`;
    await runCommand(['enqueue', 'mail', 'A', '--in', '10m', '--redis', url]);
    const [time = ''] = await stage.redis.zrange(schedule, 0, '-1');
    expect(Number(time) - ownNow()).toBeGreaterThan(hour + 540);
    await runCommand(['delayed', 'remove', '--all', '--yes', '--redis', url]);
    await waitFor(async () => (await stage.redis.dbsize()) === 0, { message: 'all is gone' });
  });
});
