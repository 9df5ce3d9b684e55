/** Documents show files of the repository unchanged. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { allDocuments, type Block, type MarkdownDocument, repository } from './markdown.ts';

interface Shown extends Block {
  /** From the repository's root. */
  readonly path: string;
}

/** Blocks below a name with a folder. A bare name, such as "`cfg.json`:", is a reader's own file. */
function shownIn({ path, blocks }: MarkdownDocument): Shown[] {
  return blocks.flatMap((block) => {
    if (block.file?.includes('/') !== true) return [];
    const places = [join(dirname(path), block.file), block.file];
    const own = places.find((place) => existsSync(join(repository, place)));
    return own === undefined ? [] : [{ ...block, path: own }];
  });
}

function withFiles(document: MarkdownDocument): string {
  const lines = document.source.split('\n');
  // From the end, so that earlier line numbers stay valid.
  for (const { line, text, path } of shownIn(document).toReversed()) {
    const count = text === '' ? 0 : text.split('\n').length;
    lines.splice(line - 1, count, ...contentOf(path).split('\n'));
  }
  return lines.join('\n');
}

function contentOf(path: string): string {
  return readFileSync(join(repository, path), 'utf8').trimEnd();
}

const documents = allDocuments().filter((document) => shownIn(document).length > 0);

test.each(documents.map((document) => ({ path: document.path, document })))(
  '$path shows files unchanged (UPDATE_DOCS=1 writes them)',
  ({ path, document }) => {
    if (process.env.UPDATE_DOCS === '1') writeFileSync(join(repository, path), withFiles(document));
    expect(readFileSync(join(repository, path), 'utf8')).toBe(withFiles(document));
  },
);

test('docs/deploy.md shows every file in deploy/, except those for Prometheus and Grafana', () => {
  const deploy = documents.find(({ path }) => path === 'docs/deploy.md');
  expect(deploy === undefined ? [] : shownIn(deploy).map(({ path }) => path)).toEqual([
    'deploy/resque-runner.service',
    'deploy/strict.conf',
    'deploy/Dockerfile',
    'deploy/kubernetes.yaml',
    'deploy/Procfile',
  ]);
});
