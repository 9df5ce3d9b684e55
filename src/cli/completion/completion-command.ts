/** `resque-runner completion SHELL`: prints what makes a shell complete all commands and flags. */
import { visibleWithin } from '../../messages/visible.ts';
import type { RunCommand } from '../command-line/command-spec.ts';
import { exitCodes, UsageError } from '../command-line/exit-codes.ts';
import { nearestWord } from '../command-line/nearest-word.ts';
import { print } from '../terminal/output.ts';
import { bashCompletion } from './bash.ts';
import { type CommandLine, completed } from './completed.ts';
import { fishCompletion } from './fish.ts';
import { zshCompletion } from './zsh.ts';

const completions = new Map([
  ['bash', bashCompletion],
  ['zsh', zshCompletion],
  ['fish', fishCompletion],
]);

/** More than this is no word that anyone mistyped. */
const longestWord = 30;

export function completionOf(commandLine: CommandLine): RunCommand {
  return async ({ invocation }) => {
    const [shell = ''] = invocation.input;
    const completion = completions.get(shell);
    if (completion === undefined) throw new UsageError(unknownShell(shell));
    await print(completion(completed(commandLine)));
    return exitCodes.clean;
  };
}

function unknownShell(shell: string): string {
  const shells = [...completions.keys()];
  // csh and tcsh look like slips of "zsh", but they are shells of their own.
  const nearest = shell.endsWith('csh') ? null : nearestWord(shell.slice(0, longestWord), shells);
  const hint =
    nearest === null
      ? `the shell must be ${shells.slice(0, -1).join(', ')} or ${shells.at(-1)}`
      : `did you mean "${nearest}"?`;
  return `there is no completion for "${visibleWithin(shell, 60)}"; ${hint}`;
}
