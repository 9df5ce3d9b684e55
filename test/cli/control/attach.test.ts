/** `attach`: a screen for a runner that is already running. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { describe, expect, test } from 'vitest';
import { LinkClient } from '../../../src/link/client/client.ts';
import type { Terminal } from '../../helpers/terminal.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { useUiStage } from '../../ui/stage.ts';
import { runCommand } from '../run-command.ts';

const ui = useUiStage();

const sleeper = 'echo "it runs" >&2; cat > /dev/null; exec sleep 60';
/** Its jobs need no time when it stops. */
const impatient = { shutdownTimeout: 0.1, killAfter: 0.2 };

/** A runner without a screen, with the config file of the stage. @returns its pid */
async function runBeside(runner: string): Promise<number> {
  const { pid } = await ui.stage.run({
    ...impatient,
    script: ui.stage.script(sleeper),
    runners: { [runner]: 1 },
  });
  await waitFor(() => socketOf(pid) !== '', { message: 'it listens' });
  return pid;
}

/** An engine that a screen has left running. @returns its config's path and its pid */
async function leaveRunning(runner: string): Promise<{ file: string; pid: number }> {
  const before = ui.enginePids();
  const file = ui.writeConfig({ script: ui.stage.script(sleeper), runners: { [runner]: 1 } });
  const screen = ui.terminal({ command: ui.commandOf([file]), columns: 120, rows: 36 });
  await screen.waitForText(`━ ${runner} `);
  await screen.press('q', 'd');
  expect(await screen.exit).toEqual({ exitCode: 0, signal: 0 });
  const [pid] = ui.enginePids().filter((each) => !before.includes(each));
  if (pid === undefined) throw new Error('no engine was left running');
  return { file, pid };
}

function openAttach(...args: string[]): Terminal {
  return ui.terminal({ command: ui.commandOf(['attach', ...args]), columns: 120, rows: 36 });
}

/** Whether other users can read this checkout, to run its program. */
function canBecomeOthers(): boolean {
  const [program, entry] = ui.commandOf([]);
  const look = `require('node:fs').accessSync(${JSON.stringify(entry)})`;
  return spawnSync(program, ['-e', look], { uid: 65_533, gid: 65_533 }).status === 0;
}

/** The directory of the sockets of this test. */
function socketDirectory(): string {
  return ui.stage.path(`tmp/resque-runner-${process.getuid?.()}`);
}

/** Its socket; empty until it is listening. */
function socketOf(pid: number): string {
  const names = existsSync(socketDirectory()) ? readdirSync(socketDirectory()) : [];
  const name = names.find((each) => each.startsWith(`${pid}-`));
  return name === undefined ? '' : `${socketDirectory()}/${name}`;
}

async function leave(screen: Terminal): Promise<void> {
  await screen.press('q');
  expect(await screen.exit).toEqual({ exitCode: 0, signal: 0 });
}

