import { writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Invocation } from '../../../src/cli/command-line/command-spec.ts';
import { UsageError } from '../../../src/cli/command-line/exit-codes.ts';
import { flags } from '../../../src/cli/command-line/flags.ts';
import { readArguments } from '../../../src/cli/read-arguments.ts';
import { useDirectory } from '../directory.ts';

const directory = useDirectory();
const startedIn = process.cwd();

beforeEach(() => process.chdir(directory.path));
afterEach(() => process.chdir(startedIn));

/** The flags of an empty command line: switches have their defaults, and the others are missing. */
const noFlags = Object.fromEntries(
  Object.entries(flags).map(([name, { kind }]) => [
    name,
    kind === 'switch' ? false : kind === 'off-switch' ? true : null,
  ]),
);

function read(...argv: string[]): Invocation {
  const result = readArguments(argv, process.cwd());
  if (result.kind === 'help') throw new Error('help');
  return result.invocation;
}

function complaint(...argv: string[]): string {
  try {
    readArguments(argv, process.cwd());
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  return '(none)';
}

describe('the command line', () => {
  test('runs without a command, with any flag before or after the config', () => {
    const expected = {
      command: 'run',
      input: ['cfg.json'],
      flags: { ...noFlags, redis: 'redis://db1', logFormat: 'json', drain: true, ui: false },
    };
    const flags = ['--no-ui', '--drain', '--redis', 'redis://db1', '--log-format=json'];
    expect(read('cfg.json', ...flags)).toEqual(expected);
    expect(read(...flags, 'cfg.json')).toEqual(expected);
    expect(read()).toEqual({ ...expected, input: [], flags: noFlags });
  });

  test('accepts the config as an argument or as a flag', () => {
    expect(read('check', '--config', 'a.json').input).toEqual(['a.json']);
    expect(read('--config', 'a.json', '--drain').input).toEqual(['a.json']);
    expect(read('exec', 'mail', 'job.json', '--config', 'a.json')).toMatchObject({
      input: ['mail', 'job.json'],
      flags: { config: 'a.json' },
    });
  });

  test('passes arguments of a job on unchanged', () => {
    const words = ['007', '1e5', '0x10', '-5', '-0.5', '', '{"a":1}'];
    expect(read('enqueue', 'mail', 'Send', ...words).input).toEqual(['mail', 'Send', ...words]);
    const odd = ['--foo', '-x', '--redis', '--', '-1e3'];
    const { input, flags } = read('enqueue', '--redis', 'redis://a', 'mail', 'Send', '--', ...odd);
    expect(input).toEqual(['mail', 'Send', ...odd]);
    expect(flags.redis).toBe('redis://a');
  });

  test('accepts the dash that stands for STDIN', () => {
    expect(read('exec', 'mail', '-').input).toEqual(['mail', '-']);
    expect(read('enqueue', 'mail', '--file', '-').flags.file).toBe('-');
  });

  test('reads the second word as an action', () => {
    expect(read('failed')).toMatchObject({ command: 'failed list', input: [] });
    expect(read('failed', '--queue', 'mail')).toMatchObject({ command: 'failed list', input: [] });
    expect(read('failed', 'retry', '12', '--yes')).toMatchObject({
      command: 'failed retry',
      input: ['12'],
      flags: { yes: true },
    });
  });

  test('reads numbers', () => {
    expect(read('failed', '--limit', '5', '--before', '0').flags).toMatchObject({ limit: 5, before: 0 });
  });

  test('shows help for the program and for each command, group and action', () => {
    expect(readArguments(['--help'], process.cwd())).toEqual({ kind: 'help', topic: null });
    expect(readArguments(['cfg.json', '-h'], process.cwd())).toEqual({ kind: 'help', topic: null });
    expect(readArguments(['enqueue', '--help'], process.cwd())).toEqual({ kind: 'help', topic: 'enqueue' });
    expect(readArguments(['failed', '--help'], process.cwd())).toEqual({ kind: 'help', topic: 'failed' });
    expect(readArguments(['failed', 'retry', '-h'], process.cwd())).toEqual({
      kind: 'help',
      topic: 'failed retry',
    });
  });

  test('reads a file name that is not a command as the config', () => {
    writeFileSync('chekc', '');
    expect(read('chekc')).toMatchObject({ command: 'run', input: ['chekc'] });
  });
});

describe('a mistake on the command line', () => {
  test.each([
    [['chekc'], 'there is no command "chekc"; did you mean "check"?'],
    [['enqeue', 'q', 'C', '--config', 'x'], 'there is no command "enqeue"; did you mean "enqueue"?'],
    [
      ['frobnicate'],
      '"frobnicate" is neither a command nor a config file; commands are attach, pause, resume, slots, reset, health, check, config, exec, enqueue, failed, delayed, schedule, status, init, demo, completion',
    ],
    [['a.json', 'b.json'], 'resque-runner takes one CONFIG at most; "b.json" is one too many'],
    [['demo', 'x'], 'demo takes no arguments; "x" is one too many'],
    [['enqueue'], 'enqueue needs a QUEUE; see resque-runner enqueue --help'],
    [['slots'], 'slots needs a QUEUE and an N; see resque-runner slots --help'],
    [['completion'], 'completion needs a SHELL; see resque-runner completion --help'],
    [['failed', 'lsit'], 'failed has no action "lsit"; did you mean "list"?'],
    [['failed', 'x7'], 'failed has no action "x7"; actions are list, show, retry, remove, clear'],
    [['failed', 'show', '1', '2'], 'failed show takes one ID at most; "2" is one too many'],
    [['failed', '--limit', '0'], '--limit must be a whole number, 1 or more, got "0"'],
    [['failed', '--limit', '1.5'], '--limit must be a whole number, 1 or more, got "1.5"'],
    [['check', 'a', '--config', 'b'], 'got two configs, "a" and --config "b"; give one'],
    [['--drian'], 'resque-runner has no flag --drian; did you mean --drain?'],
    [['--log-fromat', 'json'], 'resque-runner has no flag --log-fromat; did you mean --log-format?'],
    [['-x'], 'resque-runner has no flag -x; see resque-runner --help'],
    [['check', '--no-ui'], 'resque-runner check has no flag --no-ui; see resque-runner check --help'],
    [['check', '--drain'], 'resque-runner check has no flag --drain; see resque-runner check --help'],
    [['--constructor'], 'resque-runner has no flag --constructor; see resque-runner --help'],
    [['--drain=1'], '--drain takes no value'],
    [['--redis'], '--redis needs a value, such as --redis redis://localhost:6379/0'],
    [['--redis='], '--redis needs a value, such as --redis redis://localhost:6379/0'],
    [['--no-redis'], '--redis needs a value, such as --redis redis://localhost:6379/0'],
    [['--log-format'], '--log-format needs a value, such as --log-format json'],
    [['--log-format', 'xml'], '--log-format must be pretty, json or logfmt, got "xml"'],
  ])('%j is reported: %s', (argv, message) => {
    expect(complaint(...argv)).toBe(message);
  });

  test('with an argument that begins with a dash suggests "--"', () => {
    expect(complaint('enqueue', 'mail', 'Send', '--foo')).toContain('put "--" before arguments');
  });

  test('with a repeated flag is reported', () => {
    expect(complaint('--redis', 'redis://a', '--redis', 'redis://b')).toContain(
      '--redis can only be set once',
    );
  });

  test('is reported without control characters', () => {
    expect(complaint('check\u001b[2Jx')).toContain('\\u001b');
  });
});
