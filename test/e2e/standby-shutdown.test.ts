/** Warm children end with their runner, no matter how it ends. */
import { describe, expect, test } from 'vitest';
import {
  job,
  livingChildren,
  payloadsBegun,
  persistent,
  prestarted,
  quick,
  tellBirth,
  untilGo,
  waitForChildren,
  waitForEnd,
} from '../helpers/children.ts';
import { type RunOptions, useEndToEnd } from '../helpers/end-to-end.ts';
import { waitFor } from '../helpers/wait-for.ts';

const e2e = useEndToEnd({ isInProcess: true });
const clean = { code: 0, signal: undefined };

describe.each([prestarted, persistent])(
  '$name children end with their runner:',
  ({ entry, script: scriptFor }) => {
    const mail = (concurrency: number, rest: Record<string, unknown> = {}) => ({
      runners: { mail: { ...entry, concurrency, ...rest } },
    });

    /** A runner with this many warm children. */
    async function run(concurrency: number, body = quick, rest = {}, options: RunOptions = {}) {
      const script = e2e.script(scriptFor(body));
      const runner = await e2e.run({ ...mail(concurrency), script, ...rest }, options);
      const standing = await waitForChildren(e2e, concurrency);
      return { runner, script, standing };
    }

    test.each(['SIGTERM', 'SIGINT', 'SIGQUIT'] as const)('%s', async (signal) => {
      const { runner } = await run(3);
      runner.signal(signal);
      expect(await runner.waitForExit()).toEqual(clean);
      expect(livingChildren(e2e)).toEqual([]);
      expect(runner.all('runner.throttled')).toEqual([]);
    });

    test('TERM, and are killed if they ignore it', async () => {
      const stubborn = `trap "" TERM; ${tellBirth}; while :; do sleep 0.1; done`;
      const runner = await e2e.run({ ...mail(2, { killAfter: 0.3 }), script: e2e.script(stubborn) });
      await waitForChildren(e2e, 2);
      runner.signal('SIGTERM');
      expect(await runner.waitForExit()).toEqual(clean);
      expect(livingChildren(e2e)).toEqual([]);
    });

    test('TERM, after they have cleaned up', async () => {
      const tidying = `tidy() { sleep 0.3; echo $$ >> "$D/tidy"; exit 0; }; trap tidy TERM; ${scriptFor(quick)}; tidy`;
      const runner = await e2e.run({ ...mail(2), script: e2e.script(tidying) });
      const standing = await waitForChildren(e2e, 2);
      expect(await runner.stop()).toEqual(clean);
      expect(e2e.fileLines('tidy').sort()).toEqual(standing.map(({ pid }) => String(pid)).sort());
    });

    test('TERM twice, immediately', async () => {
      const stubborn = `trap "" TERM; ${tellBirth}; while :; do sleep 0.1; done`;
      const runner = await e2e.run({ ...mail(2, { killAfter: 600 }), script: e2e.script(stubborn) });
      await waitForChildren(e2e, 2);
      runner.signal('SIGTERM');
      await runner.waitForLine('engine.stopping');
      runner.signal('SIGTERM');
      expect(await runner.waitForExit()).toEqual(clean);
      expect(livingChildren(e2e)).toEqual([]);
    });

    test('QUIT during a job, after it', async () => {
      const { runner } = await run(2, untilGo);
      await e2e.enqueue('mail', job(1), job(2), job(3));
      e2e.mayLeaveKeys('queue:mail');
      await e2e.waitForFileLines('ran', 2);
      runner.signal('SIGQUIT');
      await runner.waitForLine('engine.stopping');
      await waitForChildren(e2e, 2);
      e2e.write('go');
      expect(await runner.waitForExit()).toEqual(clean);
      expect(livingChildren(e2e)).toEqual([]);
      expect([await e2e.stat('processed'), (await e2e.backlog('mail')).length]).toEqual([2, 1]);
    });

    test('--drain, after the queues are empty', async () => {
      await e2e.enqueue('mail', ...Array.from({ length: 20 }, (_, n) => job(n)));
      const config = { ...mail(2), script: e2e.script(scriptFor(quick)) };
      const runner = await e2e.run(config, { args: ['--drain'] });
      expect(await runner.waitForExit()).toEqual(clean);
      expect(livingChildren(e2e)).toEqual([]);
      expect(e2e.fileLines('ran')).toHaveLength(20);
    });

    test('KILL, because their STDIN ends', async () => {
      const { runner } = await run(2, 'exit 0', {}, { isProgram: true });
      runner.signal('SIGKILL');
      await runner.waitForExit();
      await waitForChildren(e2e, 0);
      // The next runner cleans up Redis.
      const next = await e2e.run({ ...mail(1), script: '/bin/true' });
      await next.waitForLine('peer.recovered');
    });

    test('KILL during an at-least-once job, which the next runner repeats', async () => {
      const delivery = 'at-least-once';
      const { runner, script, standing } = await run(1, untilGo, { delivery }, { isProgram: true });
      await e2e.enqueue('mail', job(1));
      await e2e.waitForFileLines('ran');
      runner.signal('SIGKILL');
      await runner.waitForExit();
      const next = await e2e.run({ ...mail(1), script, delivery });
      await next.waitForLine('peer.recovered');
      await waitFor(
        () => payloadsBegun(e2e).filter((payload) => payload === JSON.stringify(job(1))).length === 2,
        {
          message: 'the job ran again',
        },
      );
      for (const old of standing) await waitForEnd(old);
      e2e.write('go');
      await e2e.waitForStat('processed', 1);
      await e2e.failures(0);
    });
  },
);
