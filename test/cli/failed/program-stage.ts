/** Runs `resque-runner failed …` as the built program: on a real terminal, in a shell, and with signals. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { shellWords } from '../../helpers/shell-words.ts';
import { type Terminal, useTerminals } from '../../helpers/terminal.ts';
import { useDirectory } from '../directory.ts';
import { program } from '../program.ts';
import type { FailedStage } from './stage.ts';

interface TerminalOptions {
  readonly columns?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** A file for STDOUT, in the test's directory. */
  readonly to?: string;
}

export interface FailedProgram {
  readonly start: (...args: string[]) => ReturnType<typeof spawnProgram>;
  /** Runs a shell command line. In it, `$failed` is the command, and `$where` has the flags for the stage's Redis. */
  readonly shell: (command: string) => Promise<{ readonly stdout: string; readonly stderr: string }>;
  /** On a terminal, which shows the exit code at the end: `came to 0`. */
  readonly open: (args: readonly string[], options?: TerminalOptions) => Terminal;
  /** A file in the test's directory. */
  readonly read: (name: string) => string;
}

function spawnProgram(args: readonly string[], cwd: string) {
  return execa(process.execPath, [program, ...args], {
    ...{ cwd, env: { RR_CONFIG: '' }, stdin: 'ignore', reject: false, timeout: 20_000 },
  });
}

/** Call it once at the top of a test file. */
export function useFailedProgram(stage: FailedStage): FailedProgram {
  const directory = useDirectory();
  const terminals = useTerminals();
  return {
    read: (name) => readFileSync(join(directory.path, name), 'utf8'),
    start: (...args) => spawnProgram(stage.placed(args), directory.path),
    async shell(command) {
      const failed = `RR_CONFIG= ${shellWords([process.execPath, program, 'failed'])}`;
      const where = `where='--redis ${stage.url}'`;
      const text = `${where}; ${command.replaceAll('$failed', failed)}`;
      return await execa('bash', ['-c', text], { cwd: directory.path });
    },
    open(args, { columns = 80, env, to } = {}) {
      const words = shellWords([process.execPath, program, ...stage.placed(args)]);
      const command = to === undefined ? words : `${words} > ${shellWords([to])}`;
      return terminals.open({
        command: ['sh', '-mc', `${command}; echo "came to $?"; read -r _`],
        columns,
        cwd: directory.path,
        env: { RR_CONFIG: '', ...env },
      });
    },
  };
}
