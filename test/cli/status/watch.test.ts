import { createInterface } from 'node:readline';
import { execa } from 'execa';
import { afterEach, describe, expect, test } from 'vitest';
import { isAlive } from '../../helpers/processes.ts';
import { useRedis } from '../../helpers/redis.ts';
import { type Terminal, type TerminalOptions, takenTerminal, useTerminals } from '../../helpers/terminal.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { useDirectory } from '../directory.ts';
import { program } from '../program.ts';
import { recordOf, StatusStage } from './stage.ts';

const redis = useRedis({ isOwn: true });
const directory = useDirectory();
const terminals = useTerminals();
const stage = new StatusStage(redis);

const args = () => ['status', '--watch', '--interval', '1', '--redis', stage.url];

function watchOnScreen(options: Omit<TerminalOptions, 'command'> = {}): Terminal {
  return terminals.open({
    command: [process.execPath, program, ...args()],
    cwd: directory.path,
    ...options,
  });
}

/** Started by a shell, so that the terminal can be checked afterwards. */
function watchByShell(): Terminal {
  const script = 'echo before; "$0" "$@"; echo "came to $?"; read -r _';
  return terminals.open({
    command: ['sh', '-mc', script, process.execPath, program, ...args()],
    cwd: directory.path,
  });
}

describe('on a terminal', () => {
  test('redraws in place, without a blank screen in between', async () => {
    const screen = watchOnScreen();
    await screen.waitForText('0 waiting · 0 running');
    expect(screen).toMatchObject(takenTerminal);
    expect(screen.screen()[0]).toMatch(
      new RegExp(`^${stage.url}/0  namespace resque  \\d\\d:\\d\\d:\\d\\d, every 1 s, q leaves$`),
    );
    const framesBefore = screen.frames.length;
    await stage.enqueue('mail', 3);
    await screen.waitForText(/^! mail +3 +0\/0 +- +no worker$/m);
    await redis.client.lpop('resque:queue:mail');
    await screen.waitForText(/^! mail +2 /m);
    for (const frame of screen.frames.slice(framesBefore)) expect(frame[0]).toContain(stage.url);
    await screen.press('q');
    expect(await screen.exit).toEqual({ exitCode: 0, signal: 0 });
  });

  test('shows jobs per second from the second read on, in total and for each', async () => {
    await stage.enlist('web.runner:5');
    await stage.register('web.runner:5-0:mail', { processed: 1_000, started: 600 });
    await redis.client.set('resque:stat:processed', 1_000);
    const screen = watchOnScreen({ columns: 120 });
    await screen.waitForText(/PER MIN/);
    await screen.waitForText(/PER S/);
    // Until a read includes it.
    await screen.waitFor(() => {
      void redis.client.incrby('resque:stat:processed', 50);
      void redis.client.incrby('resque:stat:processed:web.runner:5-0:mail', 50);
      return / processed, [1-9][\d,]* a second/.test(screen.text());
    }, 'a rate');
    await screen.waitForText(/^ {2}mail +0 +0\/1 +[1-9]/m);
    await screen.waitForText(/^ {2}web\.runner:5 +runner +idle +1\d min +\S+ +0 +[1-9]/m);
    await screen.press('ctrl+c');
    expect(await screen.exit).toEqual({ exitCode: 0, signal: 0 });
  });

  test('shows the most urgent lines that fit, and adapts to a new size', async () => {
    for (let n = 10; n < 50; n += 1)
      await stage.register(`host:${n}:q${n}`, { record: recordOf('q', n * 60) });
    const screen = watchOnScreen({ rows: 24 });
    await screen.waitForText('Running jobs: 40');
    expect(screen.text()).toMatch(/… 3\d more/);
    expect(screen.screen().findLastIndex((row) => row !== '')).toBe(23);
    expect(screen.text()).toMatch(/49 min {2}q +host:49/);
    expect(screen.text()).not.toMatch(/10 min {2}q +host:10/);
    screen.resize(100, 160);
    await screen.waitForText(/10 min {2}q +host:10/);
    expect(screen.text()).not.toContain('more');
    screen.resize(60, 12);
    await screen.waitForText(/… \d+ more/);
    await screen.waitFor(() => screen.screen()[0]?.startsWith(stage.url) === true, 'the first row is there');
    screen.resize(10, 3);
    await screen.waitFor(() => screen.screen()[0]?.endsWith('…') === true, 'the first row is cut');
    await screen.press('q');
    expect(await screen.exit).toEqual({ exitCode: 0, signal: 0 });
  });

  test('ctrl+c, q, INT and TERM end it with 0 and restore the terminal', async () => {
    const ends: readonly ((screen: Terminal) => void | Promise<void>)[] = [
      (screen) => screen.press('ctrl+c'),
      (screen) => screen.press('q'),
      (screen) => screen.signal('SIGINT'),
      (screen) => screen.signal('SIGTERM'),
    ];
    const screens = ends.map((end) => ({ screen: watchByShell(), end }));
    for (const { screen, end } of screens) {
      await screen.waitForText('0 waiting');
      expect(screen.isAlternateScreen).toBe(true);
      await end(screen);
      await screen.waitForText('came to 0');
      await screen.waitFor(() => screen.isRestored, 'the terminal is as it was');
      expect(screen.screen().slice(0, 2)).toEqual(['before', 'came to 0']);
      await screen.press('return');
      await screen.exit;
    }
  });

  test('ends when the terminal closes', async () => {
    const screen = watchOnScreen();
    await screen.waitForText('0 waiting');
    const pid = screen.foregroundPid;
    screen.hangUp();
    await waitFor(() => !isAlive(pid), { message: 'it has ended' });
  });
});

