/**
 * What all commands have in common, tried on each of them: how they take wrong input, a Redis that is away, a
 * reader that goes away, and that `--json` is JSON. A command that is not in the table fails the first test.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { beforeEach, describe, expect, test } from 'vitest';
import { UsageError } from '../../src/cli/command-line/exit-codes.ts';
import { type CommandName, commandNames, commands } from '../../src/cli/commands.ts';
import { readArguments } from '../../src/cli/read-arguments.ts';
import { freePort, useRedis } from '../helpers/redis.ts';
import { useDirectory } from './directory.ts';
import { program, runProgram } from './program.ts';
import { runCommand } from './run-command.ts';

const redis = useRedis();
const directory = useDirectory();

interface Trial {
  /** Arguments with which it does its work and ends; `null`: it doesn't end by itself, see `tested`. */
  readonly works: readonly string[] | null;
  /** Where it goes on: the exit code of that. */
  readonly exitCode?: number;
  /** Arguments with which it needs Redis; `null`: it needs none, or goes on without. */
  readonly needsRedis: readonly string[] | null;
  /** Wrong beyond what every command refuses. */
  readonly mistakes: readonly (readonly string[])[];
  /** Where the rest of it is tested. */
  readonly tested?: string;
}

const trials: Readonly<Record<CommandName, Trial>> = {
  run: {
    works: ['--drain', '--log-format', 'json'],
    needsRedis: null,
    mistakes: [['a.json', 'b.json'], ['--log-format', 'xml'], ['none.json']],
    tested: 'test/e2e/redis-trouble.test.ts: it waits for Redis',
  },
  attach: {
    works: null,
    needsRedis: null,
    mistakes: [['a.json', 'b.json'], ['--socket']],
    tested: 'test/cli/control/attach.test.ts',
  },
  pause: {
    works: null,
    needsRedis: null,
    mistakes: [[], ['mail', '--all'], ['mail', '--config', 'cfg.json', '--socket', 'x.sock']],
    tested: 'test/cli/control/control.test.ts',
  },
  resume: {
    works: null,
    needsRedis: null,
    mistakes: [[], ['mail', '--all']],
    tested: 'test/cli/control/control.test.ts',
  },
  reset: {
    works: null,
    needsRedis: null,
    mistakes: [[], ['mail', '--all']],
    tested: 'test/cli/control/control.test.ts',
  },
  slots: {
    works: null,
    needsRedis: null,
    mistakes: [[], ['mail'], ['mail', '0'], ['mail', 'many'], ['mail', '1', '2']],
    tested: 'test/cli/control/control.test.ts',
  },
  health: {
    works: null,
    needsRedis: null,
    mistakes: [
      ['a.json', 'b.json'],
      ['cfg.json', '--socket', 'x.sock'],
    ],
    tested: 'test/cli/control/health.test.ts',
  },
  check: { works: [], needsRedis: [], mistakes: [['a.json', 'b.json'], ['none.json']] },
  config: { works: [], needsRedis: null, mistakes: [['a.json', 'b.json'], ['none.json']] },
  exec: {
    works: ['mail', '--class', 'Good'],
    needsRedis: ['mail', '--from-failed', '0'],
    mistakes: [[], ['mail', 'none.json'], ['nobodys', '--class', 'Good']],
  },
  enqueue: {
    works: ['mail', 'Good', '1'],
    needsRedis: ['mail', 'Good'],
    mistakes: [
      [],
      ['mail'],
      ['', 'Good'],
      ['mail', 'Good', '--count', '0'],
      ['mail', '--file', 'none.ndjson'],
    ],
  },
  'failed list': { works: [], needsRedis: [], mistakes: [['x'], ['--limit', '0'], ['--before', '-1']] },
  'failed show': { works: ['0'], needsRedis: ['0'], mistakes: [['x'], ['99'], ['0@00000000x'], ['1', '2']] },
  'failed retry': {
    works: ['0'],
    needsRedis: ['--all', '--yes'],
    mistakes: [[], ['x'], ['99'], ['0', '--all'], ['--all']],
  },
  'failed remove': {
    works: ['0', '--yes'],
    needsRedis: ['--all', '--yes'],
    mistakes: [[], ['x', '--yes'], ['99', '--yes'], ['0', '--all', '--yes'], ['0'], ['--queue', 'mail']],
  },
  'failed clear': { works: ['--yes'], needsRedis: ['--yes'], mistakes: [['x'], []] },
  'delayed list': { works: [], needsRedis: [], mistakes: [['x'], ['--limit', '0'], ['--after', 'x']] },
  'delayed run': {
    works: ['--all', '--yes'],
    needsRedis: ['--all', '--yes'],
    mistakes: [[], ['x'], ['1@01234567'], ['1@01234567', '--all'], ['--all']],
  },
  'delayed remove': {
    works: ['--all', '--yes'],
    needsRedis: ['--all', '--yes'],
    mistakes: [[], ['x', '--yes'], ['1@01234567', '--yes'], ['--queue', 'mail']],
  },
  'schedule list': { works: [], needsRedis: [], mistakes: [['x'], ['--limit', '1']] },
  'schedule run': { works: ['nightly'], needsRedis: ['nightly'], mistakes: [[], ['none'], ['nightly', 'x']] },
  status: { works: [], needsRedis: [], mistakes: [['a.json', 'b.json'], ['--interval', '0'], ['none.json']] },
  init: {
    works: ['new.json', '--script', '/bin/true', '--queue', 'mail'],
    needsRedis: null,
    mistakes: [['cfg.json'], ['new.json', '--redis', 'http://x'], ['a', 'b']],
    tested: 'test/cli/init/init.test.ts: a Redis that is away is a warning',
  },
  demo: { works: null, needsRedis: null, mistakes: [['x']], tested: 'test/cli/run/demo.test.ts' },
  completion: { works: ['bash'], needsRedis: null, mistakes: [[], ['tcsh'], ['bash', 'zsh']] },
};

