/** What becomes of engine and jobs when the screen that started them goes, gets stuck, or leaves them by choice. */
import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { isAlive } from '../../helpers/processes.ts';
import type { Terminal } from '../../helpers/terminal.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { Puppet } from '../puppet.ts';
import { selectedTexts } from '../screen-parts.ts';
import { useUiStage } from '../stage.ts';

/** Tests stop the Redis. */
const ui = useUiStage({ redis: { appendOnly: true } });

/** A job that says that it has started, and runs until there is a file `go`. */
function waitingScript(): string {
  return ui.stage.script(`grep -o '"class":"[^"]*"' >> "$D/started"
    while [ ! -e "$D/go" ]; do sleep 0.1; done`);
}

/** A screen with one job that runs until there is a file `go`, and a slot that is free. */
async function openScreen(): Promise<Terminal> {
  const screen = await ui.start({ script: waitingScript(), runners: { mail: 2 } });
  await ui.stage.enqueue('mail', { class: 'First', args: [] });
  await screen.waitForText('#1  First');
  return screen;
}

function enginePid(): number {
  const [pid, ...others] = ui.enginePids();
  // Never 0: that would signal the tests themselves.
  if (pid === undefined || others.length > 0) throw new Error(`one engine expected: ${ui.enginePids()}`);
  return pid;
}

async function waitForEnd(pid: number): Promise<void> {
  await waitFor(() => !isAlive(pid), { message: 'the engine has ended' });
}

describe('the engine that a screen has started takes no more jobs, waits for the running one and ends, when the screen', () => {
  test.each<[string, (screen: Terminal) => void]>([
    ['is killed', (screen) => screen.signal('SIGKILL')],
    ['has lost its terminal', (screen) => screen.hangUp()],
  ])('%s', async (_, leave) => {
    const screen = await openScreen();
    const pid = enginePid();
    const other = await ui.attach();
    leave(screen);
    await screen.exit;
    await other.waitForText(' stopping');
    await ui.stage.enqueue('mail', { class: 'Second', args: [] });
    await other.waitForText('1 waiting');
    expect(isAlive(pid)).toBe(true);
    ui.stage.write('go');
    await waitForEnd(pid);
    // A screen that didn't start it stays, until its user leaves.
    await other.waitForText('has stopped; waiting for the next one');
    await other.press('escape');
    expect(await other.exit).toEqual({ exitCode: 0, signal: 0 });
    expect(ui.stage.read('started')).toBe('"class":"First"\n');
    expect(await ui.stage.stat('processed')).toBe(1);
    expect(await ui.stage.backlog('mail')).toHaveLength(1);
    expect(readdirSync(ui.stage.path('tmp'))).toEqual([]);
    await ui.stage.client.del(ui.stage.key('queue:mail'));
  });
});

test('an engine that was left by choice outlives its terminal, is found again, and drains then', async () => {
  const script = waitingScript();
  const shell = ui.shell([ui.shellCommandOf([ui.writeConfig({ script, runners: { mail: 2 } })])]);
  await shell.waitForText('1 Queues');
  await ui.stage.enqueue('mail', { class: 'First', args: [] });
  await shell.waitForText('#1  First');
  await shell.press('q', 'd');
  await shell.waitForText('came to 0');
  const pid = enginePid();
  shell.hangUp();
  await shell.exit;
  await ui.stage.enqueue('mail', { class: 'Second', args: [] });
  await ui.stage.waitForFileLines('started', 2);
  const again = await ui.attach();
  await again.waitForText('#1  First');
  await again.waitForText('#2  Second');
  // It belongs to nobody now: this screen may go as it likes.
  again.signal('SIGKILL');
  await again.exit;
  const third = await ui.attach();
  await ui.stage.enqueue('mail', { class: 'Third', args: [] });
  await third.waitForText('1 waiting');
  // Leaving is no question, so stopping a runner that others may rely on has a key of its own, and names it.
  await third.press('Q');
  await third.waitForText('Stop the runner?');
  await third.waitForText(`process ${pid} (${ui.stage.path('cfg-1.json')})`);
  await third.waitForText('wait for 2 running jobs');
  expect(selectedTexts(third).some((text) => text.includes('c Cancel'))).toBe(true);
  await third.press('return');
  await third.waitForNoText('Stop the runner?');
  await third.press('Q', 'd');
  await third.waitForText(' stopping');
  ui.stage.write('go');
  await third.waitForText('has stopped; waiting for the next one');
  await third.press('q');
  expect(await third.exit).toEqual({ exitCode: 0, signal: 0 });
  await third.waitForText('resque-runner has stopped: 2 jobs processed, 0 failed.');
  await waitForEnd(pid);
  expect(await ui.stage.backlog('mail')).toHaveLength(1);
  await ui.stage.client.del(ui.stage.key('queue:mail'));
});

