/** `resque-runner completion SHELL`: prints the script that makes a shell complete all commands and flags. */

import { nearestWord } from '../../messages/nearest-word.ts';
import { visibleWithin } from '../../messages/visible.ts';
import type { RunCommand } from '../command-line/command-spec.ts';
import { exitCodes, UsageError } from '../command-line/exit-codes.ts';
import { print } from '../terminal/output.ts';
import { scripts } from './scripts.ts';

/** A longer word is not a mistyped name of a shell. */
const longestWord = 30;

export const run: RunCommand = async ({ invocation, io }) => {
  const [shell = ''] = invocation.input;
  const script = scripts.get(shell);
  if (script === undefined) throw new UsageError(unknownShell(shell));
  await print(io, script);
  return exitCodes.clean;
};

function unknownShell(shell: string): string {
  const shells = [...scripts.keys()];
  // csh and tcsh look like typos of "zsh", but they are different shells.
  const nearest = shell.endsWith('csh') ? null : nearestWord(shell.slice(0, longestWord), shells);
  const hint =
    nearest === null
      ? `the shell must be ${shells.slice(0, -1).join(', ')} or ${shells.at(-1)}`
      : `did you mean "${nearest}"?`;
  return `there is no completion for "${visibleWithin(shell, 60)}"; ${hint}`;
}
