/** `init` on a terminal: its questions and tests. It writes nothing before the last answer. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { freePort, useRedis } from '../../helpers/redis.ts';
import { type Terminal, useTerminals } from '../../helpers/terminal.ts';
import { useDirectory } from '../directory.ts';
import { program } from '../program.ts';

const redis = useRedis({ isOwn: true });
const guarded = useRedis({ password: 'sesame' });
const directory = useDirectory();
const terminals = useTerminals();

const questions = {
  redis: 'Where is Redis?',
  queue: 'Which queue?',
  script: 'Which program runs the jobs?',
  write: /Write .*\?/,
} as const;

interface Options {
  readonly columns?: number;
  readonly env?: Readonly<Record<string, string>>;
}

function open(args: readonly string[], { columns = 100, env = {} }: Options = {}): Terminal {
  // Started by a shell, so that the terminal stays open and shows the exit code.
  const command = [process.execPath, program, 'init', ...args].map((word) => `'${word}'`).join(' ');
  return terminals.open({
    command: ['sh', '-mc', `${command}; echo "came to $?"; read -r _`],
    cwd: directory.path,
    columns,
    rows: 50,
    env,
  });
}

function path(name: string): string {
  return join(directory.path, name);
}

function read(name = 'cfg.json'): string {
  return readFileSync(path(name), 'utf8');
}

function config(): unknown {
  return JSON.parse(read());
}

function script(name: string, mode = 0o755): void {
  writeFileSync(path(name), '#!/bin/sh\n');
  chmodSync(path(name), mode);
}

async function answer(terminal: Terminal, question: string | RegExp, text: string): Promise<void> {
  await terminal.waitForText(question);
  terminal.type(`${text}\r`);
}

/** Moves to a choice and selects it. */
async function choose(terminal: Terminal, label: string): Promise<void> {
  // With its marker: an earlier answer with the same label may still be on the screen.
  await terminal.waitFor(
    () => ['●', '○'].some((sign) => terminal.text().includes(`${sign} ${label}`)),
    `the choice ${label}`,
  );
  // While the choices are drawn again, none is marked.
  const marked = () => [...terminal.text().matchAll(/● .*/g)].at(-1)?.[0] ?? '';
  while (!marked().startsWith(`● ${label}`)) {
    const before = marked();
    await terminal.press('down');
    await terminal.waitFor(() => !['', before].includes(marked()), 'the next choice is marked');
  }
  await terminal.press('return');
}

async function expectEnd(terminal: Terminal, code: number): Promise<void> {
  await terminal.waitForText(`came to ${code}`);
  expect(terminal.isRestored, terminal.describe()).toBe(true);
}

function written(): string[] {
  return readdirSync(directory.path).sort();
}

