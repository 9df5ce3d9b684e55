/**
 * Holds src/ to the rooms it is drawn in: who may import whom, which packages and builtins each room may use, and
 * how large and how named its files are. All of it is an allow-list, so that whatever nobody thought of fails:
 * a new folder, a new package, an import that can't be read. The rules are tried on samples first, so that one
 * which can no longer fail is seen.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path/posix';
import { fileURLToPath } from 'node:url';
import { parseSync, Visitor } from 'oxc-parser';
import { describe, expect, test } from 'vitest';

interface Room {
  /** Rooms that its files may import from, besides their own. */
  readonly rooms: readonly string[];
  readonly packages: readonly string[];
  /** Node's builtins; `any` where the room may touch the machine. */
  readonly builtins: readonly string[] | 'any';
}

const rooms: Readonly<Record<string, Room>> = {
  protocol: { rooms: [], packages: [], builtins: [] },
  wording: { rooms: ['protocol'], packages: [], builtins: [] },
  config: {
    rooms: [],
    packages: ['valibot', 'jsonc-parser', 'fastest-levenshtein'],
    builtins: ['node:path'],
  },
  resque: { rooms: ['config'], packages: ['ioredis', 'jsonc-parser'], builtins: 'any' },
  engine: { rooms: ['protocol', 'config', 'resque'], packages: ['koffi'], builtins: 'any' },
  store: { rooms: ['protocol'], packages: ['zustand'], builtins: [] },
  link: { rooms: ['protocol'], packages: [], builtins: 'any' },
  ui: {
    rooms: ['store', 'protocol', 'wording'],
    packages: ['ink', 'react', 'zustand', 'string-width', 'strip-ansi'],
    builtins: 'any',
  },
  cli: {
    rooms: ['protocol', 'wording', 'config', 'resque', 'engine', 'store', 'link', 'ui'],
    packages: ['meow', 'execa', 'cli-progress', '@clack/prompts'],
    builtins: 'any',
  },
};

/** Names that say nothing about what lies inside. */
const emptyNames = ['utils', 'util', 'helpers', 'common', 'misc', 'lib', 'shared'];
const longestFileLines = 300;
const reasonForLength = /Long because/;

/**
 * What is wrong with one file, a sentence each.
 *
 * @param path from the checkout, as `src/engine/job.ts`
 */
function violationsOf(path: string, source: string): string[] {
  const roomName = path.split('/')[1] ?? '';
  const room = rooms[roomName];
  if (path.split('/').length < 3 || room === undefined) return [`${path} is in no room of the house`];

  const { program, comments, errors } = parseSync(path, source);
  if (errors.length > 0) return [`${path} can't be parsed: ${errors[0]?.message}`];
  const found: string[] = [];

  const emptyName = path.split('/').find((part) => emptyNames.includes(part.replace(/\.tsx?$/, '')));
  if (emptyName !== undefined) found.push(`${path}: ${emptyName} is no name for anything`);

  const lines = source.trimEnd().split('\n').length;
  // The head: a comment before any code, or before the code that follows a hashbang.
  const codeStart = program.body[0]?.start ?? source.length;
  const head = comments.filter(({ end }) => end <= codeStart).map(({ value }) => value);
  if (lines > longestFileLines && !head.some((comment) => reasonForLength.test(comment))) {
    found.push(`${path} has ${lines} lines and no reason ("Long because …") at its head`);
  }

  if (program.body.some(({ type }) => type === 'ExportDefaultDeclaration')) {
    found.push(`${path} has a default export, which every importer would name anew`);
  }

  for (const specifier of importsOf(program)) {
    const objection = objectionTo(specifier, path, roomName, room);
    if (objection !== null) found.push(`${path} imports ${specifier ?? 'a computed module'}: ${objection}`);
  }
  return found;
}

/** Every module that a program names, by whatever syntax; `null` for one that it computes. */
function importsOf(program: ReturnType<typeof parseSync>['program']): (string | null)[] {
  const specifiers: (string | null)[] = [];
  const add = (node: object | null | undefined) => {
    if (node === null || node === undefined) return;
    specifiers.push('value' in node && typeof node.value === 'string' ? node.value : null);
  };
  new Visitor({
    ImportDeclaration: ({ source }) => add(source),
    ExportAllDeclaration: ({ source }) => add(source),
    ExportNamedDeclaration: ({ source }) => add(source),
    ImportExpression: ({ source }) => add(source),
    TSImportType: ({ source }) => add(source),
    TSExternalModuleReference: ({ expression }) => add(expression),
    CallExpression: ({ callee, arguments: [argument] }) => {
      if (callee.type === 'Identifier' && callee.name === 'require') add(argument);
    },
  }).visit(program);
  return specifiers;
}

