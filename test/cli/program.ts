/**
 * The built program as a real process, run to its end. A start costs 0.3 s: tests that only need a command's answer call
 * `runCommand` instead.
 */
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import type { Outcome } from './run-command.ts';

export const program = fileURLToPath(new URL('../../dist/resque-runner.js', import.meta.url));

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