describe('init on a terminal', () => {
  test('does not ask for Redis if REDIS_URL is set', async () => {
    await redis.client.sadd('resque:queues', 'mail');
    script('job.sh');
    const terminal = open([], { env: { REDIS_URL: `redis://127.0.0.1:${redis.port}` } });
    await terminal.waitForText(`Connecting to redis://127.0.0.1:${redis.port}/0, from REDIS_URL`);
    await choose(terminal, 'mail');
    await answer(terminal, questions.script, './job.sh');
    await terminal.waitForText(questions.write);
    expect(terminal.text()).not.toContain(questions.redis);
    await terminal.press('return');
    await expectEnd(terminal, 0);
    expect(config()).not.toHaveProperty('redis');
    expect(config()).toMatchObject({ runners: { mail: 5 }, script: './job.sh' });
  });

  test('lets the user replace a REDIS_URL that cannot be used', async () => {
    script('job.sh');
    const terminal = open(['--script', './job.sh'], {
      env: { REDIS_URL: `redis://127.0.0.1:${await freePort()}` },
    });
    await choose(terminal, 'Use another Redis');
    await answer(terminal, questions.redis, `127.0.0.1:${redis.port}`);
    await answer(terminal, questions.queue, 'mail');
    await terminal.waitForText(questions.write);
    await terminal.press('return');
    await expectEnd(terminal, 0);
    expect(config()).toMatchObject({ redis: { host: '127.0.0.1', port: redis.port } });
  });

  test('asks for Redis, a queue and the script, and writes an example script', async () => {
    await redis.client.sadd('resque:queues', 'mail', 'images', 'odd,list', 'odd*');
    await redis.client.rpush('resque:queue:images', 'a', 'b');
    const terminal = open([]);
    await answer(terminal, questions.redis, `localhost:${redis.port}`);
    await terminal.waitForText(/images {2}\(2 jobs\)\n.*mail {2}\(0 jobs\)/);
    expect(terminal.text()).toMatch(/◆ {2}redis:\/\/localhost:\d+\/0 (version|Valkey) \d/);
    // In a config, these names would mean something else.
    expect(terminal.text()).not.toContain('odd');
    await choose(terminal, 'mail');
    await answer(terminal, questions.script, '');
    await terminal.waitForText('job.sh does not exist');
    await choose(terminal, 'Write an example there');
    await terminal.waitForText('Write cfg.json and job.sh?');
    expect(terminal.text()).toMatch(/"runners": {.*\n.*"mail": 5/);
    expect(written()).toEqual([]);
    await terminal.press('return');
    await expectEnd(terminal, 0);
    expect(config()).toMatchObject({
      redis: { host: 'localhost', port: redis.port, db: 0 },
      runners: { mail: 5 },
      script: './job.sh',
    });
    expect(written()).toEqual(['cfg.json', 'job.sh']);
    expect(statSync(path('job.sh')).mode & 0o100).toBe(0o100);
    expect(terminal.text()).toContain('wrote job.sh');
    expect(terminal.text()).toContain('resque-runner exec mail --class Welcome');
  });

  test('asks only for missing flags', async () => {
    script('job.sh');
    const terminal = open(['--queue', 'mail', '--script', 'job.sh', '--redis', `localhost:${redis.port}`]);
    await terminal.waitForText(questions.write);
    for (const question of [questions.redis, questions.queue, questions.script]) {
      expect(terminal.text()).not.toContain(question);
    }
    await terminal.press('return');
    await expectEnd(terminal, 0);
    expect(config()).toMatchObject({ runners: { mail: 5 }, script: './job.sh' });
  });

  test('asks nothing with --yes', async () => {
    const terminal = open(['--yes', '--redis', `localhost:${redis.port}`, '--script', '/bin/true']);
    await expectEnd(terminal, 0);
    expect(terminal.text()).not.toContain('?');
    expect(written()).toEqual(['cfg.json']);
  });

  test('accepts a typed queue, and rejects an invalid name', async () => {
    await redis.client.sadd('resque:queues', 'mail');
    const terminal = open(['--redis', `localhost:${redis.port}`, '--script', '/bin/true']);
    await choose(terminal, 'Another queue, or a pattern');
    await answer(terminal, 'A name, a pattern', '!mail');
    await terminal.waitForText('only excludes queues');
    await terminal.press('ctrl+u');
    await answer(terminal, 'A name, a pattern', 'mail_*,!mail_old');
    await answer(terminal, questions.write, '');
    await expectEnd(terminal, 0);
    expect(config()).toMatchObject({ runners: { 'mail_*,!mail_old': 5 } });
    expect(terminal.text()).toContain('exec QUEUE --class CLASS');
  });

  test('shows queues of any name, with control characters escaped', async () => {
    await redis.client.sadd('resque:queues', '\u001B]2;bad');
    const terminal = open(['--redis', `localhost:${redis.port}`, '--script', '/bin/true']);
    await terminal.waitForText('\\u001b]2;bad');
    await choose(terminal, 'All queues: *');
    await answer(terminal, questions.write, '');
    await expectEnd(terminal, 0);
    expect(terminal.text()).toContain(questions.queue);
    expect(config()).toMatchObject({ runners: { '*': 5 } });
  });
});

describe("a Redis that can't be used", () => {
  test('can be tried again, or replaced by another or an embedded one', async () => {
    const port = await freePort();
    const terminal = open(['--queue', 'mail', '--script', '/bin/true']);
    await answer(terminal, questions.redis, 'not a redis');
    await terminal.waitForText('contains a control character or a space');
    await terminal.press('ctrl+u');
    await answer(terminal, questions.redis, `127.0.0.1:${port}`);
    await terminal.waitForText('is Redis running there?');
    await choose(terminal, 'Use another Redis');
    // The input starts with the previous answer.
    await terminal.waitForText(new RegExp(`127\\.0\\.0\\.1:${port}\\s*█`));
    await terminal.press('ctrl+u');
    await answer(terminal, questions.redis, `127.0.0.1:${redis.port}`);
    await answer(terminal, questions.write, '');
    await expectEnd(terminal, 0);
    expect(config()).toMatchObject({ redis: { host: '127.0.0.1', port: redis.port } });
  });

  test('can be replaced by an embedded one', async () => {
    const terminal = open([
      '--queue',
      'm',
      '--script',
      '/bin/true',
      '--redis',
      `127.0.0.1:${await freePort()}`,
    ]);
    await choose(terminal, 'Use an embedded Redis');
    await terminal.waitForText('not running; the runner starts');
    await answer(terminal, questions.write, '');
    await expectEnd(terminal, 0);
    expect(config()).toMatchObject({ redis: 'embedded' });
    // The runner starts it.
    expect(written()).toEqual(['cfg.json']);
  });

  test('is tried again, or kept', async () => {
    const port = await freePort();
    const terminal = open(['--queue', 'm', '--script', '/bin/true', '--redis', `127.0.0.1:${port}`]);
    await choose(terminal, 'Try again');
    await terminal.waitForText(/Connecting to [\s\S]*Connecting to [\s\S]*is Redis running there\?/);
    await choose(terminal, 'Keep it');
    await answer(terminal, questions.write, '');
    await expectEnd(terminal, 0);
    expect(config()).toMatchObject({ redis: { port } });
  });

  test('may require a password, which is asked for and not shown', async () => {
    const terminal = open(['--script', '/bin/true', '--redis', `127.0.0.1:${guarded.port}`]);
    await guarded.client.sadd('resque:queues', 'secret');
    await choose(terminal, 'Enter a password');
    await answer(terminal, 'Password of Redis', 'wrong');
    await terminal.waitForText('WRONGPASS');
    await choose(terminal, 'Enter a password');
    await terminal.waitForText(/Password of Redis[\s\S]*Password of Redis/);
    terminal.type('sesame\r');
    await choose(terminal, 'secret');
    await terminal.waitForText(questions.write);
    expect(terminal.text()).toContain('"password": "•••"');
    await terminal.press('return');
    await expectEnd(terminal, 0);
    expect(terminal.received).not.toContain('sesame');
    expect(terminal.text()).toContain('readable only by you');
    expect(statSync(path('cfg.json')).mode & 0o777).toBe(0o600);
    expect(config()).toMatchObject({ redis: { port: guarded.port, password: 'sesame' } });
  });
});

describe("a script that can't be started", () => {
  const flags = () => ['--queue', 'mail', '--redis', `127.0.0.1:${redis.port}`];

  test('is made executable after the last answer', async () => {
    script('job.sh', 0o640);
    const terminal = open(flags());
    await answer(terminal, questions.script, 'job.sh');
    await choose(terminal, 'chmod +x job.sh');
    await terminal.waitForText('Write cfg.json, and make job.sh executable?');
    expect(statSync(path('job.sh')).mode & 0o777).toBe(0o640);
    await terminal.press('return');
    await expectEnd(terminal, 0);
    expect(statSync(path('job.sh')).mode & 0o777).toBe(0o750);
  });

  test('can be replaced by another, or kept', async () => {
    writeFileSync(path('job.rb'), '#!/usr/bin/env no-such-ruby\n', { mode: 0o755 });
    const terminal = open(flags());
    await answer(terminal, questions.script, 'job.rb');
    await terminal.waitForText('no-such-ruby is not on PATH');
    expect(terminal.text()).not.toMatch(/chmod|example/);
    await choose(terminal, 'Use another program');
    await terminal.waitForText(/job\.rb\s*█/);
    await terminal.press('ctrl+u');
    terminal.type('later/job.py\r');
    await terminal.waitForText('later/job.py does not exist');
    // A file with this extension must not get a shell script.
    expect(terminal.text()).not.toContain('Write an example');
    await choose(terminal, 'Keep it');
    await answer(terminal, questions.write, '');
    await expectEnd(terminal, 0);
    expect(config()).toMatchObject({ script: './later/job.py' });
    expect(existsSync(path('later'))).toBe(false);
  });
});

describe('leaving', () => {
  const all = () => ['--queue', 'mail', '--script', '/bin/true', '--redis', `127.0.0.1:${redis.port}`];

  test.each(['ctrl+c', 'escape', 'ctrl+d'])('with %s leaves nothing behind', async (key) => {
    const terminal = open([]);
    await terminal.waitForText(questions.redis);
    await terminal.press(key);
    await expectEnd(terminal, 130);
    expect(terminal.text()).toContain('resque-runner: nothing was changed');
    expect(written()).toEqual([]);
  });

  test.each([
    ['ctrl+c', 130],
    ['ctrl+d', 130],
    ['n', 1],
  ] as const)('with %s at the last question leaves nothing behind', async (key, code) => {
    const terminal = open(all());
    await terminal.waitForText(questions.write);
    await terminal.press(key);
    await expectEnd(terminal, code);
    expect(terminal.text()).toContain('resque-runner: nothing was changed');
    expect(written()).toEqual([]);
  });

  test('with Ctrl-C during the test of Redis leaves nothing behind', async () => {
    redis.freeze();
    try {
      // Without a shell, which the signal would end, too.
      const terminal = terminals.open({
        command: [process.execPath, program, 'init', ...all()],
        cwd: directory.path,
      });
      await terminal.waitForText('Connecting to');
      await terminal.press('ctrl+c');
      expect(await terminal.exit).toEqual({ exitCode: 0, signal: 2 });
      expect(written()).toEqual([]);
    } finally {
      redis.thaw();
    }
  });
});

test('an existing file is reported before the first question', async () => {
  mkdirSync(path('conf'));
  writeFileSync(path('cfg.json'), 'mine');
  const terminal = open([]);
  await expectEnd(terminal, 2);
  expect(terminal.screen().slice(0, 1)).toEqual(['resque-runner: cfg.json exists; --force overwrites it']);
  expect(read()).toBe('mine');
});

test('a file that appears during the questions is left alone', async () => {
  const terminal = open(['--queue', 'q', '--script', '/bin/true', '--redis', `127.0.0.1:${redis.port}`]);
  await terminal.waitForText(questions.write);
  writeFileSync(path('cfg.json'), 'theirs');
  await terminal.press('return');
  await expectEnd(terminal, 2);
  expect(read()).toBe('theirs');
  expect(written()).toEqual(['cfg.json']);
});

test('everything is also said in words, without colors, and on 60 columns, too', async () => {
  const terminal = open(['--queue', 'q'], { columns: 60, env: { NO_COLOR: '1' } });
  await answer(terminal, questions.redis, `127.0.0.1:${await freePort()}`);
  // The next question follows the error; in between, Ctrl-C would be a signal.
  await terminal.waitForText('Use another Redis');
  const colours = [...terminal.received.matchAll(/\u001B\[([\d;]*)m/g)].map(([, codes]) => codes);
  expect(colours).toEqual([]);
  for (const line of terminal.screen().filter((row) => row !== '')) expect(line).toMatch(/^[┌│◆◇■└]/);
  await terminal.press('ctrl+c');
  await expectEnd(terminal, 130);
});
