/**
 * Holds src/ to its plan: which room may import which, which packages and builtins each room may use, and
 * how files are named. Everything is an allow-list, so a new folder, a new package or an
 * import that can't be read fails. The rules run on samples first, so that a rule that can no longer fail is noticed.
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
  /** Node's builtins; `any` if the room may touch the machine. */
  readonly builtins: readonly string[] | 'any';
  /**
   * Its folders from the ground floor up; `.` is the room's own files. A folder may import from folders below it, never
   * from those above.
   */
  readonly floors: readonly string[];
}

const rooms: Readonly<Record<string, Room>> = {
  protocol: { rooms: [], packages: ['valibot'], builtins: [], floors: ['.'] },
  messages: { rooms: ['protocol'], packages: ['fastest-levenshtein'], builtins: [], floors: ['.'] },
  config: {
    rooms: [],
    packages: ['valibot', 'jsonc-parser', 'fastest-levenshtein'],
    builtins: ['node:path'],
    floors: ['times', 'json', '.', 'files'],
  },
  resque: {
    rooms: ['protocol', 'config'],
    packages: ['ioredis', 'valibot'],
    builtins: 'any',
    floors: [
      'lua',
      'format',
      'redis',
      'delayed',
      'waiting',
      'failed',
      'workers',
      'steps',
      'enqueue',
      'audit',
    ],
  },
  failures: { rooms: ['protocol', 'messages', 'resque'], packages: [], builtins: 'any', floors: ['.'] },
  engine: {
    rooms: ['protocol', 'config', 'resque', 'failures'],
    packages: ['croner', 'koffi'],
    builtins: 'any',
    floors: [
      'events',
      'machine',
      'pools',
      'launch',
      'process',
      'output',
      'outcomes',
      'warm',
      'jobs',
      'dispatch',
      'scheduling',
      'lifecycle',
      'notices',
      'statistics',
      'watch',
      '.',
    ],
  },
  monitoring: {
    rooms: ['protocol', 'messages', 'config', 'resque', 'engine'],
    packages: ['koffi', 'prom-client'],
    builtins: 'any',
    floors: ['metrics', 'health', 'http', 'systemd'],
  },
  store: { rooms: ['protocol'], packages: ['zustand'], builtins: [], floors: ['.'] },
  link: {
    rooms: ['protocol'],
    packages: ['valibot'],
    builtins: 'any',
    floors: ['.', 'frames', 'sockets', 'client', 'server'],
  },
  ui: {
    rooms: ['store', 'protocol', 'messages'],
    packages: ['ink', 'react', 'zustand', 'string-width', 'strip-ansi'],
    builtins: 'any',
    floors: [
      'text',
      'terminal',
      'attention',
      'keys',
      'layout',
      'lists',
      'log',
      'frame',
      'panels',
      'details',
      'queue',
      'dialogs',
      'screens',
      'actions',
      'control',
      '.',
    ],
  },
  cli: {
    rooms: [
      'protocol',
      'messages',
      'config',
      'resque',
      'failures',
      'engine',
      'monitoring',
      'store',
      'link',
      'ui',
    ],
    packages: ['meow', 'execa', 'cli-progress', '@clack/prompts'],
    builtins: 'any',
    floors: [
      'command-line',
      'files',
      'terminal',
      'redis',
      'log',
      'enqueue',
      'run',
      'control',
      'check',
      'config',
      'init',
      'failed',
      'delayed',
      'schedule',
      'exec',
      'status',
      'completion',
      '.',
    ],
  },
};

/** Names that say nothing about what lies inside. */
const emptyNames = ['utils', 'util', 'helpers', 'common', 'misc', 'lib', 'shared'];

/**
 * What is wrong with one file, a sentence each.
 *
 * @param path from the checkout, as `src/engine/jobs/job.ts`
 */
