import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, normalize } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { allDocuments } from '../docs/markdown.ts';
import { repository } from './small-checkout.ts';

const packageJson = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8'));

let directory: string;
let packed: { readonly filename: string; readonly files: readonly { readonly path: string }[] };

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'resque runner package '));
  const { stdout } = await execa('npm', ['pack', '--json', '--pack-destination', directory], {
    cwd: repository,
  });
  packed = firstOf(JSON.parse(stdout));
}, 120_000);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** npm lists the created packages as an array, or by name since npm 12. */
function firstOf(list: object): typeof packed {
  return Object.values(list)[0];
}

describe('the package', () => {
  test('contains the program and its documents, but no sources', () => {
    const paths = packed.files.map(({ path }) => path);
    const strangers = paths.filter(
      (path) =>
        !/^(dist\/[^/]+\.js|(examples|docs|deploy)\/.+|package\.json|cfg\.[^/]+|[A-Z]+(\.md)?)$/.test(path),
    );

    expect(paths).toEqual(
      expect.arrayContaining([
        ...['dist/resque-runner.js', 'package.json', 'LICENSE', 'CHANGELOG.md'],
        ...['docs/deploy.md', 'deploy/resque-runner.service', 'deploy/Dockerfile'],
      ]),
    );
    expect(strangers).toEqual([]);
  });

  test('contains every file that its documents link to', () => {
    const paths = new Set(packed.files.map(({ path }) => path));
    const missing = allDocuments()
      .filter(({ path }) => paths.has(path))
      .flatMap(({ path, links }) =>
        links
          .map(({ target }) => normalize(join(dirname(path), target.replace(/#.*/, ''))))
          .filter((target, at) => !/^(https?:|#)/.test(links[at]?.target ?? '') && !paths.has(target)),
      );
    expect(missing).toEqual([]);
  });

  test('installs a command that knows its version', { timeout: 120_000 }, async () => {
    const prefix = join(directory, 'prefix');
    const archive = join(directory, packed.filename);
    const options = ['--prefix', prefix, '--prefer-offline', '--no-audit', '--no-fund'];

    await execa('npm', ['install', '--global', ...options, archive], { cwd: directory });
    const { stdout } = await execa(join(prefix, 'bin', 'resque-runner'), ['--version'], { cwd: directory });

    expect(stdout).toBe(packageJson.version);
  });
});