describe('finding the runner', () => {
  test('without a runner, it says where it has looked, and exits with 1', async () => {
    const terminal = openAttach();
    const named = openAttach('--socket', ui.stage.path('none.sock'));
    expect(await terminal.exit).toEqual({ exitCode: 1, signal: 0 });
    await terminal.waitForText(
      `resque-runner: no runner of this user is running: there is no socket in ${socketDirectory()}`,
    );
    expect(await named.exit).toEqual({ exitCode: 1, signal: 0 });
    await named.waitForText(/none\.sock/);
  });

  test('without a terminal, it exits with 2 and says what it needs', async () => {
    const { code, stdout, stderr } = await runCommand(['attach'], { cwd: ui.stage.directory });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toBe(
      'resque-runner: attach needs a terminal: STDIN and STDOUT must be terminals, and TERM must not be "dumb"',
    );
  });

  test('a pipe is not a terminal, either, and a reader that goes away does no harm', async () => {
    const words = ui.commandOf(['attach']).map((word) => `'${word}'`);
    const command = `${words.join(' ')} | head -n 0; echo "came to \${PIPESTATUS[0]}"`;
    const terminal = ui.terminal({ command: ['bash', '-c', command], columns: 120, rows: 36 });
    expect(await terminal.exit).toEqual({ exitCode: 0, signal: 0 });
    await terminal.waitForText('resque-runner: attach needs a terminal');
    await terminal.waitForText('came to 2');
    expect(terminal.text()).not.toContain('EPIPE');
  });

  test('of several runners, the user selects one by number or CONFIG, and can switch to another', async () => {
    const first = { file: ui.stage.path('cfg.json'), pid: await runBeside('mail') };
    const second = await leaveRunning('images');
    const [terminal, declined] = [openAttach(), openAttach()];
    await terminal.waitForText('2 runners are running:');
    await terminal.waitForText(`  1  process ${first.pid} (${first.file})  mail  since `);
    await terminal.waitForText(`  2  process ${second.pid} (${second.file})  images  since `);
    await terminal.waitForText('Which one? 1-2, or q:');
    await terminal.press('3', 'return');
    await terminal.waitForText(/Which one\?[\s\S]*Which one\?/);
    await terminal.press('2', 'return');
    await terminal.waitForText('━ images ');
    // The keyboard is the screen's now.
    await leave(terminal);

    await declined.waitForText('Which one?');
    await declined.press('q', 'return');
    expect(await declined.exit).toEqual({ exitCode: 2, signal: 0 });
    await declined.waitForText('resque-runner: no runner was chosen');
    expect(declined.isAlternateScreen).toBe(false);

    const screen = openAttach(first.file);
    const byOther = openAttach(ui.stage.path('other.json'));
    await screen.waitForText('━ mail ');
    await screen.press(':');
    await screen.waitForText('Commands');
    await screen.press('r', 'u', 'n', 'n', 'e', 'r', 's', 'return');
    await screen.waitForText('Switch to another runner?');
    await screen.waitForText(`process ${second.pid}`);
    await screen.press('1');
    await screen.waitForText('━ images ');
    await screen.waitForText(`attached to process ${second.pid}`);
    await screen.press('Q');
    await screen.waitForText(`process ${second.pid} (${second.file})`);
    await screen.press('escape');
    await screen.waitForNoText('Stop the runner?');
    await leave(screen);
    await screen.waitForText(`resque-runner continues as process ${second.pid}.`);
    expect(await byOther.exit).toEqual({ exitCode: 1, signal: 0 });
    await byOther.waitForText(/no runner of .*other\.json is running, and there is no such file/);
    await byOther.waitForText(`--socket ${socketOf(second.pid)}`);
  });

  test("beside a config, it opens only that config's runner, and says how to reach others", async () => {
    const other = { file: ui.stage.path('cfg.json'), pid: await runBeside('mail') };
    const project = ui.stage.path('project');
    mkdirSync(project);
    writeFileSync(`${project}/cfg.json`, '{"runners":{"mail":1},"script":"/bin/true"}');
    const here = (...args: string[]) =>
      ui.terminal({ command: ui.commandOf(['attach', ...args]), columns: 200, rows: 36, cwd: project });
    const terminal = here();
    expect(await terminal.exit).toEqual({ exitCode: 1, signal: 0 });
    expect(terminal.isAlternateScreen).toBe(false);
    await terminal.waitForText(
      'resque-runner: no runner of cfg.json is running; start it with `resque-runner cfg.json`',
    );
    const socket = socketOf(other.pid);
    await terminal.waitForText(`  --socket ${socket}  process ${other.pid} (${other.file})  mail  since `);
    const chosen = here('--socket', socket);
    // Another name of the other config's file.
    rmSync(`${project}/cfg.json`);
    symlinkSync(other.file, `${project}/cfg.json`);
    const linked = here();
    await chosen.waitForText('━ mail ');
    await leave(chosen);
    await linked.waitForText('━ mail ');
    await leave(linked);
  });
});