/** Why a file may not import that, `null` where it may. */
function objectionTo(specifier: string | null, path: string, roomName: string, room: Room): string | null {
  if (specifier === null) return 'only a name that stands in the source can be checked';
  if (specifier.startsWith('.')) {
    const [top, target = ''] = normalize(join(dirname(path), specifier)).split('/');
    if (top !== 'src') return 'it lies outside src';
    return target === roomName || room.rooms.includes(target) ? null : `${roomName} may not know ${target}`;
  }
  if (specifier.startsWith('node:')) {
    return room.builtins === 'any' || room.builtins.includes(specifier)
      ? null
      : `${roomName} may not use this builtin`;
  }
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
  return room.packages.includes(name) ? null : `${roomName} may not use this package`;
}

describe('the rules', () => {
  const path = 'src/engine/sample.ts';
  const longSource = 'export const a = 1;\n'.repeat(longestFileLines + 1);

  test.each([
    ['an import of its own room', path, "import { a } from './job.ts';"],
    ['an import of a room below', path, "import type { Config } from '../config/config.ts';"],
    ['a listed package', 'src/resque/sample.ts', "import { Redis } from 'ioredis';"],
    ['a part of a listed package', 'src/store/sample.ts', "import { createStore } from 'zustand/vanilla';"],
    ['a listed builtin', 'src/config/sample.ts', "import { resolve } from 'node:path';"],
    [
      'JSX',
      'src/ui/panels/sample.tsx',
      "import { Text } from 'ink';\nexport const A = () => <Text>a</Text>;",
    ],
    ['a long file that says why', path, `/**\n * Long because it is one table.\n */\n${longSource}`],
  ])('let %s pass', (_, file, source) => {
    expect(violationsOf(file, source)).toEqual([]);
  });

  test.each([
    ['a forbidden room', path, "import { a } from '../ui/app.tsx';", 'engine may not know ui'],
    [
      'a type of a forbidden room',
      path,
      "import type { A } from '../link/a.ts';",
      'engine may not know link',
    ],
    ['a re-export', path, "export { a } from '../store/a.ts';", 'engine may not know store'],
    ['a re-export of all', path, "export * from '../store/a.ts';", 'engine may not know store'],
    ['a dynamic import', path, "const a = await import('../store/a.ts');", 'engine may not know store'],
    ['an import inside a type', path, "type A = import('../store/a.ts').A;", 'engine may not know store'],
    ['an import assignment', path, "import a = require('react');", 'engine may not use this package'],
    ['a require', path, "const a = require('react');", 'engine may not use this package'],
    ['a computed import', path, 'const a = await import(process.argv[2]);', 'only a name that stands'],
    ['an import that leaves src', path, "import a from '../../package.json';", 'outside src'],
    ['a room nobody drew', path, "import { a } from '../metrics/a.ts';", 'engine may not know metrics'],
    [
      'ioredis outside resque',
      path,
      "import type { Redis } from 'ioredis';",
      'engine may not use this package',
    ],
    ['meow outside cli', 'src/ui/a.ts', "import meow from 'meow';", 'ui may not use this package'],
    [
      'a package nobody listed',
      'src/cli/a.ts',
      "import a from '@scope/name/part';",
      'cli may not use this package',
    ],
    [
      'a builtin in protocol',
      'src/protocol/a.ts',
      "import 'node:path';",
      'protocol may not use this builtin',
    ],
    ['the file system in config', 'src/config/a.ts', "import 'node:fs';", 'config may not use this builtin'],
    ['a builtin in store', 'src/store/a.ts', "import 'node:events';", 'store may not use this builtin'],
    ['a builtin without its prefix', 'src/config/a.ts', "import 'path';", 'config may not use this package'],
    ['a new folder', 'src/metrics/a.ts', '', 'in no room'],
    ['a file outside all rooms', 'src/a.ts', '', 'in no room'],
    ['a folder with an empty name', 'src/engine/utils/a.ts', '', 'utils is no name'],
    ['a file with an empty name', 'src/engine/helpers.ts', '', 'helpers.ts is no name'],
    ['a long file', path, longSource, '301 lines'],
    ['a long file that gives its reason too late', path, `${longSource}// Long because`, '302 lines'],
    ['a default export', path, 'export default 1;', 'default export'],
    ['a file that is no TypeScript', path, 'const = ;', "can't be parsed"],
  ])('refuse %s', (_, file, source, objection) => {
    expect(violationsOf(file, source)).toEqual([expect.stringContaining(objection)]);
  });
});

describe('src', () => {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8', withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length));

  test('keeps to the rules', () => {
    expect(files.length).toBeGreaterThan(0);
    expect(files.flatMap((file) => violationsOf(file, readFileSync(join(root, file), 'utf8')))).toEqual([]);
  });
});
