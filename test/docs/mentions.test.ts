/**
 * Everything that documents mention exists: commands and flags, npm scripts, files, link targets. JSON in documents is
 * valid, and a config can be used.
 */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { parse as parseJsonc } from 'jsonc-parser';
import { describe, expect, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { flags } from '../../src/cli/command-line/flags.ts';
import { commands } from '../../src/cli/commands.ts';
import { readArguments } from '../../src/cli/read-arguments.ts';
import { parseConfig } from '../../src/config/files/parse-config.ts';
import {
  allDocuments,
  type Block,
  commandsOf,
  type MarkdownDocument,
  repository,
  wordsOf,
} from './markdown.ts';

const languages = ['sh', 'console', 'json', 'jsonc', 'ini', 'yaml', 'dockerfile', 'procfile', 'text', ''];
const documents = allDocuments().map((document) => ({ path: document.path, document }));

/** The commands that a document mentions, in its text and in blocks. */
function commandsSaidIn({ spans, blocks }: MarkdownDocument): { line: number; command: string }[] {
  const inText = spans.map(({ line, text }) => ({ line, command: text }));
  const inBlocks = blocks.flatMap(({ line, language, text }) =>
    language === '' || language === 'sh'
      ? commandsOf(text)
          .flatMap((command) => command.split(/ (?:&&|\|\||[|;]) /))
          .map((command) => ({ line, command: language === '' ? withoutColumn(command) : command }))
      : [],
  );
  return [...inText, ...inBlocks];
}

/** Removes a second column of remarks, as in `npm run chaos      both modes`. */
function withoutColumn(command: string): string {
  return command.split(/ {3,}/)[0] ?? '';
}

/** @returns what is wrong, or `null` */
function objectionToCommand(command: string): string | null {
  const words = wordsOf(command.replace(/^(\w+=\S+ )+/, ''));
  // Redirections and pipes are not arguments.
  const end = words.findIndex((word) => /^(\d?[<>]|[&|;])/.test(word));
  const [program, ...args] = end === -1 ? words : words.slice(0, end);
  if (program === 'npm' && args[0] === 'run') return objectionToScript(args[1] ?? '');
  if (program === 'resque-runner') return objectionToArguments(args);
  return null;
}

function objectionToScript(name: string): string | null {
  return Object.hasOwn(packageJson.scripts, name) ? null : `there is no npm script ${name}`;
}

/** A placeholder, such as `QUEUE`, `[CONFIG]`, `ARG…` or `A|B`. */
const placeholder = /[[\]…|]|^[A-Z_]{2,}$/;

function objectionToArguments(args: readonly string[]): string | null {
  // The bare name of a command refers to the command itself.
  if (Object.hasOwn(commands, args.join(' '))) return null;
  if (args.some((word) => placeholder.test(word))) return objectionToWords(args);
  try {
    // Redirections and operators belong to the shell.
    readArguments(
      args.slice(0, (args.findIndex((word) => /^[<>&|;]/.test(word)) + 1 || args.length + 1) - 1),
      process.cwd(),
    );
    return null;
  } catch (error) {
    return String(error);
  }
}

/** In a synopsis, only commands and flags can be checked. */
function objectionToWords(args: readonly string[]): string | null {
  const [first = ''] = args;
  const words = Object.keys(commands).map((name) => name.split(' ')[0]);
  const isCommand = placeholder.test(first) || first.startsWith('-') || words.includes(first);
  if (!isCommand) return `${first} is no command`;
  const known = ['help', 'version', ...Object.keys(flags)];
  const written = [...args.join(' ').matchAll(/--(?:no-)?([a-z-]+)/g)].map(([, name = '']) =>
    camelCase(name),
  );
  const unknown = written.find((name) => !known.includes(name));
  return unknown === undefined ? null : `there is no flag ${unknown}`;
}

function camelCase(name: string): string {
  return name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

describe('commands and flags', () => {
  test.each(documents)('in $path exist', ({ path, document }) => {
    const objections = commandsSaidIn(document).flatMap(({ line, command }) => {
      const objection = objectionToCommand(command);
      return objection === null ? [] : [`${path}:${line} ${command}: ${objection}`];
    });
    expect(objections).toEqual([]);
  });

  test.each([
    ['resque-runner', null],
    ['resque-runner cfg.json --no-ui --log-format json > log 2>&1', null],
    ['resque-runner [CONFIG] [--no-ui]', null],
    ['resque-runner enqueue QUEUE CLASS [ARG…]', null],
    ['resque-runner enqueue', null],
    ['resque-runner attach a.json b.json', 'one too many'],
    ['resque-runner attahc', 'did you mean'],
    ['resque-runner cfg.json --colour', 'has no flag'],
    ['resque-runner frobnicate QUEUE', 'no command'],
    ['resque-runner enqueue QUEUE [--frobnicate]', 'no flag'],
    ['npm run nothing', 'no npm script'],
    ['RR_NATIVE=off npm run nothing', 'no npm script'],
    ['npm run bench -- latency', null],
  ])('are checked: %s', (command, objection) => {
    if (objection === null) expect(objectionToCommand(command)).toBeNull();
    else expect(objectionToCommand(command)).toContain(objection);
  });
});

/** Folders whose files documents may mention. */
const folders = [
  '.',
  'src',
  'test',
  'docs',
  'bench',
  'chaos',
  'simulate',
  'scripts',
  'examples',
  'deploy',
  '.ci',
];
const repositoryFiles = folders.flatMap((folder) =>
  readdirSync(join(repository, folder), { recursive: folder !== '.', encoding: 'utf8' }).map((name) =>
    normalize(join(folder, name)),
  ),
);
const baseNames = new Set(repositoryFiles.map((file) => file.split('/').at(-1)));

const isOfRepository = new RegExp(`^(${folders.slice(1).join('|').replace('.', '\\.')})/`);
const isSource = /^[\w.-]+\.(ts|tsx|mjs)$/;

/** @returns what is wrong with a path, or `null`; also `null` if the text isn't a path in this repository */
function objectionToPath(text: string, document: string): string | null {
  if (!/^[\w.*/@-]+$/.test(text)) return null;
  if (isSource.test(text)) return baseNames.has(text) ? null : `there is no file ${text}`;
  if (!isOfRepository.test(text)) return null;
  const places = [repository, join(repository, dirname(document))];
  return places.some((place) => isThere(place, text)) ? null : `there is no ${text}`;
}

function isThere(place: string, path: string): boolean {
  if (!path.includes('*')) return existsSync(join(place, path));
  const pattern = new RegExp(`^${path.replaceAll('.', '\\.').replace(/\*+/g, '[^/]*')}$`);
  return repositoryFiles.some((file) => pattern.test(file));
}

describe('files and links', () => {
  test.each(documents)('in $path exist', ({ path, document }) => {
    const said = [
      ...document.spans.flatMap(({ line, text }) => text.split(' ').map((word) => ({ line, word }))),
      ...document.blocks
        .filter(({ language }) => ['text', ''].includes(language))
        .flatMap(({ line, text }) => text.split(/[\s,()]+/).map((word) => ({ line, word }))),
    ];
    const objections = said.flatMap(({ line, word }) => {
      const objection = objectionToPath(word.replace(/[.,:]$/, ''), path);
      return objection === null ? [] : [`${path}:${line} ${objection}`];
    });
    const broken = document.links.flatMap(({ line, target }) => {
      const objection = objectionToLink(target, document);
      return objection === null ? [] : [`${path}:${line} ${objection}`];
    });
    expect([...objections, ...broken]).toEqual([]);
  });

  test.each([
    ['src/cli/main.ts', null],
    ['examples/persistent/', null],
    ['test/**/*.test.ts', null],
    ['main.ts', null],
    ['cfg.json', null],
    ['job.sh', null],
    ['src/cli/nothing.ts', 'no src/cli/nothing.ts'],
    ['nothing.ts', 'no file nothing.ts'],
    ['docs/nothing.md', 'no docs/nothing.md'],
  ])('are checked: %s', (text, objection) => {
    if (objection === null) expect(objectionToPath(text, 'README.md')).toBeNull();
    else expect(objectionToPath(text, 'README.md')).toContain(objection);
  });
});

function objectionToLink(target: string, { path, anchors }: MarkdownDocument): string | null {
  if (/^https?:/.test(target)) return null;
  const [file = '', anchor] = target.split('#');
  if (file === '') return anchors.includes(target) ? null : `no heading ${target}`;
  const at = normalize(join(dirname(path), file));
  if (!existsSync(join(repository, at))) return `no ${at} to link to`;
  if (anchor === undefined) return null;
  const other = documents.find(({ document }) => document.path === at);
  return other?.document.anchors.includes(`#${anchor}`) === true ? null : `no heading #${anchor} in ${at}`;
}

/** @returns what is wrong with a JSON block, or `null` */
function objectionToJson(text: string): string | null {
  const whole = /^\s*[{[]/.test(text) ? text : `{${text}}`;
  let value: unknown;
  try {
    value = JSON.parse(whole);
  } catch (error) {
    return String(error);
  }
  if (typeof value !== 'object' || value === null || !('runners' in value || 'redis' in value)) return null;
  // A part of a config must be valid together with the rest.
  const config = { runners: { mail: 1 }, script: './job.sh', ...value };
  const variables = [...text.matchAll(/\$\{(\w+)\}/g)].map(([, name = '']) => [name, '1']);
  const env = Object.fromEntries(variables);
  const result = parseConfig(JSON.stringify(config), { file: '/etc/cfg.json', env });
  return result.ok ? null : result.problems.join('\n');
}

describe('blocks', () => {
  test.each(documents)('in $path name their language, and JSON is valid', ({ path, document }) => {
    const objections = document.blocks.flatMap((block) => {
      const objection = objectionToBlock(block);
      return objection === null ? [] : [`${path}:${block.line} ${objection}`];
    });
    expect(objections).toEqual([]);
  });

  test.each([
    ['{"runners": {"mail": 5}}', null],
    ['"runners": { "mail": { "concurrency": 5, "script": "./a" } }', null],
    ['{"class":"Welcome","args":[]}', null],
    ['{"runners": {"mail": 5},}', 'SyntaxError'],
    ['{"runners": {"mail": 0}}', 'must be 1 or more'],
    ['"redis": { "prot": 1 }', 'prot'],
  ])('of JSON are checked: %s', (text, objection) => {
    if (objection === null) expect(objectionToJson(text)).toBeNull();
    else expect(objectionToJson(text)).toContain(objection);
  });
});

function objectionToBlock({ language, text }: Block): string | null {
  if (!languages.includes(language)) return `${language} is not among the languages: ${languages.join(', ')}`;
  if (language !== 'console' && /^\$ /m.test(text)) return 'a block with "$ " must be a console block';
  if (language === 'jsonc') return objectionToJson(JSON.stringify(parseJsonc(text)));
  return language === 'json' ? objectionToJson(text) : null;
}

test('documents are found', () => {
  expect(documents.map(({ path }) => path)).toContain('README.md');
  for (const { path } of documents) expect(statSync(join(repository, path)).isFile()).toBe(true);
});
