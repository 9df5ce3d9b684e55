import { writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readArguments } from '../../src/cli/arguments.ts';
import { UsageError } from '../../src/cli/exit-codes.ts';
import { useDirectory } from './program.ts';

const directory = useDirectory();
const startedIn = process.cwd();

beforeEach(() => process.chdir(directory.path));
afterEach(() => process.chdir(startedIn));

const noFlags = {
  config: null,
  redis: null,
  namespace: null,
  logFormat: null,
  drain: false,
  ui: true,
  socket: null,
  readOnly: false,
  repair: false,
  linkFd: null,
};

function complaint(...argv: string[]): string {
  try {
    readArguments(argv);
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
      helpOn: null,
      input: ['cfg.json'],
      flags: { ...noFlags, redis: 'redis://db1', logFormat: 'json', drain: true, ui: false },
    };
    const flags = ['--no-ui', '--drain', '--redis', 'redis://db1', '--log-format=json'];
    expect(readArguments(['cfg.json', ...flags])).toEqual(expected);
    expect(readArguments([...flags, 'cfg.json'])).toEqual(expected);
    expect(readArguments([])).toEqual({ ...expected, input: [], flags: noFlags });
  });

  test('passes arguments of a job on as they were typed', () => {
    const words = ['007', '1e5', '0x10', '-5', '-0.5', '', '{"a":1}'];
    expect(readArguments(['enqueue', 'mail', 'Send', ...words]).input).toEqual(['mail', 'Send', ...words]);
    const odd = ['--foo', '-x', '--redis', '--', '-1e3'];
    const { input, flags } = readArguments(['enqueue', '--redis', 'redis://a', 'mail', 'Send', '--', ...odd]);
    expect(input).toEqual(['mail', 'Send', ...odd]);
    expect(flags.redis).toBe('redis://a');
  });

  test('gives help on the program and on each command', () => {
    expect(readArguments(['--help'])).toMatchObject({ command: 'help', helpOn: null });
    expect(readArguments(['cfg.json', '-h'])).toMatchObject({ command: 'help', helpOn: null });
    expect(readArguments(['enqueue', '--help'])).toMatchObject({ command: 'help', helpOn: 'enqueue' });
  });

  test('takes a file that has the name of no command for the config', () => {
    writeFileSync('chekc', '');
    expect(readArguments(['chekc'])).toMatchObject({ command: 'run', input: ['chekc'] });
  });
});

describe('a mistake on the command line', () => {
  test.each([
    [['chekc'], 'there is no command "chekc"; did you mean "check"?'],
    [['enqeue', 'q', 'C', '--config', 'x'], 'there is no command "enqeue"; did you mean "enqueue"?'],
    [
      ['frobnicate'],
      '"frobnicate" is neither a command nor a config file; commands are attach, check, enqueue, demo',
    ],
    [['a.json', 'b.json'], 'resque-runner takes one CONFIG at most; "b.json" is one too many'],
    [['demo', 'x'], 'demo takes no arguments; "x" is one too many'],
    [['enqueue', 'mail'], 'enqueue needs a QUEUE and a CLASS; see resque-runner enqueue --help'],
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
    [['--log-format', 'xml'], '--log-format: "xml" is neither pretty nor json'],
  ])('%j is told: %s', (argv, message) => {
    expect(complaint(...argv)).toBe(message);
  });

  test('with an argument that begins with a dash leads to "--"', () => {
    expect(complaint('enqueue', 'mail', 'Send', '--foo')).toContain('put "--" before arguments');
  });

  test('with a flag given twice is told', () => {
    expect(complaint('--redis', 'redis://a', '--redis', 'redis://b')).toContain(
      '--redis can only be set once',
    );
  });

  test('shows no control characters', () => {
    expect(complaint('check\u001b[2Jx')).toContain('\\u001b');
  });
});
