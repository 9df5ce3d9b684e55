/** The program as it was at an earlier commit, built from the history of this repository. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';

const repository = fileURLToPath(new URL('../..', import.meta.url));

export interface OldVersion {
  readonly program: string;
  readonly remove: () => void;
}

/** A shallow clone and an unpacked archive have no history. */
export function hasCommit(commit: string): boolean {
  return spawnSync('git', ['cat-file', '-e', `${commit}^{commit}`], { cwd: repository }).status === 0;
}

export async function buildOldVersion(commit: string): Promise<OldVersion> {
  const directory = mkdtempSync(join(tmpdir(), 'rr-old-'));
  const command = `git archive ${commit} | tar -x -C '${directory}'`;
  await execa('sh', ['-c', command], { cwd: repository });
  symlinkSync(join(repository, 'node_modules'), join(directory, 'node_modules'));
  // What is installed is what this one names: the build must install nothing.
  copyFileSync(join(repository, 'package-lock.json'), join(directory, 'package-lock.json'));
  await execa(process.execPath, ['scripts/build.mjs'], { cwd: directory });
  return {
    program: join(directory, 'dist', 'resque-runner.js'),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}
