/** The program as a service of `Type=notify`, under a stand-in for systemd. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, closeSync, fstatSync, mkdirSync, openSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { libc } from '../../../src/engine/launch/libc.ts';
import { useEndToEnd } from '../../helpers/end-to-end.ts';
import { freeze, markVariable } from '../../helpers/processes.ts';
import { currentProgram } from '../../helpers/runner.ts';
import { staysTrue, waitFor } from '../../helpers/wait-for.ts';
import { StandIn } from './stand-in.ts';

const stage = useEndToEnd();
const hidden = /^(NOTIFY_SOCKET|WATCHDOG_USEC|WATCHDOG_PID|JOURNAL_STREAM)=/;
const watchdogMs = 200;

test.skipIf(libc() === null)(
  'it tells systemd what it does, in order, and its jobs see nothing of that',
  async () => {
    const systemd = StandIn.listen();
    const dump = 'env > "$D/env.$1.new"; mv "$D/env.$1.new" "$D/env.$1"';
    const runners = {
      plain: { script: stage.script(`${dump}; while [ ! -e "$D/go" ]; do sleep 0.05; done`) },
      early: { prestart: true, script: stage.script(`${dump}; cat`) },
      long: { mode: 'persistent', script: stage.script(`${dump}; cat`) },
    };
    const env = {
      NOTIFY_SOCKET: systemd.address,
      WATCHDOG_USEC: String(watchdogMs * 1_000),
      // Not the STDOUT of this process: its lines have no priorities.
      JOURNAL_STREAM: '1:1',
    };
    const runner = await stage.run({ runners }, { env, isProgram: true });
    const ready = await systemd.waitFor(/^READY=1/);
    expect(systemd.messages[0]).toBe('STATUS=not connected to Redis yet');
    expect(systemd.messages[ready]).toMatch(/^READY=1\nSTATUS=0\/3 slots, 0 failed$/);

    const first = await systemd.waitFor(/^WATCHDOG=1$/, ready);
    await systemd.waitFor(/^WATCHDOG=1$/, first + 1);

    await stage.enqueue('plain', { class: 'Job', args: [] });
    for (const queue of Object.keys(runners)) {
      await stage.waitForFileLines(`env.${queue}`);
      const seen = stage.fileLines(`env.${queue}`);
      expect(seen).toContain(`RESQUE_QUEUE=${queue}`);
      expect(seen.filter((line) => hidden.test(line))).toEqual([]);
    }

    runner.signal('SIGHUP');
    const reloading = await systemd.waitFor(/^RELOADING=1\nMONOTONIC_USEC=\d+$/, ready);
    await systemd.waitFor(/^READY=1$/, reloading);

    // Its event loop doesn't turn.
    await freeze(runner.pid);
    const { length: stopped } = systemd.read();
    const silence = { message: 'no sign of life', forMs: 2 * watchdogMs };
    await staysTrue(() => systemd.read().length === stopped, silence);
    runner.signal('SIGCONT');
    await systemd.waitFor(/^WATCHDOG=1$/, stopped);

    runner.signal('SIGTERM');
    const stopping = await systemd.waitFor(/^STOPPING=1\nSTATUS=stopping: 1 job is running$/, reloading);
    await systemd.waitFor(/^EXTEND_TIMEOUT_USEC=\d+$/, stopping);
    await systemd.waitFor(/^WATCHDOG=1$/, stopping);
    stage.write('go');
    expect(await runner.exit).toMatchObject({ code: 0 });
    const kinds = systemd.without('STATUS', 'WATCHDOG').map((message) => message.split('=', 1)[0]);
    expect(kinds).toEqual(['READY', 'RELOADING', 'READY', 'STOPPING', 'EXTEND_TIMEOUT_USEC']);
  },
);

test('without koffi it uses systemd-notify and says what that needs; the journal gets the level of each line', async () => {
  const config = stage.config({ runners: { mail: { script: stage.script(':') } } });
  const file = stage.write('cfg.json', JSON.stringify(config));
  mkdirSync(stage.path('bin'));
  stage.write('bin/systemd-notify', `#!/bin/sh\necho "$NOTIFY_SOCKET $*" >> '${stage.path('notified')}'\n`);
  chmodSync(stage.path('bin/systemd-notify'), 0o755);
  const log = openSync(stage.path('log'), 'w');
  const { dev, ino } = fstatSync(log);
  const args = [currentProgram, file, '--no-ui'];
  const runner = spawn(process.execPath, args, {
    env: {
      ...process.env,
      [markVariable]: stage.mark,
      ...{ TMPDIR: stage.path('tmp'), XDG_STATE_HOME: stage.path('state') },
      PATH: `${stage.path('bin')}:${process.env.PATH}`,
      ...{ RR_NATIVE: 'off', NOTIFY_SOCKET: '/run/systemd/notify', JOURNAL_STREAM: `${dev}:${ino}` },
    },
    stdio: ['ignore', log, 'pipe'],
  });
  closeSync(log);
  let stderr = '';
  runner.stderr?.setEncoding('utf8').on('data', (part: string) => {
    stderr += part;
  });
  onTestFinished(() => void runner.kill('SIGKILL'));
  const notified = () => stage.read('notified');
  const waitForNotice = (text: string) =>
    waitFor(() => notified().includes(text), { message: () => `${text} in\n${notified()}` });
  await waitForNotice('READY=1');
  runner.kill('SIGHUP');
  await waitForNotice('RELOADING=1');
  runner.kill('SIGTERM');
  expect(await once(runner, 'close')).toEqual([0, null]);
  expect(stderr).toBe(
    'resque-runner: koffi is not available, so systemd is notified through systemd-notify: the unit needs NotifyAccess=all\n',
  );
  const kinds = notified()
    .split('\n')
    .filter((line) => !/notify (STATUS|WATCHDOG)=/.test(line));
  expect(kinds.map((line) => line.replace(/ (MONOTONIC_USEC|STATUS)=.*$/, ''))).toEqual([
    '/run/systemd/notify READY=1',
    '/run/systemd/notify RELOADING=1',
    '/run/systemd/notify READY=1',
    expect.stringMatching(/^\/run\/systemd\/notify STOPPING=1/),
    expect.stringMatching(/^\/run\/systemd\/notify EXTEND_TIMEOUT_USEC=\d+$/),
    '',
  ]);
  const lines = stage.read('log').split('\n').slice(0, -1);
  expect(lines.length).toBeGreaterThan(3);
  for (const line of lines) expect(line).toMatch(/^<[346]>\{"time":/);
});
