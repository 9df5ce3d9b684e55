/** The languages with a helper in examples/persistent/, and their peculiarities. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface Language {
  readonly name: string;
  /** In examples/. */
  readonly helper: string;
  readonly mailer: string;
  /** In fixtures/: the jobs that test all languages. */
  readonly jobs: string;
  /** Exits with 0 if the language is installed and new enough for its helper. */
  readonly probe: readonly [string, ...string[]];
  /** Exits with 0 if the helper can close the descriptor in programs that a handler starts. */
  readonly closeOnExecProbe?: readonly [string, ...string[]];
  /** The text of an error message with `caf` and the byte E9. */
  readonly mendedUtf8: string;
  /** Errors other than plain exceptions: argument of the job `Throw`, exception, error. */
  readonly oddFailures: readonly (readonly [kind: string, exception: string, error: RegExp])[];
}

export const languages: readonly Language[] = [
  {
    name: 'Python',
    helper: 'persistent/resque_jobs.py',
    mailer: 'persistent/mailer.py',
    jobs: 'jobs.py',
    probe: ['python3', '-c', 'import sys; sys.exit(sys.version_info < (3, 6))'],
    mendedUtf8: 'caf?',
    oddFailures: [
      ['custom', 'BeyondException', /^its own words$/],
      ['chained', 'ValueError', /^no such thing$/],
      ['recursion', 'RecursionError', /recursion/],
    ],
  },
  {
    name: 'PHP',
    helper: 'persistent/resque_jobs.php',
    mailer: 'persistent/mailer.php',
    jobs: 'jobs.php',
    probe: ['php', '-r', 'exit((int) (PHP_MAJOR_VERSION < 8));'],
    closeOnExecProbe: ['php', '-r', "FFI::cdef('int fcntl(int, int, ...);');"],
    mendedUtf8: 'caf\uFFFD',
    oddFailures: [
      ['type', 'TypeError', /^strlen\(\): Argument #1/],
      ['division', 'DivisionByZeroError', /^Division by zero$/],
      ['anonymous', 'RuntimeException@anonymous', /^nobody$/],
      ['unknown', 'UnhandledMatchError', /^Unhandled match case/],
    ],
  },
  {
    name: 'Ruby',
    helper: 'persistent/resque_jobs.rb',
    mailer: 'persistent/mailer.rb',
    jobs: 'jobs.rb',
    probe: ['ruby', '-e', 'exit RUBY_VERSION.to_i >= 3'],
    mendedUtf8: 'caf\uFFFD',
    oddFailures: [
      ['not implemented', 'NotImplementedError', /^some day$/],
      ['timeout', 'Timeout::Error', /^execution expired$/],
      ['exception', 'BeyondStandardError', /^beyond$/],
      ['anonymous', 'nameless', /^nobody$/],
      ['binary', 'JobFailed', /^für caf\uFFFD$/],
      ['recursion', 'SystemStackError', /^stack level too deep$/],
      ['uncaught', 'UncaughtThrowError', /^uncaught throw :nothing$/],
    ],
  },
  {
    name: 'Node',
    helper: 'persistent/resque-jobs.mjs',
    mailer: 'persistent/mailer.mjs',
    jobs: 'jobs.mjs',
    probe: ['node', '--version'],
    mendedUtf8: 'caf\uFFFD',
    oddFailures: [
      ['rejected', 'JobFailed', /^later$/],
      ['named', 'NamedByItself', /^known$/],
      ['text', 'String', /^only words$/],
      ['object', 'Object', /^\{ status: 503 \}$/],
      ['null', 'Error', /^null$/],
      ['recursion', 'RangeError', /^Maximum call stack size exceeded$/],
    ],
  },
];

export function succeeds([program, ...args]: readonly [string, ...string[]]): boolean {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}

export function examplePath(name: string): string {
  return fileURLToPath(new URL(`../../examples/${name}`, import.meta.url));
}

export function fixturePath(name: string): string {
  return fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
}