const failure = {
  failed_at: '2026/11/24 15:20:19 UTC',
  payload: { class: 'Bad', args: [1] },
  exception: 'Boom',
  error: 'it broke',
  backtrace: ['job.sh:1'],
  worker: 'h.runner:1-0:mail',
  queue: 'mail',
};

function wordsOf(name: CommandName): string[] {
  return name === 'run' ? [] : name.split(' ');
}

/** In this process. */
function run(name: CommandName, args: readonly string[]) {
  return runCommand([...wordsOf(name), ...args], { cwd: directory.path });
}

function configure(port: number): void {
  const config = { redis: { server: '127.0.0.1', port }, runners: { mail: 1 }, script: '/bin/true' };
  writeFileSync(join(directory.path, 'cfg.json'), JSON.stringify(config));
}

beforeEach(async () => {
  configure(redis.port);
  await redis.client.rpush('resque:failed', ...[1, 2, 3].map(() => JSON.stringify(failure)));
  const schedule = { class: 'Good', cron: '0 3 * * *', queue: 'mail' };
  await redis.client.hset('resque:persistent_schedules', 'nightly', JSON.stringify(schedule));
  await redis.client.zadd('resque:delayed_queue_schedule', 4_000_000_000, '4000000000');
  await redis.client.rpush('resque:delayed:4000000000', '{"class":"Good","args":[1],"queue":"mail"}');
});

const working = commandNames.flatMap((name) => {
  const { works, exitCode = 0 } = trials[name];
  return works === null ? [] : [{ name, works, exitCode }];
});

describe.each(working)('$name', ({ name, works, exitCode }) => {
  test('ends with what it should, without a terminal', async () => {
    const args = [...wordsOf(name), ...works];
    // A runner needs a process.
    const start = name === 'run' ? runProgram : runCommand;
    const { code, stderr } = await start(args, { cwd: directory.path });
    expect({ code, stderr }).toEqual({ code: exitCode, stderr: expect.any(String) });
    expect(stderr).not.toContain('resque-runner:');
  });

  test('does so as a program, too, and is not spoilt by a reader that goes away', async () => {
    const words = [process.execPath, program, ...wordsOf(name), ...works].map((word) => `'${word}'`);
    const command = `${words.join(' ')} | head -n 0; echo "\${PIPESTATUS[0]}"`;
    const { stdout, stderr } = await execa('bash', ['-c', command], {
      cwd: directory.path,
      env: { RR_CONFIG: '' },
      stdin: 'ignore',
    });
    expect(stdout).toBe(String(exitCode));
    expect(stderr).not.toContain('resque-runner:');
    expect(stderr).not.toContain('EPIPE');
  });

  test.runIf((commands[name].flags as readonly string[]).includes('json'))('speaks JSON', async () => {
    const { code, stdout } = await run(name, [...works, '--json']);
    expect(code).toBe(exitCode);
    expect(JSON.parse(stdout)).toEqual(expect.any(Object));
  });
});

const needy = commandNames.flatMap((name) => {
  const { needsRedis } = trials[name];
  return needsRedis === null ? [] : [{ name, needsRedis }];
});

test.each(needy)('$name says that Redis is away', async ({ name, needsRedis }) => {
  configure(await freePort());
  const { code, stdout, stderr } = await run(name, needsRedis);
  expect(code).toBe(1);
  // `check` tells it as one of its verdicts.
  expect(name === 'check' ? stdout : stderr).toMatch(/ECONNREFUSED.*is Redis running there\?/);
  if (name !== 'check') expect(stderr).toMatch(/^resque-runner: .*$/);
});

const wrong = commandNames.flatMap((name) => trials[name].mistakes.map((args) => ({ name, args })));

test.each(wrong)('$name $args is a mistake, told in one message', async ({ name, args }) => {
  const { code, stdout, stderr } = await run(name, args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(/^resque-runner: \S/);
  expect(stderr).not.toMatch(/^ {4}at /m);
});

test.each(commandNames)('%s takes no flag that nobody knows, and no value for a switch', (name) => {
  const read = (flag: string) => () => readArguments([...wordsOf(name), flag], '/');
  expect(read('--frobnicate')).toThrow(UsageError);
  expect(read('--json=1')).toThrow(UsageError);
});
