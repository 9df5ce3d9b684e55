/** What opens on top of the screen and takes all keys: questions, help, the palette, prompts, and leaving. */
import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { isAlive } from '../../helpers/processes.ts';
import { staysTrue, waitFor } from '../../helpers/wait-for.ts';
import type { ConfigObject } from '../../helpers/workbench.ts';
import { Puppet } from '../puppet.ts';
import { rowOf, selectedTexts, waitForFocus, waitForSelected } from '../screen-parts.ts';
import { type Screen, useInProcessUi } from './in-process.ts';

const ui = useInProcessUi();
const quietMs = 300;

async function start(
  runners: ConfigObject,
  options: { script?: string; killAfter?: number; columns?: number; rows?: number } = {},
): Promise<Screen> {
  const { script = ui.stage.script('sleep 60'), killAfter = 0.2, ...size } = options;
  const screen = await ui.start({ script, runners, killAfter }, size);
  await waitFor(() => /0 waiting|QUEUE/.test(screen.text()), { message: 'the queues are there' });
  return screen;
}

/** A job that says when a TERM comes, and goes on. */
function stubborn(): string {
  return ui.stage.script(`
    read -r payload
    trap 'echo "TERM $payload" >> "$D/signals"' TERM
    echo "$$ $payload" >> "$D/started"
    while :; do sleep 1; done`);
}

async function pidOf(job: string): Promise<number> {
  await waitFor(() => ui.stage.read('started').includes(`"${job}"`), { message: `${job} runs` });
  const line = ui.stage.fileLines('started').find((text) => text.includes(`"${job}"`));
  return Number(line?.split(' ')[0]);
}

async function waitForNoProcess(pid: number): Promise<void> {
  await waitFor(() => !isAlive(pid), { message: `process ${pid} has ended` });
}

describe('ending a job', () => {
  test('x asks, Enter leaves the job alone, and y sends it a TERM', async () => {
    const screen = await start({ mail: 2 }, { script: stubborn(), killAfter: 60 });
    await ui.stage.enqueue('mail', { class: 'Slow', args: ['one'] });
    const pid = await pidOf('Slow');
    await screen.waitForText('Slow ["one"]');
    await screen.press('x');
    await screen.waitForText('Send SIGTERM to job #1?');
    expect(screen.text()).toContain(`The signal goes to pid ${pid} and its process group.`);
    expect(selectedTexts(screen).some((text) => text.includes('n Cancel'))).toBe(true);
    await screen.press('return');
    await screen.waitForNoText('Send SIGTERM');
    await staysTrue(() => !existsSync(ui.stage.path('signals')), { message: 'no signal', forMs: quietMs });
    await screen.press('x');
    await screen.waitForText('Send SIGTERM to job #1?');
    await screen.press('y');
    await screen.waitForText('✓ sent SIGTERM to job 1');
    expect(await ui.stage.waitForFileLines('signals')).toEqual(['TERM {"class":"Slow","args":["one"]}']);
    await screen.waitForText(/Slow \["one"\] +sent TERM/);
  });

  test('X, from the list of jobs, kills the one under the cursor, which is recorded as failed', async () => {
    const screen = await start({ mail: 2 }, { script: stubborn() });
    await ui.stage.enqueue('mail', { class: 'First', args: [] });
    const first = await pidOf('First');
    await ui.stage.enqueue('mail', { class: 'Second', args: [] });
    const second = await pidOf('Second');
    await screen.press('3');
    await screen.waitForText('Jobs  2 running');
    await screen.press('j');
    await waitForSelected(screen, 'Second');
    await screen.press('X');
    await screen.waitForText('Send SIGKILL to job #2?');
    // From Cancel to the other choice.
    await screen.press('tab');
    await screen.waitFor(() => selectedTexts(screen).some((text) => text.includes('y Send SIGKILL')), 'yes');
    await screen.press('return');
    await screen.waitForText('✓ sent SIGKILL to job 2');
    await waitForNoProcess(second);
    await screen.waitForText('SIGKILL Resque::DirtyExit: killed on request');
    expect(isAlive(first)).toBe(true);
    expect(existsSync(ui.stage.path('signals'))).toBe(false);
    expect(await ui.stage.failure()).toMatchObject({ payload: { class: 'Second' }, signal: 'SIGKILL' });
    // What has ended can't be ended again.
    await screen.press('x');
    await screen.waitForText('✗ job #2 has already ended');
  });

  test('a question about a job that ends meanwhile ends no other', async () => {
    const puppet = new Puppet(ui.stage);
    const screen = await start({ mail: 1 }, { script: puppet.script });
    await ui.stage.enqueue('mail', { class: 'First', args: [] });
    await puppet.started();
    await screen.waitForText('First');
    await screen.press('x');
    await screen.waitForText('Send SIGTERM to job #1?');
    await ui.stage.enqueue('mail', { class: 'Second', args: [] });
    puppet.tell('exit 0');
    await ui.stage.waitForStat('processed', 1);
    await screen.press('y');
    await screen.waitForText('✗ job #1 is not running');
    await screen.waitForText('Second');
    expect(await ui.stage.stat('failed')).toBe(0);
  });
});

