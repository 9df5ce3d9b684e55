import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { filesByProject, modulesOfProjects, projectOf } from './projects.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

test.each([
  ['test/ui/keymap.test.ts', 'pure'],
  ['test/engine/commands.test.ts', 'redis'],
  ['test/e2e/drain.test.ts', 'program'],
  ['test/ui/screens/dialogs.test.ts', 'redis'],
  ['test/ui/terminal/leaving.test.ts', 'terminal'],
] as const)('%s belongs to the project %s', (file, project) => {
  expect(projectOf(file)).toBe(project);
});

test('no file of the quick projects names a helper that starts the program', () => {
  const { pure, redis } = filesByProject();
  const starting = /helpers\/(runner|end-to-end|terminal)\.ts|'execa'|child_process/;
  const found = [...pure, ...redis].filter((file) => {
    const source = readFileSync(join(root, file), 'utf8');
    return [...source.matchAll(/^import (?!type ).*/gm)].some(([line]) => starting.test(line));
  });
  expect(found).toEqual([]);
});

test('the modules of this checkout that decide are there', () => {
  const paths = modulesOfProjects.filter((name) => dirname(name) !== '.' && !name.startsWith('@'));
  expect(paths.length).toBeGreaterThan(0);
  expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});
