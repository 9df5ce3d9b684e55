/** `pause`, `resume` and `slots`: a running runner is changed from scripts. */
import { writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { OperatingError, UsageError } from '../../../src/cli/command-line/exit-codes.ts';
import { commands } from '../../../src/cli/commands.ts';
import { readArguments } from '../../../src/cli/read-arguments.ts';
import { useEndToEnd } from '../../helpers/end-to-end.ts';
import type { Runner } from '../../helpers/runner.ts';
import { runProgram } from '../program.ts';

const stage = useEndToEnd();

beforeEach(() => {
  vi.stubEnv('TMPDIR', stage.path('tmp'));
  vi.stubEnv('XDG_RUNTIME_DIR', '');
  vi.stubEnv('RR_CONFIG', '');
});

afterEach(() => {
  vi.unstubAllEnvs();
});

/** Runs a command in this process. @returns what it printed */
async function run(...argv: string[]): Promise<string> {
  const read = readArguments(argv);
  if (read.kind !== 'command') throw new Error('help was asked for');
  const { run: command } = await commands[read.invocation.command].load();
  let printed = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text, ...rest) => {
    printed += String(text);
    const done = rest.at(-1);
    if (typeof done === 'function') (done as () => void)();
    return true;
  });
  try {
    expect(await command({ invocation: read.invocation, version: '0.0.0' })).toBe(0);
  } finally {
    write.mockRestore();
  }
  return printed;
}

async function start(runners: Record<string, number>, name = 'cfg.json'): Promise<[Runner, string]> {
  const runner = await stage.run({ script: stage.script('cat >> "$D/ran"; echo >> "$D/ran"'), runners });
  return [runner, stage.path(name)];
}

test('a queue is paused and resumed, and doing it again changes nothing', async () => {
  const [runner, file] = await start({ mail: 1, images: 1 });
  expect(await run('pause', 'mail', '--config', file)).toMatch(/^mail is paused: by hand \(.+\)\n$/);
  // It was done by then.
  await stage.enqueue('mail', { class: 'Job', args: [1] });
  await stage.enqueue('images', { class: 'Job', args: [2] });
  await stage.waitForStat('processed', 1);
  expect(await stage.backlog('mail')).toHaveLength(1);
  expect(await run('pause', 'mail', 'images', '--config', file)).toMatch(
    /^mail is paused.*\nimages is paused.*\n$/,
  );
  expect(await run('resume', 'images', '--config', file)).toBe('images is not paused\n');
  expect(await run('resume', 'images', '--config', file)).toBe('images is not paused\n');
  expect(await run('resume', 'mail', '--config', file)).toBe('mail is not paused\n');
  await stage.waitForStat('processed', 2);
  expect(runner.all('queue.paused').map(({ queue }) => queue)).toEqual(['mail', 'images']);
});

test('--all pauses every queue; a queue with another reason stays paused and says why', async () => {
  const [, file] = await start({ mail: 1, images: 1 });
  expect(await run('pause', '--all', '--config', file)).toBe('every queue is paused\n');
  expect(await run('pause', 'mail', '--config', file)).toMatch(/by hand/);
  expect(await run('resume', '--all', '--config', file)).toMatch(/^mail is paused: by hand \(.+\)\n$/);
  expect(await run('resume', 'mail', '--config', file)).toBe('mail is not paused\n');
  expect(await run('resume', '--all', '--config', file)).toBe('no queue is paused\n');
});

test('slots are set for the entry that a queue belongs to', async () => {
  const [, file] = await start({ mail: 1, 'low,lower': 2 });
  expect(await run('slots', 'mail', '3', '--config', file)).toBe('mail: 3 slots (1 in the config)\n');
  expect(await run('slots', 'lower', '1', '--config', file)).toBe('low,lower: 1 slot (2 in the config)\n');
  expect(await run('slots', 'low,lower', '2', '--config', file)).toBe('low,lower: 2 slots\n');
});

