import { mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { skipWhileUnchanged } from '../helpers/unchanged.ts';

skipWhileUnchanged(import.meta.url, 'src', 'scripts', 'bench');

const root = fileURLToPath(new URL('../..', import.meta.url));

let directory: string;
beforeAll(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'bench-')));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe.runIf(process.platform === 'linux')('npm run bench -- ui', () => {
  test('measures each part, and cleans up', { timeout: 180_000 }, async () => {
    const short = ['--rounds=1', '--jobs=20', '--seconds=1', '--lines=40000'];
    const { stdout } = await execa(process.execPath, ['scripts/bench.mjs', 'ui', ...short], {
      cwd: root,
      env: { TMPDIR: directory },
    });

    // Good verdicts need a quiet machine, so the test ignores them.
    const verdicts = stdout.split('\n').filter((line) => /^(yes|NO ) {2}/.test(line));
    expect(verdicts.map((line) => line.slice(5).replace(/: .*/, ''))).toMatchInlineSnapshot(`
      [
        "first frame within 450 ms of the command (median)",
        "with an attached screen",
        "with its own screen",
        "a key is answered within 100 ms while the flood is shown (99 of 100)",
        "other jobs keep at least 0.95 of their speed while the flood is shown (median)",
        "so does the printing job",
        "the screen takes less than 15 % of a core while the picture changes",
        "and less than 1 % while nothing happens",
        "with 1000 queues, a key is answered within 60 ms (99 of 100)",
        "the screen of 1000 queues takes at most 150 MB",
        "and at most 10 % of a core",
        "the screen doesn't grow from the second third of 40,000 lines to the last",
        "the engine doesn't grow from the second third of 40,000 lines to the last",
      ]
    `);
    expect(stdout).not.toMatch(/NaN|Infinity/);
    expect(readdirSync(directory)).toEqual([]);
  });

  test('lists the parts if one is unknown', { timeout: 60_000 }, async () => {
    const { stderr, exitCode } = await execa(process.execPath, ['scripts/bench.mjs', 'ui', '--only=fire'], {
      cwd: root,
      env: { TMPDIR: directory },
      reject: false,
    });

    expect(stderr).toContain('--only=fire: parts are first-frame, drain, flood, frames, queues, memory');
    expect(exitCode).toBe(1);
  });
});