describe('help', () => {
  test('lists the keys of where one is', async () => {
    const screen = await start({ mail: 1 });
    for (const [key, title, here, elsewhere] of [
      ['1', 'Help · Queues', 'pause or resume the queue', 'mark all matches'],
      ['2', 'Help · Failures', 'mark or unmark all matches', 'add a slot'],
      ['3', 'Help · Jobs', 'pause or resume all queues', 'add a slot'],
      ['4', 'Help · Events', 'pause or resume all queues', 'to this job'],
    ] as const) {
      await screen.press(key, '?');
      await screen.waitForText(title);
      expect(screen.text()).toContain(here);
      expect(screen.text()).not.toContain(elsewhere);
      await screen.press('?');
      await screen.waitForNoText(title);
    }
  });

  test('takes all keys until ?, Esc, q or Enter closes it', async () => {
    const screen = await start({ mail: 1 });
    for (const key of ['?', 'escape', 'q', 'return']) {
      await screen.press('?');
      await screen.waitForText('Help · Queues');
      await screen.press('p', '2', key);
      await screen.waitForNoText('Help · Queues');
      expect(screen.text()).toContain('[1 Queues]');
    }
    expect(screen.text()).not.toContain('PAUSED');
  });

  test('scrolls at 60×16 to its end, and from there back at once', async () => {
    const screen = await start({ mail: 1 }, { columns: 60, rows: 16 });
    await screen.press('?');
    await screen.waitForText('pause or resume the queue');
    expect(screen.text()).not.toContain('quit; twice drains');
    await screen.press('j', 'j', 'j');
    await screen.waitForNoText('pause or resume the queue');
    await screen.press(...Array.from({ length: 6 }, () => 'pagedown'));
    await screen.waitForText('quit; twice drains, three times kills');
    const atEnd = screen.text();
    await screen.press('j', 'j', 'j', 'k');
    await screen.waitFor(() => screen.text() !== atEnd, 'it has scrolled up');
    await screen.press('g');
    await screen.waitForText('pause or resume the queue');
  });
});