describe('a runner without a screen, as a process manager starts it', () => {
  test('can be attached, left and attached again, and survives any end of the screens', async () => {
    const runner = await ui.stage.run({
      ...impatient,
      script: ui.stage.script(sleeper),
      runners: { mail: 2 },
    });
    const first = await ui.attach();
    await ui.stage.enqueue('mail', { class: 'First', args: [] });
    await first.waitForText('#1  First');
    await first.waitForText('it runs');
    await leave(first);
    await first.waitForText(`resque-runner continues as process ${runner.pid}.`);
    const attached = () => ui.attach({ awaits: '#1  First' });
    const [killed, hungUp, told, interrupted] = await Promise.all([
      attached(),
      attached(),
      attached(),
      attached(),
    ]);
    killed.signal('SIGKILL');
    await killed.exit;
    hungUp.hangUp();
    await hungUp.exit;
    told.signal('SIGTERM');
    expect(await told.exit).toEqual({ exitCode: 143, signal: 0 });
    await interrupted.press('ctrl+c');
    expect(await interrupted.exit).toEqual({ exitCode: 0, signal: 0 });
    await ui.stage.enqueue('mail', { class: 'Second', args: [] });
    const last = await ui.attach();
    await last.waitForText('#2  Second');
    expect(runner.hasExited).toBe(false);
    expect(runner.all('engine.stopping')).toEqual([]);
    expect(runner.all('job.killed')).toEqual([]);
  });

  test('has a socket that only its user can open, and removes it when it stops', async () => {
    const runner = await ui.stage.run({ script: '/bin/true', runners: { mail: 1 } });
    await waitFor(() => socketOf(runner.pid) !== '', { message: 'it listens' });
    const socket = socketOf(runner.pid);
    expect(statSync(socket).mode & 0o777).toBe(0o600);
    expect(statSync(socketDirectory()).mode & 0o777).toBe(0o700);
    const screen = await ui.attach();
    await runner.stop();
    // The screen stays, and what is left to say comes when the user leaves.
    await screen.waitForText(
      `the runner (process ${runner.pid}) has stopped; waiting for the next one with `,
    );
    expect(readdirSync(ui.stage.path('tmp'))).toEqual([]);
    await screen.press('escape');
    expect(await screen.exit).toEqual({ exitCode: 0, signal: 0 });
    await screen.waitForText('resque-runner has stopped: 0 jobs processed, 0 failed.');
  });

  test('can be reached at the socket from its command line', async () => {
    const socket = ui.stage.path('my.sock');
    const runner = await ui.stage.run(
      { script: '/bin/true', runners: { mail: 1 } },
      { args: ['--socket', socket] },
    );
    expect(readdirSync(ui.stage.path('tmp'))).toEqual([]);
    const screen = openAttach('--socket', socket);
    await screen.waitForText('━ mail ');
    await leave(screen);
    await runner.stop();
    expect(existsSync(socket)).toBe(false);
  });

  describe.runIf(process.getuid?.() === 0)('with a socket of another user', () => {
    const [ann, ben] = [65_534, 65_533];

    test('can be reached by root, with its owner shown, and is refused to others', async ({ skip }) => {
      const socket = ui.stage.path('my.sock');
      await ui.stage.run({ script: '/bin/true', runners: { mail: 1 } }, { args: ['--socket', socket] });
      chownSync(socket, ann, ann);
      const screen = openAttach('--socket', socket);
      await screen.waitForText(' runner of user nobody ');
      await screen.press('Q');
      await screen.waitForText(/process \d+ \(.*cfg\.json\) of user nobody/);
      await screen.press('escape');
      await screen.waitForNoText('Stop the runner?');
      await leave(screen);
      await screen.waitForText(/attached to process \d+, a runner of user nobody/);

      skip(!canBecomeOthers(), 'other users may not read this checkout');
      chmodSync(ui.stage.directory, 0o755);
      // Open to everyone, as a trap would be.
      chmodSync(socket, 0o666);
      const command: [string, ...string[]] = [
        'setpriv',
        `--reuid=${ben}`,
        `--regid=${ben}`,
        '--clear-groups',
        ...ui.commandOf(['attach', '--socket', socket]),
      ];
      const terminal = ui.terminal({ command, columns: 200, rows: 36 });
      expect(await terminal.exit).toEqual({ exitCode: 1, signal: 0 });
      await terminal.waitForText(
        `resque-runner: ${socket} belongs to user nobody, so it can't be trusted: attach as nobody or as root`,
      );
      expect(terminal.isAlternateScreen).toBe(false);
    });
  });

  test('is reported when it is killed, and is no longer found', async () => {
    const runner = await ui.stage.run({ script: '/bin/true', runners: { mail: 1 } });
    const screen = await ui.attach();
    runner.signal('SIGKILL');
    await screen.waitForText(`the runner (process ${runner.pid}) is gone; waiting for the next one with `);
    await screen.press('q');
    expect(await screen.exit).toEqual({ exitCode: 0, signal: 0 });
    await screen.waitForText(`the runner (process ${runner.pid}) is gone: the runner ended the link`);
    const none = openAttach();
    expect(await none.exit).toEqual({ exitCode: 1, signal: 0 });
    expect(readdirSync(socketDirectory())).toEqual([]);
    rmdirSync(socketDirectory());
    await ui.stage.redis.flush();
  });
});

