/** `pause`, `resume`, `slots` and `reset`: a running runner is changed from scripts. */
import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { useEndToEnd } from '../../helpers/end-to-end.ts';
import type { Runner } from '../../helpers/runner.ts';
import { runProgram } from '../program.ts';
import type { Outcome } from '../run-command.ts';
import { runCommand } from '../run-command.ts';

const stage = useEndToEnd();

function outcome(...argv: string[]): Promise<Outcome> {
  return runCommand(argv, { env: { TMPDIR: stage.path('tmp'), XDG_RUNTIME_DIR: '' } });
}

/** @returns what the command printed */
async function run(...argv: string[]): Promise<string> {
  const { code, stdout, stderr } = await outcome(...argv);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

/** @returns the error of the command */
async function refusal(code: 1 | 2, ...argv: string[]): Promise<string> {
  const refused = await outcome(...argv);
  expect(refused).toMatchObject({ code, stdout: '' });
  return refused.stderr.replace(/^resque-runner: /, '');
}

async function start(runners: Record<string, number>, name = 'cfg.json'): Promise<[Runner, string]> {
  const runner = await stage.run({ script: stage.script('cat >> "$D/ran"; echo >> "$D/ran"'), runners });
  return [runner, stage.path(name)];
}

test('a queue is paused and resumed, and doing it again changes nothing', async () => {
  const [runner, file] = await start({ mail: 1, images: 1 });
  expect(await run('pause', 'mail', '--config', file)).toMatch(/^mail is paused: by .+$/);
  // The change was made before the command exited.
  await stage.enqueue('mail', { class: 'Job', args: [1] });
  await stage.enqueue('images', { class: 'Job', args: [2] });
  await stage.waitForStat('processed', 1);
  expect(await stage.backlog('mail')).toHaveLength(1);
  expect(await run('pause', 'mail', 'images', '--config', file)).toMatch(
    /^mail is paused.*\nimages is paused.*$/,
  );
  expect(await run('resume', 'images', '--config', file)).toBe('images is not paused');
  expect(await run('resume', 'images', '--config', file)).toBe('images is not paused');
  expect(await run('resume', 'mail', '--config', file)).toBe('mail is not paused');
  await stage.waitForStat('processed', 2);
  expect(runner.all('queue.paused').map(({ queue }) => queue)).toEqual(['mail', 'images']);
});

test('--all pauses every queue; a queue with another reason stays paused and says why', async () => {
  const [, file] = await start({ mail: 1, images: 1 });
  expect(await run('pause', '--all', '--config', file)).toBe('every queue is paused');
  expect(await run('pause', 'mail', '--config', file)).toMatch(/^mail is paused: .*by /);
  expect(await run('resume', '--all', '--config', file)).toMatch(/^mail is paused: by .+$/);
  expect(await run('resume', 'mail', '--config', file)).toBe('mail is not paused');
  expect(await run('resume', '--all', '--config', file)).toBe('no queue is paused');
});

test('an entry of several queues is paused and resumed with all of them', async () => {
  const [, file] = await start({ mail: 1, 'low,lower': 2, 'tenant_*': 1 });
  expect(await run('pause', 'tenant_*', 'low,lower', '--config', file)).toMatch(
    /^low,lower is paused: by .+\ntenant_\* is paused: by .+$/,
  );
  expect(await run('pause', 'lower', '--config', file)).toMatch(/^lower is paused: low,lower, by .+; by .+$/);
  expect(await run('resume', 'low,lower', '--config', file)).toMatch(
    /^low,lower is not paused\nlower is paused: by .+$/,
  );
  const json = JSON.parse(await run('resume', 'tenant_*', '--json', '--config', file)) as unknown;
  expect(json).toMatchObject({
    runners: [
      { entries: [{ name: 'tenant_*', isPaused: false, pauses: [] }], queues: [{ name: 'tenant_*' }] },
    ],
  });
});

test('slots are set for the entry that a queue belongs to', async () => {
  const [, file] = await start({ mail: 1, 'low,lower': 2 });
  expect(await run('slots', 'mail', '3', '--config', file)).toBe('mail: 3 slots (1 in the config)');
  expect(await run('slots', 'lower', '1', '--config', file)).toBe('low,lower: 1 slot (2 in the config)');
  expect(await run('slots', 'low,lower', '2', '--config', file)).toBe('low,lower: 2 slots');
});

test('a restart keeps what was set, and reset goes back to the config', async () => {
  const [first, file] = await start({ mail: 1, 'low,lower': 2, images: 1 });
  await run('pause', 'mail', 'lower', '--config', file);
  await run('slots', 'mail', '3', '--config', file);
  first.signal('SIGUSR2');
  await first.waitForLine('queues.paused');
  await first.stop();
  const [second] = await start({ mail: 1, 'low,lower': 2, images: 1 });
  expect((await second.waitForLine('overrides.kept')).kept).toMatchObject([
    { kind: 'pause', queue: 'mail' },
    { kind: 'pause', queue: 'lower' },
    { kind: 'slots', runner: 'mail', slots: 3, configured: 1 },
  ]);
  expect(await run('reset', 'mail', '--config', file)).toBe('mail: 1 slot\nno queue is paused');
  expect(await run('reset', 'low,lower', '--config', file)).toBe('low,lower: 2 slots\nno queue is paused');
  await run('pause', '--all', '--config', file);
  expect(await run('reset', 'mail', '--config', file)).toMatch(
    /^mail: 1 slot\nmail is paused: all queues, by /,
  );
  expect(await run('reset', '--all', '--config', file)).toBe(
    'mail: 1 slot\nlow,lower: 2 slots\nimages: 1 slot\nno queue is paused',
  );
});

test('--json shows the new state of the runner', async () => {
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

test('every runner of the config is changed, after all of them have been checked', async () => {
  const [first, file] = await start({ mail: 1 });
  const [second] = await start({ mail: 1, images: 1 });
  expect(await run('pause', 'mail', '--config', file)).toMatch(
    new RegExp(
      `^process ${first.pid} \\(.*\\): mail is paused.*\nprocess ${second.pid} \\(.*\\): mail is paused`,
    ),
  );
  expect(await refusal(2, 'pause', 'mail', 'images', '--config', file)).toMatch(
    /has no queue "images"; it has mail$/,
  );
  expect(second.all('queue.paused')).toHaveLength(1);
  expect(await run('resume', 'mail', '--config', file)).toMatch(/not paused\n.*not paused$/);
});

describe('it refuses', () => {
  test('a queue that the runner does not serve, and names those that it serves', async () => {
    const [runner, file] = await start({ mail: 1, images: 1 });
    const message = `process ${runner.pid} (${file}) has no queue "mial"; it has mail, images`;
    expect(await refusal(2, 'pause', 'mial', '--config', file)).toBe(message);
    expect(await refusal(2, 'slots', 'mial', '2', '--config', file)).toBe(message);
    expect(await refusal(2, 'reset', 'mial', '--config', file)).toBe(message);
    await refusal(2, 'slots', 'mail', '20000', '--config', file);
  });

  test('slots that are not a number', async () => {
    expect(await refusal(2, 'slots', 'mail', '0')).toBe(
      'slots must be a whole number, 1 or more, got "0"; `pause` stops a queue',
    );
    expect(await refusal(2, 'slots', 'mail', 'two')).toContain('1 or more, got "two"');
  });

  test('to touch the runner of another config', async () => {
    const [runner] = await start({ mail: 1 });
    const file = stage.path('other.json');
    writeFileSync(file, '{}');
    expect(await refusal(1, 'pause', 'mail', '--config', file)).toMatch(
      /other\.json is running; start it with `resque-runner .*other\.json`\nother runners/,
    );
    expect(runner.all('queue.paused')).toEqual([]);
  });

  test('to choose one of several runners without a config', async () => {
    const [first] = await start({ mail: 1 });
    const [second] = await start({ mail: 1 });
    const told = await refusal(2, 'pause', 'mail');
    expect(told).toContain('2 runners are running; choose one with --config FILE or --socket PATH:');
    for (const { pid } of [first, second]) {
      expect(told).toMatch(new RegExp(`/${pid}-\\w+\\.sock  process ${pid} \\(`));
    }
  });
});

test('the program exits with 0 on success, and with 1 if no runner is running', async () => {
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
    stdout: expect.stringMatching(/^mail is paused: by /),
  });
});
