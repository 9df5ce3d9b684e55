/** The programs of fixtures/, bundled as the build does it, so that a terminal can run them. */
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll } from 'vitest';
import { programBuildOptions } from '../../../scripts/build.mjs';

const fixtures = fileURLToPath(new URL('fixtures/', import.meta.url));

export interface Programs {
  /** The command that runs a program. */
  command(name: string, ...args: string[]): [string, ...string[]];
  /** The same for a shell's command line. */
  shellCommand(name: string, ...args: string[]): string;
  /** For what programs write that can't write to their terminal any more. */
  readonly directory: string;
}

/** Call it once at the top of a test file. @param names of files in fixtures/ */
export function usePrograms(...names: string[]): Programs {
  let directory = '';
  beforeAll(async () => {
    directory = realpathSync(mkdtempSync(join(tmpdir(), 'rr-ui-')));
    writeFileSync(join(directory, 'package.json'), '{"type":"module"}');
    await build({
      ...programBuildOptions(),
      entryPoints: names.map((name) => join(fixtures, name)),
      outdir: directory,
    });
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const path = (name: string) => join(directory, name.replace(/\.tsx?$/, '.js'));
  return {
    command: (name, ...args) => [process.execPath, path(name), ...args],
    shellCommand: (name, ...args) =>
      [process.execPath, path(name), ...args].map((word) => `'${word}'`).join(' '),
    get directory() {
      return directory;
    },
  };
}
