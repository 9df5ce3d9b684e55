/** The parser of documents. If it saw nothing, the other tests would find nothing wrong. */
import { describe, expect, test } from 'vitest';
import { commandsOf, parseDocument, wordsOf } from './markdown.ts';
import { scriptOf, transcriptOf, transcriptPattern } from './shell-blocks.ts';

function parse(...lines: string[]): ReturnType<typeof parseDocument> {
  return parseDocument('docs/sample.md', lines.join('\n'));
}

describe('a document', () => {
  test('has blocks with a language, a line and the name of the file that they show', () => {
    const { blocks } = parse(
      'The program, `job.sh`:',
      '',
      '```sh',
      '#!/bin/sh',
      '```',
      'kept as `stderr`:',
      '```',
      'plain',
      '```',
      'deploy/`:',
    );
    expect(blocks).toEqual([
      { kind: 'fence', language: 'sh', line: 4, text: '#!/bin/sh', file: 'job.sh' },
      { kind: 'fence', language: '', line: 8, text: 'plain', file: null },
    ]);
  });

  test('has fenced blocks, also in lists, and indented ones outside of lists', () => {
    const { blocks } = parse(
      '1. Do it, `cfg.json`:',
      '',
      '   ```json',
      '   {',
      '     "a": 1',
      '   ```',
      '',
      '    no block, but of the list',
      '',
      'Text',
      '',
      '    npm run chaos',
    );
    expect(blocks.map(({ kind, text, file }) => [kind, text, file])).toEqual([
      ['fence', '{\n  "a": 1', 'cfg.json'],
      ['indented', 'npm run chaos', null],
    ]);
  });

  test('has code spans, also over two lines, and marks those that begin a numbered step', () => {
    const { spans } = parse(
      '1. `chmod +x job.sh`, then',
      'run `npm run',
      'chaos` and ``a ` b``.',
      '',
      '- `no step`',
      '',
      '<!-- `unseen` -->',
      '| `a` | `b` |',
    );
    expect(spans).toEqual([
      { line: 1, text: 'chmod +x job.sh', isStep: true },
      { line: 2, text: 'npm run chaos', isStep: false },
      { line: 3, text: 'a ` b', isStep: false },
      { line: 5, text: 'no step', isStep: false },
      { line: 8, text: 'a', isStep: false },
      { line: 8, text: 'b', isStep: false },
    ]);
  });

  test('has links and anchors', () => {
    const { links, anchors } = parse(
      '## What to *watch*, and `why`',
      'See [it](deploy.md#a-b) and',
      '![x](a.svg).',
    );
    expect(links.map(({ line, target }) => [line, target])).toEqual([
      [2, 'deploy.md#a-b'],
      [3, 'a.svg'],
    ]);
    expect(anchors).toEqual(['#what-to-watch-and-why']);
  });
});

describe('a shell block', () => {
  test('has commands without comments, and joins continued lines', () => {
    const text = ['# all', 'npm start   # a demo', "echo 'a # b' \\", '  c#d', '', 'x | y'].join('\n');
    expect(commandsOf(text)).toEqual(['npm start', "echo 'a # b' c#d", 'x | y']);
  });

  test('is split into words as by a shell', () => {
    expect(wordsOf(`enqueue 'a b' --x="c d" '{"id":7}'`)).toEqual(['enqueue', 'a b', '--x=c d', '{"id":7}']);
  });

  test('exits with 0 or with the code in its last line', () => {
    expect(scriptOf('true').exitCode).toBe(0);
    expect(scriptOf('echo x >&2; exit 3').exitCode).toBe(3);
    expect(scriptOf('exit 3\ntrue').exitCode).toBe(0);
  });

  test('may have commands that fail on purpose', () => {
    expect(scriptOf('false   # exits 1').script).toContain('-eq 1');
    expect(scriptOf('false   # it fails\necho $?').script).toBe(
      'set +e\nfalse   # it fails\necho $?\nset -e',
    );
  });
});

describe('a console block', () => {
  test('has commands and their output', () => {
    expect(transcriptOf('$ a\n1\n2\n$ b')).toEqual([
      { command: 'a', shown: '1\n2\n' },
      { command: 'b', shown: '' },
    ]);
    expect(() => transcriptOf('a')).toThrow('before any command');
  });

  test('matches other numbers, other column widths, and anything for …', () => {
    const pattern = transcriptPattern('mail   5 jobs\n…\nin 13 ms (ok)\n');
    expect('mail         12 jobs\nx\ny\nin 2 ms (ok)').toMatch(pattern);
    expect('mail   five jobs\nx\nin 2 ms (ok)').not.toMatch(pattern);
    expect('mail   5 jobs\nx\nin 2 ms (bad)').not.toMatch(pattern);
  });
});
