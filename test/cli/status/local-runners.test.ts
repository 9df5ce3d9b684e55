/** `status` asks the runners of this machine what Redis doesn't know. */
import { expect, test } from 'vitest';
import type { StatusDocument, WindowStatus } from '../../../src/cli/status/document.ts';
import { statusLines } from '../../../src/cli/status/page.ts';
import { survey } from '../../../src/cli/status/survey.ts';
import { ownVantage } from '../../../src/engine/machine/identity.ts';
import { resqueKeys } from '../../../src/resque/format/keys.ts';
import { useEndToEnd } from '../../helpers/end-to-end.ts';
import { runCommand } from '../run-command.ts';
import { StatusStage } from './stage.ts';

const stage = useEndToEnd();

async function statusOf(...args: string[]): Promise<string> {
  const argv = ['status', '--redis', `redis://127.0.0.1:${stage.redis.port}`, ...args];
  const { code, stdout, stderr } = await runCommand(argv, {
    env: { TMPDIR: stage.path('tmp'), XDG_RUNTIME_DIR: '' },
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

test('queues of a runner on this machine have durations and failures of three windows', async () => {
  const script = stage.script('case $RESQUE_QUEUE in mail) exit 1;; esac');
  await stage.run({ script, runners: { mail: 1, news: 1, idle: 1 } });
  await stage.enqueue(
    'news',
    { class: 'Job', args: [], queue_time: Date.now() / 1_000 - 60 },
    { class: 'Job', args: [] },
  );
  await stage.enqueue('mail', { class: 'Job', args: [] });
  await stage.waitForStat('processed', 3);

  const { processes } = JSON.parse(await statusOf('--json')) as StatusDocument;
  const [runner] = processes;
  const windows = runner?.statistics.map(({ queue, window, finished, failed }) => [
    queue,
    window,
    finished,
    failed,
  ]);
  expect(windows).toEqual([
    ['mail', '1m', 1, 1],
    ['mail', '15m', 1, 1],
    ['mail', 'start', 1, 1],
    ['news', '1m', 2, 0],
    ['news', '15m', 2, 0],
    ['news', 'start', 2, 0],
  ]);
  const news = runner?.statistics.at(-1);
  expect(news?.maxMs).toBeGreaterThan(0);
  expect(news?.waitMaxMs).toBeGreaterThanOrEqual(60_000);

  const text = await statusOf();
  expect(text).toMatch(
    /Last 15 minutes, runners on this machine: 2\n.*QUEUE +DONE +PER MIN +FAILED +P50 +P95 +LONGEST +WAIT P95\n/,
  );
  expect(text).toMatch(/\n +news +2 .* 0 % .* min \d+ s\n +mail +1 .* 100 % .* -$/);
});

test('a runner that does not answer is left out', async () => {
  const runner = await stage.run({ script: stage.script(':'), runners: { mail: 1 } });
  await stage.enqueue('mail', { class: 'Job', args: [] });
  await stage.waitForStat('processed', 1);
  runner.signal('SIGSTOP');
  const { processes } = JSON.parse(await statusOf('--json')) as StatusDocument;
  expect(processes.map(({ statistics }) => statistics)).toEqual([[]]);
  runner.signal('SIGCONT');
});

test('several runners of a queue have a line each', async () => {
  const { facts } = await new StatusStage(stage.redis).look();
  const known = { ...facts, runners: new Map(['web:1', 'web:2'].map((name) => [name, null] as const)) };
  const window = (failed: number): WindowStatus => ({
    ...{ queue: 'mail', window: '15m', started: 9, finished: 200 - failed, failed, retried: 0, requeued: 0 },
    ...{ snoozed: 0, perMinute: 13.3, p50Ms: 7, p95Ms: 1_240, maxMs: 95_000 },
    ...{ waitP50Ms: null, waitP95Ms: null, waitMaxMs: null },
  });
  const document = survey(known, null, {
    ...{ redis: '', namespace: 'resque', keys: resqueKeys('resque'), here: ownVantage(), schedules: null },
    local: new Map([
      ['web:1', [window(1)]],
      ['web:2', [window(0)]],
    ]),
  });
  const lines = statusLines(document, {
    width: null,
    height: null,
    paint: (line) => line.map(({ text }) => text).join(''),
  });
  expect(lines.slice(-3)).toEqual([
    expect.stringMatching(/QUEUE +PROCESS +DONE/),
    expect.stringMatching(/mail +web:2 +200 +13 +0 % +7 ms +1\.2 s +1 min 35 s/),
    expect.stringMatching(/mail +web:1 +199 +13 +<1 % +7 ms +1\.2 s +1 min 35 s/),
  ]);
});