test('--json says how the runner is now', async () => {
  const [runner, config] = await start({ mail: 1 });
  const json = async (...argv: string[]) =>
    JSON.parse(await run(...argv, '--json', '--config', config)) as unknown;
  const one = (result: object) => ({ runners: [{ pid: runner.pid, config, ...result }] });
  const since = expect.stringMatching(/^20\d\d-.*Z$/) as string;
  const pauses = [{ kind: 'operator', detail: expect.any(String) as string, since }];
  expect(await json('pause', 'mail')).toEqual(one({ queues: [{ name: 'mail', isPaused: true, pauses }] }));
  expect(await json('resume', 'mail')).toEqual(
    one({ queues: [{ name: 'mail', isPaused: false, pauses: [] }] }),
  );
  expect(await json('slots', 'mail', '2')).toEqual(
    one({ entries: [{ name: 'mail', slots: 2, configured: 1 }] }),
  );
});

test('every runner of the config is changed, and all are looked at before the first is', async () => {
  const [first, file] = await start({ mail: 1 });
  const [second] = await start({ mail: 1, images: 1 });
  expect(await run('pause', 'mail', '--config', file)).toMatch(
    new RegExp(
      `^process ${first.pid} \\(.*\\): mail is paused.*\nprocess ${second.pid} \\(.*\\): mail is paused`,
    ),
  );
  await expect(run('pause', 'mail', 'images', '--config', file)).rejects.toThrow(
    /has no queue "images"; it has mail$/,
  );
  expect(second.all('queue.paused')).toHaveLength(1);
  expect(await run('resume', 'mail', '--config', file)).toMatch(/not paused\n.*not paused\n$/);
});

describe('what it refuses', () => {
  test('a queue that the runner has not, naming those that it has', async () => {
    const [runner, file] = await start({ mail: 1, images: 1 });
    const message = `process ${runner.pid} (${file}) has no queue "mial"; it has mail, images`;
    await expect(run('pause', 'mial', '--config', file)).rejects.toThrow(new UsageError(message));
    await expect(run('slots', 'mial', '2', '--config', file)).rejects.toThrow(new UsageError(message));
    await expect(run('slots', 'mail', '20000', '--config', file)).rejects.toThrow(UsageError);
  });

  test('slots that are no number', async () => {
    await expect(run('slots', 'mail', '0')).rejects.toThrow(
      new UsageError('slots must be a whole number, 1 or more, got "0"; `pause` stops a queue'),
    );
    await expect(run('slots', 'mail', 'two')).rejects.toThrow('1 or more, got "two"');
  });

  test('to touch the runner of another config', async () => {
    const [runner] = await start({ mail: 1 });
    const file = stage.path('other.json');
    writeFileSync(file, '{}');
    await expect(run('pause', 'mail', '--config', file)).rejects.toThrow(OperatingError);
    await expect(run('pause', 'mail', '--config', file)).rejects.toThrow(
      /other\.json is running; start it with `resque-runner .*other\.json`\nother runners/,
    );
    expect(runner.all('queue.paused')).toEqual([]);
  });

  test('to guess which of several runners is meant without a config', async () => {
    const [first] = await start({ mail: 1 });
    const [second] = await start({ mail: 1 });
    const error: unknown = await run('pause', 'mail').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UsageError);
    expect(String(error)).toContain('2 runners are running; choose one with --config FILE or --socket PATH:');
    for (const { pid } of [first, second]) expect(String(error)).toContain(`${pid}.sock  process ${pid} (`);
  });
});

test('the program exits with 0 when it is done, and with 1 when no runner is running', async () => {
  const none = await runProgram(['pause', 'mail'], {
    cwd: stage.directory,
    env: { TMPDIR: stage.path('tmp') },
  });
  expect(none.code).toBe(1);
  expect(none.stderr).toMatch(/^resque-runner: no runner of this user is running: there is no socket in /);
  await start({ mail: 1 });
  const done = await runProgram(['pause', 'mail'], {
    cwd: stage.directory,
    env: { TMPDIR: stage.path('tmp') },
  });
  expect(done).toMatchObject({
    code: 0,
    stderr: '',
    stdout: expect.stringMatching(/^mail is paused: by hand/),
  });
});