describe('when the runner ends', () => {
  test('the screen waits for the next runner of the same config, and goes on with it', async () => {
    const config = { ...impatient, script: ui.stage.script(sleeper), runners: { mail: 2 } };
    const first = await ui.stage.run(config);
    const screen = await ui.attach();
    await ui.stage.enqueue('mail', { class: 'First', args: [] });
    await screen.waitForText('#1  First');
    await screen.press('3', 'return');
    await screen.waitForText('err it runs');
    await first.stop();
    await screen.waitForText('has stopped; waiting for the next one');
    // What was open stays readable.
    await screen.waitForText('err it runs');
    const second = await ui.stage.run(config);
    await screen.waitForText(`attached to process ${second.pid}`);
    await screen.waitForText(`#1@${first.pid}`);
    await screen.waitForText('err it runs');
    await screen.press('escape', '1');
    await ui.stage.enqueue('mail', { class: 'Second', args: [] });
    await screen.waitForText('#1  Second');
    await screen.press('4');
    await screen.waitForText(
      new RegExp(`started, pid ${second.pid}[\\s\\S]*stopped;[\\s\\S]*pid ${first.pid}`),
    );
    await leave(screen);
    await screen.waitForText(`resque-runner continues as process ${second.pid}.`);
  });

  test('--wait waits for a first runner, too, and Ctrl-C leaves', async () => {
    const file = ui.stage.path('cfg.json');
    const [waiting, left] = [
      openAttach('--wait', file),
      openAttach('--wait', '--socket', ui.stage.path('no.sock')),
    ];
    await waiting.waitForText(/no runner of .*cfg\.json is running[\s\S]*waiting for one; Ctrl-C leaves/);
    await left.waitForText(/no runner is listening at .*no\.sock\s+waiting for one/);
    await left.press('ctrl+c');
    expect(await left.exit).toEqual({ exitCode: 130, signal: 0 });
    await ui.stage.run({ script: '/bin/true', runners: { mail: 1 } });
    await waiting.waitForText('━ mail ');
    await leave(waiting);
  });
});

