/** The shells that can be completed in, and the scripts that the program has for them. */
import { execFileSync, spawnSync } from 'node:child_process';
import { program } from '../program.ts';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/** Not every machine has all of them. */
export function hasShell(shell: Shell): boolean {
  return spawnSync(shell, ['-c', 'exit 0']).status === 0;
}

export function completionScript(shell: Shell): string {
  return execFileSync(process.execPath, [program, 'completion', shell], { encoding: 'utf8' });
}