function violationsOf(path: string, source: string): string[] {
  const place = placeOf(path);
  if (place === null) return [`${path} is in no room of the house`];

  const { program, errors } = parseSync(path, source);
  if (errors.length > 0) return [`${path} can't be parsed: ${errors[0]?.message}`];
  const found: string[] = [];

  const emptyName = path.split('/').find((part) => emptyNames.includes(part.replace(/\.tsx?$/, '')));
  if (emptyName !== undefined) found.push(`${path}: ${emptyName} is no name for anything`);

  if (program.body.some(({ type }) => type === 'ExportDefaultDeclaration')) {
    found.push(`${path} has a default export, which every importer would name anew`);
  }

  for (const specifier of importsOf(program)) {
    const objection = objectionTo(specifier, path, place);
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

interface Place {
  readonly name: string;
  readonly room: Room;
  /** Folder within the room; `.` for the room's own files. */
  readonly folder: string;
}

/** @returns `null` for a path that no room has */
function placeOf(path: string): Place | null {
  const [top, name = '', ...rest] = path.split('/');
  const room = rooms[name];
  if (top !== 'src' || room === undefined || rest.length === 0) return null;
  const folder = rest.length === 1 ? '.' : rest.slice(0, -1).join('/');
  return room.floors.includes(folder) ? { name, room, folder } : null;
}

/** Why a file may not import this module; `null` if it may. */
function objectionTo(specifier: string | null, path: string, { name, room, folder }: Place): string | null {
  if (specifier === null) return 'only a name that stands in the source can be checked';
  if (specifier.startsWith('.')) {
    const imported = normalize(join(dirname(path), specifier));
    if (!imported.startsWith('src/')) return 'it lies outside src';
    const target = placeOf(imported);
    if (target === null) return `${imported} is in no room of the house`;
    if (target.name !== name) {
      return room.rooms.includes(target.name) ? null : `${name} may not know ${target.name}`;
    }
    return room.floors.indexOf(target.folder) <= room.floors.indexOf(folder)
      ? null
      : `${name}/${folder} may not know ${name}/${target.folder}`;
  }
  if (specifier.startsWith('node:')) {
    return room.builtins === 'any' || room.builtins.includes(specifier)
      ? null
      : `${name} may not use this builtin`;
  }
  const packageName = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
  return room.packages.includes(packageName) ? null : `${name} may not use this package`;
}

/**
 * Files that import each other in a loop, types included: each loop once, as its files in order.
 *
 * @param sources by path, as `src/engine/engine.ts`
 */
function circlesOf(sources: ReadonlyMap<string, string>): string[][] {
  const arrows = new Map(
    [...sources].map(([path, source]) => [
      path,
      importsOf(parseSync(path, source).program)
        .filter((specifier) => specifier?.startsWith('.'))
        .map((specifier) => normalize(join(dirname(path), specifier ?? '')))
        .filter((target) => sources.has(target)),
    ]),
  );
  const circles: string[][] = [];
  const finished = new Set<string>();
  const way: string[] = [];
  const visit = (path: string): void => {
    if (way.includes(path)) circles.push(way.slice(way.indexOf(path)));
    if (finished.has(path) || way.includes(path)) return;
    way.push(path);
    for (const target of arrows.get(path) ?? []) visit(target);
    way.pop();
    finished.add(path);
  };
  for (const path of arrows.keys()) visit(path);
  return circles;
}

describe('the rules', () => {
  const path = 'src/engine/jobs/sample.ts';

  test.each([
    ['an import of its own folder', path, "import { a } from './job.ts';"],
    ['an import of a folder below', path, "import { a } from '../process/child.ts';"],
    ['an import of a room below', path, "import type { Config } from '../../config/config.ts';"],
    ['a listed package', 'src/resque/redis/sample.ts', "import { Redis } from 'ioredis';"],
    ['a part of a listed package', 'src/store/sample.ts', "import { createStore } from 'zustand/vanilla';"],
    ['a listed builtin', 'src/config/sample.ts', "import { resolve } from 'node:path';"],
    [
      'JSX',
      'src/ui/panels/sample.tsx',
      "import { Text } from 'ink';\nexport const A = () => <Text>a</Text>;",
    ],
  ])('let %s pass', (_, file, source) => {
    expect(violationsOf(file, source)).toEqual([]);
  });

  test.each([
    ['a forbidden room', path, "import { a } from '../../ui/app.tsx';", 'engine may not know ui'],
    [
      'a type of a forbidden room',
      path,
      "import type { A } from '../../link/a.ts';",
      'engine may not know link',
    ],
    [
      'a folder above',
      path,
      "import { a } from '../lifecycle/drain.ts';",
      'engine/jobs may not know engine/lifecycle',
    ],
    [
      "a room's own file, above its folders",
      path,
      "import { a } from '../engine.ts';",
      'engine/jobs may not know engine/.',
    ],
    ['a re-export', path, "export { a } from '../../store/a.ts';", 'engine may not know store'],
    ['a re-export of all', path, "export * from '../../store/a.ts';", 'engine may not know store'],
    ['a dynamic import', path, "const a = await import('../../store/a.ts');", 'engine may not know store'],
    ['an import inside a type', path, "type A = import('../../store/a.ts').A;", 'engine may not know store'],
    ['an import assignment', path, "import a = require('react');", 'engine may not use this package'],
    ['a require', path, "const a = require('react');", 'engine may not use this package'],
    ['a computed import', path, 'const a = await import(process.argv[2]);', 'only a name that stands'],
    ['an import that leaves src', path, "import a from '../../../package.json';", 'outside src'],
    ['a room nobody drew', path, "import { a } from '../../metrics/a.ts';", 'in no room'],
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
    ['a new folder in a room', 'src/engine/metrics/a.ts', '', 'in no room'],
    ['a file outside all rooms', 'src/a.ts', '', 'in no room'],
    ['a folder with an empty name', 'src/engine/jobs/utils.ts', '', 'utils.ts is no name'],
    ['a file with an empty name', 'src/engine/helpers.ts', '', 'helpers.ts is no name'],
    ['a default export', path, 'export default 1;', 'default export'],
    ['a file that is no TypeScript', path, 'const = ;', "can't be parsed"],
  ])('refuse %s', (_, file, source, objection) => {
    expect(violationsOf(file, source)).toEqual([expect.stringContaining(objection)]);
  });
});

test('the search for circles finds one, also one of types', () => {
  const sources = new Map([
    ['src/a.ts', "import { b } from './b.ts';"],
    ['src/b.ts', "import type { C } from './c.ts';"],
    ['src/c.ts', "import { b } from './b.ts'; import { d } from './d.ts';"],
    ['src/d.ts', ''],
  ]);
  expect(circlesOf(sources)).toEqual([['src/b.ts', 'src/c.ts']]);
});

const root = fileURLToPath(new URL('..', import.meta.url));

/** Paths from the checkout. */
function filesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8', withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length));
}

function sourcesOf(files: readonly string[]): ReadonlyMap<string, string> {
  return new Map(files.map((file) => [file, readFileSync(join(root, file), 'utf8')]));
}

test.each(['simulate', 'chaos', 'bench'])('%s has no files that import each other in a circle', (folder) => {
  const files = filesIn(folder).filter((file) => file.endsWith('.ts'));
  expect(files.length).toBeGreaterThan(0);
  expect(circlesOf(sourcesOf(files))).toEqual([]);
});

describe('src', () => {
  const files = filesIn('src');

  test('keeps to the rules', () => {
    expect(files.length).toBeGreaterThan(0);
    expect(files.flatMap((file) => violationsOf(file, readFileSync(join(root, file), 'utf8')))).toEqual([]);
  });

  test('has no files that import each other in a circle', () => {
    expect(circlesOf(sourcesOf(files))).toEqual([]);
  });
});