describe('the palette', () => {
  async function palette(screen: Screen, text: string): Promise<void> {
    await screen.press(':');
    await screen.waitForText('Enter to run, Esc to cancel');
    screen.type(text);
    await screen.waitForText(`: ${text}`);
  }

  test('shows what has all the words, and runs what the cursor is on', async () => {
    const screen = await start({ mail: 2, video: 1 });
    await palette(screen, 'slot');
    for (const label of ['add a slot', 'remove a slot', 'set the number of slots'])
      expect(screen.text()).toContain(label);
    expect(screen.text()).not.toContain('run a command by name');
    await screen.press('down');
    await screen.waitFor(() => selectedTexts(screen).some((text) => text.includes('remove a slot')), 'less');
    await screen.press('return');
    await screen.waitForText('✓ mail: 2 → 1 slots');
    await palette(screen, 'RESUME queue');
    await screen.press('return');
    await screen.waitForText('mail  ‖ PAUSED');
  });

  test('goes to a queue by its name, from anywhere', async () => {
    const screen = await start({ mail: 1, video: 1, low: 1 });
    await screen.press('4');
    await screen.waitForText('[4 Events]');
    await palette(screen, 'video');
    await screen.waitForText('go to queue video');
    await screen.press('return');
    await waitForFocus(screen, 'video');
  });

  test('stays open where nothing matches, and does nothing where it is left with Esc', async () => {
    const screen = await start({ mail: 1 });
    await palette(screen, 'make tea');
    await screen.waitForText('no command "make"');
    await screen.press('return');
    await screen.waitForText('✗ no command "make"');
    await screen.press('escape');
    await screen.waitForNoText('Enter to run, Esc to cancel');
    await palette(screen, 'pause');
    await screen.press('escape');
    await screen.waitForNoText('Enter to run, Esc to cancel');
    await staysTrue(() => !screen.text().includes('PAUSED'), { message: 'nothing ran', forMs: quietMs });
  });
});

describe('a prompt', () => {
  test('takes letters for text, with backspace, Ctrl-W and Ctrl-U, and closes by a backspace too many', async () => {
    const screen = await start({ mail: 1 });
    const prompt = () => /filter: (.*?) {3}Enter to apply/.exec(rowOf(screen, 'Enter to apply'))?.[1];
    const typed = (text: string) => screen.waitFor(() => prompt() === text, `the prompt has "${text}"`);
    await screen.press('/');
    await typed('');
    screen.type('pqP two 漢字');
    await typed('pqP two 漢字');
    await screen.press('backspace');
    await typed('pqP two 漢');
    await screen.press('ctrl+w');
    await typed('pqP two ');
    await screen.press('ctrl+u');
    await typed('');
    await screen.press('a', 'backspace');
    await typed('');
    await screen.press('backspace');
    await screen.waitForNoText('Enter to apply');
    expect(screen.text()).not.toContain('PAUSED');
    expect(screen.text()).toContain('[1 Queues]');
  });

  test('takes a paste as one line of text, without running its line ends', async () => {
    const screen = await start({ mail: 1 });
    await screen.press('/');
    await screen.waitForText('filter: ');
    screen.paste('ma\nil\r\nq\u001B[31m!');
    await screen.waitForText('filter: ma il q!');
    await screen.press('escape', ':');
    await screen.waitForText('Enter to run, Esc to cancel');
    screen.paste('add\nslot\n');
    await screen.waitForText(': add slot');
    await screen.waitForText('1 · Enter to run');
    expect(screen.text()).toContain('mail  0/1 ');
  });

  test('a paste where no line is typed runs nothing', async () => {
    const screen = await start({ mail: 1 });
    screen.paste('p\nP\n2\n+q\n');
    await staysTrue(() => /\[1 Queues\](?!.*PAUSED).* 0\/1 slots/s.test(screen.text()), {
      message: 'nothing is done',
      forMs: quietMs,
    });
    screen.type('p');
    await screen.waitForText('mail  ‖ PAUSED');
  });
});

