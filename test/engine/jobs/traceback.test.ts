/**
 * Failures in the languages' own words. The fixtures are what CPython 3.11, Ruby 3.1, PHP 8.2, Node 20 and OpenJDK 17
 * printed on STDERR, but for the paths.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { failureReport } from '../../../src/engine/jobs/failure-report.ts';
import { readTraceback } from '../../../src/engine/jobs/traceback.ts';
import { OutputTail, outputLimitBytes } from '../../../src/engine/output/output-tail.ts';

/** What a program printed, by language and name: a file a language, with a line `=== NAME` before each. */
function printed(language: string): Map<string, string> {
  const text = readFileSync(new URL(`../../fixtures/tracebacks/${language}.txt`, import.meta.url), 'utf8');
  return new Map(
    text
      .split(/^=== /m)
      .slice(1)
      .map((part) => [part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n') + 1)]),
  );
}

type Row = readonly [name: string, exception: string, error: string, ...backtrace: string[]];

/** Programs by language, with some lines of the backtrace; without an exception: not recognized. */
const rows: Readonly<Record<string, readonly (Row | readonly [name: string])[]>> = {
  python: [
    ['simple', 'IndexError', 'list index out of range', '  File "/srv/jobs/simple.py", line 3, in first'],
    [
      'chained',
      'KeyError',
      "'missing'",
      "RuntimeError: can't read the job",
      'During handling of the above exception, another exception occurred:',
      'json.decoder.JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)',
      '  File "/srv/jobs/chained.py", line 11, in run',
    ],
    ['multiline', 'MailError', "can't send:\n  line two\n\nTraceback of nothing\nlast line"],
    ['notext', 'AssertionError', '', '    assert False'],
    ['keyboard', 'KeyboardInterrupt', ''],
    ['syntax', 'SyntaxError', 'invalid syntax', '  File "/srv/jobs/syntax.py", line 1', '    def f(:'],
    // What follows could be the text's second line.
    ['noise', 'decimal.InvalidOperation', "[<class 'decimal.ConversionSyntax'>]\nINFO: bye"],
    ['notes', 'ValueError', 'bad value\nwhile doing x'],
    [
      'recursion',
      'RecursionError',
      'maximum recursion depth exceeded',
      '  [Previous line repeated 996 more times]',
    ],
    ['group', 'ExceptionGroup', 'several (2 sub-exceptions)', '    | TypeError: b'],
    ['thread', 'KeyError', "'in thread'"],
    ['systemexit'],
  ],
  ruby: [
    [
      'simple',
      'IndexError',
      'index 0 outside of array bounds: 0...0',
      "simple.rb:2:in `fetch'",
      "\tfrom simple.rb:2:in `first'",
    ],
    [
      'cause',
      'KeyError',
      'key not found: :missing',
      "cause.rb:10:in `fetch'",
      "cause.rb:5:in `rescue in load': can't read the job (Mail::Error)",
      "\tfrom cause.rb:3:in `load'",
    ],
    ['multi', 'RuntimeError', 'line one\n  line two\n\tfrom nothing\n\nlast', "multi.rb:1:in `<main>'"],
    ['detailed', 'M', 'one\ntwo', "\tfrom detailed.rb:4:in `each'"],
    ['notext', 'Quiet', 'Quiet'],
    ['empty', 'RuntimeError', 'unhandled exception'],
    ['emptyx', 'ArgumentError', ''],
    [
      'syntax',
      'SyntaxError',
      "syntax error, unexpected integer literal, expecting ')'\n  1 +\n  ^",
      'syntax.rb:2',
    ],
    ['noise', 'NoMethodError', "undefined method `upcase' for nil:NilClass\n\nnil.upcase\n   ^^^^^^^"],
    ['deep', 'SystemStackError', 'stack level too deep', '\t ... 10068 levels...'],
    ['loaderr', 'LoadError', 'cannot load such file -- nothing_here'],
    ['thread', 'IOError', 'in thread'],
    ['abort'],
  ],
  php: [
    ['simple', 'OutOfBoundsException', 'nothing there', '#0 /srv/jobs/simple.php(6): first()'],
    [
      'cause',
      'App\\Mail\\MailError',
      "can't read the job",
      'JsonException: Syntax error in /srv/jobs/cause.php:5',
      '#0 /srv/jobs/cause.php(8): App\\Mail\\load()',
      '  thrown in /srv/jobs/cause.php on line 6',
    ],
    ['multi', 'Exception', 'line one\nline two in x.php:5\nStack trace:\n#0 nothing\n\nlast', '#0 {main}'],
    ['notext', 'RuntimeException', ''],
    ['noise', 'DivisionByZeroError', 'Division by zero', '#0 /srv/jobs/noise.php(5): intdiv()'],
    [
      'syntax',
      'ParseError',
      'syntax error, unexpected token "{", expecting variable in /srv/jobs/syntax.php on line 2',
    ],
    ['undef', 'Error', 'Call to undefined function nothing()'],
    ['fatal'],
  ],
  node: [
    [
      'simple',
      'TypeError',
      "Cannot read properties of undefined (reading 'first')",
      '    at send (/srv/jobs/simple.js:2:20)',
    ],
    [
      'cause',
      'MailError',
      "can't send",
      '    at send (file:///srv/jobs/cause.mjs:5:9)',
      '  [cause]: Error: connect ECONNREFUSED 127.0.0.1:25',
    ],
    ['code', 'Error', "ENOENT: no such file or directory, open '/nonexistent'", "  code: 'ENOENT',"],
    ['multi', 'RangeError', 'line one\nline two\n    at nothing\nlast'],
    ['assert', 'AssertionError', 'Expected values to be strictly equal:\n\n1 !== 2'],
    ['agg', 'AggregateError', 'all failed', '    Error: b'],
    ['modnf', 'Error', "Cannot find module './nothing'\nRequire stack:\n- /srv/jobs/modnf.js"],
    ['noname', 'Q', 'q text'],
    ['notext', 'Error', ''],
    ['rejecterr', 'SyntaxError', 'later'],
    ['syntax', 'SyntaxError', "Unexpected token ';'"],
    ['syntaxm', 'SyntaxError', "The requested module 'node:fs' does not provide an export named 'x'"],
    ['logged', 'TypeError', "Cannot read properties of null (reading 'x')"],
    ['noise', 'Error', 'props', "  code: 'E_MAIL',"],
    ['str'],
    ['obj'],
  ],
  java: [
    [
      'Simple',
      'java.lang.IndexOutOfBoundsException',
      'Index 0 out of bounds for length 0',
      '\tat Simple.first(Simple.java:3)',
    ],
    [
      'Cause',
      'java.io.IOException',
      'no\nway',
      '\tat Cause.main(Cause.java:9)',
      '\tSuppressed: java.lang.IllegalStateException: close',
      "Caused by: Cause$MailError: can't read the job",
      '\t... 1 more',
    ],
    ['Multi', 'java.lang.IllegalStateException', 'line one\nline two\n\tat nothing\n\nlast'],
    ['NoText', 'java.lang.IllegalStateException', ''],
    [
      'Init',
      'java.lang.ExceptionInInitializerError',
      '',
      'Caused by: java.lang.ArithmeticException: / by zero',
    ],
    [
      'Noise',
      'java.lang.NullPointerException',
      'Cannot invoke "Object.toString()" because "<local1>" is null',
    ],
    [
      'Printed',
      'java.lang.ClassCastException',
      expect.stringMatching(/^class java\.lang\.String cannot/) as string,
    ],
    ['Deep', 'java.lang.StackOverflowError', ''],
    ['Nothing'],
    ['Syntax'],
  ],
};

describe.each(Object.entries(rows))('an exception that nothing caught, of %s:', (language, cases) => {
  const programs = printed(language);

  test.each(cases.map((row) => ({ name: row[0], row })))('$name', ({ name, row }) => {
    const text = programs.get(name);
    if (text === undefined) throw new Error(`no fixture ${name}`);
    const [, exception, error, ...backtrace] = row;
    if (exception === undefined) {
      expect(readTraceback(text)).toBeNull();
      return;
    }
    expect(readTraceback(text)).toEqual({ exception, error, backtrace: expect.arrayContaining(backtrace) });
    // Text before it, and lines as Windows ends them.
    const noisy = `INFO: starting\nwarning: nothing\n\n${text}`.replaceAll('\n', '\r\n');
    expect(readTraceback(noisy)).toMatchObject({ exception, error });
  });
});

test('Ruby 3.4 names methods between straight quotes', () => {
  expect(
    readTraceback("job.rb:2:in 'Array#fetch': index 9 outside (IndexError)\n\tfrom job.rb:4:in '<main>'"),
  ).toEqual({
    exception: 'IndexError',
    error: 'index 9 outside',
    backtrace: ["job.rb:2:in 'Array#fetch'", "\tfrom job.rb:4:in '<main>'"],
  });
});

const python = 'Traceback (most recent call last):\n  File "a.py", line 1, in <module>\nKeyError: 1';

describe('of several tracebacks', () => {
  test('the last one counts', () => {
    expect(
      readTraceback(`${python}\nretrying\n${python.replace('KeyError: 1', 'OSError: 2')}`),
    ).toMatchObject({
      exception: 'OSError',
      error: '2',
    });
    const logged = 'java.io.IOException: lost\n\tat A.b(A.java:1)';
    expect(readTraceback(`${logged}\nINFO: again\n${logged.replace('lost', 'gone')}`)?.error).toBe('gone');
    expect(readTraceback(`${logged}\n${python}`)?.exception).toBe('KeyError');
  });

  test('one that the text of another contains does not', () => {
    const node = `/a.js:1\nx\n^\n\nError: Command failed: python3 a.py\n${python}\n\n    at f (a.js:1:1)\n\nNode.js v20`;
    expect(readTraceback(node)).toEqual({
      exception: 'Error',
      error: `Command failed: python3 a.py\n${python}`,
      backtrace: ['    at f (a.js:1:1)'],
    });
  });

  test('what Python ignores at its end is none', () => {
    const ignored = `Exception ignored in: <function f at 0x1>\n${python.replace('KeyError', 'OSError')}`;
    expect(readTraceback(`${python}\n${ignored}`)?.exception).toBe('KeyError');
  });
});

test.each([
  'Traceback (most recent call last):',
  'Traceback (most recent call last):\nno frame\nKeyError: 1',
  'Traceback (most recent call last):\n  File "a.py", line 1, in f\nnot a name: 1',
  'KeyError: 1',
  'Error: it failed',
  'Trace: here\n    at f (a.js:1:1)',
  'working on it\n    at f (a.js:1:1)',
  '    at f (a.js:1:1)',
  '\tat A.b(A.java:1)',
  'see it:\n\tat A.b(A.java:1)',
  "a.rb:1:in `f': warning: old (Hash)\n".replace(' (Hash)', ''),
  'a.rb:1: warning: unused',
  'conf:3: syntax error',
  'PHP Warning:  Undefined variable $a in /a.php on line 3',
  'Stack trace:\n#0 {main}\n  thrown in /a.php on line 2',
])('other text is left as it is: %j', (text) => {
  expect(readTraceback(text)).toBeNull();
  const report = failureReport({ ...failed, stderr: text });
  expect(report).toMatchObject({ exception: 'UnclassifiedRunnerError', error: text.trimEnd(), stderr: '' });
});

const failed = {
  end: { exitCode: 1, signal: null },
  killedFor: null,
  timeoutSeconds: null,
  answer: null,
  stdout: '',
} as const;

describe('in the report', () => {
  test('all of STDERR is kept beside it', () => {
    expect(failureReport({ ...failed, stderr: `starting\n${python}\n` })).toEqual({
      exception: 'KeyError',
      error: '1',
      backtrace: ['  File "a.py", line 1, in <module>'],
      stderr: `starting\n${python}`,
      stdout: '',
    });
  });

  test('an exception without text has its exit code told', () => {
    expect(failureReport({ ...failed, stderr: python.replace(': 1', '') }).error).toBe('exit code 1');
  });

  test('JSON on the last line comes first, and a job that was killed was killed', () => {
    const json = '{"exception":"Mine","error":"x"}';
    expect(failureReport({ ...failed, stderr: `${python}\n${json}` })).toMatchObject({
      exception: 'Mine',
      stderr: python,
    });
    const timedOut = failureReport({ ...failed, killedFor: 'timeout', timeoutSeconds: 5, stderr: python });
    expect(timedOut).toMatchObject({ exception: 'TimeoutError', error: `timed out after 5 s: ${python}` });
  });
});

test('a traceback whose middle was not kept is read all the same', () => {
  const frames = Array.from(
    { length: 3000 },
    (_, at) => `  File "job.py", line ${at}, in f\n    f(${'x'.repeat(at % 7)})\n`,
  );
  const tail = new OutputTail();
  tail.push(Buffer.from(`Traceback (most recent call last):\n${frames.join('')}RecursionError: too deep\n`));
  expect(tail.text()).toContain('bytes left out');
  expect(readTraceback(tail.text())).toMatchObject({ exception: 'RecursionError', error: 'too deep' });
});

describe('hostile text takes no time:', () => {
  const repeat = (text: string) =>
    text.repeat(Math.ceil(outputLimitBytes / text.length)).slice(0, outputLimitBytes);
  const pieces = [
    ...[
      'Traceback (most recent call last):\n',
      '  File "',
      '  File "", line 1',
      '  | ',
      '    \n',
      'SyntaxError: \n',
    ],
    ...[
      'Traceback (most recent call last):\n  File "\nA: b\n\n\nThe above exception was the direct cause of the following exception:\n\n',
    ],
    ...[
      ":1:in `a': ",
      ":1:in `a': (A)\n",
      "a:1:in `a': x (A)\n",
      '\tfrom a:1:in ',
      '\tfrom :1',
      '.rb:1: ',
      'a.rb:1: syntax error\n',
    ],
    ...[
      'PHP Fatal error:  Uncaught ',
      'PHP Fatal error:  Uncaught A in \n',
      'Next A\n\n',
      ' on line 1',
      '  thrown in on line 1\n',
    ],
    ...['Stack trace:\n#0 {main}\n', ' in ', '[', '[]'],
    ...[
      '    at (a:1:1)\n',
      'Error\n    at (a:1:1)\n',
      '    at ',
      ':1',
      '^\n\nA: ',
      '^',
      ' \n',
      '    at a:1:1 {\n',
    ],
    ...[
      'a.A: b\n',
      'a.A: b\n\tat a(b)\n',
      '\tat a(b)\n',
      '\tat a',
      '\t',
      'Caused by: \n',
      'Exception in thread "',
      '" ',
      'a.',
    ],
    ...['A', '$', '(', ' ', '\n', '[… 1 bytes left out …]\n', '::A', '1'],
  ];
  // What a reader looks for stands before or behind it.
  const starts = [
    '',
    ...[...Object.keys(rows)].map((language) => printed(language).values().next().value ?? ''),
  ];

  test.each(pieces)('%j', (piece) => {
    const began = performance.now();
    for (const start of starts) {
      readTraceback(`${start}${repeat(piece)}`);
      readTraceback(`${repeat(piece)}\n${start}`);
    }
    // Some milliseconds each; seconds each if it were quadratic.
    expect(performance.now() - began).toBeLessThan(5_000);
  });
});
