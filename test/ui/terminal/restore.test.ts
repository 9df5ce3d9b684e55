/**
 * However the screen ends, the terminal is given back as it was, and says why it ended. Each is started by a
 * shell that waits for it, so that the terminal lives on and shows what was left.
 */
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { programBuildOptions } from '../../../scripts/build.mjs';
import { isAlive } from '../../helpers/processes.ts';
import { shellWords } from '../../helpers/shell-words.ts';
import { type Terminal, takenTerminal } from '../../helpers/terminal.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { useUiStage } from '../stage.ts';

const ui = useUiStage();

async function expectTaken(terminal: Terminal): Promise<void> {
  await terminal.waitForText('1 Queues');
  await terminal.waitFor(() => terminal.inputMode === 'raw', 'it takes keys');
  expect(terminal).toMatchObject({ ...takenTerminal, reportsMouse: true });
}

async function expectRestored(terminal: Terminal, code: number): Promise<void> {
  await terminal.waitForText(`came to ${code}\n`);
  expect(terminal.isRestored, terminal.describe()).toBe(true);
  expect(terminal.screen()[0]).toBe('before');
  expect(terminal.text()).not.toMatch(/Queues|[│┃]/);
  // The title that was kept is back.
  const times = (sequence: string) => terminal.received.split(sequence).length;
  expect(times('\u001B[23;0t')).toBe(times('\u001B[22;0t'));
  // No frame is painted after the screen was left.
  const afterwards = terminal.received.slice(terminal.received.lastIndexOf('\u001B[?1049l'));
  expect(afterwards).not.toContain('\u001B[?2026h');
}