let end = async (): Promise<void> => {};
afterEach(() => end());

/** Without a terminal. */
function watch(...flags: string[]) {
  const child = execa(process.execPath, [program, ...args(), ...flags], {
    cwd: directory.path,
    env: { RR_CONFIG: '' },
    stdin: 'ignore',
    buffer: false,
    reject: false,
  });
  const lines: string[] = [];
  let errors = '';
  createInterface(child.stdout).on('line', (line) => lines.push(line));
  child.stderr.on('data', (chunk) => {
    errors += String(chunk);
  });
  const endOthers = end;
  end = async () => {
    end = async () => {};
    child.kill('SIGKILL');
    await child;
    await endOthers();
  };
  return { child, lines, errors: () => errors };
}

test('an outage is shown with its start, and updates continue when it is over', async () => {
  await stage.enqueue('mail', 3);
  await redis.client.set('resque:stat:processed', 5);
  const screen = watchOnScreen({ columns: 120 });
  const text = watch();
  const json = watch('--json');
  const looks = () => text.lines.filter((line) => /^--- \d\d:\d\d:\d\d ---$/.test(line));
  const documents = () => json.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  await screen.waitForText(/^! mail +3/m);
  await waitFor(() => looks().length >= 2 && documents().length >= 2, { message: 'two looks of each' });
  await redis.kill();

  await screen.waitForText(/^! Redis has been unreachable since \d\d:\d\d:\d\d \(\d+ s\): .*; retrying$/m);
  // The last state stays.
  await screen.waitForText(/^! mail +3/m);
  const isTold = () => text.lines.some((line) => /^Redis has been unreachable since/.test(line));
  const outages = () => documents().filter(({ isReachable }) => isReachable === false);
  await waitFor(() => isTold() && outages().length >= 2, { message: 'an outage of two looks' });

  await redis.start();
  await stage.enqueue('other', 1);
  await screen.waitForNoText('Redis has been unreachable');
  await screen.waitForText(/^! other +1/m);
  await waitFor(() => text.lines.some((line) => /^! other +1/.test(line)), { message: 'a look as text' });
  await waitFor(() => documents().at(-1)?.isReachable === true, { message: 'a look as JSON' });

  const [first, second] = documents();
  expect(first).toMatchObject({ isReachable: true, totals: { processed: 5, jobsPerSecond: null } });
  expect(second).toMatchObject({ isReachable: true, totals: { processed: 5, jobsPerSecond: 0 } });
  const [away, later] = outages();
  expect(away).toMatchObject({ redis: `${stage.url}/0`, namespace: 'resque', reason: expect.any(String) });
  expect(Date.parse(String(away?.awaySince))).toBeLessThanOrEqual(Date.parse(String(away?.at)));
  expect(later?.awaySince).toBe(away?.awaySince);
  // As text, once: nothing changes until it is over.
  expect(text.lines.filter((line) => /^Redis has been unreachable/.test(line))).toHaveLength(1);
  expect(text.lines.join('\n')).not.toMatch(/[^\P{Cc}\n]/u);

  await screen.press('q');
  expect(await screen.exit).toEqual({ exitCode: 0, signal: 0 });
  text.child.kill('SIGINT');
  json.child.kill('SIGTERM');
  expect(await text.child).toMatchObject({ exitCode: 0 });
  expect(await json.child).toMatchObject({ exitCode: 0 });
  expect(text.errors() + json.errors()).toBe('');
});

test('without a terminal, it ends with 0 when its reader goes away', async () => {
  const command = `"$0" "$@" | head -1; echo "came to \${PIPESTATUS[0]}"`;
  const ends = await Promise.all(
    [[], ['--json']].map((flags) =>
      execa('bash', ['-c', command, process.execPath, program, ...args(), ...flags], {
        cwd: directory.path,
        env: { RR_CONFIG: '' },
      }),
    ),
  );
  for (const { stdout, stderr } of ends) {
    expect(stderr).toBe('');
    expect(stdout.split('\n')[1]).toBe('came to 0');
  }
});
