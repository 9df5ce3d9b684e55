/** The built program as a real process, run to its end in a directory of the test's own. */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterEach, beforeEach } from 'vitest';

export const program = fileURLToPath(new URL('../../dist/resque-runner.js', import.meta.url));

export interface Outcome {
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProgramOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

export async function runProgram(args: readonly string[], { cwd, env }: ProgramOptions): Promise<Outcome> {
  const { exitCode, stdout, stderr } = await execa(process.execPath, [program, ...args], {
    cwd,
    env: { RR_CONFIG: '', REDIS_URL: '', ...env },
    stdin: 'ignore',
    reject: false,
    timeout: 20_000,
  });
  return { code: exitCode, stdout, stderr };
}

/** A directory for each test of a file. */
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
