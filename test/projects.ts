/**
 * Sorts the test files into Vitest's projects, by what they need:
 *
 *   pure      nothing but the code
 *   redis     a Redis server; the engine in the test's own process, with its jobs
 *   program   other processes: this program, tools, single children of the engine
 *   terminal  a pseudo-terminal
 *
 * Imports decide. A file belongs to the last project in this list that one of its imports needs; an imported
 * helper counts with everything that it imports in turn. Modules of `src/` count only if they are named below.
 * Nobody maintains a list of files, and a test that needs more than before moves by itself.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

export const projectNames = ['pure', 'redis', 'program', 'terminal'] as const;
export type ProjectName = (typeof projectNames)[number];

/** What a module needs. The key is the name of a package or builtin, or a path in the checkout. */
const needs: Readonly<Record<string, ProjectName>> = {
  ioredis: 'redis',
  // It starts a server and nothing else.
  'test/helpers/redis.ts': 'redis',
  execa: 'program',
  'node:child_process': 'program',
  'src/engine/process/child.ts': 'program',
  'src/engine/launch/node-launcher.ts': 'program',
  'src/engine/launch/posix-launcher.ts': 'program',
  'src/engine/single-job.ts': 'program',
  '@lydell/node-pty': 'terminal',
};

/** The modules that decide. */
export const modulesOfProjects: readonly string[] = Object.keys(needs);

/** Every test file under `test/`, by its project. */
export function filesByProject(): Record<ProjectName, string[]> {
  const files: Record<ProjectName, string[]> = { pure: [], redis: [], program: [], terminal: [] };
  for (const path of testFiles()) files[projectOf(path)].push(path);
  return files;
}

/** @param path from the checkout, as `test/store/view.test.ts` */
export function projectOf(path: string): ProjectName {
  let project: ProjectName = 'pure';
  for (const module of modulesBehind(path)) {
    const need = needs[module];
    if (need !== undefined && projectNames.indexOf(need) > projectNames.indexOf(project)) project = need;
  }
  return project;
}

/** The module and everything that it loads, as far as the rule looks. */
function modulesBehind(path: string, found = new Set<string>()): Set<string> {
  found.add(path);
  if (needs[path] !== undefined || path.startsWith('src/') || !isOfCheckout(path)) return found;
  for (const specifier of importsOf(path)) {
    const module = specifier.startsWith('.') ? join(dirname(path), specifier) : specifier;
    if (!found.has(module)) modulesBehind(module, found);
  }
  return found;
}

function isOfCheckout(path: string): boolean {
  return /\.(ts|tsx|mjs)$/.test(path) && statSync(join(root, path), { throwIfNoEntry: false }) !== undefined;
}

const cache = new Map<string, string[]>();

/** Type imports load nothing. */
function importsOf(path: string): string[] {
  let imports = cache.get(path);
  if (imports === undefined) {
    const source = readFileSync(join(root, path), 'utf8');
    const statements = source.matchAll(/^(?:import|export) (?!type )(?:[^;']* from )?'([^']+)'/gm);
    const calls = source.matchAll(/(?:\bimport|\brequire|createRequire\(.*\))\('([^']+)'\)/g);
    imports = [...statements, ...calls].map(([, specifier = '']) => specifier);
    cache.set(path, imports);
  }
  return imports;
}

function testFiles(): string[] {
  return readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.test\.tsx?$/.test(name))
    .map((name) => join('test', name))
    .sort();
}