/** The screen with an engine of its own that runs a job, by a shell. @param program other than the built one */
async function openScreen(program?: string): Promise<Terminal> {
  const script = ui.stage.script('cat > /dev/null; exec sleep 60');
  const [node, built, ...args] = ui.commandOf([ui.writeConfig({ script, runners: { mail: 1 } })]);
  const terminal = ui.shell([shellWords([node, program ?? built ?? '', ...args])]);
  await expectTaken(terminal);
  await ui.stage.enqueue('mail', { class: 'Sleeper', args: [] });
  await terminal.waitForText(/00:0\d #1 {2}Sleeper/);
  return terminal;
}

function enginePid(): number {
  const [pid, ...others] = ui.enginePids();
  // Never 0: that would signal the tests themselves.
  if (pid === undefined || others.length > 0) throw new Error(`one engine expected: ${ui.enginePids()}`);
  return pid;
}

/** What an engine that was killed can't take away. */
async function forgetEngine(): Promise<void> {
  await ui.stage.redis.flush();
  rmSync(ui.stage.path('tmp'), { recursive: true });
  mkdirSync(ui.stage.path('tmp'));
}

describe('the terminal is as it was after', () => {
  test('q and detach', async () => {
    const terminal = await openScreen();
    await terminal.press('q', 'd');
    await expectRestored(terminal, 0);
    expect(terminal.text()).toMatch(
      /^resque-runner continues as process \d+\. To return to it: resque-runner attach [^ ]*cfg-1\.json\./m,
    );
  });

  test('q and drain, once the running jobs have ended', async () => {
    const script = ui.stage.script('cat > /dev/null; while [ ! -e "$D/go" ]; do sleep 0.1; done');
    const terminal = ui.shell([ui.shellCommandOf([ui.writeConfig({ script, runners: { mail: 1 } })])]);
    await expectTaken(terminal);
    await ui.stage.enqueue('mail', { class: 'First', args: [] }, { class: 'Second', args: [] });
    await terminal.waitForText('#1  First');
    await terminal.press('q', 'q');
    await terminal.waitForText('draining');
    ui.stage.write('go');
    await expectRestored(terminal, 0);
    await terminal.waitForText('resque-runner has stopped: 1 job processed, 0 failed.');
    expect(await ui.stage.backlog('mail')).toHaveLength(1);
    await ui.stage.client.del(ui.stage.key('queue:mail'));
  });

  test.each<[NodeJS.Signals, number]>([
    // SIGTERM: the demo's tests.
    ['SIGHUP', 129],
    ['SIGINT', 130],
    ['SIGQUIT', 131],
  ])('%s', async (signal, code) => {
    const terminal = await openScreen();
    terminal.signal(signal);
    await expectRestored(terminal, code);
  });

  test('SIGKILL of the engine, which is then told', async () => {
    const terminal = await openScreen();
    const pid = enginePid();
    process.kill(pid, 'SIGKILL');
    await expectRestored(terminal, 1);
    await terminal.waitForText(`resque-runner: the runner's process ${pid} was killed by SIGKILL`);
    await forgetEngine();
  });
});

describe('a fault of the screen itself', () => {
  let directory = '';
  beforeAll(async () => {
    directory = realpathSync(mkdtempSync(join(tmpdir(), 'rr-faulty-')));
    writeFileSync(join(directory, 'package.json'), '{"type":"module"}');
    const programOptions = programBuildOptions();
    await build({
      ...programOptions,
      entryPoints: { 'resque-runner': 'src/cli/main.ts' },
      outdir: directory,
      plugins: [
        ...(programOptions.plugins ?? []),
        throwing(/[\\/]panels[\\/]queue-lines\.ts$/, 'queueLines', join(directory, 'a panel')),
        throwing(/[\\/]panels[\\/]header\.tsx$/, 'Header', join(directory, 'a component')),
      ],
    });
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test.each(['a panel', 'a component'])(
    'in %s gives the terminal back, is told, and drains the engine',
    async (place) => {
      const terminal = await openScreen(join(directory, 'resque-runner.js'));
      const pid = enginePid();
      writeFileSync(join(directory, place), '');
      await terminal.press('?');
      await expectRestored(terminal, 1);
      rmSync(join(directory, place));
      await terminal.waitForText('resque-runner: internal error in resque-runner');
      expect(terminal.text()).toContain(`Error: thrown in ${place}`);
      // Its job runs on, and it takes no other.
      await ui.stage.enqueue('mail', { class: 'Next', args: [] });
      expect(isAlive(pid)).toBe(true);
      process.kill(pid, 'SIGUSR1');
      await waitFor(() => !isAlive(pid), { message: 'the engine has ended' });
      expect(await ui.stage.backlog('mail')).toHaveLength(1);
      await ui.stage.client.del(ui.stage.key('queue:mail'));
    },
  );
});

/** Makes a function of a module throw as soon as the file is there. */
function throwing(filter: RegExp, name: string, file: string): Plugin {
  return {
    name: `throwing-${name}`,
    setup(builder) {
      builder.onLoad({ filter }, ({ path }) => {
        const declaration = `export function ${name}(`;
        const [head, body, ...others] = readFileSync(path, 'utf8').split(declaration);
        if (head === undefined || body === undefined || others.length > 0)
          throw new Error(`no ${declaration}`);
        const replaced = `
          import { existsSync } from 'node:fs';
          ${head}
          export function ${name}(...args) {
            if (existsSync(${JSON.stringify(file)})) throw new Error(${JSON.stringify(`thrown in ${basename(file)}`)});
            return faultless(...args);
          }
          function faultless(${body}`;
        return {
          contents: replaced,
          loader: path.endsWith('.tsx') ? 'tsx' : 'ts',
          resolveDir: dirname(path),
        };
      });
    },
  };
}

describe('Ctrl-Z gives the terminal to the shell', () => {
  test('and fg takes it back, at its size of then, with what happened meanwhile', async () => {
    const script = ui.stage.script('echo "it runs" >&2; cat > /dev/null; exec sleep 60');
    const command = ui.shellCommandOf([ui.writeConfig({ script, runners: { mail: 2 } })]);
    const terminal = ui.shell([command, 'fg']);
    await expectTaken(terminal);
    await terminal.press('ctrl+z');
    await expectRestored(terminal, 148);
    terminal.resize(100, 30);
    // The engine has not been stopped.
    await ui.stage.enqueue('mail', { class: 'Meanwhile', args: [] });
    await waitFor(async () => (await ui.stage.backlog('mail')).length === 0, {
      message: 'the job was taken',
    });
    await terminal.press('return');
    await terminal.waitForText('it runs');
    await expectTaken(terminal);
    await terminal.waitForText(/quit$/);
    expect(terminal.screen()).toHaveLength(30);
    await terminal.press('?');
    await terminal.waitForText('Help');
    await terminal.press('escape', 'q', 'K');
    await terminal.waitForText('came to 0');
    expect(terminal.isRestored).toBe(true);
  });
});
