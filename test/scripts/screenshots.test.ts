import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { skipWhileUnchanged } from '../helpers/unchanged.ts';

skipWhileUnchanged(import.meta.url, 'src', 'scripts');

const script = fileURLToPath(new URL('../../scripts/screenshots/make.mjs', import.meta.url));

/** A text that only this screen contains. */
const pictures = {
  queues: 'Recent failures',
  queue: '>waiting<',
  groups: '>COUNT<',
  failures: 'filter: queue:low exit:2',
  job: '/bits',
  help: 'Help · Queues',
};

let directory: string;
beforeAll(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'pictures-')));
  mkdirSync(join(directory, 'tmp'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('the pictures of the documents', () => {
  test('show the running program, which cleans up', { timeout: 120_000 }, async () => {
    await execa(process.execPath, [script, '--quick', join(directory, 'made')], {
      env: { TMPDIR: join(directory, 'tmp') },
    });

    for (const [name, text] of Object.entries(pictures)) {
      const svg = readFileSync(join(directory, 'made', `${name}.svg`), 'utf8');
      expect(svg).toContain(text);
      expect(svg.length).toBeLessThan(100_000);
    }
    const recording = readFileSync(join(directory, 'made', 'recording.svg'), 'utf8');
    expect(recording).toContain('@keyframes');
    expect(recording).toContain('retry a whole group');
    expect(recording.length).toBeLessThan(500_000);
    expect(readdirSync(join(directory, 'made')).sort()).toEqual(
      [...Object.keys(pictures), 'recording'].map((name) => `${name}.svg`).sort(),
    );
    expect(readdirSync(join(directory, 'tmp'))).toEqual([]);
  });
});
