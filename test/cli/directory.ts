/** A directory for each test of a file. */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';

export function useDirectory(): { readonly path: string } {
  const directory = { path: '' };
  beforeEach(() => {
    directory.path = realpathSync(mkdtempSync(join(tmpdir(), 'rr-cli-')));
  });
  afterEach(() => {
    rmSync(directory.path, { recursive: true, force: true });
  });
  return directory;
}
