/** The program at an earlier commit, built from the history of this repository and kept for later runs. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const cache = join(repository, 'node_modules', '.cache', 'resque-runner');

/** Shallow clones and unpacked archives have no history. */
export function hasCommit(commit: string): boolean {
  return spawnSync('git', ['cat-file', '-e', `${commit}^{commit}`], { cwd: repository }).status === 0;
}

/** @returns the path of the program */
export async function buildOldVersion(commit: string): Promise<string> {
  const lockFile = join(repository, 'package-lock.json');
  const packages = createHash('sha256').update(readFileSync(lockFile)).digest('hex');
  const stamp = `${packages} ${process.platform}-${process.arch} ${process.version}`;
  const kept = join(cache, `version-${commit}-${packages.slice(0, 12)}-${process.version}`);
  const program = join(kept, 'dist', 'resque-runner.js');
  if (existsSync(program)) return program;

  mkdirSync(cache, { recursive: true });
  const directory = mkdtempSync(join(cache, 'building-'));
  const command = `git archive ${commit} | tar -x -C '${directory}'`;
  await execa('sh', ['-c', command], { cwd: repository });
  // Node finds packages in the folders above. The stamp keeps the build from installing its own, and it must not be a
  // link to our `node_modules`, which an install would empty.
  mkdirSync(join(directory, 'node_modules'));
  writeFileSync(join(directory, 'node_modules', '.resque-runner-stamp'), stamp);
  copyFileSync(lockFile, join(directory, 'package-lock.json'));
  await execa(process.execPath, ['scripts/build.mjs'], { cwd: directory });
  try {
    renameSync(directory, kept);
  } catch (error) {
    // Another run has just built it.
    rmSync(directory, { recursive: true, force: true });
    if (!existsSync(program)) throw error;
  }
  return program;
}