test('jobs go on while the terminal does not read, and it catches up when it does', async () => {
  const script = ui.stage.script('cat > /dev/null; seq 500 >&2');
  const screen = await ui.start({ script, runners: { mail: 2 } });
  screen.stopReading();
  await ui.stage.enqueue('mail', ...Array.from({ length: 300 }, (_, at) => ({ class: 'Job', args: [at] })));
  await ui.stage.waitForStat('processed', 300);
  screen.goOnReading();
  await screen.press('3');
  await screen.waitForText(/\[3 Jobs\][\s\S]* of 100 /);
  await screen.press('q', 'q');
  expect(await screen.exit).toEqual({ exitCode: 0, signal: 0 });
  // The program may have ended before xterm has read its last words.
  await screen.waitForText('300 jobs processed, 0 failed');
});

test('jobs get no descriptor and no variable from the screen that started the engine', async () => {
  const numbersIn = (text: string) => [...text.matchAll(/ (\d+) -> \S/g)].map(([, number]) => number);
  // What `ls` has by itself, and what whoever runs the tests gives to everything.
  // The shell stays, because a terminal whose last process has ended may lose the rest of its output.
  const plain = ui.terminal({ command: ['sh', '-c', 'ls -l /proc/self/fd; read -r line'], columns: 120 });
  await plain.waitForText(/ 3 -> /);
  await plain.press('return');
  await plain.exit;
  const script = ui.stage.script('cat > /dev/null; env > "$D/env"; exec ls -l /proc/self/fd');
  const screen = await ui.start({ script, runners: { mail: 1 } });
  await ui.stage.enqueue('mail', { class: 'Look', args: [] });
  await screen.press('3');
  await screen.waitForText(/✓ #1 /);
  await screen.press('return');
  await screen.waitForText(/ 3 -> /);
  expect(numbersIn(screen.text())).toEqual(numbersIn(plain.text()));
  const names = ui.stage.fileLines('env').map((line) => line.split('=', 1)[0]);
  const ofShells = ['_', 'OLDPWD', 'PWD', 'SHLVL'];
  expect(names.filter((name) => !ofShells.includes(name ?? '')).sort()).toEqual([
    'HOME',
    'LANG',
    'PATH',
    'RESQUE_QUEUE',
    'RESQUE_RUNNER',
    'RESQUE_WORKER',
    'RR_TEST_MARK',
    'TERM',
    'TMPDIR',
    'XDG_STATE_HOME',
  ]);
});

test('the screen can be left while Redis is away, and tells where that is which Redis does not know', async () => {
  const puppet = new Puppet(ui.stage);
  const screen = await ui.start({ script: puppet.script, runners: { mail: 1 } });
  await ui.stage.enqueue('mail', { class: 'First', args: [] });
  await puppet.started();
  await screen.waitForText('#1  First');
  await ui.stage.redis.stop();
  await screen.waitForText('✗ Redis down');
  await screen.press('q', 'q');
  await screen.waitForText(' stopping');
  puppet.tell('exit 0');
  await screen.waitForNoText('#1  First');
  // It tries for a while, unless it is told not to.
  await screen.press('ctrl+c', 'ctrl+c');
  await screen.waitFor(() => screen.hasExited, 'it has ended');
  expect(await screen.exit).toEqual({ exitCode: 0, signal: 0 });
  expect(screen.text().replaceAll('\n', '')).toMatch(
    /^resque-runner has stopped: 1 job processed, 0 failed\. It saved 1 outcome to .+\.spool until Redis is back\./,
  );
  await ui.stage.redis.start();
  await ui.stage.redis.flush();
});
