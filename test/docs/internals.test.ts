/** The tree of folders in docs/internals.md is the one in src/. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { allDocuments, repository } from './markdown.ts';

/** The folders in the tree, such as `src/engine/jobs`. The indentation gives their parents. */
function foldersOf(tree: string): string[] {
  const parents: string[] = [];
  return tree.split('\n').flatMap((line) => {
    const [, indent = '', names = ''] = /^( *)((?:[\w-]+\/ *)+)/.exec(line) ?? [];
    const depth = indent.length / 2;
    const paths = (names.match(/[\w-]+/g) ?? []).map((name) => join(...parents.slice(0, depth), name));
    parents[depth] = names.match(/[\w-]+/)?.[0] ?? '';
    return paths;
  });
}

function foldersIn(folder: string): string[] {
  const inside = readdirSync(join(repository, folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(folder, name));
  return [folder, ...inside.flatMap(foldersIn)];
}

test('docs/internals.md shows the folders of src/', () => {
  const blocks = allDocuments().find(({ path }) => path === 'docs/internals.md')?.blocks ?? [];
  const tree = blocks.find(({ text }) => text.startsWith('src/'))?.text ?? '';
  expect(foldersOf(tree).toSorted()).toEqual(foldersIn('src').toSorted());
});