describe('leaving', () => {
  const question = 'This screen started the runner.';

  async function withJob(script: string): Promise<Screen> {
    const screen = await start({ mail: 1 }, { script });
    await ui.stage.enqueue('mail', { class: 'Slow', args: [] });
    await screen.waitForText('Slow');
    return screen;
  }

  test('q asks, with draining focused, and Esc, c and any other key but the choices go nowhere', async () => {
    const screen = await withJob(ui.stage.script('sleep 60'));
    for (const key of ['escape', 'c']) {
      await screen.press('q');
      await screen.waitForText(question);
      expect(screen.text()).toContain('wait for 1 running job');
      expect(selectedTexts(screen).some((text) => text.includes('q Drain and quit'))).toBe(true);
      await screen.press('p', 'x', key);
      await screen.waitForNoText(question);
    }
    expect(screen.text()).toContain('mail  1/1');
    expect(screen.hasEnded).toBe(false);
  });

  test('drain and quit takes no more jobs, waits for the running one, and exits with a summary', async () => {
    const puppet = new Puppet(ui.stage);
    const screen = await withJob(puppet.script);
    await puppet.started();
    ui.stage.mayLeaveKeys('queue:mail');
    await ui.stage.enqueue('mail', { class: 'Later', args: [] });
    await screen.waitForText('1 waiting');
    await screen.press('q');
    await screen.waitForText(question);
    await screen.press('return');
    await screen.waitForText('● stopping');
    await screen.waitForText('mail  ‖ draining  1/1');
    // Whoever asks again is told so, and can't drain twice.
    await screen.press('q');
    await screen.waitForText('The runner is stopping');
    expect(screen.text()).not.toContain('Drain and quit');
    await screen.press('escape');
    await staysTrue(() => !screen.hasEnded, { message: 'it waits', forMs: quietMs });
    puppet.tell('exit 0');
    expect(await screen.ended).toEqual({ kind: 'stopped' });
    expect(await ui.stage.stat('processed')).toBe(1);
    expect(await ui.stage.backlog('mail')).toHaveLength(1);
  });

  test('kill and quit ends the running job and exits', async () => {
    const screen = await withJob(stubborn());
    const pid = await pidOf('Slow');
    await screen.press('q');
    await screen.waitForText('kill 1 running job');
    await screen.press('K');
    expect(await screen.ended).toEqual({ kind: 'stopped' });
    expect(isAlive(pid)).toBe(false);
    expect(await ui.stage.failure()).toMatchObject({ payload: { class: 'Slow' }, signal: 'SIGKILL' });
  });

  test('Ctrl-C asks, a second one drains, a third one kills', async () => {
    const screen = await withJob(stubborn());
    const pid = await pidOf('Slow');
    await screen.press('ctrl+c');
    await screen.waitForText(question);
    await screen.press('ctrl+c');
    await screen.waitForText('● stopping');
    await staysTrue(() => isAlive(pid), { message: 'the job goes on', forMs: quietMs });
    await screen.press('ctrl+c');
    expect(await screen.ended).toEqual({ kind: 'stopped' });
    expect(isAlive(pid)).toBe(false);
  });

  test('Ctrl-C three times at once does the same, whatever is open', async () => {
    const screen = await withJob(stubborn());
    const pid = await pidOf('Slow');
    await screen.press('/');
    await screen.waitForText('filter: ');
    screen.send('\u0003\u0003\u0003');
    expect(await screen.ended).toEqual({ kind: 'stopped' });
    expect(isAlive(pid)).toBe(false);
  });

  test('q goes back first: out of what is open, from a filter, and only then it asks', async () => {
    const screen = await start({ mail: 1 });
    await screen.press('4', '/');
    await screen.waitForText('filter: ');
    screen.type('redis\r');
    await screen.waitForText('filter: redis');
    await screen.press('q');
    await screen.waitForNoText('filter: redis');
    expect(screen.text()).not.toContain(question);
    await screen.press('q');
    await screen.waitForText(question);
    await screen.press('q');
    expect(await screen.ended).toEqual({ kind: 'stopped' });
  });

  test('the screen ends when the engine is stopped from elsewhere', async () => {
    const screen = await withJob(ui.stage.script('cat > /dev/null; exec sleep 60'));
    ui.stopEngine('terminate');
    expect(await screen.ended).toEqual({ kind: 'stopped' });
    expect((await ui.stage.failure()).exception).toBe('Resque::TermException');
  });

  test('a draining engine ends the screen once every queue is empty', async () => {
    const script = ui.stage.script('cat > /dev/null; while [ ! -e "$D/go" ]; do sleep 0.1; done');
    await ui.stage.enqueue('mail', ...Array.from({ length: 5 }, (_, at) => ({ class: 'Job', args: [at] })));
    const screen = await ui.start({ script, runners: { mail: 2 } }, { drain: true });
    await screen.waitForText('3 waiting');
    ui.stage.write('go');
    expect(await screen.ended).toEqual({ kind: 'stopped' });
    expect(await ui.stage.stat('processed')).toBe(5);
  });
});