test('--read-only shows everything, and the runner refuses changes, whatever a screen sends', async () => {
  const script = ui.stage.script('grep -q Failing && exit 1; echo "it runs" >&2; exec sleep 60');
  const runner = await ui.stage.run({ ...impatient, script, runners: { mail: 2 } });
  await ui.stage.enqueue('mail', { class: 'Failing', args: [] });
  await ui.stage.failure();
  await ui.stage.enqueue('mail', { class: 'Sleeper', args: [] });
  const screen = await ui.attach({ args: ['--read-only'] });
  await screen.waitForText(' read-only');
  await screen.waitForText('#2  Sleeper');
  await screen.press('p', 'P', '+', '-', '=', 'x', 'X', 'r');
  await screen.press('?');
  await screen.waitForText('Help');
  expect(screen.text()).not.toMatch(/pause or|slot less|slot more|retry|delete|end this job/);
  await screen.press('escape', '2');
  await screen.waitForText(/\[2 Failures.*[\s\S]*Failing/);
  await screen.press('r', 'R', 'D', '?');
  await screen.waitForText('Help');
  expect(screen.text()).not.toMatch(/retry|delete/);
  // The palette leaves them out, too.
  await screen.press('escape', ':');
  await screen.waitForText('copy');
  expect(screen.text()).not.toMatch(/retry|delete|pause or|slot less|slot more/);
  await screen.press('escape', '3', 'return');
  await screen.waitForText('err it runs');
  await screen.press('x', 'X', 'Q');
  // Not to the log, but back to the list, and out.
  await screen.press('q', 'q');
  expect(await screen.exit).toEqual({ exitCode: 0, signal: 0 });
  expect(screen.received).not.toMatch(/SIGTERM|SIGKILL|Cancel/);
  expect(runner.all('command.executed')).toEqual([]);
  expect(runner.all('queue.paused')).toEqual([]);
  expect(await ui.stage.rawFailures()).toHaveLength(1);

  const nothing = { onSnapshot: () => {}, onEvents: () => {}, onClosed: () => {} };
  const client = await LinkClient.connect(socketOf(runner.pid), { name: 'ann', isReadOnly: true }, nothing);
  expect(await client.send({ type: 'pause-all' })).toMatchObject({ ok: false, code: 'read-only' });
  expect(await client.send({ type: 'stop', mode: 'kill' })).toMatchObject({ ok: false, code: 'read-only' });
  expect(await client.send({ type: 'read-backlog' })).toMatchObject({ ok: true });
  await client.close();
  expect(runner.all('queue.paused')).toEqual([]);
  expect(runner.hasExited).toBe(false);
});

test('two screens at once show the changes of the other, with its user', async () => {
  const runner = await ui.stage.run({ ...impatient, script: ui.stage.script(sleeper), runners: { mail: 1 } });
  const [one, other] = await Promise.all([ui.attach(), ui.attach()]);
  await one.press('p');
  await other.waitForText('‖ PAUSED');
  await other.waitForText(/‖ mail paused: by \S+@pts\/\d+/);
  await ui.stage.enqueue('mail', { class: 'First', args: [] }, { class: 'Second', args: [] });
  await one.waitForText('2 waiting');
  await other.press('p');
  await one.waitForNoText('PAUSED');
  await one.waitForText('#1  First');
  await other.press('+');
  await one.waitForText('2/2 (config 1)');
  await one.waitForText('#2  Second');
  await one.press('x');
  await one.waitForText('Send SIGTERM to job #1?');
  await one.press('y');
  await other.waitForText(/✗ 1 last: .*First/);
  await leave(one);
  // A screen that leaves does not affect the other.
  await other.press('-');
  await other.waitForText('1/1');
  const said = runner.all('command.executed').map(({ message }) => message);
  expect(said).toHaveLength(5);
});

test('a screen that comes back shows the history, finished jobs and failures from before', async () => {
  const script = ui.stage.script('grep -q Failing && { echo "it failed" >&2; exit 1; }; echo "it went well"');
  const file = ui.writeConfig({ script, runners: { mail: 1 } });
  const screen = ui.terminal({ command: ui.commandOf([file]), columns: 120, rows: 36 });
  await screen.waitForText('━ mail ');
  await ui.stage.enqueue('mail', { class: 'Good', args: ['one'] }, { class: 'Failing', args: ['two'] });
  await screen.waitForText(/✗ 1 last: /);
  await screen.press('p');
  await screen.waitForText('PAUSED');
  await screen.press('q', 'd');
  await screen.exit;
  const again = await ui.attach();
  await again.waitForText(/✗ 1 last: .*Failing/);
  await again.waitForText('PAUSED');
  await again.press('4');
  await again.waitForText(/mail +paused: by \S+@pts\/\d+/);
  await again.waitForText(/mail +#2 +failed Failing/);
  await again.press('3');
  await again.waitForText(/✗ #2 .*Failing +\["two"\]/);
  await again.waitForText(/✓ #1 .*Good +\["one"\]/);
  await again.press('j', 'return');
  await again.waitForText('out it went well');
  await again.press('2');
  await again.waitForText(/\[2 Failures\(1\)\][\s\S]*it failed/);
});
